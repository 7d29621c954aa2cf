"""The daemon as it is served, with a simulated rig: all that can be asked is answered as the schema says.

Jobs are started, paused, stopped and cancelled here in every order, and the board is killed and reset, by
random requests; whatever they do, no answer is an error of the server.
"""

import os
import socket
import subprocess
import sys
from pathlib import Path

from tests.daemon.daemons import daemon
from tests.daemon.filled import fill

_HERE = Path(__file__).parent
_EXAMPLES = 5
# They never end.
_STREAMS = ("/api/v1/events", "/api/v1/live.mjpg")


def test_whatever_is_asked_no_answer_is_an_error_of_the_server(tmp_path: Path) -> None:
    station = tmp_path / "station"
    station.mkdir()
    fill(station)
    rig_toml = station / "rig.toml"
    rig_toml.write_text(rig_toml.read_text().replace("enabled = false", "enabled = true", 1))
    with daemon(station, "--port", str(_free_port())) as served:
        done = subprocess.run(
            [
                Path(sys.executable).with_name("st"),
                f"--config-file={_HERE / 'schemathesis.toml'}",
                "run",
                f"{served.page}api/v1/openapi.json",
                "--checks=all",
                f"--max-examples={_EXAMPLES}",
                "--generation-deterministic",
                "--continue-on-failure",
                "--no-color",
                *(f"--exclude-path={path}" for path in _STREAMS),
            ],
            env=os.environ
            | {"SCHEMATHESIS_HOOKS": "tests.daemon.media_types", "PYTHONPATH": str(_HERE.parents[1])},
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=540,
        )
    assert done.returncode == 0, done.stdout


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
