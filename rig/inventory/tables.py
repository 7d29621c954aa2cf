"""Reads lists of parts in tables, each row with its columns by name and the number of its line."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rig.errors import BadInput
from rig.inventory.fields import Place
from rig.spreadsheet import column_names, rows


@dataclass(frozen=True)
class Row:
    """A row, and its values by the names of their columns."""

    place: Place
    values: dict[str, str]

    def __getitem__(self, column: str) -> str:
        """What stands in a column, the empty text where there is no such column."""
        return self.values.get(column, "")


def read_table(text: str, source: str, *, names: Mapping[str, str], required: Sequence[str]) -> Iterator[Row]:
    """Read the rows of a table; columns that nobody asks for are passed over.

    Args:
        names: of columns that have other names here than in the heading.
        required: the columns that must be there, by their names here.

    Raises:
        BadInput: a column is missing or named twice, or a row has more values than columns; names the line.
    """
    found = rows(text, source)
    line, header = next(found, (1, []))
    columns = [names.get(name, name) for name in column_names(header)]
    for name in required:
        if columns.count(name) != 1:
            said = "no column" if name not in columns else "more than one column"
            raise BadInput(
                f"{source}, line {line}: {said} is called {name!r}",
                hint=f"the first line names the columns, among them {', '.join(required)}",
            )
    for line, values in found:
        place = Place(source, line)
        if any(values[len(columns) :]):
            hint = "put values with commas between quotes"
            raise place.refusal(f"{len(values)} values for {len(columns)} columns", hint=hint)
        yield Row(place, dict(zip(columns, values, strict=False)))
