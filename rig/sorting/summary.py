"""What a run of sorting mode came to, read from the ledger."""

from collections import Counter
from dataclasses import dataclass

from rig.devices.operator import PieceKind
from rig.sorting.ledger import LedgerRow


@dataclass(frozen=True)
class OddPieces:
    """Where the pieces of one kind went that are no sound parts.

    Attributes:
        pieces: how many of them there were.
        rejected: those that went to the reject bin.
        right_bin: those that went into the bin of the part that they are; a pair has none, nor has a foreign
            part.
    """

    pieces: int
    rejected: int
    right_bin: int

    @property
    def mis_sorted(self) -> int:
        """Those that lie in the bin of another part."""
        return self.pieces - self.rejected - self.right_bin


@dataclass(frozen=True)
class SortSummary:
    """Figures of one run.

    Attributes:
        parts: parts that were dropped into a bin, the reject bin included.
        rejects: those of them that went to the reject bin.
        parts_per_min: over the whole run, on the machine's clock.
        bins: parts in each bin.
        known: parts whose truth is known (the simulated rig's).
        top1: share of those of `known` that can be recognised, sound or damaged, whose best candidate was
            right, rejected or not; None when there is none.
        right_bin: share of `known`, rejects left out, that went into the right bin; None when there is none.
        odd: the pieces of `known` that were no sound parts, by kind.
    """

    parts: int
    rejects: int
    parts_per_min: float
    bins: dict[str, int]
    known: int
    top1: float | None
    right_bin: float | None
    odd: dict[PieceKind, OddPieces]


def summarise(rows: list[LedgerRow], elapsed_s: float) -> SortSummary:
    """Sum up the rows of one run that took `elapsed_s` seconds of the machine's clock."""
    dropped = [row for row in rows if row.outcome == "dropped"]
    known = [row for row in dropped if row.true_part is not None]
    routed = [row for row in known if row.part is not None]
    return SortSummary(
        parts=len(dropped),
        rejects=sum(row.part is None for row in dropped),
        parts_per_min=60 * len(dropped) / elapsed_s if elapsed_s > 0 else 0.0,
        bins=dict(Counter(row.bin for row in dropped)),
        known=len(known),
        top1=_share([row.candidates[0].label == row.true_part for row in known if _has_a_name(row)]),
        right_bin=_share([row.part == row.true_part for row in routed]),
        odd=_odd_pieces(known),
    )


def _has_a_name(row: LedgerRow) -> bool:
    return row.true_kind not in ("foreign", "stuck")


def _odd_pieces(known: list[LedgerRow]) -> dict[PieceKind, OddPieces]:
    odd: dict[PieceKind, OddPieces] = {}
    kinds: tuple[PieceKind, ...] = ("damaged", "foreign", "stuck")
    for kind in kinds:
        rows = [row for row in known if row.true_kind == kind]
        if rows:
            rejected = sum(row.part is None for row in rows)
            odd[kind] = OddPieces(len(rows), rejected, sum(row.part == row.true_part for row in rows))
    return odd


def _share(right: list[bool]) -> float | None:
    return sum(right) / len(right) if right else None
