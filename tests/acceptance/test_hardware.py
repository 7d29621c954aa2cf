"""With real hardware configured and absent, a command fails with one line; nothing is simulated instead."""

import fcntl
import os
import pty
import tty

import pytest

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
