"""What a manifest begins with: so a change knows whether anybody has edited the rows that it replaces."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Extent:
    """The first bytes of a manifest: how many, and their SHA-256."""

    size: int
    sha256: str


def extent_of(path: Path) -> Extent:
    """Of a whole file; one that is absent is empty."""
    if not path.exists():
        return Extent(0, hashlib.sha256().hexdigest())
    with path.open("rb") as file:
        return digest_of(file, path.stat().st_size)


def digest_of(file: IO[bytes], size: int) -> Extent:
    """Of the first `size` bytes, or of as many as there are."""
    digest, left = hashlib.sha256(), size
    file.seek(0)
    while left > 0 and (chunk := file.read(min(left, _CHUNK))):
        digest.update(chunk)
        left -= len(chunk)
    return Extent(size - left, digest.hexdigest())
