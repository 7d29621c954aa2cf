"""Adds images to a dataset: the file first, whole, then its row; what a crash left between them is mended."""

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from rig.dataset.layout import MANIFEST, ImageRow
from rig.errors import DatasetError
from rig.files import append_line, write_whole


class DatasetStore:
    """The writing side of a dataset folder, e.g. `captures/`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._manifest = root / MANIFEST

    def add(self, row: ImageRow, jpeg: bytes) -> Path:
        """Write one image and then its row; an image without a row, left by a crash, is written anew.

        Raises:
            StorageError: the disk is full, read-only or gone; no row stands without its file.
        """
        path = self.root / row.file_name
        write_whole(path, jpeg)
        append_line(self._manifest, json.dumps(row.to_json()))
        return path

    def rows(self) -> Iterator[ImageRow]:
        """The rows written by captures, in order; a last line torn by a crash is passed over.

        Raises:
            DatasetError: a whole line is not a row; names the file and the line.
        """
        if not self._manifest.exists():
            return
        with self._manifest.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                if line.endswith("\n"):
                    yield self._parse(line, number)

    def _parse(self, line: str, number: int) -> ImageRow:
        try:
            document = json.loads(line)
            known = {field.name: document.get(field.name) for field in fields(ImageRow)}
            known["box"] = tuple(known["box"]) if known["box"] else None
            return ImageRow(**known)
        except (json.JSONDecodeError, AttributeError, TypeError) as error:
            raise DatasetError(
                f"line {number} of {self._manifest} is not a manifest row: {error}",
                hint="mend or delete that line",
            ) from error
