"""Reads `metadata.jsonl`: the one place that says what is a row, what is torn and what is damaged."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from rig.errors import DatasetError
from rig.files import is_torn


class ManifestRow(NamedTuple):
    """A row as it stands in the manifest: a JSON object with a text `file_name`.

    Attributes:
        line: its number, from 1.
        document: what it says.
        text: how it says it, without a newline.
    """

    line: int
    document: dict[str, Any]
    text: str


def read_manifest(path: Path) -> Iterator[ManifestRow]:
    """The rows in order; none where there is no manifest. A last line torn by a crash is passed over.

    Raises:
        DatasetError: it cannot be read, or a whole line is not a row; names the file and the line.
    """
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n") and is_torn(line):
                    return
                yield _parse(path, number, line)
    except FileNotFoundError:
        return
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}") from error


def _parse(path: Path, number: int, line: bytes) -> ManifestRow:
    try:
        text = line.decode("utf-8").rstrip("\n")
        document = json.loads(text)
    except ValueError as error:
        raise not_a_row(path, number) from error
    if not isinstance(document, dict) or not isinstance(document.get("file_name"), str):
        raise not_a_row(path, number)
    return ManifestRow(number, document, text)


def not_a_row(path: Path, line: int) -> DatasetError:
    """The error that names a line of the manifest."""
    return DatasetError(f"{path}, line {line} is not a manifest row", hint="mend or delete that line")
