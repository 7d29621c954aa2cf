"""What a run keeps on disk until its bundle stands, so that it can go on after a kill.

models/.unfinished-<name>/
  begun.json     what was asked for, of which pictures, with which packages
  0.state ...    where the fitting of each network stands
  logs/          TensorBoard's, as far as they go
  lock           locked by the process that trains
"""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from rig.errors import BadInput, ModelError, NotLearning
from rig.files import storage_errors, try_lock, write_whole
from training.choices.request import TrainRequest
from training.pictures.data import Crops

_PREFIX = ".unfinished-"
_BEGUN_FILE = "begun.json"
_LOCK_FILE = "lock"


@dataclass(frozen=True)
class _Begun:
    """What must be the same for a run to go on.

    Attributes:
        pictures: how many.
        digest: see `digest_of_pictures`.
    """

    request: TrainRequest
    pictures: int
    digest: str
    versions: dict[str, str]


_BEGUN = TypeAdapter(_Begun)


def package_versions() -> dict[str, str]:
    """Of the packages that decide what a network learns."""
    return {name: version(name) for name in ("brickrig", "keras", "numpy", "tensorflow")}


def folder_of(model: Path) -> Path:
    """Where the run for this bundle keeps what it needs to go on."""
    return model.with_name(f"{_PREFIX}{model.name}")


def is_unfinished(model: Path) -> bool:
    """Whether a run for this bundle was begun and can go on: nobody is at it."""
    return (folder_of(model) / _BEGUN_FILE).exists() and not _is_taken(model)


def require_nobody_trains(model: Path) -> None:
    """See at once what `kept_until_finished` would find out.

    Raises:
        BadInput: another process trains this model.
    """
    if _is_taken(model):
        raise _taken(model)


def unfinished_models(models: Path) -> list[Path]:
    """The bundles below `models` whose runs can go on, the one begun last at the end."""
    begun = sorted(models.glob(f"{_PREFIX}*/{_BEGUN_FILE}"), key=lambda path: path.stat().st_mtime_ns)
    named = (models / path.parent.name.removeprefix(_PREFIX) for path in begun)
    return [model for model in named if is_unfinished(model)]


def begun_request(model: Path) -> TrainRequest:
    """What the unfinished run for this bundle was asked for.

    Raises:
        BadInput: there is none, or the renders that train with it are gone.
        ModelError: its record is damaged, or cannot be read.
    """
    request = replace(_read(model).request, model=model)
    gone = [sample.path for sample in request.added if not sample.path.exists()]
    if gone:
        raise BadInput(
            f"the run of {model} was begun with renders that are gone, such as {gone[0]}",
            hint=f"delete {folder_of(model)} and train anew, without --resume",
        )
    return request


@contextmanager
def kept_until_finished(request: TrainRequest, crops: Crops, *, resume: bool) -> Iterator[Path]:
    """The folder of a run: deleted when the block ends well or in NotLearning, else kept to go on from.

    Args:
        resume: go on with the run that is there; else whatever a dead process left there is deleted.

    Raises:
        BadInput: another process trains this model; or there is no run to go on with, or it was begun with
            other pictures or packages.
        ModelError: its record is damaged.
        StorageError: the disk is full or read-only.
    """
    folder = folder_of(request.model)
    begun = _Begun(request, len(crops), digest_of_pictures(crops), package_versions())
    if resume:
        _require_same(_read(request.model), begun)
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / _LOCK_FILE).open("a")
    with lock:
        if not try_lock(lock):
            raise _taken(request.model)
        if not resume:
            _clear(folder)
            write_whole(folder / _BEGUN_FILE, _BEGUN.dump_json(begun, indent=1))
        try:
            yield folder
        except NotLearning:
            shutil.rmtree(folder)
            raise
    shutil.rmtree(folder)


def _is_taken(model: Path) -> bool:
    """Whether a process is at its run."""
    try:
        with (folder_of(model) / _LOCK_FILE).open() as lock:
            return not try_lock(lock)
    except FileNotFoundError:
        return False


def _taken(model: Path) -> BadInput:
    return BadInput(
        f"{model} is being trained by another process", hint="wait until it is done, or give another --name"
    )


def _read(model: Path) -> _Begun:
    path = folder_of(model) / _BEGUN_FILE
    try:
        return _BEGUN.validate_json(path.read_bytes())
    except FileNotFoundError:
        raise BadInput(f"there is no unfinished run of {model}", hint="begin one with: rig train") from None
    except (ValidationError, OSError) as error:
        problem = f"cannot be read: {error.strerror}" if isinstance(error, OSError) else "is damaged"
        raise ModelError(
            f"{path} {problem}", hint=f"delete {path.parent} and train anew, without --resume"
        ) from error


def _require_same(then: _Begun, now: _Begun) -> None:
    anew = "train anew, without --resume and by another --name"
    if (then.pictures, then.digest) != (now.pictures, now.digest):
        raise BadInput(
            f"the pictures in {now.request.data} are not those that the run was begun with"
            f" ({then.pictures} then, {now.pictures} now)",
            hint=f"put them back, or {anew}",
        )
    for name, number in then.versions.items():
        if now.versions.get(name) != number:
            raise BadInput(
                f"the run was begun with {name} {number}, and this is {now.versions.get(name)}",
                hint=f"install {name} {number}, or {anew}",
            )
    if replace(then.request, model=now.request.model) != now.request:
        raise BadInput(f"the run of {now.request.model} was begun with another recipe", hint=anew)


def digest_of_pictures(crops: Crops) -> str:
    """SHA-256 over the group and the digest of each picture, in order; in hexadecimal."""
    rows = (f"{group} {digest}" for group, digest in zip(crops.groups.tolist(), crops.digests, strict=True))
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def _clear(folder: Path) -> None:
    """Delete all but the lock."""
    with storage_errors(folder):
        for path in folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != _LOCK_FILE:
                path.unlink()
