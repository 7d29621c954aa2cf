"""The ledger: a decision is durable the moment it is made, and the summary counts what happened."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from rig.bin_config import DEFAULT_BINS
from rig.catalog import ColourCode, PartNumber
from rig.devices.operator import Fate, HumanOperator, Outcome, Truth
from rig.errors import StorageError
from rig.inventory.lots import Lot
from rig.sorting.evidence import Decision, Doubt, unclassified
from rig.sorting.fates import fates_of, keep_fates
from rig.sorting.ledger import Ledger, RunId, ViewRow, new_run
from rig.sorting.report import write_report
from rig.sorting.routing import Routing
from rig.sorting.summary import Ends, OddPieces, summarise
from rig.vision.classifier import Candidate

RUN = RunId("run")
BRICK = PartNumber("3001")
RED = ColourCode(4)


def _decision(part: str | None, best: str = "3001") -> Decision:
    return Decision(PartNumber(part) if part else None, 0.9, (Candidate(best, 0.9), Candidate("3003", 0.1)))


def _record(ledger: Ledger, decision: Decision, truth: Truth | None = None, *, drop: bool = True) -> None:
    row = ledger.record(
        RUN,
        "model",
        decision,
        bin_name=decision.part or "reject",
        picture=None,
        truth=truth,
    )
    if drop:
        ledger.dropped(row)


def test_decisions_come_back_in_order(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        _record(ledger, _decision("3001"), Truth("3001", "sound"))
        _record(ledger, _decision(None), drop=False)
    with Ledger(tmp_path) as ledger:
        first, second = ledger.rows(RUN)
    assert (first.part, first.bin, first.outcome, first.true_part) == ("3001", "3001", "dropped", "3001")
    assert first.candidates == (Candidate("3001", 0.9), Candidate("3003", 0.1))
    assert (second.part, second.bin, second.outcome, second.true_part) == (None, "reject", "decided", None)


def test_the_summary_tells_top1_of_all_from_that_of_the_accepted(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        _record(ledger, _decision("3001"), Truth("3001", "sound"))
        _record(ledger, _decision("3001"), Truth("3003", "sound"))
        _record(ledger, _decision(None, best="3001"), Truth("3001", "sound"))
        _record(ledger, _decision("3001"), Truth("3001", "sound"), drop=False)
        summary = summarise(ledger.rows(RUN), fates_of(ledger, RUN), ledger.troubles(RUN), elapsed_s=30)
    assert (summary.parts, summary.rejects, summary.known) == (3, 1, 3)
    assert summary.top1 == pytest.approx(2 / 3)
    assert summary.accepted_top1 == pytest.approx(1 / 2)
    assert summary.parts_per_min == pytest.approx(6)
    assert summary.bins == {"3001": 2, "reject": 1}


def test_the_summary_tells_where_odd_pieces_went(tmp_path: Path) -> None:
    """What a pair or a foreign part is taken for is no fault of the model; the bin that it lands in is."""
    with Ledger(tmp_path) as ledger:
        _record(ledger, _decision("3001"), Truth("3001", "sound"))
        _record(ledger, _decision("3001"), Truth("3001", "damaged"))
        _record(ledger, _decision("3003"), Truth("3001", "damaged"))
        _record(ledger, _decision(None), Truth("32064", "foreign"))
        _record(ledger, _decision("3001"), Truth("32064", "foreign"))
        _record(ledger, _decision(None), Truth("3001+3003", "stuck"))
        summary = summarise(ledger.rows(RUN), fates_of(ledger, RUN), ledger.troubles(RUN), elapsed_s=30)
    assert summary.odd == {
        "damaged": OddPieces(2, rejected=0, named_rightly=1),
        "foreign": OddPieces(2, rejected=1, named_rightly=0),
        "stuck": OddPieces(1, rejected=1, named_rightly=0),
    }
    assert [odd.named_wrongly for odd in summary.odd.values()] == [1, 1, 0]
    assert (summary.known, summary.top1, summary.accepted_top1) == (6, 1.0, 1 / 2)


class Pile(HumanOperator):
    """A hand that can say what became of its pieces."""

    def __init__(self) -> None:
        super().__init__(lambda sentence: None)
        self.ends: list[Fate] = []

    def end(self, number: int, outcome: Outcome, *, pushes: int = 1, bin_name: str | None = "3001") -> None:
        left_s = None if outcome == "stayed" else 2.0
        truth = Truth("3001", "sound")
        self.ends[number:] = [Fate(number, truth, RED, 1.0, pushes, left_s, outcome, bin_name)]

    def fates(self, since: int) -> Sequence[Fate]:
        return self.ends[since:]


def test_the_summary_tells_where_pieces_really_ended(tmp_path: Path) -> None:
    pile, routing = Pile(), Routing(DEFAULT_BINS, "reject")
    with Ledger(tmp_path) as ledger:
        pile.end(0, "stayed", pushes=1)
        keep_fates(ledger, RUN, pile, routing)
        pile.end(0, "in_bin", pushes=3)
        pile.end(1, "in_bin")
        keep_fates(ledger, RUN, pile, routing)
        pile.end(2, "in_bin", bin_name="reject")
        pile.end(3, "bounced")
        pile.end(4, "missed", bin_name=None)
        pile.end(5, "stayed", pushes=2)
        keep_fates(ledger, RUN, pile, routing)
    with Ledger(tmp_path) as ledger:
        summary = summarise(ledger.rows(RUN), fates_of(ledger, RUN), ledger.troubles(RUN), elapsed_s=30)
        assert fates_of(ledger, RunId("another")) == []
    assert summary.ends == Ends(
        pieces=6, right_bin=2, other_bin=1, bounced=1, missed=1, stayed=1, vain_pushes=4
    )
    assert "sprung out of a bin 1, beside the bins 1," in write_report(tmp_path, RUN).read_text()


FIRST_VERSION = """
CREATE TABLE parts (
    id INTEGER PRIMARY KEY, run TEXT NOT NULL, decided_at TEXT NOT NULL, model TEXT NOT NULL, part TEXT,
    probability REAL NOT NULL, candidates TEXT NOT NULL, bin TEXT NOT NULL, picture TEXT,
    outcome TEXT NOT NULL CHECK (outcome IN ('decided', 'dropped')), true_part TEXT
);
CREATE INDEX parts_by_run ON parts (run);
INSERT INTO parts (run, decided_at, model, part, probability, candidates, bin, picture, outcome, true_part)
VALUES ('other', '2026-11-01', 'm', '3003', 0.8, '[["3003", 0.8]]', '3003', NULL, 'dropped', NULL),
       ('run', '2026-11-02', 'm', '3001', 0.9, '[["3001", 0.9]]', '3001', 'a.jpg', 'dropped', '3001'),
       ('run', '2026-11-02', 'm', NULL, 0.3, '[["3001", 0.3]]', 'reject', 'b.jpg', 'decided', NULL);
