"""What a network begins with instead of random numbers."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from rig.errors import BadInput

_IMAGENET = "imagenet"
_SUFFIXES = (".h5", ".hdf5", ".keras")


@dataclass(frozen=True)
class Weights:
    """Weights that are asked for; a network's head always begins anew.

    Attributes:
        source: "imagenet", or the absolute path of a file.
        sha256: of the file; empty for ImageNet's, which Keras itself checks.
    """

    source: str
    sha256: str = ""

    @classmethod
    def named(cls, text: str) -> "Weights":
        """The weights that a user names.

        Raises:
            BadInput: there is no such file, or it is of no kind that holds weights.
        """
        if text == _IMAGENET:
            return cls(text)
        path = Path(text).absolute()
        if path.suffix not in _SUFFIXES:
            raise BadInput(
                f"{text} is no file of Keras weights",
                hint=f"give {_IMAGENET}, or a file that ends in {', '.join(_SUFFIXES)}",
            )
        return cls(str(path), digest_of(path))

    @property
    def are_imagenets(self) -> bool:
        """Whether Keras has to find them."""
        return self.source == _IMAGENET

    def unchanged_file(self) -> Path:
        """The file, which is not ImageNet's.

        Raises:
            BadInput: it is gone, or is no longer what it was when it was asked for.
        """
        path = Path(self.source)
        if digest_of(path) != self.sha256:
            raise BadInput(
                f"{path} has changed since the run was begun",
                hint="put it back, or train anew, without --resume",
            )
        return path


def digest_of(path: Path) -> str:
    """SHA-256 of a file of weights, in hexadecimal.

    Raises:
        BadInput: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BadInput(
            f"the weights {path} cannot be read: {error.strerror}", hint="check --weights"
        ) from error
