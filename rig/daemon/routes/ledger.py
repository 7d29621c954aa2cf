"""What was sorted: runs, their parts and pictures; and the bins that it lies in."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from rig.config import Config
from rig.daemon.fields import (
    MOST_ID,
    CandidateReply,
    FilePath,
    Limit,
    Offset,
    Reply,
    ThumbnailWidth,
    utc,
)
from rig.daemon.library import Library
from rig.daemon.pictures import PICTURE_RESPONSES, picture_response
from rig.daemon.problems import may_fail
from rig.daemon.station import Station, rooted
from rig.errors import NotFound
from rig.inventory.colours import colour_name
from rig.sorting.bin_levels import BinLevel, bin_levels
from rig.sorting.evidence import Doubt
from rig.sorting.expected import no_such_run
from rig.sorting.fates import fates_of
from rig.sorting.history import RunStats, runs_of, stats_of_run
from rig.sorting.ledger import Ledger, LedgerRow, PartOutcome, ViewRow
from rig.sorting.summary import summarise

Run = Annotated[str, Path(min_length=1, max_length=64, description="One start of sorting mode.")]
After = Annotated[int, Query(ge=0, le=MOST_ID, description="The number of the last part that is known.")]
Order = Annotated[Literal["oldest", "newest"], Query(description="Which parts come first.")]
BinName = Annotated[str, Path(min_length=1, max_length=64)]

# Whoever guesses names finds no other file there, such as the ledger itself.
_PICTURES = ("pictures/", "troubles/")


class RunReply(Reply):
    """One start of sorting mode.

    Attributes:
        last_at: when anything of it last went on record.
        parts: what was decided on.
        dropped: of those, what went into bins.
        unnamed: of those, what nobody could name.
        under_way: what has not ended; the run goes on then, or was cut short.
        source: "camera" or "simulated", as far as it is known.
        plan, pass_number: what it followed; null where it followed no plan.
    """

    run: str
    began_at: datetime | None
    last_at: datetime | None
    parts: int
    dropped: int
    unnamed: int
    under_way: int
    models: list[str]
    source: str
    plan: str | None
    pass_number: int | None


class RunsReply(Reply):
    """Some of `total` runs, the newest first."""

    total: int
    runs: list[RunReply]


class TroubleReply(Reply):
    """What a run had to wait for; `picture` as in a part."""

    began_at: datetime | None
    kind: str
    what: str
    picture: str | None


class RunDetailsReply(Reply):
    """A run, and what it came to.

    Attributes:
        rejects: parts that left the table and that nobody was sure of.
        returned: what was never classified, and is fed again.
        stayed, lost, unfinished: parts that lie in no bin.
        doubts: how many were not named, by the reason.
        bins: parts in each bin.
        known: parts whose truth is known, which is the simulated rig's.
        top1: share of those whose best candidate was right; null where there are none.
        accepted_top1: share of those that were named, and rightly.
    """

    run: RunReply
    rejects: int
    returned: int
    stayed: int
    lost: int
    unfinished: int
    doubts: dict[str, int]
    bins: dict[str, int]
    known: int
    top1: float | None
    accepted_top1: float | None
    troubles: list[TroubleReply]


class LookReply(Reply):
    """One look at a part.

    Attributes:
        picture: path below `ledger/pictures`; null where there is none.
        angle_deg: of the table, all turns counted.
        label, probability: the best candidate of this look alone.
    """

    picture: str | None
    angle_deg: float | None
    label: str | None
    probability: float | None


class PartReply(Reply):
    """One part that passed the rig.

    Attributes:
        number: its place in the run, from 1.
        part: what it was taken for; null where nobody was sure.
        doubt: why nobody was; null where somebody was.
        bin: that it was meant for.
        outcome: what became of it.
        picture: of its first look: path below `ledger/pictures`.
        true_part, true_kind: what the simulated rig says it was.
    """

    id: int
    run: str
    number: int
    seen_at: datetime | None
    decided_at: datetime | None
    dropped_at: datetime | None
    model: str
    part: str | None
    probability: float
    candidates: list[CandidateReply]
    doubt: Doubt | None
    colour: int | None
    colour_name: str | None
    colour_probability: float | None
    bin: str
    outcome: PartOutcome
    picture: str | None
    looks: list[LookReply]
    true_part: str | None
    true_kind: str | None


class PartsReply(Reply):
    """Some parts of a run.

    Attributes:
        next_after: `after` for those that follow; null where these are the last.
    """

    parts: list[PartReply]
    next_after: int | None


class BinReply(Reply):
    """A bin.

    Attributes:
        level: parts that lie in it since it was emptied last.
        capacity: how many it holds; null where that is no matter.
        takes: what belongs in it, in words.
    """

    name: str
    level: int
    capacity: int | None
    takes: str


def routes(station: Station, library: Library) -> APIRouter:
    """Everything about what was sorted."""
    router = APIRouter(tags=["ledger"], responses=may_fail(507))

    @router.get("/runs", responses=may_fail(422))
    def list_runs(offset: Offset = 0, limit: Limit = 50) -> RunsReply:
        """List the runs of sorting mode, the newest first."""
        with _ledger(rooted(station)) as ledger:
            total, runs = (0, []) if ledger is None else runs_of(ledger, begin=offset, most=limit)
        return RunsReply(total=total, runs=[_run_reply(run) for run in runs])

    @router.get("/runs/{run}", responses=may_fail(404, 422))
    def show_run(run: Run) -> RunDetailsReply:
        """Say what a run came to."""
        with _run_of(rooted(station), run) as (ledger, known):
            return _details(ledger, known)

    @router.get("/runs/{run}/parts", responses=may_fail(404, 422))
    def list_parts(run: Run, after: After = 0, limit: Limit = 50, order: Order = "oldest") -> PartsReply:
        """List the parts of a run, from either end."""
        with _run_of(rooted(station), run) as (ledger, known):
            rows = ledger.some_rows(known.run, after=after, most=limit + 1, newest_first=order == "newest")
            parts = [_part_reply(row, ledger.views(row.id)) for row in rows[:limit]]
        return PartsReply(parts=parts, next_after=parts[-1].number if len(rows) > limit else None)

    @router.get(
        "/ledger/pictures/{path:path}",
        response_class=Response,
        responses=PICTURE_RESPONSES | may_fail(404, 409, 422),
    )
    def show_picture(request: Request, path: FilePath, width_px: ThumbnailWidth = None) -> Response:
        """Give a picture of a part or of a trouble as it is, or as a thumbnail."""
        if not path.startswith(_PICTURES):
            raise NotFound(f"there is no picture {path!r}", hint="parts and troubles name theirs")
        return picture_response(request, rooted(station).ledger, path, width_px, library.pictures)

    @router.get("/bins")
    def list_bins() -> list[BinReply]:
        """List the bins, how full they are, and what belongs in them."""
        return [_bin_reply(bin_) for bin_ in bin_levels(rooted(station))]

    @router.post("/bins/{name:path}/emptied", responses=may_fail(404, 422))
    def empty_bin(name: BinName) -> BinReply:
        """Somebody has emptied a bin."""
        config = rooted(station)
        if name not in {bin_.name for bin_ in config.bins}:
            known = ", ".join(bin_.name for bin_ in config.bins)
            raise NotFound(f"there is no bin {name!r}", hint=f"there are: {known}")
        with Ledger(config.ledger) as ledger:
            ledger.emptied(name)
        station.tell_state()
        return next(_bin_reply(bin_) for bin_ in bin_levels(config) if bin_.name == name)

    return router


@contextmanager
def _ledger(config: Config) -> Iterator[Ledger | None]:
    """The ledger; None where there is none: to ask makes none."""
    if not (config.ledger / Ledger.FILE_NAME).exists():
        yield None
        return
    with Ledger(config.ledger) as ledger:
        yield ledger


@contextmanager
def _run_of(config: Config, run: str) -> Iterator[tuple[Ledger, RunStats]]:
    """The ledger, and a run that is in it.

    Raises:
        NotFound: it is not.
    """
    with _ledger(config) as ledger:
        known = None if ledger is None else stats_of_run(ledger, run)
        if ledger is None or known is None:
            raise no_such_run(run, [] if ledger is None else ledger.runs())
        yield ledger, known


def _run_reply(run: RunStats) -> RunReply:
    return RunReply(
        run=run.run,
        began_at=utc(run.began_at),
        last_at=utc(run.last_at),
        parts=run.rows,
        dropped=run.dropped,
        unnamed=run.unnamed,
        under_way=run.under_way,
        models=list(run.models),
        source=run.source,
        plan=run.plan,
        pass_number=run.pass_number,
    )


def _details(ledger: Ledger, run: RunStats) -> RunDetailsReply:
    troubles = ledger.troubles(run.run)
    # How long it took only the rig's own clock knows.
    summary = summarise(ledger.rows(run.run), fates_of(ledger, run.run), troubles, elapsed_s=0)
    return RunDetailsReply(
        run=_run_reply(run),
        rejects=summary.rejects,
        returned=summary.returned,
        stayed=summary.stayed,
        lost=summary.lost,
        unfinished=summary.unfinished,
        doubts=summary.doubts,
        bins=summary.bins,
        known=summary.known,
        top1=summary.top1,
        accepted_top1=summary.accepted_top1,
        troubles=[
            TroubleReply(
                began_at=utc(trouble.began_at), kind=trouble.kind, what=trouble.what, picture=trouble.picture
            )
            for trouble in troubles
        ],
    )


def _part_reply(row: LedgerRow, views: list[ViewRow]) -> PartReply:
    return PartReply(
        id=row.id,
        run=row.run,
        number=row.number,
        seen_at=utc(row.seen_at),
        decided_at=utc(row.decided_at),
        dropped_at=utc(row.dropped_at),
        model=row.model,
        part=row.part,
        probability=row.probability,
        candidates=[CandidateReply(label=c.label, probability=c.probability) for c in row.candidates],
        doubt=row.doubt,
        colour=row.colour,
        colour_name=None if row.colour is None else colour_name(row.colour),
        colour_probability=row.colour_probability,
        bin=row.bin,
        outcome=row.outcome,
        picture=row.picture,
        looks=[
            LookReply(
                picture=view.picture, angle_deg=view.angle_deg, label=view.label, probability=view.probability
            )
            for view in views
        ],
        true_part=row.true_part,
        true_kind=row.true_kind,
    )


def _bin_reply(bin_: BinLevel) -> BinReply:
    return BinReply(name=bin_.name, level=bin_.level, capacity=bin_.capacity, takes=bin_.takes)
