"""A list of parts on the simulated rig: interrupted, changed, and with parts that cannot be captured."""

from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from rig.capture.batch import (
    Batch,
    BatchEnded,
    BatchRow,
    Choice,
    RowEnded,
    RowStarted,
    begin_batch,
    latest_open_batch,
    open_batches,
    run_batch,
)
from rig.capture.parts_list import read_parts_list
from rig.capture.plan import CapturePlan, close_plan, open_sessions, save_plan
from rig.capture.session import CaptureEvent
from rig.config import CameraConfig, Config, PathsConfig, SimConfig
from rig.dataset.store import DatasetStore
from rig.errors import BadInput, CaptureStopped, DatasetError
from rig.jobs.capture import batch_job

pytestmark = pytest.mark.usefixtures("own_folder")

STEPS = 2


@pytest.fixture
def captures(tmp_path: Path) -> Path:
    return tmp_path / "captures"


def config(captures: Path) -> Config:
    return Config(
        sim=SimConfig(enabled=True, seed=3),
        camera=CameraConfig(width_px=160, height_px=120),
        paths=PathsConfig(captures=captures),
    )


def listed(captures: Path, *rows: str) -> Batch:
    path = captures.with_name("parts.csv")
    path.write_text("\n".join(["part,colour", *rows]))
    return begin_batch(str(path), read_parts_list(path, lambda order: None, steps=str(STEPS)), captures, 3)


def no_trouble(row: BatchRow, stop: CaptureStopped) -> Choice:
    raise AssertionError(stop)


def run(batch: Batch, captures: Path, *, until: Callable[[object], bool] = lambda event: False) -> list[str]:
    """Run a batch, up to some event; the parts that were laid on the table meanwhile."""
    laid = []
    with closing(batch_job(config(captures), batch, lambda sentence: None, no_trouble)) as events:
        for event in events:
            if isinstance(event, RowStarted):
                laid.append(str(event.plan.part))
            if until(event):
                break
    return laid


def pictures(captures: Path) -> dict[str, int]:
    return {
        folder.name: len(list(folder.iterdir())) for folder in sorted(captures.iterdir()) if folder.is_dir()
    }


def test_a_list_is_captured_in_its_order_and_forgotten(captures: Path) -> None:
    assert run(listed(captures, "3001,4", "3003", "3001,1"), captures) == ["3001", "3003", "3001"]
    assert pictures(captures) == {"3001": 2 * STEPS, "3003": STEPS}
    rows = list(DatasetStore(captures).rows())
    assert [row.colour for row in rows if row.label == "3001"] == [4] * STEPS + [1] * STEPS
    assert not list(captures.glob(".*.json"))


def test_each_row_of_a_part_is_another_brick(captures: Path) -> None:
    run(listed(captures, "3001", "3001"), captures)
    assert len({row.physical_part for row in DatasetStore(captures).rows()}) == 2


def test_an_interrupted_list_goes_on_where_it_was(captures: Path) -> None:
    batch = listed(captures, "3001", "3003", "3004")
    run(batch, captures, until=lambda event: isinstance(event, RowStarted) and event.row.line == 3)
    begun = latest_open_batch(captures)
    assert begun is not None
    assert [row.done for row in begun.rows] == [True, False, False]
    assert listed(captures, "3001", "3003", "3004") == begun
    assert run(begun, captures) == ["3003", "3004"]
    assert pictures(captures) == {"3001": STEPS, "3003": STEPS, "3004": STEPS}


def test_a_list_that_was_changed_meanwhile_goes_on_with_what_is_new(captures: Path) -> None:
    batch = listed(captures, "3001", "3003", "3003", "3004")
    run(batch, captures, until=lambda event: isinstance(event, RowEnded) and event.row.line == 3)
    changed = listed(captures, "3010", "3003", "3001", "3003,4", "3003")
    assert [row.done for row in changed.rows] == [False, True, True, False, False]
    assert run(changed, captures) == ["3010", "3003", "3003"]
    assert pictures(captures) == {"3001": STEPS, "3003": 3 * STEPS, "3010": STEPS}


def test_a_bad_row_is_found_before_the_first_is_captured(captures: Path) -> None:
    with pytest.raises(BadInput, match=r"parts\.csv, line 3: the simulator has no part 9999"):
        run(listed(captures, "3001", "9999"), captures)
    assert not list(captures.glob("*"))


