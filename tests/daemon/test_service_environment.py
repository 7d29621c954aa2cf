"""The environment that a daemon runs in: made for real, of a small wheel, without a network."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from rig.daemon.service.environment import EarlierEnvironments, Environment, fits_tree
from rig.daemon.service.layout import CURRENT, OPT, Layout
from rig.daemon.service.source import source_at, source_files, source_in_use
from rig.errors import BadInput, ServiceError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="services are for systemd")

PYTHON = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"


def _wheel(folder: Path, version: str) -> Path:
    """A package of one module, with the command `rig`."""
    path = folder / f"brickrig-{version}-py3-none-any.whl"
    info = f"brickrig-{version}.dist-info"
    files = {
        "brickrig_small.py": f"def main(): print('{version}')\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: brickrig\n"
        f"Version: {version}\nProvides-Extra: daemon\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[console_scripts]\nrig = brickrig_small:main\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")


def _environment(root: Path, wheel: Path) -> Environment:
    return Environment(Layout(root), source_at(wheel), PYTHON, sees_system=False)


def _program(root: Path) -> str:
    """What the program of the environment in use says, started by that environment's interpreter."""
    current = root / CURRENT.lstrip("/")
    done = subprocess.run(
        [current / "bin" / "python", current / "bin" / "rig"], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


# As the process that installs, until the command runs that is named; then it is killed.
_KILLED = """
import os, signal, sys
from pathlib import Path
from rig.daemon.service.environment import Environment
from rig.daemon.service.layout import Layout
from rig.daemon.service.source import source_at

def strike(event, arguments):
    if event == "subprocess.Popen" and sys.argv[4] in arguments[1]:
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(strike)
root, wheel, python = map(Path, sys.argv[1:4])
Environment(Layout(root), source_at(wheel), python, sees_system=False).do()
"""


def test_an_environment_is_taken_up_when_it_is_whole_and_the_one_before_goes(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    root.mkdir()
    first = _environment(root, _wheel(tmp_path, "1.0"))
    assert not first.is_done()
    old_umask = os.umask(0o077)
    try:
        first.do()
    finally:
        os.umask(old_umask)
    assert first.is_done()
    assert _program(root) == "1.0"
    current = root / CURRENT.lstrip("/")
    # In the finished system it lies below /, and others than root may read it.
    shebang = (current / "bin" / "rig").read_text().splitlines()[0]
    assert shebang == f"#!{OPT}/{current.readlink()}/bin/python"
    for path in (current.parent, current, current / "bin" / "rig", current / "made-of.json"):
        assert path.stat().st_mode & 0o005, path
    assert not any(str(tmp_path) in path.read_text() for path in (current / "bin").glob("activate*"))

    wheel = _wheel(tmp_path, "2.0")
    killed = subprocess.run([sys.executable, "-c", _KILLED, root, wheel, PYTHON, "pip"], check=False)
    assert killed.returncode < 0
    assert _program(root) == "1.0"
    assert len(list((root / OPT.lstrip("/")).iterdir())) == 3
    second = _environment(root, wheel)
    assert not second.is_done()
    second.do()
    assert _program(root) == "2.0"
    earlier = EarlierEnvironments(Layout(root))
    assert not earlier.is_done()
    earlier.do()
    assert earlier.is_done()
    assert {path.name for path in current.parent.iterdir()} == {"current", str(current.readlink())}
    assert _program(root) == "2.0"


def test_what_cannot_be_installed_leaves_nothing_and_says_why(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    root.mkdir()
    wheel = _wheel(tmp_path, "1.0")
    environment = _environment(root, wheel)
    wheel.unlink()
    with pytest.raises(ServiceError, match="python failed: ERROR") as caught:
        environment.do()
    assert any(note.startswith("the command was: ") for note in caught.value.__notes__)
    assert list((root / OPT.lstrip("/")).iterdir()) == []
    assert not environment.is_done()


def test_the_version_that_runs_is_that_of_this_folder(tmp_path: Path) -> None:
    source = source_in_use()
    assert source is not None
    assert source.is_folder
    assert Path(source.requirement) == Path(__file__).parents[2]
    assert "train" in source.extras
    names = {str(path.relative_to(source.requirement)) for path in source_files(Path(source.requirement))}
    assert {"pyproject.toml", "README.md", "rig/__init__.py", "rig/py.typed", "training/__init__.py"} <= names
    assert not any(name.startswith("tests") or "__pycache__" in name for name in names)


def test_a_changed_file_is_another_version_and_a_cache_is_not(tmp_path: Path) -> None:
    package = tmp_path / "rig"
    package.mkdir()
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "brickrig"\n')
    (package / "a.py").write_text("1")
    before = source_at(tmp_path)
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "a.pyc").write_text("compiled")
    (tmp_path / "notes.txt").write_text("mine")
    assert source_at(tmp_path) == before
    (package / "a.py").write_text("2")
    assert source_at(tmp_path) != before
    with pytest.raises(BadInput, match="is not there"):
        source_at(tmp_path / "elsewhere")


def test_a_wheel_says_which_further_packages_it_offers(tmp_path: Path) -> None:
    assert source_at(_wheel(tmp_path, "1.0")).extras == {"daemon"}


def test_a_tree_for_another_processor_gets_no_environment(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    assert not fits_tree(layout, PYTHON)
    theirs = layout.at(str(PYTHON))
    theirs.parent.mkdir(parents=True)
    header = bytearray(PYTHON.read_bytes()[:64])
    theirs.write_bytes(header)
    assert fits_tree(layout, PYTHON)
    header[18] ^= 0xFF
    theirs.write_bytes(header)
    assert not fits_tree(layout, PYTHON)
