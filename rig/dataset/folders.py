"""What lies in a dataset: its class folders, the images in them, and the splits of an exported one."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rig.dataset.layout import IMAGE_SUFFIXES, SPLITS
from rig.errors import BadInput, DatasetError


def refuse_a_file(dataset: Path) -> None:
    """Before a dataset is written, or missed: see that nothing but a folder stands in its place.

    Raises:
        BadInput: a file does, or a link that leads nowhere; or it stands in the way to it.
    """
    nearest = next(path for path in (dataset, *dataset.parents) if os.path.lexists(path))
    if not nearest.is_dir():
        raise BadInput(
            f"{nearest} is not a folder, so no pictures can be in it",
            hint="name a folder instead, in [paths] of rig.toml or on the command line; or move it away",
        )


def require_folder(dataset: Path) -> None:
    """See that a dataset is there.

    Raises:
        BadInput: it is not, or it is not a folder.
    """
    refuse_a_file(dataset)
    if not dataset.is_dir():
        raise BadInput(
            f"there is no folder {dataset}", hint="name a folder of pictures, or take some: rig capture"
        )


def class_names(dataset: Path) -> list[str]:
    """The names of the class folders, sorted.

    Raises:
        BadInput: as for `require_folder`.
    """
    require_folder(dataset)
    return sorted(
        child.name for child in dataset.iterdir() if child.is_dir() and not child.name.startswith(".")
    )


def images_in(folder: Path) -> Iterator[os.DirEntry[str]]:
    """The images of a class, one by one in the order of the disk.

    Raises:
        DatasetError: a name is no text, so that no manifest could hold it.
    """
    with os.scandir(folder) as entries:
        yield from filter(is_image, entries)


def is_image(entry: os.DirEntry[str]) -> bool:
    """Whether a file is an image by its name.

    Raises:
        DatasetError: as for `images_in`.
    """
    if Path(entry.name).suffix.lower() not in IMAGE_SUFFIXES:
        return False
    try:
        entry.name.encode()
    except UnicodeEncodeError as error:
        raise DatasetError(f"{entry.path!r} has a name that is not UTF-8", hint="rename the file") from error
    return True


def passed_over(dataset: Path) -> dict[str, int]:
    """How many files in the class folders, those of all splits, are no images by their names.

    Hidden files are not counted: nobody put them there as pictures.

    Returns:
        Their numbers by suffix, such as ".tiff", the most frequent first.

    Raises:
        BadInput: as for `require_folder`.
    """
    require_folder(dataset)
    numbers: Counter[str] = Counter()
    for split in splits_in(dataset) or ("",):
        for label in class_names(dataset / split):
            with os.scandir(dataset / split / label) as entries:
                numbers.update(
                    Path(entry.name).suffix.lower()
                    for entry in entries
                    if entry.is_file() and not entry.name.startswith(".") and not is_image(entry)
                )
    return dict(numbers.most_common())


def splits_in(folder: Path) -> tuple[str, ...]:
    """The splits of an exported dataset, each a dataset itself; none where the folders are classes."""
    found = tuple(split for split in SPLITS if (folder / split).is_dir())
    return found if len(found) > 1 and all(class_names(folder / split) for split in found) else ()
