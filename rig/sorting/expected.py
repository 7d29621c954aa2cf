"""How many parts of each class are expected: from a list, from what was sorted so far, or all alike."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from rig.catalog import PartNumber, part_number
from rig.errors import BadInput, NotFound
from rig.inventory.fields import Place, part, quantity
from rig.inventory.lots import Lot
from rig.sorting.ledger import Ledger, RunId
from rig.spreadsheet import column_names, read_text, rows

# As people name them, and as Rebrickable's and BrickLink's lists do.
_PART_COLUMNS = ("part", "part_num", "part_number", "itemid")
_COUNT_COLUMNS = ("count", "quantity", "qty", "minqty")
_RUNS_SHOWN = 5
_HINT = "the first line names two columns at least: part,count"


def read_counts(path: Path) -> dict[PartNumber, int]:
    """Read a CSV file with a column `part` and a column `count`, or `quantity` as in Rebrickable's lists.

    Other columns are passed over, and rows of one part (in several colours, say) are summed.

    Raises:
        BadInput: the file cannot be read, or a row cannot be used; names the line.
    """
    table = rows(read_text(path), str(path))
    _, header = next(table, (0, []))
    names = column_names(header)
    part_place = _column(path, names, _PART_COLUMNS)
    count_place = _column(path, names, _COUNT_COLUMNS)
    counts: Counter[PartNumber] = Counter()
    for line, values in table:
        number, count = _row(Place(str(path), line), values, part_place, count_place)
        counts[number] += count
    if not counts:
        raise BadInput(f"{path} lists no parts", hint=_HINT)
    return dict(counts)


def recorded_counts(ledger_folder: Path, reject_bin: str) -> dict[PartNumber, int]:
    """What the ledger has on record, as `Ledger.counts` counts; empty where there is no ledger yet.

    Raises:
        StorageError: the ledger cannot be read.
    """
    counts: Counter[PartNumber] = Counter()
    for lot in recorded_lots(ledger_folder, reject_bin):
        counts[lot.part] += lot.quantity
    return dict(counts)


def recorded_lots(
    ledger_folder: Path, reject_bin: str, left_out: Collection[str] = (), *, run: str | None = None
) -> list[Lot]:
    """The same by part and colour, some bins left out.

    Args:
        run: what this one sorted, and no other.

    Raises:
        NotFound: there is no such run.
        StorageError: the ledger cannot be read.
    """
    # Asking alone makes no ledger.
    if not (ledger_folder / Ledger.FILE_NAME).exists():
        if run is not None:
            raise no_such_run(run, [])
        return []
    with Ledger(ledger_folder) as ledger:
        one = None if run is None else RunId(run)
        if one is not None and one not in ledger.runs():
            raise no_such_run(one, ledger.runs())
        return ledger.counts(one, reject_bin=reject_bin, left_out=left_out)


def no_such_run(run: str, known: Sequence[RunId]) -> NotFound:
    """The error that a ledger has no such run, to be raised; names the newest of those that it has.

    Args:
        known: the oldest first.
    """
    newest = ", ".join(reversed(known[-_RUNS_SHOWN:]))
    hint = f"the newest are: {newest}" if newest else "nothing was sorted yet: rig sort"
    return NotFound(f"there is no run {run!r} in the ledger", hint=hint)


def counts_of_classes(labels: Iterable[str], known: Mapping[PartNumber, int]) -> dict[PartNumber, int]:
    """What is known of the classes of a model: 0 where nothing is, and 1 of each where nothing is of any."""
    counts = {part: known.get(part, 0) for part in map(part_number, labels)}
    return counts if any(counts.values()) else dict.fromkeys(counts, 1)


def _column(path: Path, names: list[str], wanted: tuple[str, ...]) -> int:
    for name in wanted:
        if name in names:
            return names.index(name)
    raise BadInput(f"{path}: no column is called {wanted[0]!r}", hint=_HINT)


def _row(place: Place, values: list[str], part_place: int, count_place: int) -> tuple[PartNumber, int]:
    if len(values) <= max(part_place, count_place):
        raise place.refusal(f"there are {len(values)} values only", hint=_HINT)
    count = quantity(values[count_place].strip(), place, least=0)
    return part(values[part_place].strip(), place), count
