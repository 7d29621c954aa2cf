"""Commands that find the daemon of their rig: how they end, ask and are refused, and what `rig stop` ends."""

import json
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import RIG, Shell
from tests.acceptance.real_rig import Terminal, terminal
from tests.daemon.daemons import Served, daemon, within
from tests.daemon.rigs import configured, kept_rig

TWO_POSES = ("capture", "--part", "3001", "--steps", "3", "--poses", "2")


def stopped_on_its_way(process: subprocess.Popen[str]) -> str:
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert "rig: stopped" in said
    return said


def client(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """A command that heeds Ctrl-C, also where those who run the tests do not."""
    return subprocess.Popen(
        [RIG, *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_heed_ctrl_c,
    )


def _heed_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_cancels_the_job_and_leaves_the_rig_at_rest(tmp_path: Path, number: signal.Signals) -> None:
    with kept_rig(tmp_path, speed_deg_s=15.0) as kept, client(tmp_path, "calibrate", "settle") as process:
        microsteps = kept.await_turning()
        process.send_signal(number)
        said = stopped_on_its_way(process)
        assert "Ctrl-C again stops it at once" in said or number is signal.SIGTERM
        assert kept.is_at_rest()
        # The move under way has ended.
        assert kept.microsteps > microsteps + 250
        assert kept.served.state()["last_job"]["state"] == "cancelled"
        assert kept.served.state()["job"] is None


def test_ctrl_c_twice_stops_it_at_once(tmp_path: Path) -> None:
    with kept_rig(tmp_path, speed_deg_s=5.0) as kept, client(tmp_path, "calibrate", "settle") as process:
        kept.await_turning()
        process.send_signal(signal.SIGINT)
        kept.served.await_state(lambda state: state["job"]["state"] == "cancelling")
        process.send_signal(signal.SIGINT)
        stopped_on_its_way(process)
        assert kept.is_at_rest()
        assert kept.microsteps < 3200 * 50 // 360
        assert kept.served.state()["last_job"]["state"] == "stopped"


def test_a_client_that_is_killed_leaves_its_job_running(tmp_path: Path) -> None:
    with daemon(tmp_path) as served:
        with client(tmp_path, "capture", "--part", "3001", "--steps", "144") as process:
            served.await_state(lambda state: state["job"] is not None and bool(state["job"]["done"]))
            process.kill()
        job = (served.state()["job"] or served.state()["last_job"])["id"]
        ended = served.await_job(job)
        assert (ended["state"], ended["done"]) == ("finished", 144)


def test_a_second_client_is_refused_with_what_is_running(tmp_path: Path) -> None:
    with daemon(tmp_path) as served:
        job = served.begin("capture", part="3001", steps=144)
        served.await_event(job, "ViewTaken")
        served.post(f"/jobs/{job}/pause")
        said = Shell(tmp_path).fails("sort")
        assert "rig: the rig is in use by a job: Capturing 3001 (since 20" in said
        assert "     wait until that has ended, or cancel it" in said
        assert served.job(job)["state"] == "paused"


def test_a_job_that_somebody_ends_elsewhere_ends_the_client(tmp_path: Path) -> None:
    with daemon(tmp_path) as served:
        with client(tmp_path, "capture", "--part", "3001", "--steps", "144") as process:
            state = served.await_state(lambda state: state["job"] is not None and bool(state["job"]["done"]))
            served.post(f"/jobs/{state['job']['id']}/cancel")
            assert "complete the session with: rig capture --resume" in stopped_on_its_way(process)
        # As without a daemon, it is completed by that.
        assert Shell(tmp_path).run("capture", "--resume").returncode == 0


def test_a_daemon_that_dies_under_a_client_is_one_line(tmp_path: Path) -> None:
    with daemon(tmp_path) as served:
        with client(tmp_path, "capture", "--part", "3001", "--steps", "144") as process:
            served.await_state(lambda state: state["job"] is not None and bool(state["job"]["done"]))
            served.process.kill()
            _, said = process.communicate(timeout=60)
        assert process.returncode == 1
        assert said.count("does not answer any more") == 1
        assert "Traceback" not in said


def test_a_daemon_that_ends_under_a_client_says_what_is_kept(tmp_path: Path) -> None:
    words = "capture", "--part", "3001", "--steps", "144"
    with daemon(tmp_path) as served, client(tmp_path, *words) as process:
        served.await_state(lambda state: state["job"] is not None and bool(state["job"]["done"]))
        assert served.end() == 0
        assert "complete the session with: rig capture --resume" in stopped_on_its_way(process)


# Stops.


def test_rig_stop_ends_the_job_and_not_the_daemon(tmp_path: Path) -> None:
    with kept_rig(tmp_path, speed_deg_s=5.0) as kept:
        job = kept.begin_turning()
        stopped = Shell(tmp_path).json("stop")
        assert (stopped["daemon"], stopped["emergency"]) == (kept.served.pid, False)
        assert stopped["job"]
        assert kept.is_at_rest()
        assert kept.served.job(job)["state"] == "stopped"
        again = Shell(tmp_path).run("stop")
        assert again.returncode == 0
        assert "No job ran; asked the daemon that has the rig" in again.stderr
        assert kept.served.state()["board"]["status"] == "ready"


def test_an_emergency_kills_the_board_and_not_the_daemon(tmp_path: Path) -> None:
    with kept_rig(tmp_path, speed_deg_s=5.0) as kept:
        kept.begin_turning()
        stopped = Shell(tmp_path).run("stop", "--emergency")
        assert stopped.returncode == 0, stopped.stderr
        assert "The board is dead" in stopped.stderr
        kept.served.await_board("halted")
        assert within(10, lambda: not kept.board.world.motors_on())
        said = Shell(tmp_path).fails("calibrate", "settle")
        assert "rig: the board is halted" in said
        kept.served.post("/machine/reconnect")
        kept.served.await_board("ready")


def test_the_doctor_leaves_to_the_daemon_what_that_has(tmp_path: Path) -> None:
    with kept_rig(tmp_path) as kept:
        findings = Shell(tmp_path).json("doctor")["findings"]
        found = {finding["subject"]: finding for finding in findings}
        assert f"process {kept.served.pid}" in found["daemon"]["found"]
        assert found["rig"]["verdict"] == "good"
        assert "the daemon says that the board is ready: Marlin" in found["rig"]["found"]
        assert "camera" not in found
        motion = Shell(tmp_path).run("doctor", "--motion")
        assert motion.returncode == 1
        assert "the rig is in use by: rig --json serve" in motion.stdout
        assert f"end it first: kill {kept.served.pid}" in motion.stdout


# Somebody at a terminal.


def pictures(folder: Path) -> list[dict[str, Any]]:
    manifest = folder / "captures" / "metadata.jsonl"
    return [json.loads(line) for line in manifest.read_text().splitlines()]


def test_what_a_job_asks_is_asked_at_the_terminal_of_who_began_it(tmp_path: Path) -> None:
    with kept_rig(tmp_path), terminal(tmp_path, *TWO_POSES) as screen:
        screen.await_text("Lay one part 3001 in the middle of the table, then press Enter.")
        screen.type_line()
        screen.await_text("3/6")
        screen.await_text("Turn the same part 3001")
        screen.type_line()
        assert screen.end() == 0, screen.text
        assert "6 views of 3001 are in captures/3001" in screen.text
    assert [row["pose"] for row in pictures(tmp_path)] == [0] * 3 + [1] * 3


def test_what_is_asked_at_a_terminal_may_be_answered_elsewhere(tmp_path: Path) -> None:
    with (
        kept_rig(tmp_path) as kept,
        terminal(tmp_path, *TWO_POSES) as screen,
    ):
        screen.await_text("Lay one part 3001 in the middle of the table, then press Enter.")
        answer_over_http(kept.served)
        screen.await_text("It was answered elsewhere.")
        # The next question is asked here all the same.
        screen.await_text("Turn the same part 3001")
        screen.type_line()
        assert screen.end() == 0, screen.text


def answer_over_http(served: Served, answer: str = "") -> None:
    job = served.await_state(lambda state: state["job"] is not None and state["job"]["question"])["job"]
    served.post(f"/jobs/{job['id']}/answer", {"question_id": job["question"]["id"], "answer": answer})


def test_a_choice_is_made_at_the_terminal_or_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "parts.csv").write_text("part,steps\n3003,3\n3001,3\n")
    with configured(tmp_path) as board:
        board.world.pour(iter(()))  # nothing on the table
        with daemon(tmp_path) as served, terminal(tmp_path, "capture", "--batch", "parts.csv") as screen:
            screen.await_text("Lay one part 3003")
            screen.type_line()
            screen.await_text("What now? (retry, skip, quit)")
            screen.type_line("r")
            screen.await_text("Lay one part 3003")
            answer_over_http(served)
            screen.await_text("It was answered elsewhere.")
            screen.await_text("What now? (retry, skip, quit)")
            answer_over_http(served, "skip")
            screen.await_text("It was answered elsewhere.")
            leave(screen)


def leave(screen: Terminal) -> None:
    screen.await_text("Lay one part 3001")
    screen.type_line("\x04")  # Ctrl-D
    assert screen.end() == 130
    assert "go on with the list with: rig capture --resume" in screen.text


# Sockets that are none of ours.


_AS_SOMEBODY_ELSE = """
import os, sys
from pathlib import Path
from rig.config import Config, DaemonConfig
from rig.errors import DeviceError
from rig.remote import find_daemon

config = Config(daemon=DaemonConfig(socket=sys.argv[1]))
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
else:
    Path(sys.argv[1]).chmod(0)
try:
    find_daemon(config, anywhere=False)
except DeviceError as error:
    print(error.what, error.hint, sep="; ")
"""


def test_a_socket_that_is_not_for_this_user_is_an_error(tmp_path: Path) -> None:
    # By way of a folder that everybody may look into, unlike those of a test.
    with tempfile.TemporaryDirectory() as open_to_all:
        folder = Path(open_to_all)
        folder.chmod(0o755)
        socket = folder / "socket"
        (tmp_path / "rig.toml").write_text(f'[sim]\nenabled = true\n[daemon]\nsocket = "{socket}"\n')
        with daemon(tmp_path):
            said = subprocess.run(
                [RIG.with_name("python"), "-c", _AS_SOMEBODY_ELSE, socket],
                capture_output=True,
                text=True,
                check=True,
            ).stdout
    assert (
        said
        == f"{socket} is not for this user; join its group, then log in anew: usermod -aG brickrig NAME\n"
    )


@pytest.mark.parametrize("name", ["none.sock", "dir", "x" * 200])
def test_where_no_daemon_can_be_the_command_does_it_itself(tmp_path: Path, name: str) -> None:
    (tmp_path / "dir").mkdir()
    (tmp_path / "rig.toml").write_text(
        f'[sim]\nenabled = true\n[daemon]\nsocket = "{tmp_path / name}"\n', encoding="utf-8"
    )
    done = Shell(tmp_path).run("capture", "--part", "3001", "--steps", "3")
    assert done.returncode == 0, done.stderr
    assert "Through" not in done.stderr


def test_what_listens_there_and_is_no_daemon_is_one_line(tmp_path: Path) -> None:
    script = (
        "import socket\n"
        "s = socket.socket(socket.AF_UNIX); s.bind('s'); s.listen(); print('on', flush=True)\n"
        "while True:\n"
        "    c, _ = s.accept()\n"
        "    if not c.recv(9999): continue\n"
        "    c.sendall(b'HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\n[]'); c.close()\n"
    )
    (tmp_path / "rig.toml").write_text(
        f'[sim]\nenabled = true\n[daemon]\nsocket = "{tmp_path / "s"}"\n', encoding="utf-8"
    )
    python = RIG.with_name("python")
    with subprocess.Popen([python, "-c", script], cwd=tmp_path, stdout=subprocess.PIPE) as stranger:
        try:
            assert stranger.stdout is not None
            stranger.stdout.readline()
            said = Shell(tmp_path).fails("capture", "--part", "3001")
            assert "is no daemon of a rig" in said
        finally:
            stranger.kill()