class Trouble:
    """Captures what it is told to as far as it can; a part in `bad` leaves its session open, or empty."""

    def __init__(self, store: DatasetStore, bad: dict[str, int], *, leaves_open: bool) -> None:
        self.captured: list[str] = []
        self._store = store
        self._bad = bad
        self._leaves_open = leaves_open

    def capture(self, plan: CapturePlan) -> Generator[CaptureEvent, None, None]:
        save_plan(plan, self._store.root)
        if self._bad.get(plan.part, 0) > 0:
            self._bad[plan.part] -= 1
            if not self._leaves_open:
                close_plan(plan, self._store.root)
            raise CaptureStopped(f"{plan.part} cannot be kept", hint="lay it in the middle")
        self.captured.append(plan.part)
        close_plan(plan, self._store.root)
        yield from ()

    def run(self, batch: Batch, *choices: Choice) -> Batch:
        left = iter(choices)
        events = list(run_batch(batch, self._store, plan_of, self.capture, lambda row, stop: next(left)))
        assert next(left, None) is None
        assert isinstance(events[-1], BatchEnded)
        return events[-1].batch


def plan_of(row: BatchRow) -> CapturePlan:
    return row.order.plan(microsteps_per_turn=3200, source="simulated", seed=row.line)


@pytest.mark.parametrize("leaves_open", [True, False])
def test_a_part_that_cannot_be_captured_is_skipped_and_the_rest_goes_on(
    captures: Path, leaves_open: bool
) -> None:
    trouble = Trouble(DatasetStore(captures), {"3003": 9}, leaves_open=leaves_open)
    ended = trouble.run(listed(captures, "3001", "3003", "3004"), Choice.RETRY, Choice.SKIP)
    assert trouble.captured == ["3001", "3004"]
    assert [row.skipped for row in ended.rows] == ["", "3003 cannot be kept", ""]
    assert open_batches(captures) == []
    assert open_sessions(captures) == ([ended.rows[1].session] if leaves_open else [])


def test_a_part_can_be_tried_again(captures: Path) -> None:
    trouble = Trouble(DatasetStore(captures), {"3003": 2}, leaves_open=False)
    ended = trouble.run(listed(captures, "3001", "3003"), Choice.RETRY, Choice.RETRY)
    assert trouble.captured == ["3001", "3003"]
    assert not any(row.skipped for row in ended.rows)


def test_who_stops_at_a_part_goes_on_with_it(captures: Path) -> None:
    batch = listed(captures, "3001", "3003", "3004")
    with pytest.raises(CaptureStopped, match="3003 cannot be kept"):
        Trouble(DatasetStore(captures), {"3003": 1}, leaves_open=True).run(batch, Choice.STOP)
    begun = latest_open_batch(captures)
    assert begun is not None
    assert open_sessions(captures) == [begun.rows[1].session]
    again = Trouble(DatasetStore(captures), {}, leaves_open=True)
    again.run(begun)
    assert again.captured == ["3003", "3004"]
    assert open_sessions(captures) == []


def test_what_was_begun_last_is_what_is_resumed(captures: Path) -> None:
    batch = listed(captures, "3001", "3003")
    run(batch, captures, until=lambda event: isinstance(event, RowStarted))
    begun = latest_open_batch(captures)
    assert begun is not None
    assert begun.is_begun
    single = replace(plan_of(batch.rows[1]), session="29991231T235959Z-0000")
    save_plan(single, captures)
    assert latest_open_batch(captures) is None
    close_plan(single, captures)
    save_plan(replace(single, session="20000101T000000Z-0000"), captures)
    assert latest_open_batch(captures) == begun


def test_a_damaged_batch_is_named(captures: Path) -> None:
    run(listed(captures, "3001", "3003"), captures, until=lambda event: isinstance(event, RowStarted))
    (path,) = captures.glob(".*.batch.json")
    path.write_text(path.read_text().replace('"part": "3001"', '"part": 3001'))
    with pytest.raises(DatasetError, match=r"batch\.json is damaged"):
        listed(captures, "3001", "3003")


def test_a_list_goes_on_the_way_it_was_begun(captures: Path) -> None:
    begun = listed(captures, "3001,", "3003,")
    run(begun, captures, until=lambda event: isinstance(event, RowEnded))
    path = Path(begun.source)
    parts = read_parts_list(path, lambda order: None, steps=str(STEPS))
    with pytest.raises(BadInput, match="begun without --sweep"):
        begin_batch(str(path), parts, captures, 3, sweep=True)
