"""The board of a daemon that is a process of its own: lost and found, killed and stopped, and taken."""

import os
import select
import shutil
import signal
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from rig.clock import SystemClock
from rig.errors import MarlinTimeout
from rig.sim.faults import Direction, Fault, FaultKind
from tests.daemon.daemons import API, OverSocket, Served, daemon, looking, within
from tests.daemon.rigs import Kept, configured, kept_rig
from tests.sim.boards import LIGHT_PIN, desk


@contextmanager
def rig_of(folder: Path, *faults: Fault, speed_deg_s: float = 180.0) -> Iterator[tuple[Served, Kept]]:
    with kept_rig(folder, *faults, speed_deg_s=speed_deg_s) as kept:
        yield kept.served, kept


def test_an_emergency_while_idle_is_certain_and_lifted_by_reconnecting(tmp_path: Path) -> None:
    with rig_of(tmp_path) as (served, kept):
        assert served.post("/emergency-stop") == {"job": None}
        served.await_board("halted")
        status, problem = served.ask("POST", "/jobs", {"kind": "capture", "part": "3001"})
        assert (status, problem["hint"]) == (409, "see that all is well, then reset the board")
        served.post("/machine/reconnect")
        served.await_board("ready")
        assert kept.is_at_rest()


def test_an_emergency_during_a_job_kills_the_board_and_ends_the_job(tmp_path: Path) -> None:
    with rig_of(tmp_path, speed_deg_s=15.0) as (served, kept):
        job = kept.begin_turning()
        stopped = served.post("/emergency-stop")
        assert (stopped["job"]["id"], stopped["job"]["state"]) == (job, "stopped")
        served.await_board("halted")
        # Marlin says so before it does so.
        assert within(10, lambda: not kept.board.world.motors_on())
        served.post("/machine/reconnect")
        served.await_board("ready")


def test_an_emergency_that_the_board_does_not_confirm_is_no_success_and_not_lifted_by_itself(
    tmp_path: Path,
) -> None:
    deaf = Fault(FaultKind.DROP, Direction.TO_BOARD, b"M112")
    with rig_of(tmp_path, deaf) as (served, _):
        status, problem = served.ask("POST", "/emergency-stop", {})
        assert (status, problem["type"]) == (503, f"/problems/{MarlinTimeout.__name__}")
        assert "did not confirm the emergency stop" in problem["detail"]
        assert served.await_board("halted")["hint"] == "cut the motor power now"
        assert served.ask("POST", "/jobs", {"kind": "capture", "part": "3001"})[0] == 409


def test_a_board_that_somebody_resets_after_an_emergency_is_found_again(tmp_path: Path) -> None:
    button = Fault(FaultKind.RESET_LATER, Direction.TO_BOARD, b"M112", delay_s=4.0)
    with rig_of(tmp_path, button) as (served, _):
        served.post("/emergency-stop")
        served.await_board("halted")
        served.await_board("ready")


def test_no_stop_waits_behind_requests_that_wait_themselves(tmp_path: Path) -> None:
    """More than the daemon has threads for: each is a job that shall begin once the board is connected."""
    deaf = Fault(FaultKind.DROP, Direction.TO_HOST)
    request = '{"kind": "capture", "part": "3001"}'
    with ExitStack() as stack:
        stack.enter_context(configured(tmp_path, deaf, boot_timeout_s=60))
        served = stack.enter_context(daemon(tmp_path, ready=False))
        waiting = [stack.enter_context(closing(OverSocket(served.socket))) for _ in range(50)]
        for connection in waiting:
            connection.request("POST", f"{API}/jobs", request, {"Content-Type": "application/json"})
        status, problem = served.ask("POST", "/emergency-stop", {})
        assert (status, problem["detail"]) == (503, "there is no board to be killed")
        assert served.ask("GET", "/health")[0] == 200
        assert select.select([connection.sock for connection in waiting], [], [], 0)[0] == []


def test_a_stop_ends_a_long_move_at_once(tmp_path: Path) -> None:
    with rig_of(tmp_path, speed_deg_s=15.0) as (served, kept):
        job = kept.begin_turning()
        assert served.post("/stop")["job"]["id"] == job
        assert kept.is_at_rest()


def test_a_stop_comes_to_a_job_that_is_being_cancelled(tmp_path: Path) -> None:
    with rig_of(tmp_path, speed_deg_s=15.0) as (served, kept):
        job = kept.begin_turning()
        served.post(f"/jobs/{job}/cancel")
        served.post("/stop")
        assert kept.is_at_rest()
        assert served.job(job)["state"] == "stopped"


def test_a_job_waits_for_a_person_with_everything_still(tmp_path: Path) -> None:
    with rig_of(tmp_path) as (served, _):
        job = served.begin("capture", part="3001", steps=4, attended=True)
        waiting = served.await_job(job, "waiting")
        assert waiting["question"]["sentence"].startswith("Lay one part 3001 in the middle of the table")
        assert waiting["question"]["answers"] == []
        served.post(f"/jobs/{job}/cancel")
        ended = served.await_job(job)
        assert (ended["state"], ended["question"]) == ("cancelled", None)


