"""Reads `metadata.jsonl`: the one place that says what is a row, what is torn and what is damaged."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from rig.errors import DatasetError
from rig.files import is_torn


class Mark(NamedTuple):
    """A place between two lines of a manifest: so many bytes and lines stand before it."""

    size: int = 0
    lines: int = 0


BEGIN = Mark()


class ManifestRow(NamedTuple):
    """A row as it stands in the manifest: a JSON object with a text `file_name`.

    Attributes:
        line: its number, from 1.
        document: what it says.
        text: how it says it, without a newline.
        end: from where on to read what is appended; before a last line that still lacks its newline.
    """

    line: int
    document: dict[str, Any]
    text: str
    end: Mark


def read_manifest(path: Path, begin: Mark = BEGIN) -> Iterator[ManifestRow]:
    """The rows in order; none where there is no manifest. A last line torn by a crash is passed over.

    Args:
        begin: the end of a row that was read before; only what follows is read.

    Raises:
        DatasetError: it cannot be read, or a whole line is not a row; names the file and the line.
    """
    mark = begin
    try:
        with path.open("rb") as file:
            file.seek(begin.size)
            for number, line in enumerate(file, start=begin.lines + 1):
                if line.endswith(b"\n"):
                    mark = Mark(mark.size + len(line), number)
                elif is_torn(line):
                    return
                yield _parse(path, number, line, mark)
    except FileNotFoundError:
        return
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}") from error


def _parse(path: Path, number: int, line: bytes, end: Mark) -> ManifestRow:
    try:
        text = line.decode("utf-8").rstrip("\n")
        document = json.loads(text)
    except ValueError as error:
        raise not_a_row(path, number) from error
    if not isinstance(document, dict) or not isinstance(document.get("file_name"), str):
        raise not_a_row(path, number)
    return ManifestRow(number, document, text, end)


def not_a_row(path: Path, line: int) -> DatasetError:
    """The error that names a line of the manifest."""
    return DatasetError(f"{path}, line {line} is not a manifest row", hint="mend or delete that line")
