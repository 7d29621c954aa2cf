"""Weights that a network begins with: found, and put into its base."""

import os
import socket
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import h5py

from rig.errors import BadInput
from training.backend import file_utils, keras
from training.networks.applications import Application

_PATIENCE_S = 15.0
_NOT_FETCHED = "URL fetch failure"


def imagenet_file(application: Application, size_px: int) -> Path:
    """The file of ImageNet's weights for a network without its top; Keras downloads it where it is absent.

    Raises:
        BadInput: the file is neither there nor to be had.
    """
    wanted = _wanted(application, size_px)
    home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    try:
        with _patience():
            found = keras.utils.get_file(
                wanted.name, wanted.url, cache_subdir="models", cache_dir=home, file_hash=wanted.digest
            )
    except Exception as error:
        # Keras says that it cannot be reached by an Exception of no kind, and that it is another file by a
        # ValueError.
        if not isinstance(error, (OSError, ValueError)) and not str(error).startswith(_NOT_FETCHED):
            raise
        reason = str(error).rpartition(" -- ")[2]
        raise BadInput(
            f"the ImageNet weights of {application.name} cannot be downloaded: {reason}",
            hint=f"get {wanted.url} elsewhere and put it at {home / 'models' / wanted.name},"
            " or say --weights FILE",
        ) from error
    return Path(found)


def load_weights(base: Any, path: Path, network: str) -> None:
    """Fill the base of a network (keras.Model) with the weights in a file.

    It may be what `rig train` keeps in checkpoints/, a file of keras.applications without top, or whatever
    else Keras saved of the same layers.

    Raises:
        BadInput: it is damaged, or holds the weights of another network.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # as NumPy sees it, h5py reads carelessly
            warnings.simplefilter("error", UserWarning)  # of layers that would be left as they are
            base.load_weights(path)
    except (ValueError, OSError, KeyError, RuntimeError, UserWarning, BadZipFile, zlib.error) as error:
        _require_whole(path)
        reason = "it lacks layers" if isinstance(error, UserWarning) else _first_sentence(error)
        raise BadInput(
            f"{path} cannot be loaded into {network}: {reason}",
            hint="give the --network, --size and --contrast whose weights these are",
        ) from error


class _Wanted(Exception):
    """A file that Keras would fetch."""

    def __init__(self, name: str, url: str, *, file_hash: str | None = None, **_: object) -> None:
        self.name = name
        self.url = url
        self.digest = file_hash


def _wanted(application: Application, size_px: int) -> _Wanted:
    """The file that belongs to a network: Keras tells its name and address to nobody but its `get_file`."""

    def ask(*arguments: Any, **options: Any) -> None:
        raise _Wanted(*arguments, **options)

    get_file, file_utils.get_file = file_utils.get_file, ask
    try:
        application.construct_with(size_px=size_px, weights="imagenet")
    except _Wanted as wanted:
        return wanted
    finally:
        file_utils.get_file = get_file
    raise BadInput(f"Keras has no ImageNet weights of {application.name}", hint="choose another --network")


@contextmanager
def _patience() -> Iterator[None]:
    """Give up on a server that does not answer: Keras would wait for as long as TCP does."""
    before_s = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_PATIENCE_S)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before_s)


def _require_whole(path: Path) -> None:
    """Read a file of weights from end to end: Keras does not tell a damaged one from another network's.

    Raises:
        BadInput: it is damaged.
    """
    try:
        if path.suffix == ".keras":
            with ZipFile(path) as archive:
                for name in archive.namelist():  # `testzip` raises some damages and merely returns others
                    archive.read(name)
        else:
            with h5py.File(path) as file:
                file.visititems(_read)
    except (OSError, KeyError, RuntimeError, BadZipFile, zlib.error) as error:
        raise BadInput(
            f"{path} is damaged: {_first_sentence(error)}", hint="get it again, or give other --weights"
        ) from error


def _read(_: str, item: Any) -> None:
    if isinstance(item, h5py.Dataset):
        item[()]


def _first_sentence(error: Exception) -> str:
    return str(error).splitlines()[0].partition(". ")[0].rstrip(".")
