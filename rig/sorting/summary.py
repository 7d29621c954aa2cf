"""What a run of sorting mode came to, read from the ledger."""

from collections import Counter
from dataclasses import dataclass

from rig.devices.operator import PieceKind
from rig.sorting.fates import FateRow
from rig.sorting.ledger import LedgerRow, TroubleRow


@dataclass(frozen=True)
class OddPieces:
    """What the pieces of one kind were taken for that are no sound parts.

    Attributes:
        pieces: how many of them there were.
        rejected: those of which nobody was sure.
        named_rightly: those that were named as the part that they are; a pair has no name, nor has a foreign
            part.
    """

    pieces: int
    rejected: int
    named_rightly: int

    @property
    def named_wrongly(self) -> int:
        """Those that were named as another part."""
        return self.pieces - self.rejected - self.named_rightly


@dataclass(frozen=True)
class Ends:
    """Where the pieces of a pile really ended.

    Attributes:
        pieces: how many came to lie on the table.
        right_bin: those that lie in the bin of the part that they are, or foreign or stuck in the reject bin.
        other_bin: those that lie in another; a good part in the reject bin is one of them.
        bounced: those that sprang out of a bin.
        missed: those that fell where no bin is.
        stayed: those that lie on the table.
        vain_pushes: pushes that left a piece where it lay.
    """

    pieces: int
    right_bin: int
    other_bin: int
    bounced: int
    missed: int
    stayed: int
    vain_pushes: int


@dataclass(frozen=True)
class SortSummary:
    """Figures of one run.

    Attributes:
        parts: parts that were decided on and left the table for a bin, the reject bin included.
        rejects: those of them that nobody was sure of.
        returned: what was never classified, such as two parts at once, and is fed again.
        stayed: rows of parts that did not leave the table when they were due.
        lost: parts that left the table, and nobody saw how.
        unfinished: parts that were under way when the run was stopped.
        doubts: how many were not named, by the reason.
        troubles: what the run had to wait for, and how often.
        parts_per_min: over the whole run, on the machine's clock.
        bins: parts in each bin.
        known: parts whose truth is known (the simulated rig's).
        top1: share of those of `known` that can be recognised, sound or damaged, whose best candidate was
            right, rejected or not; None when there is none.
        accepted_top1: share of `known`, rejects left out, that were named rightly; None when there is none.
        odd: the pieces of `known` that were no sound parts, by kind.
        ends: where the pieces really ended; None where nobody can know.
    """

    parts: int
    rejects: int
    returned: int
    stayed: int
    lost: int
    unfinished: int
    doubts: dict[str, int]
    troubles: dict[str, int]
    parts_per_min: float
    bins: dict[str, int]
    known: int
    top1: float | None
    accepted_top1: float | None
    odd: dict[PieceKind, OddPieces]
    ends: Ends | None


def summarise(
    rows: list[LedgerRow], fates: list[FateRow], troubles: list[TroubleRow], elapsed_s: float
) -> SortSummary:
    """Sum up the rows of one run that took `elapsed_s` seconds of the machine's clock."""
    outcomes = Counter(row.outcome for row in rows)
    left = [row for row in rows if row.outcome == "dropped"]
    dropped = [row for row in left if row.doubt is None or not row.doubt.is_of_sight]
    known = [row for row in dropped if row.true_part is not None]
    routed = [row for row in known if row.part is not None]
    return SortSummary(
        parts=len(dropped),
        rejects=sum(row.part is None for row in dropped),
        parts_per_min=60 * len(dropped) / elapsed_s if elapsed_s > 0 else 0.0,
        returned=len(left) - len(dropped),
        stayed=outcomes["stayed"],
        lost=outcomes["lost"],
        unfinished=outcomes["unfinished"],
        doubts=dict(Counter(row.doubt.value for row in left if row.doubt is not None)),
        troubles=dict(Counter(trouble.kind for trouble in troubles)),
        bins=dict(Counter(row.bin for row in left)),
        known=len(known),
        top1=_share([row.candidates[0].label == row.true_part for row in known if _has_a_name(row)]),
        accepted_top1=_share([row.part == row.true_part for row in routed]),
        odd=_odd_pieces([row for row in left if row.true_part is not None]),
        ends=ends_of(fates),
    )


def ends_of(fates: list[FateRow]) -> Ends | None:
    """Count how the ways of one run's pieces ended; None where there are none."""
    if not fates:
        return None
    outcomes = Counter(fate.outcome for fate in fates)
    right_bin = sum(fate.outcome == "in_bin" and fate.bin == fate.right_bin for fate in fates)
    return Ends(
        pieces=len(fates),
        right_bin=right_bin,
        other_bin=outcomes["in_bin"] - right_bin,
        bounced=outcomes["bounced"],
        missed=outcomes["missed"],
        stayed=outcomes["stayed"],
        vain_pushes=sum(fate.pushes - (fate.outcome != "stayed") for fate in fates),
    )


def _has_a_name(row: LedgerRow) -> bool:
    return row.true_kind not in ("foreign", "stuck", "double")


def _odd_pieces(known: list[LedgerRow]) -> dict[PieceKind, OddPieces]:
    odd: dict[PieceKind, OddPieces] = {}
    kinds: tuple[PieceKind, ...] = ("damaged", "foreign", "stuck", "double")
    for kind in kinds:
        rows = [row for row in known if row.true_kind == kind]
        if rows:
            rejected = sum(row.part is None for row in rows)
            odd[kind] = OddPieces(len(rows), rejected, sum(row.part == row.true_part for row in rows))
    return odd


def _share(right: list[bool]) -> float | None:
    return sum(right) / len(right) if right else None
