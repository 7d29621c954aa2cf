"""Where the version of the rig that runs came from, so that the very same one can be installed."""

import hashlib
import json
import tomllib
import zipfile
from dataclasses import dataclass
from email.parser import HeaderParser
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import unquote, urlparse

import rig
from rig.daemon.service.layout import OPT
from rig.errors import BadInput

# What a wheel is made of; the rest of a working folder is its owner's.
_IN_SOURCE = ("pyproject.toml", "README.md", "rig", "training")


@dataclass(frozen=True)
class Source:
    """What pip installs.

    Attributes:
        words: where it comes from, for people.
        requirement: a name and a version, or the path of a wheel or of the project's folder.
        is_folder: the latter; then a copy is installed.
        extras: which sets of further packages it offers.
        fingerprint: what tells this version from others.
    """

    words: str
    requirement: str
    is_folder: bool
    extras: frozenset[str]
    fingerprint: str


def source_in_use() -> Source | None:
    """Where the version that runs came from; None where it is that of the service itself.

    Raises:
        BadInput: it cannot be installed once more.
    """
    package = Path(rig.__file__).resolve().parent
    if package.is_relative_to(OPT):
        return None
    if (package.parent / "pyproject.toml").is_file():
        return source_at(package.parent)
    try:
        installed = distribution("brickrig")
    except PackageNotFoundError as error:
        raise BadInput(f"nobody knows how {package} was installed", hint="install it with pip") from error
    origin = json.loads(installed.read_text("direct_url.json") or "null")
    if origin is not None:
        return source_at(Path(unquote(urlparse(origin["url"]).path)))
    extras = frozenset(installed.metadata.get_all("Provides-Extra") or ())
    version = installed.version
    return Source(f"brickrig {version}", f"brickrig=={version}", False, extras, version)


def source_at(path: Path) -> Source:
    """The project's folder, or a wheel of it.

    Raises:
        BadInput: there is neither.
    """
    if (path / "pyproject.toml").is_file():
        project = tomllib.loads((path / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        extras = frozenset(project.get("optional-dependencies", ()))
        return Source(f"what is in {path}", str(path), True, extras, _fingerprint(path))
    if path.suffix == ".whl" and path.is_file():
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        return Source(str(path), str(path), False, _extras_of(path), digest)
    raise BadInput(
        f"this version was installed from {path}, which is not there",
        hint="install it from the project's folder or from a package index, and run that one",
    )


def source_files(folder: Path) -> list[Path]:
    """The files of the project's folder that a wheel is made of."""
    tops = [folder / name for name in _IN_SOURCE]
    below = (path for top in tops if top.is_dir() for path in top.rglob("*"))
    found = [*tops, *below]
    return sorted(path for path in found if path.is_file() and "__pycache__" not in path.parts)


def _fingerprint(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in source_files(folder):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder)}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _extras_of(wheel: Path) -> frozenset[str]:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = HeaderParser().parsestr(archive.read(name).decode())
    return frozenset(metadata.get_all("Provides-Extra") or ())
