"""The Python environment that the daemon runs in: made beside the one in use, taken up when it is whole."""

import json
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rig.daemon.service.layout import CURRENT, OPT, UNSEEN, Layout
from rig.daemon.service.source import Source, source_files
from rig.daemon.service.steps import Step, make_folder, put_file, put_link, run
from rig.errors import BadInput
from rig.files import storage_errors

_MADE_OF = "made-of.json"
# Of Python 3, the newest first.
_MINORS = (13, 12, 11)
_OURS = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{4}")
# Beside Debian's picamera2.
_PI_EXTRA = "pi"


def service_python() -> Path:
    """The interpreter below the environment that runs, or else the system's newest that will do.

    Raises:
        BadInput: the one lies where the service cannot see it, and there is no other.
    """
    own = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    others = [Path(f"/usr/bin/python3.{minor}") for minor in _MINORS]
    for python in (own, *others):
        # Asked in this order: who only reads the plan may not look into root's home either.
        if not any(_is_unseen(path) for path in (python, python.resolve())) and python.is_file():
            return python
    raise BadInput(
        f"{own} is in somebody's home, which the service does not see",
        hint="install the system's own Python 3.11, 3.12 or 3.13",
    )


def _is_unseen(path: Path) -> bool:
    return any(path.is_relative_to(folder) for folder in UNSEEN)


def fits_tree(layout: Layout, python: Path) -> bool:
    """Whether the tree has the same interpreter, for the same processor, in the same place."""
    try:
        return _machine(layout.at(str(python))) == _machine(python)
    except OSError:
        return False


def _machine(program: Path) -> bytes:
    """The beginning of an ELF file: its class, byte order and processor."""
    with program.open("rb") as file:
        return file.read(20)


def has_picamera2(layout: Layout, python: Path) -> bool:
    """Whether Debian's picamera2 is there for that interpreter."""
    if layout.is_tree:
        return layout.at("/usr/lib/python3/dist-packages/picamera2").is_dir()
    ask = "import sys; from importlib.util import find_spec; sys.exit(find_spec('picamera2') is None)"
    return subprocess.run([python, "-I", "-c", ask], check=False, capture_output=True).returncode == 0


@dataclass(frozen=True)
class Environment(Step):
    """An environment in a folder of its own, and a link to the one in use.

    The daemon that runs keeps the one that it was started in; a run that is cut short leaves the link where
    it was.

    Attributes:
        sees_system: with the packages of Debian, of which picamera2 is one.
    """

    layout: Layout
    source: Source
    python: Path
    sees_system: bool

    @property
    def does(self) -> str:
        with_system = " that sees Debian's picamera2" if self.sees_system else ""
        return f"Make a Python environment in {OPT}{with_system}, and install {self.source.words} (minutes)"

    def is_done(self) -> bool:
        try:
            made_of = json.loads((self.layout.at(CURRENT) / _MADE_OF).read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return False
        return bool(made_of == self._made_of)

    def do(self) -> None:
        opt = self.layout.at(OPT)
        make_folder(opt)
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
        folder = opt / name
        site = ["--system-site-packages"] if self.sees_system else []
        try:
            run([str(self.python), "-I", "-m", "venv", *site, str(folder)])
            self._install(folder)
            if self.layout.is_tree:
                _call_by(folder, f"{OPT}/{name}")
            put_file(folder / _MADE_OF, json.dumps(self._made_of).encode(), 0o644)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        put_link(self.layout.at(CURRENT), name)

    def _install(self, folder: Path) -> None:
        pip = [str(folder / "bin" / "python"), "-I", "-m", "pip", "install", "--quiet", "--no-input"]
        pip.append("--disable-pip-version-check")
        if not self.source.is_folder:
            run([*pip, self.source.requirement + self._extras])
            return
        # Built in a copy: nothing of root's comes to lie in somebody's folder.
        with tempfile.TemporaryDirectory() as copy:
            for path in source_files(Path(self.source.requirement)):
                target = Path(copy) / path.relative_to(self.source.requirement)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
            run([*pip, copy + self._extras])

    @property
    def _extras(self) -> str:
        return f"[{_PI_EXTRA}]" if self.sees_system and _PI_EXTRA in self.source.extras else ""

    @property
    def _made_of(self) -> dict[str, str]:
        return {
            "version": self.source.fingerprint,
            "python": str(self.python),
            "extras": self._extras,
            "sees": "system" if self.sees_system else "itself",
        }


@dataclass(frozen=True)
class AllEnvironments(Step):
    """The folder of all environments, which goes as a whole."""

    layout: Layout

    @property
    def undoes(self) -> str:
        return f"Remove {OPT}, where the program is"

    def is_undone(self) -> bool:
        return not self.layout.at(OPT).exists()

    def undo(self) -> None:
        folder = self.layout.at(OPT)
        with storage_errors(folder):
            if folder.exists():
                shutil.rmtree(folder)


@dataclass(frozen=True)
class EarlierEnvironments(Step):
    """Environments that no daemon runs in any more, or that were never finished."""

    follows = True

    layout: Layout

    @property
    def does(self) -> str:
        return f"Remove earlier environments from {OPT}, if there are any"

    def is_done(self) -> bool:
        return not self._earlier()

    def do(self) -> None:
        for folder in self._earlier():
            with storage_errors(folder):
                shutil.rmtree(folder)

    def _earlier(self) -> list[Path]:
        opt = self.layout.at(OPT)
        if not opt.is_dir():
            return []
        current = self.layout.at(CURRENT)
        in_use = current.readlink().name if current.is_symlink() else ""
        return [path for path in opt.iterdir() if _OURS.fullmatch(path.name) and path.name != in_use]


def _call_by(folder: Path, path: str) -> None:
    """Have the scripts of an environment call themselves by where they will lie in the finished system."""
    for script in [*(folder / "bin").iterdir(), folder / "pyvenv.cfg"]:
        if script.is_symlink() or not script.is_file():
            continue
        content = script.read_bytes()
        named = content.replace(str(folder).encode(), path.encode())
        if named != content:
            script.write_bytes(named)
