"""Installs into a tree, is killed at every moment that matters, and looks whether the next run completes it.

A moment is a line of Python in a function that changes something, which a process is about to execute; it is
killed (SIGKILL) just before. All processes are forked from this one.

Run as: python -m tests.daemon.killing FOLDER, which prints how many moments there were.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import rig.daemon.service
from rig.daemon.service.install import Wishes, install_plan
from rig.daemon.service.layout import Layout
from rig.daemon.service.steps import Plan
from rig.daemon.service.uninstall import uninstall_plan

_ROOM = str(Path(rig.daemon.service.__file__).parent)
_CHANGING = ("do", "undo", "put_file", "put_link", "make_folder")

Trace = Callable[[FrameType, str, Any], Any]


def install(root: Path) -> None:
    """As `rig service install --root` does, without an environment."""
    config = root.parent / "rig.toml"
    _carry_out(install_plan(Layout(root), Wishes(None, config, None)))


def uninstall(root: Path, *, purge: bool = True) -> None:
    """As `rig service uninstall --purge --root` does."""
    _carry_out(uninstall_plan(Layout(root), purge=purge))


def _carry_out(plan: Plan) -> None:
    for move in plan.moves:
        if move.is_needed():
            move.carry_out()


def contents(root: Path) -> dict[str, tuple[int, str]]:
    """Every file and link of a tree, with its mode."""
    found = {}
    for path in sorted(root.rglob("*")):
        if path.is_symlink():
            found[str(path.relative_to(root))] = (0, str(path.readlink()))
        elif path.is_file():
            found[str(path.relative_to(root))] = (path.stat().st_mode, path.read_text())
    return found


def _killed_at(moment: int, do: Callable[[Path], None], root: Path) -> bool:
    """Do something in another process, which is killed just before its `moment`-th line; whether it was."""
    child = os.fork()
    if child == 0:
        left = moment

        def line(frame: FrameType, event: str, argument: Any) -> Trace:
            nonlocal left
            if event == "line":
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                left -= 1
            return line

        def enter(frame: FrameType, event: str, argument: Any) -> Trace | None:
            code = frame.f_code
            return line if code.co_filename.startswith(_ROOM) and code.co_name in _CHANGING else None

        sys.settrace(enter)
        do(root)
        sys.settrace(None)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def main() -> None:
    """Kill it everywhere."""
    folder = Path(sys.argv[1])
    (folder / "rig.toml").write_text("[sim]\nenabled = true\n")
    whole = folder / "whole"
    whole.mkdir()
    install(whole)
    expected = contents(whole)
    root = folder / "tree"
    moments = 0
    while True:
        root.mkdir()
        killed = _killed_at(moments, install, root)
        half = folder / "half"
        shutil.copytree(root, half, symlinks=True)
        uninstall(half, purge=False)
        assert set(contents(half)) <= {"var/lib/brickrig/rig.toml"}, (moments, contents(half))
        uninstall(half)
        assert contents(half) == {}, (moments, contents(half))
        shutil.rmtree(half)
        install(root)
        assert contents(root) == expected, (moments, contents(root))
        if killed:
            # The other way as well, cut short at as many moments as there are.
            _killed_at(moments, uninstall, root)
            uninstall(root)
            assert contents(root) == {}, (moments, contents(root))
        shutil.rmtree(root)
        if not killed:
            break
        moments += 1
    print(moments)


if __name__ == "__main__":
    main()
