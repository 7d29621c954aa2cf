"""What is told of earlier runs and of the bins is what is on record, some at a time."""

from pathlib import Path

from rig.bin_config import BinConfig
from rig.catalog import ColourCode, PartNumber
from rig.config import Config, PathsConfig
from rig.devices.operator import Truth
from rig.sorting.bin_levels import BinLevel, bin_levels
from rig.sorting.evidence import Decision, Doubt
from rig.sorting.history import runs_of, stats_of_run
from rig.sorting.ledger import Ledger, RunId
from rig.sorting_config import SortingConfig
from rig.vision.classifier import Candidate

FIRST, SECOND = RunId("first"), RunId("second")


def _record(
    ledger: Ledger, run: RunId, part: str | None, *, model: str = "m", known: bool = False, drop: bool = True
) -> None:
    decision = Decision(
        PartNumber(part) if part else None, 0.9, (Candidate("3001", 0.9),), None if part else Doubt.UNSURE
    )
    row = ledger.record(
        run,
        model,
        decision,
        bin_name=part or "reject",
        picture=None,
        truth=Truth("3001", "sound") if known else None,
    )
    if drop:
        ledger.dropped(row)


def test_runs_are_told_the_newest_first(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        assert runs_of(ledger, begin=0, most=10) == (0, [])
        for part in ("3001", None, "3003"):
            _record(ledger, FIRST, part, model="m" if part else "n")
        ledger.keep_pass(SECOND, Path("plan.toml"), 2)
        _record(ledger, SECOND, "3001", known=True)
        _record(ledger, SECOND, "3001", known=True, drop=False)
        count, (second, first) = runs_of(ledger, begin=0, most=10)
        assert count == 2
        assert runs_of(ledger, begin=1, most=1) == (2, [first])
        assert stats_of_run(ledger, "first") == first
        assert stats_of_run(ledger, "third") is None
        rows = ledger.rows(FIRST)
    assert (first.run, first.rows, first.dropped, first.unnamed, first.under_way) == ("first", 3, 3, 1, 0)
    assert (first.began_at, first.last_at) == (rows[0].decided_at, rows[2].dropped_at)
    assert (first.models, first.source, first.plan, first.pass_number) == (("m", "n"), "camera", None, None)
    assert (second.rows, second.dropped, second.under_way) == (2, 1, 1)
    assert (second.source, second.plan, second.pass_number) == ("simulated", "plan.toml", 2)


def test_parts_of_a_run_come_some_at_a_time_from_either_end(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        for _ in range(5):
            _record(ledger, FIRST, "3001")
            _record(ledger, SECOND, "3003")

        def numbers(*, after: int = 0, newest_first: bool = False) -> list[int]:
            rows = ledger.some_rows(FIRST, after=after, most=2, newest_first=newest_first)
            return [row.number for row in rows]

        assert numbers() == [1, 2]
        assert numbers(after=2) == [3, 4]
        assert numbers(after=4) == [5]
        assert numbers(after=5) == []
        assert numbers(newest_first=True) == [5, 4]
        assert numbers(newest_first=True, after=4) == [3, 2]
        assert numbers(newest_first=True, after=1) == []
        assert ledger.some_rows(FIRST, most=9) == ledger.rows(FIRST)


def test_bins_say_how_full_they_are_and_what_they_take(tmp_path: Path) -> None:
    config = Config(
        bins=(
            BinConfig(name="reject", chute_deg=0),
            BinConfig(
                name="bricks", chute_deg=20, parts=(PartNumber("3001"), PartNumber("3003")), capacity=9
            ),
            BinConfig(
                name="red", chute_deg=40, colours=(ColourCode(4), ColourCode(1)), categories=("Bricks",)
            ),
            BinConfig(name="set", chute_deg=60, wanted=Path("set.csv")),
            BinConfig(name="rest", chute_deg=80, rest=True),
            BinConfig(name="again", chute_deg=100),
            BinConfig(name="spare", chute_deg=120),
        ),
        sorting=SortingConfig(return_bin="again"),
        paths=PathsConfig(ledger=tmp_path / "ledger"),
    )
    assert [bin_.level for bin_ in bin_levels(config)] == [0] * 7
    assert not (tmp_path / "ledger").exists()
    with Ledger(config.ledger) as ledger:
        for _ in range(3):
            _record(ledger, FIRST, "bricks")
        _record(ledger, FIRST, None)
        ledger.emptied("reject")
    assert bin_levels(config) == [
        BinLevel("reject", 0, None, "what nobody is sure of"),
        BinLevel("bricks", 3, 9, "3001, 3003"),
        BinLevel("red", 0, None, "of Bricks in Red or Blue"),
        BinLevel("set", 0, None, "what is missing of set.csv"),
        BinLevel("rest", 0, None, "what no other bin takes"),
        BinLevel("again", 0, None, "what is fed again"),
        BinLevel("spare", 0, None, "nothing"),
    ]
