"""However and whenever the daemon is told to end, the rig is at rest soon: `make bench ONLY=daemon_end`."""

import signal
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from rig.sim.faults import Direction, Fault, FaultKind
from tests.acceptance.conftest import RIG
from tests.daemon.daemons import API, OverSocket, Served, daemon, looking, within
from tests.daemon.rigs import TURNED_TO, Kept, configured, kept_rig

_PATIENCE_S = 30.0
# Where nothing moves there is nothing to stop, and no two seconds to be spent on stopping it for certain.
UNPLUGGED_BY_A_STOP = Fault(FaultKind.UNPLUG, Direction.TO_BOARD, b"M410")


def ends_at_rest(kept: Kept, number: signal.Signals = signal.SIGTERM) -> None:
    kept.served.send(number)
    assert within(_PATIENCE_S, kept.is_at_rest)
    assert kept.served.process.wait(timeout=_PATIENCE_S) == 0, kept.served.log.read_text()
    assert kept.is_at_rest()
    assert not kept.served.socket.exists()
    assert "Traceback" not in kept.served.log.read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_while_nothing_runs(tmp_path: Path, number: signal.Signals) -> None:
    with daemon(tmp_path) as served:
        assert served.end(number) == 0
        assert not served.socket.exists()


def test_while_a_long_move_is_under_way(tmp_path: Path) -> None:
    with kept_rig(tmp_path, speed_deg_s=5.0) as kept:
        kept.begin_turning()  # nine seconds
        ends_at_rest(kept)
        assert kept.microsteps < TURNED_TO


def test_while_a_job_asks_somebody(tmp_path: Path) -> None:
    with kept_rig(tmp_path, UNPLUGGED_BY_A_STOP) as kept:
        job = kept.served.begin("capture", part="3001", steps=4, attended=True)
        kept.served.await_job(job, "waiting")
        assert not kept.is_at_rest()
        ends_at_rest(kept)


def test_while_a_job_is_paused(tmp_path: Path) -> None:
    with kept_rig(tmp_path, UNPLUGGED_BY_A_STOP, speed_deg_s=15.0) as kept:
        kept.pause_turning()
        assert not kept.is_at_rest()
        ends_at_rest(kept)


def test_while_live_pictures_are_shown(tmp_path: Path) -> None:
    with kept_rig(tmp_path) as kept, looking(kept.served) as read:
        read()
        assert not kept.is_at_rest()
        ends_at_rest(kept)


def test_while_a_job_is_being_cancelled(tmp_path: Path) -> None:
    """The second signal that a job meets ends the daemon all the same."""
    with kept_rig(tmp_path, speed_deg_s=5.0) as kept:
        job = kept.begin_turning()
        kept.served.post(f"/jobs/{job}/cancel")
        ends_at_rest(kept)


def test_while_the_board_is_being_looked_for(tmp_path: Path) -> None:
    deaf = Fault(FaultKind.DROP, Direction.TO_HOST)
    with configured(tmp_path, deaf), daemon(tmp_path, ready=False) as served:
        served.send(signal.SIGTERM)
        assert served.process.wait(timeout=_PATIENCE_S) == 0, served.log.read_text()


def test_told_again_and_again(tmp_path: Path) -> None:
    with daemon(tmp_path) as served:
        for _ in range(5):
            served.process.send_signal(signal.SIGTERM)
            within(0.1, lambda: served.process.poll() is not None)
        assert served.process.wait(timeout=_PATIENCE_S) is not None
        assert "Traceback" not in served.log.read_text()
        assert not served.socket.exists()


def test_who_follows_is_let_go_and_hears_how_the_job_ended(tmp_path: Path) -> None:
    with kept_rig(tmp_path, speed_deg_s=15.0) as kept:
        job = kept.begin_turning()
        with kept.served.events() as events, closing(OverSocket(kept.served.socket)) as idle:
            idle.connect()
            kept.served.send(signal.SIGTERM)
            told = [told.data for told in events if told.name == "job"]
        assert told[-1]["id"] == job
        assert told[-1]["state"] in ("cancelled", "stopped")
        assert kept.served.process.wait(timeout=_PATIENCE_S) == 0


def test_a_client_that_reads_nothing_does_not_hold_up_the_end(tmp_path: Path) -> None:
    with daemon(tmp_path) as served, closing(OverSocket(served.socket)) as deaf:
        deaf.request("GET", f"{API}/live.mjpg")
        assert deaf.getresponse().status == 200
        for _ in range(2):
            served.await_job(served.begin("capture", part="3001", steps=72))
        assert served.end() == 0


def test_a_client_that_sends_slowly_is_told_and_leaves_no_traceback(tmp_path: Path) -> None:
    with daemon(tmp_path) as served, closing(OverSocket(served.socket)) as slow:
        slow.connect()
        head = f"POST {API}/jobs HTTP/1.1\r\nHost: rig\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n"
        slow.sock.sendall(head.encode())
        assert slow.sock.recv(65536).startswith(b"HTTP/1.1 100 ")
        slow.sock.sendall(b"half of")
        assert served.end() == 0
        assert slow.sock.recv(65536).startswith(b"HTTP/1.1 503 ")
        assert "Traceback" not in served.log.read_text()


def test_under_nohup_it_outlives_its_terminal(tmp_path: Path) -> None:
    process = subprocess.Popen(
        ["nohup", RIG, "serve", "--port", "0"],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert any("Stop it with" in line for line in process.stdout)
        process.send_signal(signal.SIGHUP)
        found = Served(process, socket_of(tmp_path), None, tmp_path)
        found.await_board("ready")
        job = found.begin("capture", part="3001", steps=3)
        assert found.await_job(job)["state"] == "finished"
        assert found.end() == 0


def socket_of(folder: Path) -> Path:
    """Where the commands of a folder find its daemon."""
    script = "from rig.config import Config, SimConfig; from rig.daemon_socket import socket_to_serve;"
    script += "print(socket_to_serve(Config(sim=SimConfig(enabled=True))))"
    python = RIG.with_name("python")
    said = subprocess.run([python, "-c", script], cwd=folder, check=True, capture_output=True, text=True)
    return Path(said.stdout.strip())