def test_a_board_that_is_unplugged_while_nothing_runs_is_found_again(tmp_path: Path) -> None:
    # Each look at an idle board asks so.
    unplugged = Fault(FaultKind.REPLUG, Direction.TO_BOARD, b"M114", at=6, duration_s=1.0)
    with rig_of(tmp_path, unplugged) as (served, _):
        board = served.await_board("offline")
        assert "unplugged" in board["reason"]
        status, problem = served.ask("POST", "/jobs", {"kind": "capture", "part": "3001"})
        assert status == 409
        assert problem["detail"].startswith("the board is offline")
        served.await_board("ready")
        job = served.begin("capture", part="3001", steps=3, attended=True)
        assert served.await_job(job, "waiting")["state"] == "waiting"


def test_a_board_that_is_unplugged_while_somebody_looks_on_is_missed(tmp_path: Path) -> None:
    unplugged = Fault(FaultKind.REPLUG, Direction.TO_BOARD, b"M114", at=6, duration_s=1.0)
    with rig_of(tmp_path, unplugged) as (served, _), looking(served) as read:
        read()
        served.await_board("offline")
        served.await_board("ready")


def test_a_board_that_is_unplugged_during_a_job_ends_it_and_is_found_again(tmp_path: Path) -> None:
    unplugged = Fault(FaultKind.REPLUG, Direction.TO_BOARD, rb"G[01] X", at=2, duration_s=1.0)
    with rig_of(tmp_path, unplugged) as (served, kept):
        job = served.begin("calibrate_settle")
        ended = served.await_job(job)
        assert ended["state"] == "failed"
        assert "unplugged" in ended["problem"]["detail"]
        served.await_board("ready")
        assert within(10, lambda: not kept.board.world.motors_on())


def test_a_stop_is_none_while_a_board_is_gone_that_was_not_left_at_rest(tmp_path: Path) -> None:
    unplugged = Fault(FaultKind.REPLUG, Direction.TO_BOARD, rb"G[01] X", at=2, duration_s=4.0)
    with rig_of(tmp_path, unplugged) as (served, _):
        assert served.await_job(served.begin("calibrate_settle"))["state"] == "failed"
        status, problem = served.ask("POST", "/stop", {})
        assert status == 503
        assert "could not release the motors" in problem["detail"]
        assert problem["hint"] == "cut the motor power"
        served.await_board("ready")
        assert served.post("/stop")["job"] is None


def test_a_board_that_no_adapter_resets_is_put_at_rest_when_it_is_found(tmp_path: Path) -> None:
    with configured(tmp_path, speed_deg_s=15.0) as board:
        # Its far end is open already: to open it once more resets nothing.
        held = os.open(board.stable_url, os.O_RDWR | os.O_NOCTTY)
        try:
            with daemon(tmp_path) as served:
                Kept(served, board).begin_turning()
                served.send(signal.SIGKILL)
                served.process.wait(timeout=30)
            assert board.world.motors_on()
            assert board.world.pin(LIGHT_PIN) > 0
            with daemon(tmp_path) as served:
                assert Kept(served, board).is_at_rest()
        finally:
            os.close(held)


def test_a_camera_that_is_gone_leaves_the_board_ready(tmp_path: Path) -> None:
    with desk(clock=SystemClock()) as board:
        (tmp_path / "rig.toml").write_text(
            f'[serial]\nport = "{board.stable_url}"\nboot_timeout_s = 1.5\n'
            '[camera]\ndevice = "http://127.0.0.1:9/none.mjpg"\ntimeout_s = 1\n',
            encoding="utf-8",
        )
        with daemon(tmp_path) as served:
            status, problem = served.ask("GET", "/live.jpg")
            assert (status, problem["type"]) == (503, "/problems/FrameTimeout")
            assert served.state()["board"]["status"] == "ready"
            assert board.world.pin(LIGHT_PIN) == 0


def test_a_second_daemon_of_the_same_rig_is_refused_with_who_runs_it(tmp_path: Path) -> None:
    with daemon(tmp_path) as first:
        with pytest.raises(AssertionError, match="does not serve"), daemon(tmp_path):
            pass
        said = (tmp_path / "serve.log").read_text()
        assert f"the rig is in use by: rig --json serve --port 0 (process {first.pid})" in said
        assert f"end it first: kill {first.pid}" in said
        assert first.state()["board"]["status"] == "ready"


def test_a_socket_that_was_left_over_is_taken_over(tmp_path: Path) -> None:
    with daemon(tmp_path) as first:
        first.process.kill()
        first.process.wait()
        assert first.socket.exists()
        with daemon(tmp_path) as second:
            assert second.socket == first.socket
            assert second.state()["rig"]["pid"] == second.pid
    assert not first.socket.exists()


def test_what_a_pretended_rig_finds_has_no_place_in_the_rig_toml_of_the_real_one(tmp_path: Path) -> None:
    text = '[serial]\nport = "/dev/ttyNone"\n'
    (tmp_path / "rig.toml").write_text(text)
    with daemon(tmp_path, "--sim", "--port", "0") as served:
        job = served.begin("calibrate_camera")
        assert served.await_job(job)["state"] == "finished"
    assert (tmp_path / "rig.toml").read_text() == text


def test_a_daemon_whose_folder_is_moved_or_deleted_still_says_how_it_is(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    with daemon(tmp_path / "here") as served:
        name = served.state()["rig"]["name"]
        (tmp_path / "here").rename(tmp_path / "there")
        assert served.state()["rig"]["name"] == name
        shutil.rmtree(tmp_path / "there")
        assert served.state()["rig"]["name"] == name
        job = served.begin("capture", part="3001", steps=3)
        assert served.await_job(job)["state"] == "failed"
        assert served.state()["board"]["status"] == "ready"
        assert served.end() == 0
