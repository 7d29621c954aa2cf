"""What sorting lives through, each on the simulated rig: how it goes on, and what the ledger says of it."""

from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

import pytest

from rig.bin_config import DEFAULT_BINS, BinConfig
from rig.config import (
    CameraConfig,
    Config,
    PathsConfig,
    SerialConfig,
    ServoGateConfig,
    SimConfig,
    TurntableConfig,
)
from rig.errors import BadInput, CameraError, Interrupted, SerialPortError
from rig.jobs.sort import LeftUnfinished, SortFinished, SortJobEvent, TableLearned, sort_job
from rig.looks import Looks, Trial
from rig.model import Bundle, load_bundle, write_bundle
from rig.pile_config import PileConfig
from rig.shelf import use
from rig.sorting.dropping import TOO_SOON_FOR_ANOTHER_S
from rig.sorting.events import PartAstray, PartReturned, PartSorted, PileEmpty
from rig.sorting.evidence import Doubt
from rig.sorting.fates import fates_of
from rig.sorting.ledger import Ledger, LedgerRow, RowId
from rig.sorting.model_in_use import ModelRefused, ModelReplaced
from rig.sorting.report import write_report
from rig.sorting.trouble import Trouble, TroubleKind, TroubleOver
from rig.sorting_config import SortingConfig
from tests.vision.single_minded import write_single_minded

pytestmark = pytest.mark.usefixtures("own_folder")

LABELS = ("3001", "3004", "3039")
PUSH = "M280 P1 S110"


