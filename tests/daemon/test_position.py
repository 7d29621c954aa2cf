"""Whether it is known where the table stands is told whenever it changes, and not while the table turns."""

from collections.abc import Iterator
from pathlib import Path

from rig.sim.faults import Direction, Fault, FaultKind
from tests.daemon.daemons import Served, Told
from tests.daemon.rigs import kept_rig


def _known(served: Served) -> bool:
    is_known: bool = served.state()["position"]["is_known"]
    return is_known


def _await_told(served: Served, events: Iterator[Told], *, is_known: bool) -> None:
    """Read until a `state` event finds it so. When nothing more is told, a sign of life comes after 10 s."""
    for told in events:
        assert told.name, "nobody was told"
        if told.name == "state" and _known(served) is is_known:
            return


def test_who_listens_is_told_when_it_becomes_known_and_unknown(tmp_path: Path) -> None:
    with kept_rig(tmp_path) as kept:
        served = kept.served
        assert not _known(served)
        with served.events(served.state()["event_id"], signs_of_life=True) as events:
            assert next(events).name == ""  # that one is connected
            job = served.begin("capture", part="3001", steps=4, attended=True)
            served.await_job(job, "waiting")
            _await_told(served, events, is_known=True)
            served.post("/stop")
            _await_told(served, events, is_known=False)


def test_a_table_that_turns_is_not_lost(tmp_path: Path) -> None:
    with kept_rig(tmp_path, speed_deg_s=15.0) as kept:
        job = kept.begin_turning()
        position = kept.served.state()["position"]
        assert position == {"is_known": True, "angle_deg": None}
        kept.served.post(f"/jobs/{job}/cancel")
        kept.served.await_job(job)
        assert not _known(kept.served)


def test_a_board_that_restarts_has_lost_it(tmp_path: Path) -> None:
    restart = Fault(FaultKind.RESET_LATER, Direction.TO_BOARD, rb"G[01] X", at=2, delay_s=0.3)
    with kept_rig(tmp_path, restart, speed_deg_s=15.0) as kept:
        served = kept.served
        job = served.begin("calibrate_settle")
        assert served.await_job(job)["state"] == "failed"
        served.await_state(lambda state: not state["position"]["is_known"])
