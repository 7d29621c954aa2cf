"""What a command does with a daemon: it ends its job however soon, and only asks that of its own rig."""

import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer

import pytest

from rig.cli.settings import Settings
from rig.remote import Daemon
from tests.acceptance.conftest import RIG

_JOB = {"id": "0" * 12, "first_event": "boot-1", "state": "cancelled", "problem": {"type": "about:blank"}}


class StandIn(ThreadingMixIn, UnixStreamServer):
    """Answers as a daemon does that takes its time to begin a job, and notes what it is asked to do."""

    daemon_threads = True

    def __init__(self, path: Path, source: str) -> None:
        super().__init__(str(path), _Answers)
        self.about = {"rig": {"pid": 1, "folder": "/", "source": source}}
        self.told: list[str] = []
        self.was_asked = threading.Event()
        self.may_answer = threading.Event()


class _Answers(BaseHTTPRequestHandler):
    server: StandIn

    def do_GET(self) -> None:
        self._answer(self.server.about if self.path.endswith("/state") else _JOB)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.told.append(self.path.removeprefix("/api/v1"))
        if self.path.endswith("/jobs"):
            self.server.was_asked.set()
            self.server.may_answer.wait(60)
        self._answer(_JOB)

    def log_message(self, *args: object) -> None:
        pass

    def _answer(self, document: object) -> None:
        content = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def standing_in(folder: Path, source: str) -> Iterator[StandIn]:
    """It listens where the rig.toml of a folder, that of a simulated rig, says."""
    with StandIn(folder / "s", source) as server:
        (folder / "rig.toml").write_text(
            f'[sim]\nenabled = true\n[daemon]\nsocket = "{folder / "s"}"\n', encoding="utf-8"
        )
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.may_answer.set()
            server.shutdown()
            thread.join()


def _heed_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_job_that_is_ended_before_it_is_known_which_it_is_ends_all_the_same(
    tmp_path: Path, number: signal.Signals
) -> None:
    with (
        standing_in(tmp_path, "simulated") as server,
        subprocess.Popen(
            [RIG, "capture", "--part", "3001"],
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=_heed_ctrl_c,
        ) as process,
    ):
        assert server.was_asked.wait(60)
        process.send_signal(number)
        # It waits for the answer: without, nobody could end the job.
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.5)
        server.may_answer.set()
        _, said = process.communicate(timeout=60)
        assert process.returncode == 130, said
        assert "Traceback" not in said
        assert server.told == ["/jobs", f"/jobs/{'0' * 12}/cancel"]


def test_a_simulated_rig_is_never_run_by_the_daemon_of_a_real_one(tmp_path: Path) -> None:
    with standing_in(tmp_path, "camera") as server:
        done = subprocess.run(
            [RIG, "capture", "--part", "3001", "--steps", "3"], cwd=tmp_path, capture_output=True, text=True
        )
    assert done.returncode == 0, done.stderr
    assert "Simulated rig (as rig.toml says)." in done.stderr
    assert server.told == []


@pytest.mark.parametrize(
    ("is_simulated", "said"), [(True, "Simulated rig (no rig.toml here).\n"), (False, "")]
)
def test_a_daemon_of_a_real_rig_is_not_called_simulated(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    is_simulated: bool,
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings(config_path=None, force_sim=False, as_json=False, debug=False)
    settings.say_if_simulated(settings.read_config(), Daemon(Path(), 1, Path(), is_simulated=is_simulated))
    assert capsys.readouterr().err == said