"""
_LATER_COLUMNS = """
ALTER TABLE parts ADD COLUMN true_kind TEXT;
ALTER TABLE parts ADD COLUMN colour INTEGER;
ALTER TABLE parts ADD COLUMN colour_probability REAL;
UPDATE parts SET colour = 4, colour_probability = 0.9, true_kind = 'sound' WHERE part = '3001';
"""


@pytest.mark.parametrize("has_colours", [False, True])
def test_a_ledger_of_an_earlier_version_is_carried_on(tmp_path: Path, *, has_colours: bool) -> None:
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite3")) as database:
        database.executescript(FIRST_VERSION + (_LATER_COLUMNS if has_colours else ""))
    with Ledger(tmp_path) as ledger:
        first, second = ledger.rows(RUN)
        assert (first.number, first.part, first.outcome, first.doubt) == (1, "3001", "dropped", None)
        assert first.colour == (RED if has_colours else None)
        assert first.true_kind == ("sound" if has_colours else None)
        assert (second.number, second.part, second.outcome, second.doubt) == (
            2,
            None,
            "decided",
            Doubt.UNSURE,
        )
        assert ledger.views(first.id) == [ViewRow(1, "a.jpg")]
        assert [row.number for row in ledger.close_unfinished()] == [2]
        _record(ledger, _decision("3001"), Truth("32064", "foreign"))
        assert [row.number for row in ledger.rows(RUN)] == [1, 2, 3]
    with Ledger(tmp_path) as ledger:
        assert [row.outcome for row in ledger.rows(RUN)] == ["dropped", "unfinished", "dropped"]
        assert ledger.runs() == ["other", RUN]


def test_a_ledger_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite3")) as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(StorageError, match="later version"):
        Ledger(tmp_path)


def test_the_level_of_a_bin_is_what_was_dropped_since_it_was_emptied(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        for _ in range(3):
            _record(ledger, _decision("3001"))
        _record(ledger, _decision("3003"))
    with Ledger(tmp_path) as ledger:
        assert (ledger.level("3001"), ledger.level("3003"), ledger.level("reject")) == (3, 1, 0)
        # A part that is under way to the full bin falls into the empty one.
        row = ledger.record(RUN, "m", _decision("3001"), bin_name="3001", picture=None, truth=None)
        ledger.emptied("3001")
        ledger.dropped(row)
        assert (ledger.level("3001"), ledger.level("3003")) == (1, 1)


def test_views_and_troubles_stand_beside_the_parts(tmp_path: Path) -> None:
    views = [ViewRow(1, "a.jpg", 0.0, "3001", 0.6), ViewRow(2, "b.jpg", 90.0, "3001", 0.9)]
    with Ledger(tmp_path) as ledger:
        row = ledger.record(
            RUN, "m", unclassified(Doubt.SEVERAL), bin_name="reject", picture="a.jpg", truth=None, views=views
        )
        ledger.dropped(row)
        ledger.keep_trouble(RUN, "jam", "It sticks", None)
        assert ledger.views(row) == views
        summary = summarise(ledger.rows(RUN), fates_of(ledger, RUN), ledger.troubles(RUN), elapsed_s=30)
    assert (summary.parts, summary.returned, summary.doubts) == (0, 1, {"several": 1})
    assert summary.troubles == {"jam": 1}
    page = write_report(tmp_path, RUN).read_text()
    assert "It sticks" in page
    assert "<b>several</b> &rarr; reject" in page


def test_what_was_dropped_into_bins_is_counted_by_part_and_colour(tmp_path: Path) -> None:
    other = RunId("other")
    with Ledger(tmp_path) as ledger:
        _sort(ledger, "3003", colour=ColourCode(0))
        _sort(ledger, "3001", colour=RED)
        _sort(ledger, "3001", colour=RED, run=other)
        _sort(ledger, "3001", colour=ColourCode(0))
        _sort(ledger, "3001")
        _sort(ledger, None, colour=RED)
        _sort(ledger, "3001", colour=RED, bin_name="reject")
        _sort(ledger, "3001", colour=RED, drop=False)
    with Ledger(tmp_path) as ledger:
        assert ledger.counts(reject_bin="reject") == [
            Lot(BRICK, ColourCode(0), 1),
            Lot(BRICK, RED, 3),  # of which one lies in the reject bin, which may take the rest
            Lot(BRICK, None, 1),
            Lot(PartNumber("3003"), ColourCode(0), 1),
        ]
        ledger.keep_pass(RUN, Path("plan.toml"), 1)
        assert ledger.counts(reject_bin="reject")[1] == Lot(BRICK, RED, 2)  # the third will be fed again
        assert ledger.counts(other, reject_bin="reject") == [Lot(BRICK, RED, 1)]
        assert ledger.counts(RunId("none"), reject_bin="reject") == []
        assert ledger.runs() == [RUN, other]


def _sort(
    ledger: Ledger,
    part: str | None,
    *,
    colour: ColourCode | None = None,
    colour_probability: float | None = None,
    run: RunId = RUN,
    bin_name: str = "3001",
    drop: bool = True,
) -> None:
    row = ledger.record(
        run,
        "model",
        _decision(part),
        bin_name=bin_name,
        picture=None,
        truth=None,
        colour=colour,
        colour_probability=colour_probability,
    )
    if drop:
        ledger.dropped(row)


def test_a_run_with_nothing_in_it_has_no_figures() -> None:
    summary = summarise([], [], [], elapsed_s=0)
    assert (summary.parts, summary.top1, summary.accepted_top1, summary.parts_per_min) == (0, None, None, 0)
    assert summary.ends is None


def test_a_damaged_ledger_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite3").write_bytes(b"this is no database" * 100)
    with pytest.raises(StorageError, match=r"ledger\.sqlite3 cannot be used"):
        Ledger(tmp_path)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc to see which files are open")
def test_a_damaged_ledger_is_closed_again(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    path.write_bytes(b"this is no database" * 100)
    # `refused` keeps the failed Ledger alive, so that it is not the garbage collector that closes the file.
    with pytest.raises(StorageError) as refused:
        Ledger(tmp_path)
    open_files = {entry.resolve() for entry in Path("/proc/self/fd").iterdir()}
    assert path.resolve() not in open_files
    assert refused.value.hint


def test_runs_are_told_apart() -> None:
    assert new_run() != new_run()
