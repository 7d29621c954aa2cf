"""Adds images to a dataset: the file first, whole, then its row; what a crash left between them is mended."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from rig.dataset.folders import refuse_a_file
from rig.dataset.journal import finish_interrupted
from rig.dataset.layout import MANIFEST, ImageRow
from rig.dataset.manifest import ManifestRow, not_a_row, read_manifest
from rig.files import append_json_line, remove_leftovers, write_whole


class DatasetStore:
    """The writing side of a dataset folder, e.g. `captures/`.

    Opening it deletes half-written leftovers, and completes a change of the dataset that was interrupted.

    Raises:
        BadInput: it is not a folder.
        DatasetError: another process is changing the dataset.
        StorageError: it cannot be written.
    """

    def __init__(self, root: Path) -> None:
        refuse_a_file(root)
        self.root = root
        self._manifest = root / MANIFEST
        if root.is_dir():
            finish_interrupted(root)
            for folder in (root, *filter(Path.is_dir, root.iterdir())):
                remove_leftovers(folder)

    def add(self, row: ImageRow, jpeg: bytes) -> Path:
        """Write one image and then its row; an image without a row, left by a crash, is written anew.

        Raises:
            StorageError: the disk is full, read-only or gone; no row stands without its file.
        """
        return self.add_document(row.to_json(), jpeg)

    def add_document(self, document: Mapping[str, Any], content: bytes) -> Path:
        """The same for an image from elsewhere, of which less is known: its row needs a `file_name` only."""
        path = self.root / str(document["file_name"])
        write_whole(path, content)
        append_json_line(self._manifest, json.dumps(document))
        return path

    def rows(self) -> Iterator[ImageRow]:
        """The rows written by captures, in order; a last line torn by a crash is passed over.

        Raises:
            DatasetError: a whole line is not a row; names the file and the line.
        """
        for row in read_manifest(self._manifest):
            yield self._image_row(row)

    def _image_row(self, row: ManifestRow) -> ImageRow:
        known: dict[str, Any] = {field.name: row.document.get(field.name) for field in fields(ImageRow)}
        try:
            known["box"] = tuple(known["box"]) if known["box"] else None
        except TypeError as error:
            raise not_a_row(self._manifest, row.line) from error
        return ImageRow(**known)
