"""Identical files: counted once, and never on both sides of a split."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from rig.dataset.groups import connected
from rig.dataset.reader import Dataset, Sample, read_bytes
from rig.errors import DatasetError
from rig.model import image_digest


@dataclass(frozen=True)
class Distinct:
    """A dataset without copies.

    Attributes:
        dataset: of files that are the same byte for byte, the first by name.
        left_out: how many files are copies of these.
        unit_of: for each group that shares a file with another one, the first of all that are so connected:
            they belong to one side of a split together.
    """

    dataset: Dataset
    left_out: int
    unit_of: Mapping[str, str]


def without_copies(dataset: Dataset) -> Distinct:
    """Leave out copies, told by their SHA-256.

    Raises:
        DatasetError: files of two labels are the same, or one cannot be read.
    """
    kept: dict[str, Sample] = {}
    copies: set[Path] = set()
    ties: list[tuple[str, ...]] = []
    for sample in _of_equal_length(dataset.samples):
        first = kept.setdefault(image_digest(read_bytes(sample.path)), sample)
        if first is sample:
            continue
        if first.label != sample.label:
            raise DatasetError(
                f"{first.path} and {sample.path} are the same picture under two labels",
                hint="delete the one whose label is wrong",
            )
        copies.add(sample.path)
        ties.append((first.group_key, sample.group_key))
    samples = tuple(sample for sample in dataset.samples if sample.path not in copies)
    return Distinct(replace(dataset, samples=samples), len(copies), connected(ties))


def _of_equal_length(samples: Iterable[Sample]) -> list[Sample]:
    """Those that may be copies: nearly all pictures differ in their length, and need not be read for it."""
    by_length: dict[int, list[Sample]] = defaultdict(list)
    for sample in samples:
        by_length[_length(sample.path)].append(sample)
    return [sample for alike in by_length.values() if len(alike) > 1 for sample in alike]


def _length(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}") from error
