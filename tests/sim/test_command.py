"""`rig sim` as its own process, used by a plain pyserial client."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import serial

COMMAND = [sys.executable, "-c", "from rig.cli.main import main; main()", "sim"]


@contextmanager
def running(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """The process, and what it printed; it must end well on Ctrl-C."""
    with subprocess.Popen(
        [*COMMAND, "--json", *options],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            printed = ""
            while not printed.endswith("}\n"):
                line = process.stdout.readline()
                assert line, "it ended too early"
                printed += line
            yield process, json.loads(printed)
        finally:
            process.send_signal(signal.SIGINT)
            more, last_words = process.communicate(timeout=30)
        assert more == "", "one document is all that it prints"
        assert "rig:" not in last_words
        assert process.returncode == 0


def refused(folder: Path, *options: str) -> str:
    done = subprocess.run([*COMMAND, *options], cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    return done.stderr


def ask(client: serial.Serial, *lines: str, until: bytes) -> list[bytes]:
    client.write("".join(f"{line}\n" for line in lines).encode())
    heard: list[bytes] = []
    while not heard or not heard[-1].startswith(until):
        heard.append(client.readline())
        assert heard[-1], f"silence after {heard}"
    return heard


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
def test_any_client_talks_to_it(tmp_path: Path) -> None:
    (tmp_path / "faults.toml").write_text('[[fault]]\nkind = "drop"\nmatches = "M105"\nat = 1\n')
    with running(tmp_path, "--pty", "--faults", "faults.toml") as (_, printed):
        assert printed["kind"] == "pty"
        assert os.path.realpath(printed["stable_port"]) == printed["port"]
        with serial.Serial(printed["stable_port"], printed["baud"], timeout=5) as client:
            ask(client, until=b"echo:Hardcoded")
            assert ask(client, "M105", "M114", until=b"ok") == [
                b"X:0.00 Y:0.00 Z:0.00 Count X:0 Y:0 Z:0\n",
                b"ok P15 B7\n",
            ]
            assert ask(client, "M105", until=b"ok") == [b"ok T:0\n"]
    assert not Path(printed["stable_port"]).exists()


def test_faults_are_told_on_stderr(tmp_path: Path) -> None:
    with running(tmp_path, "--socket", "--faults", "extra-oks") as (process, printed):
        assert printed["stable_port"] == printed["port"]
        with serial.serial_for_url(printed["port"], timeout=5) as client:
            ask(client, until=b"echo:Hardcoded")
            for _ in range(60):
                ask(client, "M105", until=b"ok T:0")
            ask(client, "M118 done", until=b"done")
        assert process.stderr is not None
        while "Fault: " not in (line := process.stderr.readline()):
            assert line
        assert line == "Fault: extra-ok to host: 'ok T:0'\n"


def test_what_cannot_be_is_one_clear_line(tmp_path: Path) -> None:
    assert "not both --pty and --socket" in refused(tmp_path, "--pty", "--socket")
    assert "unplug-and-return" in refused(tmp_path, "--faults", "gremlins")
