"""Read class folders, with or without a manifest, for training and evaluation.

Where nobody said which images belong together (see `rig.dataset.groups`), a class is one group. A manifest
must name every image, as Hugging Face demands too; without a manifest, nothing need be named.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from rig.camera.frame import Image
from rig.dataset.folders import class_names, images_in
from rig.dataset.groups import connected, ties
from rig.dataset.journal import finish_interrupted
from rig.dataset.layout import MANIFEST
from rig.dataset.manifest import read_manifest
from rig.errors import DatasetError

SIMULATED = "simulated"
UNKNOWN_SOURCE = "unknown"

_LEAST_SIDE_PX = 8
_MOST_ELONGATED = 20


@dataclass(frozen=True)
class Sample:
    """One image file.

    Attributes:
        path: the file.
        label: its class folder.
        group: physical part or session, unique within the label; empty where nobody said.
        source: "camera", "simulated", or what the manifest says; "unknown" without one.
        placement: pictures of one show a part that lay still while the table turned; unique within the
            group, and empty where nobody said.
        angle_deg: of the table; None where nobody said.
    """

    path: Path
    label: str
    group: str
    source: str
    placement: str = ""
    angle_deg: float | None = None

    @property
    def group_key(self) -> str:
        """`label/group`, unique within the dataset."""
        return f"{self.label}/{self.group}"


@dataclass(frozen=True)
class Dataset:
    """Samples in the order of label and file name."""

    folder: Path
    samples: tuple[Sample, ...]

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The classes, sorted."""
        return tuple(sorted({sample.label for sample in self.samples}))

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """Where the images are from, sorted."""
        return tuple(sorted({sample.source for sample in self.samples}))


def read_dataset(folder: Path, *, least_classes: int = 2, allow_mixed: bool = False) -> Dataset:
    """List the images of a dataset. Files are not decoded here: `decode_image` does that.

    Args:
        folder: holds one folder a class, and perhaps a manifest.
        least_classes: training needs two; evaluation can do with one.
        allow_mixed: simulated and real images may come together.

    Raises:
        BadInput: there is no such folder.
        DatasetError: too few classes, a class without images, a damaged manifest, an image that the manifest
            leaves out, or an unasked mixture.
    """
    finish_interrupted(folder)
    classes = class_names(folder)
    if len(classes) < least_classes:
        found = "no class folder" if not classes else f"only one class ({classes[0]})"
        raise DatasetError(
            f"{folder} has {found}", hint=f"put one folder of pictures a part in it, at least {least_classes}"
        )
    rows = {row.document["file_name"]: row.document for row in read_manifest(folder / MANIFEST)}
    samples = [sample for label in classes for sample in _read_class(folder / label, rows)]
    dataset = Dataset(folder, tuple(samples))
    if (folder / MANIFEST).exists():
        _check_that_all_have_rows(dataset, rows)
    if SIMULATED in dataset.sources and len(dataset.sources) > 1 and not allow_mixed:
        raise DatasetError(
            f"{folder} mixes simulated and real pictures ({', '.join(dataset.sources)})",
            hint="use separate folders, or ask for the mixture with --allow-mixed",
        )
    return dataset


def decode_image(content: bytes, path: Path) -> Image:
    """Decode an image file strictly: OpenCV alone fills the missing part of a truncated JPEG with grey.

    Training and classifying see the same picture, since both decode it here: turned upright as its EXIF data
    say, 16 bits brought to 8, grey and CMYK to BGR; transparency is left out.

    Args:
        content: the file's bytes.
        path: for the error.

    Returns:
        (height, width, 3) uint8, BGR.

    Raises:
        DatasetError: it is no image, truncated, or too narrow to show a part.
    """
    hint = "capture it again, or delete the file"
    if _is_truncated(content):
        raise DatasetError(f"{path} is truncated", hint=hint)
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content else None
    if image is None:
        raise DatasetError(f"{path} is not a readable image", hint=hint)
    height, width = image.shape[:2]
    if min(height, width) < _LEAST_SIDE_PX or max(height, width) > _MOST_ELONGATED * min(height, width):
        raise DatasetError(f"{path} is too narrow to show a part: {width} x {height} pixels", hint=hint)
    return np.asarray(image, np.uint8)


def read_bytes(path: Path) -> bytes:
    """The content of an image file.

    Raises:
        DatasetError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}") from error


def _is_truncated(content: bytes) -> bool:
    """Whether the end is missing of what begins as JPEG, PNG, BMP or WebP."""
    if content.startswith(b"\xff\xd8"):
        # Inside a scan 0xff is always stuffed, so these markers are real; a thumbnail ends before the scan.
        return content.rfind(b"\xff\xd9") < content.rfind(b"\xff\xda") or b"\xff\xda" not in content
    if content.startswith(b"\x89PNG"):
        return b"IEND" not in content[-64:]
    if content.startswith(b"BM"):
        return len(content) < int.from_bytes(content[2:6], "little")
    if content.startswith(b"RIFF"):
        return len(content) < int.from_bytes(content[4:8], "little") + 8
    return False


def _check_that_all_have_rows(dataset: Dataset, rows: Container[str]) -> None:
    """A crash can leave a picture without its row: and without it nobody knows its group."""
    left_out = [sample.path for sample in dataset.samples if f"{sample.label}/{sample.path.name}" not in rows]
    if left_out:
        others = f" and {len(left_out) - 1} more have" if len(left_out) > 1 else " has"
        raise DatasetError(
            f"{left_out[0]}{others} no row in {dataset.folder / MANIFEST}",
            hint="complete it with rig capture --resume or rig sim render, or delete the picture",
        )


def _read_class(folder: Path, rows: dict[str, dict[str, Any]]) -> list[Sample]:
    label = folder.name
    paths = sorted(folder / image.name for image in images_in(folder))
    if not paths:
        raise DatasetError(f"{folder} has no pictures", hint="capture some, or delete the folder")
    named = [rows.get(f"{label}/{path.name}", {}) for path in paths]
    for path, row in zip(paths, named, strict=True):
        if row.get("label", label) != label:
            raise DatasetError(
                f"{path} is labelled {row['label']} in {MANIFEST}", hint="move the file or mend the row"
            )
    return [
        Sample(
            path,
            label,
            group,
            str(row.get("source", UNKNOWN_SOURCE)),
            placement=_placement(row),
            angle_deg=_angle_deg(row),
        )
        for path, row, group in zip(paths, named, _groups(named), strict=True)
    ]


def _placement(row: dict[str, Any]) -> str:
    said = (row.get(column) for column in ("part", "session", "pose"))
    return "/".join(str(value) for value in said if value is not None)


def _angle_deg(row: dict[str, Any]) -> float | None:
    angle = row.get("angle_deg")
    return float(angle) if isinstance(angle, int | float) and isfinite(angle) else None


def _groups(rows: Sequence[dict[str, Any]]) -> list[str]:
    """The group of each row of one class."""
    names = [ties(row) for row in rows]
    group_of = connected(names)
    return [group_of[next(iter(own))] if own else "" for own in names]