class Desk:
    """A folder with a model that takes everything for a 3004, and a simulated rig with faults."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bundle = write_single_minded(folder / "models" / "m", "3004", labels=LABELS)

    def config(
        self,
        *faults: str,
        pile: PileConfig | None = None,
        bins: tuple[BinConfig, ...] = DEFAULT_BINS,
        **sorting: Any,
    ) -> Config:
        (self.folder / "faults.toml").write_text("".join(f"[[fault]]\n{fault}\n" for fault in faults))
        scenario = str(self.folder / "faults.toml") if faults else ""
        return Config(
            camera=CameraConfig(width_px=320, height_px=240),
            bins=bins,
            sorting=SortingConfig.model_validate({"wait_for_part_s": 4.0, "reject_threshold": 0.0} | sorting),
            # The next part comes late enough for the look after a push on any computer, however busy it is.
            sim=SimConfig(enabled=True, seed=5, feed_gap_s=2.0, faults=scenario, pile=pile or PileConfig()),
            paths=PathsConfig(models=self.folder / "models", ledger=self.folder / "ledger"),
        )

    def have_a_model_that_looks_twice(self) -> None:
        """And is not sure even then, so that nothing is sorted with `reject_threshold = 1`."""
        twice = Looks(weights=(1.0, 0.6), parts=3, trials=(Trial((0.5, 0.9), (True, True)),))
        unsure = self.bundle.card.model_copy(update={"looks": twice, "temperature": 1e4})
        self.bundle = write_bundle(self.bundle.folder, self.bundle.network_path.read_bytes(), unsure)

    def job(self, config: Config, count: int, **options: Any) -> Generator[SortJobEvent, None, None]:
        return sort_job(config, self.bundle, count, 5, _nobody, **options)

    def sort(self, config: Config, count: int, **options: Any) -> list[SortJobEvent]:
        return list(self.job(config, count, **options))

    def rows(self) -> list[LedgerRow]:
        with Ledger(self.folder / "ledger_simulated") as ledger:
            return [row for run in ledger.runs() for row in ledger.rows(run)]

    def outcomes(self) -> list[str]:
        return [row.outcome for row in self.rows()]

    def require_true(self) -> None:
        """What the ledger says lies in the bins is what lies there, piece by piece."""
        with Ledger(self.folder / "ledger_simulated") as ledger:
            for run in ledger.runs():
                booked = [row for row in ledger.rows(run) if row.outcome == "dropped"]
                left = [fate for fate in fates_of(ledger, run) if fate.outcome != "stayed"]
                assert [row.bin for row in booked] == [fate.bin for fate in left]
                assert [row.true_part for row in booked] == [fate.true_part for fate in left]


def _nobody(sentence: str) -> None:
    raise BadInput(f"nobody can be asked: {sentence}")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def troubles(events: Sequence[SortJobEvent]) -> list[tuple[TroubleKind, bool]]:
    return [(event.kind, event.wants_a_person) for event in events if isinstance(event, Trouble)]


def over(events: Sequence[SortJobEvent]) -> list[TroubleKind]:
    return [event.kind for event in events if isinstance(event, TroubleOver)]


def finished(events: Sequence[SortJobEvent]) -> SortFinished:
    assert isinstance(events[-1], SortFinished)
    return events[-1]


def test_without_calibration_the_empty_table_is_learned_first(desk: Desk) -> None:
    events = desk.sort(desk.config(), 2)
    assert isinstance(events[0], TableLearned)
    assert desk.outcomes() == ["dropped"] * 2
    for row in desk.rows():
        assert row.seen_at is not None
        assert row.dropped_at is not None
        assert row.seen_at <= row.decided_at <= row.dropped_at


@pytest.mark.parametrize("stall_s", [8.0, 40.0])
def test_a_camera_that_stalls_is_opened_anew(desk: Desk, stall_s: float) -> None:
    """Once as the sweeper is drawn back, so before the look whether the part has left."""
    stall = f'kind = "camera-stalls"\nmatches = "M280 P1 S10"\nat = 3\nduration_s = {stall_s}'
    events = desk.sort(desk.config(stall), 3)
    assert troubles(events) == [(TroubleKind.CAMERA, False)]
    assert over(events) == [TroubleKind.CAMERA]
    assert desk.outcomes() == ["dropped"] * 3
    assert finished(events).summary.troubles == {"camera": 1}
    desk.require_true()


def test_a_camera_that_never_returns_ends_the_run_and_the_part_is_on_record(desk: Desk) -> None:
    stall = 'kind = "camera-stalls"\nmatches = "M280 P1 S10"\nat = 3\nduration_s = 1000'
    with pytest.raises(CameraError) as stopped:
        desk.sort(desk.config(stall), 3)
    assert any("under way was part 2 (3004, for bin 3004" in note for note in stopped.value.__notes__)
    assert desk.outcomes() == ["dropped", "unfinished"]


def test_a_lamp_that_goes_out_is_switched_on_again(desk: Desk) -> None:
    events = desk.sort(desk.config(f'kind = "lamp-off"\nmatches = "{PUSH}"\nat = 2'), 3)
    assert troubles(events) == [(TroubleKind.LIGHT, False)]
    assert desk.outcomes() == ["dropped"] * 3
    desk.require_true()


def test_a_lamp_that_burns_out_is_seen_to(desk: Desk) -> None:
    events = desk.sort(desk.config(f'kind = "lamp-breaks"\nmatches = "{PUSH}"\nat = 2'), 3)
    assert troubles(events) == [(TroubleKind.LIGHT, False), (TroubleKind.LIGHT, True)]
    assert over(events) == [TroubleKind.LIGHT]
    [told] = [event for event in events if isinstance(event, Trouble) and event.wants_a_person]
    assert told.picture is not None
    assert told.picture.exists()
    assert desk.outcomes() == ["dropped"] * 3
    desk.require_true()


def test_a_table_that_stalls_is_told_once_and_sorting_goes_on(desk: Desk) -> None:
    """From the first push on, which is after the first part was looked at from two sides."""
    desk.have_a_model_that_looks_twice()
    stall = f'kind = "stall"\nmatches = "{PUSH}"\nat = 1'
    events = desk.sort(desk.config(stall, reject_threshold=1.0), 6)
    assert troubles(events) == [(TroubleKind.TABLE, False)]
    place = next(place for place, event in enumerate(events) if isinstance(event, Trouble))
    assert [event.done for event in events[:place] if isinstance(event, PartSorted)] == [1, 2, 3]
    assert desk.outcomes() == ["dropped"] * 6
    assert over(desk.sort(desk.config(reject_threshold=1.0), 6)) == []
    desk.require_true()


def test_a_jam_pauses_with_a_picture_and_nothing_is_counted_twice(desk: Desk) -> None:
    events = desk.sort(desk.config(f'kind = "jam"\nmatches = "{PUSH}"\nat = 2', pushes=3), 3)
    assert troubles(events) == [(TroubleKind.JAM, True)]
    [jam] = [event for event in events if isinstance(event, Trouble)]
    assert "3 pushes" in jam.what
    assert jam.picture is not None
    assert jam.picture.read_bytes().startswith(b"\xff\xd8")
    assert desk.outcomes() == ["dropped"] * 3
    summary = finished(events).summary
    assert summary.ends is not None
    assert (summary.parts, summary.ends.pieces, summary.ends.stayed) == (3, 3, 0)
    page = write_report(desk.folder / "ledger_simulated", finished(events).run).read_text()
    assert "did not leave the table" in page
    assert page.count("<img") == 4
    desk.require_true()


def test_pushes_that_move_nothing_are_repeated_and_each_part_counts_once(desk: Desk) -> None:
    events = desk.sort(desk.config(pile=PileConfig(stays=0.5), pushes=2), 8)
    summary = finished(events).summary
    assert summary.ends is not None
    assert summary.ends.vain_pushes > 0
    assert desk.outcomes() == ["dropped"] * 8
    assert (summary.ends.pieces, summary.ends.stayed) == (8, 0)
    desk.require_true()


def test_a_full_bin_pauses_and_is_full_after_a_restart_too(desk: Desk) -> None:
    bins = tuple(
        bin_.model_copy(update={"capacity": 2}) if bin_.name == "3004" else bin_ for bin_ in DEFAULT_BINS
    )
    config = desk.config(bins=bins)
    assert troubles(desk.sort(config, 2)) == []
    events = desk.sort(config, 1)
    assert troubles(events) == [(TroubleKind.FULL_BIN, True)]
    assert over(events) == [TroubleKind.FULL_BIN]
    assert troubles(desk.sort(config, 1)) == []
    assert troubles(desk.sort(config, 2, emptied=["3004"])) == []
    assert desk.outcomes() == ["dropped"] * 6
    desk.require_true()


@pytest.mark.parametrize(("fault", "home"), [("reset", "hand"), ("replug", "hand"), ("reset", "endstop")])
def test_a_board_that_is_lost_with_a_part_on_the_table_sorts_it_afterwards(
    desk: Desk, fault: str, home: Literal["hand", "endstop"]
) -> None:
    """A table that turns to its switch then, turns back to where the part was seen last."""
    config = desk.config(f'kind = "{fault}"\nmatches = "{PUSH}"\nat = 2\nduration_s = 1')
    events = desk.sort(config.model_copy(update={"turntable": TurntableConfig(home=home)}), 3)
    assert troubles(events) == [(TroubleKind.BOARD, False)]
    assert desk.outcomes() == ["dropped", "stayed", "dropped", "dropped"]
    summary = finished(events).summary
    assert summary.ends is not None
    assert (summary.parts, summary.stayed, summary.ends.pieces) == (3, 1, 3)
    desk.require_true()


def test_a_board_that_is_lost_right_after_the_push_leaves_a_part_that_is_named_as_lost(desk: Desk) -> None:
    fault = 'kind = "reset"\nmatches = "M280 P1 S10"\nat = 3'
    events = desk.sort(desk.config(fault), 3)
    assert [event.outcome for event in events if isinstance(event, PartAstray)] == ["lost"]
    assert Counter(desk.outcomes()) == {"dropped": 3, "lost": 1}
    assert finished(events).summary.lost == 1


def test_a_board_that_resets_while_a_part_is_turned_is_waited_for_and_the_part_looked_at_anew(
    desk: Desk,
) -> None:
    desk.have_a_model_that_looks_twice()
    # The 25 moves before, of 15 degrees at most, are of the empty table and of the first part.
    fault = 'kind = "reset"\nmatches = "G1 "\nat = 26'
    events = desk.sort(desk.config(fault, reject_threshold=1.0), 3)
    assert troubles(events) == [(TroubleKind.BOARD, False)]
    place = next(place for place, event in enumerate(events) if isinstance(event, Trouble))
    assert sum(isinstance(event, PartSorted) for event in events[:place]) == 1
    assert desk.outcomes() == ["dropped"] * 3
    assert finished(events).summary.parts == 3
    desk.require_true()


def test_a_board_that_never_returns_is_waited_for_once_and_the_part_is_on_record(desk: Desk) -> None:
    config = desk.config(f'kind = "unplug"\nmatches = "{PUSH}"\nat = 2')
    config = config.model_copy(update={"serial": SerialConfig(reconnect_timeout_s=0.5)})
    events = []
    with pytest.raises(SerialPortError) as stopped:
        for event in desk.job(config, 3):
            events.append(event)
    assert troubles(events) == [(TroubleKind.BOARD, False)]
    assert any("under way was part 2" in note for note in stopped.value.__notes__)
    assert desk.outcomes() == ["dropped", "unfinished"]


def test_of_two_parts_that_are_seen_to_lie_apart_none_is_classified(desk: Desk) -> None:
    pile = PileConfig.model_validate({"double": 1.0, "parts": {"3004": 1.0}})
    again = BinConfig(name="again", chute_deg=176)
    config = desk.config(pile=pile, return_bin="again", bins=(*DEFAULT_BINS, again))
    doubts: list[Doubt] = []
    passed_for_one = 0
    with closing(desk.job(config, 100)) as events:
        for event in events:
            if isinstance(event, PartReturned):
                doubts.append(event.doubt)
            passed_for_one += isinstance(event, PartSorted)
            if len(doubts) == 6:
                break
    assert set(doubts) <= {Doubt.SEVERAL, Doubt.CUT_OFF}
    assert Doubt.SEVERAL in doubts
    # Those that lie one behind the other from every side that was looked from; docs/sorting.md counts them.
    assert passed_for_one < len(doubts)
    back = [row for row in desk.rows() if row.doubt in (Doubt.SEVERAL, Doubt.CUT_OFF)]
    assert {row.bin for row in back} == {"again"}
    assert {(row.part, row.candidates) for row in back} == {(None, ())}
    assert {row.true_kind for row in desk.rows()} == {"double"}


def test_a_part_at_the_rim_is_turned_into_view_or_returned(desk: Desk) -> None:
    events = desk.sort(desk.config(pile=PileConfig(astray=1.0)), 6)
    assert finished(events).summary.parts == 6
    for row in desk.rows():
        assert row.outcome == "dropped"
        assert row.doubt in (None, Doubt.CUT_OFF)
    returned = [event for event in events if isinstance(event, PartReturned)]
    assert len(desk.rows()) == 6 + len(returned)
    desk.require_true()


def test_two_parts_that_are_stuck_together_pass_for_one(desk: Desk) -> None:
    desk.sort(desk.config(pile=PileConfig(stuck=1.0)), 4)
    assert {row.true_kind for row in desk.rows()} == {"stuck"}
    assert set(desk.outcomes()) == {"dropped"}


def test_an_empty_feeder_ends_the_run_after_a_look_all_round(desk: Desk) -> None:
    config = desk.config()
    config = config.model_copy(update={"sim": config.sim.model_copy(update={"feed_gap_s": 1e6})})
    events = desk.sort(config, 3)
    assert [type(event) for event in events[-2:]] == [PileEmpty, SortFinished]
    assert desk.rows() == []


def test_a_model_that_is_put_in_the_place_of_the_one_in_use_is_asked_from_the_next_part_on(
    desk: Desk,
) -> None:
    taken_for = []
    events = []
    for event in desk.job(desk.config(), 4, from_shelf=True):
        events.append(event)
        if isinstance(event, PartSorted):
            taken_for.append(event.decision.part)
            match len(taken_for):
                case 1:
                    write_single_minded(desk.bundle.folder, "3039", labels=LABELS)
                case 2:
                    write_single_minded(desk.folder / "models" / "other", "3001", labels=LABELS)
                    use(desk.folder / "models", "other")
                case 3:
                    (desk.folder / "models" / "other" / "model.tflite").write_bytes(b"torn")
    assert taken_for == ["3004", "3039", "3001", "3001"]
    assert [event.name for event in events if isinstance(event, ModelReplaced)] == ["m", "other"]
    [refused] = [event for event in events if isinstance(event, ModelRefused)]
    assert refused.kept == "other"
    assert "damaged" in refused.what
    assert [row.model for row in desk.rows()] == ["m", "m", "other", "other"]


def test_a_model_whose_labels_have_no_bin_does_not_come_into_use(desk: Desk) -> None:
    events = []
    for event in desk.job(desk.config(), 2):
        events.append(event)
        if isinstance(event, PartSorted) and event.done == 1:
            write_single_minded(desk.bundle.folder, "6666", labels=("6666", "7777"))
    [refused] = [event for event in events if isinstance(event, ModelRefused)]
    assert "6666" in refused.what
    assert [row.part for row in desk.rows()] == ["3004", "3004"]
    assert isinstance(load_bundle(desk.bundle.folder), Bundle)


def test_a_run_that_is_given_up_during_a_jam_leaves_no_part_under_way(desk: Desk) -> None:
    events = desk.job(desk.config(f'kind = "jam"\nmatches = "{PUSH}"\nat = 1'), 3)
    assert any(isinstance(event, Trouble) for event in events)
    with pytest.raises(Interrupted):
        events.throw(Interrupted())
    assert desk.outcomes() == ["unfinished"]
    assert not any(isinstance(event, LeftUnfinished) for event in desk.sort(desk.config(), 1))


class _InterruptedLedger(Ledger):
    """As where a signal comes while the disk is written to: Python raises it when that is done."""

    def record(self, *arguments: Any, **columns: Any) -> RowId:
        super().record(*arguments, **columns)
        raise Interrupted


def test_a_signal_while_a_part_is_put_on_record_leaves_it_as_unfinished(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rig.jobs.sort.Ledger", _InterruptedLedger)
    with pytest.raises(Interrupted) as stopped:
        desk.sort(desk.config(), 3)
    assert any("under way was part 1 (3004, for bin 3004" in note for note in stopped.value.__notes__)
    assert desk.outcomes() == ["unfinished"]


def test_the_simulated_feeder_lays_no_part_before_the_look_after_a_push() -> None:
    """From when the sweeper is told to draw back; what lay there sooner would be pushed and never booked."""
    back_s = ServoGateConfig().travel_s
    assert SimConfig().feed_gap_s > back_s + TOO_SOON_FOR_ANOTHER_S
