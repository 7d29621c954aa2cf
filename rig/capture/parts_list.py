"""Reads a list of parts to capture: a CSV file as a person or a spreadsheet program writes it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rig.capture.order import FIELDS, Order, read_order
from rig.errors import BadField, BadInput
from rig.spreadsheet import column_names, read_text, rows

_HINT = f"the first line names the columns: part, and any of {', '.join(FIELDS[1:])}"


@dataclass(frozen=True)
class ListedPart:
    """A row of the list: the line of the file, from 1, on which it ends, and what it orders."""

    line: int
    order: Order


def read_parts_list(
    path: Path, check: Callable[[Order], object], *, steps: str = "", poses: str = ""
) -> tuple[ListedPart, ...]:
    """Read and check the whole list of a file; arguments and errors as `parse_parts_list`.

    Args:
        path: UTF-8 text, with or without a byte order mark, or UTF-16 with one.

    Raises:
        BadInput: the file cannot be read.
    """
    return parse_parts_list(read_text(path), str(path), check, steps=steps, poses=poses)


def parse_parts_list(
    text: str, path: str, check: Callable[[Order], object], *, steps: str = "", poses: str = ""
) -> tuple[ListedPart, ...]:
    """Check the whole list.

    Commas, semicolons or tabs stand between the columns, as a first line `sep=;` says or the heading shows.
    Empty rows are passed over.

    Args:
        path: what the text is from, for errors.
        check: raises BadInput where this rig cannot carry an order out.
        steps, poses: for rows that do not say.

    Raises:
        BadField: `steps` or `poses` cannot be used in a row that does not say.
        BadInput: a row cannot be used; names the line, and the column if one is
            to blame.
    """
    listed = rows(text, path)
    line, header = next(listed, (1, []))
    columns = _columns(path, line, header)
    for_all = {"steps": steps, "poses": poses}
    parts = []
    for line, values in listed:
        own = {column: value for column, value in zip(columns, values, strict=False) if value}
        try:
            if any(values[len(columns) :]):
                raise BadInput(f"{len(values)} values for {len(columns)} columns", hint=_HINT)
            order = read_order(for_all | own)
            check(order)
        except BadField as error:
            if error.field not in own and for_all.get(error.field):
                raise
            where = f"column {error.field}" if error.field in columns else error.field
            raise BadInput(f"{path}, line {line}, {where}: {error.what}", hint=error.hint) from error
        except BadInput as error:
            raise BadInput(f"{path}, line {line}: {error.what}", hint=error.hint) from error
        parts.append(ListedPart(line, order))
    if not parts:
        raise BadInput(f"{path} lists no parts", hint=_HINT)
    return tuple(parts)


def _columns(path: str, line: int, header: list[str]) -> list[str]:
    columns = column_names(header)
    for name in columns:
        if name not in FIELDS:
            raise BadInput(f"{path}, line {line}: there is no column {name!r}", hint=_HINT)
        if columns.count(name) > 1:
            raise BadInput(f"{path}, line {line}: two columns are called {name!r}", hint=_HINT)
    if "part" not in columns:
        raise BadInput(f"{path}, line {line}: no column is called 'part'", hint=_HINT)
    return columns
