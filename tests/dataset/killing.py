"""Runs a change of a dataset in processes of its own and kills each a step later than the one before.

A step is any call that opens, moves, makes or removes something in the file system, as Python's audit events
tell them; the process is killed (SIGKILL) just before the call.

Run as: python -m tests.dataset.killing FOLDER
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path

from rig.catalog import PartNumber
from rig.dataset.journal import Draft, change, finish_interrupted, undo
from rig.dataset.relabel import merge, rename
from rig.files import append_json_line
from tests.dataset.pictures import contents, session, write_dataset

_STEPS = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate"}
_APPENDED = '{"file_name": "3010/new.jpg", "label": "3010"}'


def _drop_some(draft: Draft) -> None:
    gone = {f"3001/s1_{place:03d}.jpg" for place in (0, 2)}
    for name in sorted(gone):
        draft.move(name, None)
    draft.edit_rows(lambda row: None if row["file_name"] in gone else row)


CHANGES: dict[str, Callable[[Path], object]] = {
    "rename": lambda folder: rename(folder, "3001", PartNumber("3009"), lambda progress: None),
    "merge": lambda folder: merge(folder, "3001", PartNumber("3002"), lambda progress: None),
    "remove": lambda folder: change(folder, "removal", _drop_some, lambda progress: None),
    "undo": lambda folder: undo(folder, lambda progress: None),
}


def killed_at(step: int, work: Callable[[], object]) -> bool:
    """Do the work in another process and kill it before its `step`-th step; whether it was killed."""
    process = os.fork()
    if process == 0:
        left = step

        def on_event(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal left
            if event in _STEPS:
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(on_event)
        work()
        os._exit(0)
    _, status = os.waitpid(process, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, f"step {step} failed"
    return os.WIFSIGNALED(status)


def kill_everywhere(scratch: Path, name: str) -> int:
    """Kill a change at every step; after each, the dataset is as before or as after. Returns the kills."""
    before = _dataset(scratch / "before" / "captures", prepared=name == "undo")
    after = scratch / "after" / "captures"
    shutil.copytree(before.parent, after.parent)
    CHANGES[name](after)
    whole = (contents(before), contents(after))
    assert whole[0] != whole[1]
    for step in count():
        folder = scratch / "victim" / "captures"
        shutil.copytree(before.parent, folder.parent)
        was_killed = killed_at(step, partial(CHANGES[name], folder))
        append_json_line(folder / "metadata.jsonl", _APPENDED)
        # Whoever completes it is killed too, at one step or another.
        killed_at(7 * step % 25, partial(finish_interrupted, folder))
        finish_interrupted(folder)
        found = contents(folder)
        manifest = found.pop("metadata.jsonl").decode()
        assert manifest.endswith(_APPENDED + "\n"), f"step {step}: the row of a capture was lost"
        found["metadata.jsonl"] = manifest.removesuffix(_APPENDED + "\n").encode()
        assert found in whole, f"step {step}: neither before nor after"
        if name != "undo" and found == whole[1]:
            undo(folder, lambda progress: None)
            manifest = (folder / "metadata.jsonl").read_text()
            (folder / "metadata.jsonl").write_text(manifest.removesuffix(_APPENDED + "\n"))
            assert contents(folder) == whole[0], f"step {step}: undo did not bring it back"
        shutil.rmtree(folder.parent)
        if not was_killed:
            return step
    raise AssertionError("never gets here")


def _dataset(folder: Path, *, prepared: bool) -> Path:
    write_dataset(
        folder,
        session("3001", "s1", 3)
        | {"3001/3001_a.jpg": {"label": "3001"}, "3001/same.jpg": {"label": "3001"}}
        | {"3002/same.jpg": {"label": "3002"}, "3002/b.jpg": {"label": "3002"}},
    )
    if prepared:
        CHANGES["merge"](folder)
    return folder


if __name__ == "__main__":
    for change_name in CHANGES:
        kills = kill_everywhere(Path(sys.argv[1]) / change_name, change_name)
        print(f"{change_name} {kills}")
