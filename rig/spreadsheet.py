"""Tables as people and spreadsheet programs write them: comma-separated values, in whichever dialect."""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from rig.errors import BadInput

_DELIMITERS = ";\t,"
# How Excel is told what stands between the columns.
_DECLARED = re.compile(rf'"?sep=([{_DELIMITERS}|])"?(?=\r?\n)', re.IGNORECASE)


def read_text(path: Path) -> str:
    """The text of a file in UTF-8, or in UTF-16 with a byte order mark, as Excel saves `Unicode text`.

    Raises:
        BadInput: the file cannot be read or is in another encoding.
    """
    try:
        return decode(path.read_bytes(), str(path))
    except FileNotFoundError:
        raise BadInput(f"there is no file {path}", hint="name a CSV file") from None
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}", hint="name a CSV file") from error


def decode(content: bytes, source: str, encoding: str = "utf-8-sig") -> str:
    """The same of bytes that were read already.

    Args:
        source: what the bytes are from, for errors.
        encoding: where there is no byte order mark of UTF-16.

    Raises:
        BadInput: they are in another encoding.
    """
    is_utf_16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if is_utf_16 else encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        name = "UTF-16" if is_utf_16 else encoding.removesuffix("-sig").upper()
        raise BadInput(f"{source}, line {line} is not {name} text", hint="save it as: CSV UTF-8") from error


def rows(text: str, source: str) -> Iterator[tuple[int, list[str]]]:
    """The rows that hold something, with the number of the line, from 1, on which each ends.

    Commas, semicolons or tabs stand between the columns, as a first line `sep=;` says or the heading shows.

    Args:
        source: what the text is from, for errors.

    Raises:
        BadInput: a line cannot be split into columns; names it.
    """
    if declared := _DECLARED.match(text):
        delimiter = declared[1]
        # Its end stays: lines are counted as in the file.
        text = text[declared.end() :]
    else:
        header = next((line for line in text.splitlines() if line.strip()), "")
        delimiter = next((mark for mark in _DELIMITERS if mark in header), ",")
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, strict=True, skipinitialspace=True
    )
    try:
        for values in reader:
            stripped = [value.strip() for value in values]
            if any(stripped):
                yield reader.line_num, stripped
    except csv.Error as error:
        raise BadInput(f"{source}, line {reader.line_num}: {error}", hint="mend that line") from error


def column_names(header: list[str]) -> list[str]:
    """The heading in lower case, with `_` for spaces and dashes, without empty columns at its end."""
    columns = [name.casefold().replace("-", "_").replace(" ", "_") for name in header]
    while columns and not columns[-1]:
        columns.pop()
    return columns
