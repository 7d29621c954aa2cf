"""What really became of each piece of a simulated pile, beside what the rig takes to have become of it."""

from dataclasses import asdict, dataclass

from rig.catalog import ColourCode
from rig.devices.operator import Operator, Outcome, PieceKind
from rig.sorting.ledger import Ledger, RunId
from rig.sorting.routing import Routing


@dataclass(frozen=True)
class FateRow:
    """What really became of one piece of the pile; see the comments of the table `fates`."""

    run: RunId
    number: int
    true_part: str
    true_kind: PieceKind
    colour: ColourCode
    laid_s: float
    pushes: int
    left_s: float | None
    outcome: Outcome
    bin: str | None
    right_bin: str


def keep_fates(ledger: Ledger, run: RunId, operator: Operator, routing: Routing) -> None:
    """Put on record what became of the pieces that had not left the table the last time.

    Raises:
        StorageError: it could not be written.
    """
    for fate in operator.fates(_settled(ledger, run)):
        right = routing.right_bin_for(fate.truth, fate.colour, fate.bin_name)
        row = FateRow(
            run,
            fate.number,
            fate.truth.part,
            fate.truth.kind,
            fate.colour,
            fate.laid_s,
            fate.pushes,
            fate.left_s,
            fate.outcome,
            fate.bin_name,
            right.name,
        )
        with ledger.database() as database:
            database.execute(
                "INSERT OR REPLACE INTO fates VALUES (:run, :number, :true_part, :true_kind, :colour,"
                " :laid_s, :pushes, :left_s, :outcome, :bin, :right_bin)",
                asdict(row),
            )


def fates_of(ledger: Ledger, run: RunId) -> list[FateRow]:
    """What became of the pieces of a run, in order; empty where nobody can know.

    Raises:
        StorageError: it could not be read.
    """
    with ledger.database() as database:
        found = database.execute("SELECT * FROM fates WHERE run = ? ORDER BY number", (run,)).fetchall()
    return [FateRow(**dict(columns)) for columns in found]


def _settled(ledger: Ledger, run: RunId) -> int:
    """How many pieces of a run have left the table, as far as it is on record."""
    with ledger.database() as database:
        (count,) = database.execute(
            "SELECT count(*) FROM fates WHERE run = ? AND outcome != 'stayed'", (run,)
        ).fetchone()
    return int(count)
