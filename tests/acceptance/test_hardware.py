"""With real hardware configured and absent, a command fails with one line; nothing is simulated instead."""

import fcntl
import json
import os
import pty
import tty
from pathlib import Path

import cv2
import numpy as np
import pytest

from rig.config import Config, SimConfig
from rig.sim.bench import SimulatedBench
from tests.acceptance.conftest import Shell


@pytest.mark.parametrize("command", [("capture", "--part", "3001"), ("doctor",)])
def test_an_empty_port_is_asked_for(shell: Shell, command: tuple[str, ...]) -> None:
    assert shell.run("init").returncode == 0
    done = shell.run(*command)
    assert done.returncode != 0
    assert "serial.port" in done.stdout + done.stderr
    assert "Simulated" not in done.stderr
    assert not (shell.folder / "captures").exists()


def test_a_port_that_does_not_exist_is_named(shell: Shell) -> None:
    (shell.folder / "rig.toml").write_text('[serial]\nport = "/dev/ttyNOTHERE"\n')
    assert "/dev/ttyNOTHERE" in shell.fails("capture", "--part", "3001")
    assert not list(shell.folder.rglob("*.jpg"))


def test_a_busy_port_is_named(shell: Shell) -> None:
    master, slave = pty.openpty()
    try:
        tty.setraw(slave)
        name = os.ttyname(slave)
        fcntl.flock(slave, fcntl.LOCK_EX | fcntl.LOCK_NB)
        (shell.folder / "rig.toml").write_text(f'[serial]\nport = "{name}"\n')
        said = shell.fails("capture", "--part", "3001")
    finally:
        os.close(master)
        os.close(slave)
    assert name in said
    assert "in use" in said or "busy" in said


def test_a_silent_port_is_named(shell: Shell) -> None:
    master, slave = pty.openpty()
    try:
        tty.setraw(slave)
        name = os.ttyname(slave)
        text = f'[serial]\nport = "{name}"\nboot_timeout_s = 0.5\nreply_timeout_s = 0.5\n'
        (shell.folder / "rig.toml").write_text(text)
        said = shell.fails("capture", "--part", "3001")
    finally:
        os.close(master)
        os.close(slave)
    assert name in said


def test_sim_overrides_a_configured_rig(shell: Shell) -> None:
    (shell.folder / "rig.toml").write_text('[serial]\nport = "/dev/ttyNOTHERE"\n')
    done = shell.run("--sim", "capture", "--part", "3001", "--steps", "2")
    assert done.returncode == 0, done.stderr
    assert "Simulated rig (asked for by --sim)." in done.stderr


def test_a_config_file_that_was_named_must_exist(shell: Shell) -> None:
    assert "other.toml" in shell.fails("capture", "--part", "3001", "--config", "other.toml")


def test_doctor_speaks_of_camera_and_board_apart(shell: Shell) -> None:
    text = '[serial]\nport = "/dev/ttyNOTHERE"\n[camera]\nkind = "picamera2"\n'
    (shell.folder / "rig.toml").write_text(text)
    done = shell.run("--json", "doctor")
    assert done.returncode == 1
    findings = {finding["subject"]: finding for finding in json.loads(done.stdout)["findings"]}
    assert findings["camera"]["verdict"] == findings["rig"]["verdict"] == "bad"
    assert "sudo apt install python3-picamera2" in findings["camera"]["advice"]
    assert "/dev/ttyNOTHERE" in findings["rig"]["found"]
    assert "rig.toml (real rig)" in findings["configuration"]["found"]


def test_doctor_says_once_that_no_port_is_chosen_and_never_to_ask_itself(shell: Shell) -> None:
    assert shell.run("init").returncode == 0
    findings = json.loads(shell.run("--json", "doctor").stdout)["findings"]
    of_ports = [finding for finding in findings if "serial" in finding["advice"]]
    assert [finding["subject"] for finding in of_ports] == ["serial ports"]
    assert not any("rig doctor" in finding["advice"] for finding in findings)


def test_nobody_to_ask_is_one_line(shell: Shell, tmp_path: Path) -> None:
    """A real board and a camera that plays a recording, but no person at a terminal."""
    recording = tmp_path / "recording.avi"
    writer = cv2.VideoWriter(str(recording), cv2.VideoWriter.fourcc(*"MJPG"), 10, (640, 480))
    for _ in range(50):
        writer.write(np.full((480, 640, 3), 128, np.uint8))
    writer.release()
    with SimulatedBench(Config(sim=SimConfig(enabled=True, real_time=True))) as bench:
        text = f'[serial]\nport = "{bench.port.stable_url}"\n[camera]\ndevice = "{recording}"\n'
        (shell.folder / "rig.toml").write_text(text)
        said = shell.fails("capture", "--part", "3001")
        assert "nobody can be asked" in said
        assert not bench.world.motors_on()
        assert bench.world.pin(8) == 0
