"""What the service's files say, asked of systemd's own programs where they are installed."""

import os
import shutil
import subprocess
import sys
import tty
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from rig.daemon.service.account import sysusers_text
from rig.daemon.service.layout import DATA, Layout
from rig.daemon.service.udev import Board, board_at, board_so_far, rules_text
from rig.daemon.service.unit import unit_text
from rig.errors import BadInput, ConfigError
from tests.daemon.usb import lay_out

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="services are for systemd")

BOARD = Board("1a86", "7523", "1-1.2")


def _ask(program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run one of systemd's programs, or skip the test with a word."""
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed here")
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit, with a program that is there."""
    path = tmp_path / "brickrig.service"
    path.write_text(unit_text("brickrig", sys.executable))
    return path


def _settings(text: str) -> dict[str, list[str]]:
    settings: dict[str, list[str]] = {}
    for line in text.splitlines():
        if "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            settings.setdefault(name, []).append(value)
    return settings


def test_systemd_finds_nothing_wrong_with_the_unit(unit: Path) -> None:
    done = _ask("systemd-analyze", "verify", unit)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_setting_that_systemd_does_not_know_would_be_noticed(unit: Path) -> None:
    unit.write_text(unit.read_text().replace("ProtectHome=", "ProtectHouse="))
    assert "ProtectHouse" in _ask("systemd-analyze", "verify", unit).stderr


def test_systemd_counts_the_unit_as_well_locked_up(unit: Path) -> None:
    locked = _ask("systemd-analyze", "security", "--offline=true", "--threshold=25", unit)
    assert locked.returncode == 0, locked.stdout
    unit.write_text(
        unit.read_text().replace("ProtectSystem=strict\n", "").replace("CapabilityBoundingSet=\n", "")
    )
    opened = _ask("systemd-analyze", "security", "--offline=true", "--threshold=25", unit)
    assert opened.returncode != 0


def test_the_unit_says_who_runs_it_where_and_for_how_long_it_may_be_silent() -> None:
    settings = _settings(unit_text("sorter"))
    for name, value in {
        "Type": "notify",
        "User": "sorter",
        "Group": "brickrig",
        "SupplementaryGroups": "video dialout render",
        "ExecStart": "/opt/brickrig/current/bin/rig serve",
        "WorkingDirectory": DATA,
        "StateDirectory": "brickrig",
        "RuntimeDirectory": "brickrig",
        "Restart": "on-failure",
        "RestartPreventExitStatus": str(ConfigError.exit_code),
        "TimeoutStopSec": "10",
        "KillSignal": "SIGTERM",
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "ProtectHome": "yes",
        "PrivateTmp": "yes",
        "DevicePolicy": "closed",
        "RestrictAddressFamilies": "AF_UNIX AF_INET AF_INET6 AF_NETLINK",
        "WantedBy": "multi-user.target",
    }.items():
        assert settings[name] == [value]
    assert float(settings["WatchdogSec"][0]) > 0
    allowed = {line.removesuffix(" rw") for line in settings["DeviceAllow"]}
    assert allowed == {
        "char-video4linux",
        "char-media",
        "char-dma_heap",
        "char-drm",
        "char-ttyACM",
        "char-ttyUSB",
    }


@pytest.mark.parametrize("board", [None, BOARD, Board("1d50", "6029", "3-2")])
def test_udev_finds_nothing_wrong_with_the_rules(tmp_path: Path, board: Board | None) -> None:
    rules = tmp_path / "70-brickrig.rules"
    rules.write_text(rules_text(board))
    if "verify" not in _ask("udevadm", "--help").stdout:
        pytest.skip("this udevadm has no verify")
    done = _ask("udevadm", "verify", "--resolve-names=never", rules)
    assert done.returncode == 0, done.stderr
    rules.write_text(rules_text(board).replace('SYMLINK+="', 'SIMLINK+="'))
    assert _ask("udevadm", "verify", "--resolve-names=never", rules).returncode != 0


def test_each_known_board_has_a_name_with_its_socket_and_no_modem_manager() -> None:
    lines = rules_text().splitlines()
    for vendor, product in (("2341", "0042"), ("1a86", "7523")):
        (device,) = [line for line in lines if f'ATTR{{idVendor}}=="{vendor}"' in line and product in line]
        assert device.startswith('SUBSYSTEM=="usb", ENV{DEVTYPE}=="usb_device", ')
        assert device.endswith('ENV{ID_MM_DEVICE_IGNORE}="1"')
        (port,) = [line for line in lines if f'ATTRS{{idVendor}}=="{vendor}"' in line and product in line]
        assert 'ENV{ID_MM_PORT_IGNORE}="1"' in port
        assert port.endswith('SYMLINK+="brickrig-board brickrig-board-$id"')


def test_of_several_boards_the_chosen_one_alone_has_the_short_name(tmp_path: Path) -> None:
    chosen = Board("1d50", "6029", "3-2")
    lines = rules_text(chosen).splitlines()
    (short,) = [line for line in lines if line.endswith('SYMLINK+="brickrig-board"')]
    assert 'KERNELS=="3-2", ATTRS{idVendor}=="1d50", ATTRS{idProduct}=="6029"' in short
    assert not any("brickrig-board " in line for line in lines)
    # It is kept from ModemManager as well, though nobody knows what it is.
    assert any('ATTR{idVendor}=="1d50"' in line and "ID_MM_DEVICE_IGNORE" in line for line in lines)
    rules = tmp_path / "rules"
    assert board_so_far(rules) is None
    rules.write_text(rules_text(chosen))
    assert board_so_far(rules) == chosen
    rules.write_text(rules_text())
    assert board_so_far(rules) is None


def _seen_by_udev(
    tmp_path: Path, board: Board | None, plugged: Board, *, port: bool = True
) -> dict[str, set[str]]:
    """What udev's own program says of a board, under the rules alone: properties, each with its words."""
    if shutil.which("udevadm") is None:
        pytest.skip("udevadm is not installed here")
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode:
        pytest.skip("needs root, to hide /sys")
    rules = tmp_path / "rules"
    rules.write_text(rules_text(board))
    tree = tmp_path / f"sys-{plugged.socket}"
    tty = lay_out(tree, plugged.vendor, plugged.product, plugged.socket)
    device = tty if port else str(Path(tty).parents[3])
    done = subprocess.run(
        ["unshare", "--mount", sys.executable, "-m", "tests.daemon.usb", tree, rules, device],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    pairs = [line.strip().split("=", 1) for line in done.stdout.splitlines() if "=" in line]
    return {name: set(value.split()) for name, value in pairs}


def test_udev_gives_a_board_its_names_and_keeps_modem_manager_away(tmp_path: Path) -> None:
    seen = _seen_by_udev(tmp_path, None, BOARD)
    assert seen["DEVLINKS"] == {"/dev/brickrig-board", "/dev/brickrig-board-1-1.2"}
    assert seen["ID_MM_DEVICE_IGNORE"] == seen["ID_MM_PORT_IGNORE"] == {"1"}


def test_udev_keeps_modem_manager_away_from_the_whole_device(tmp_path: Path) -> None:
    seen = _seen_by_udev(tmp_path, None, BOARD, port=False)
    assert seen["DEVNAME"] == {"/dev/bus/usb/001/004"}
    assert seen["ID_MM_DEVICE_IGNORE"] == {"1"}


def test_udev_gives_the_short_name_to_the_chosen_board_alone(tmp_path: Path) -> None:
    other = Board("1a86", "7523", "1-1.3")
    assert _seen_by_udev(tmp_path, BOARD, BOARD)["DEVLINKS"] == {
        "/dev/brickrig-board",
        "/dev/brickrig-board-1-1.2",
    }
    assert _seen_by_udev(tmp_path, BOARD, other)["DEVLINKS"] == {"/dev/brickrig-board-1-1.3"}


def test_udev_leaves_what_is_no_board_alone(tmp_path: Path) -> None:
    seen = _seen_by_udev(tmp_path, None, Board("12d1", "1506", "1-1"))
    assert seen["DEVNAME"] == {"/dev/ttyUSB0"}
    assert "DEVLINKS" not in seen
    assert "ID_MM_DEVICE_IGNORE" not in seen


@pytest.fixture
def pseudo_terminal() -> Iterator[str]:
    here, there = os.openpty()
    tty.setraw(there)
    with closing(os.fdopen(here, "rb")), closing(os.fdopen(there, "rb")):
        yield os.ttyname(there)


def test_a_port_that_is_not_on_usb_is_no_board(pseudo_terminal: str) -> None:
    with pytest.raises(BadInput, match="is no serial port on USB"):
        board_at(pseudo_terminal)


def _made(tmp_path: Path, user: str, passwd: str) -> tuple[str, dict[str, set[str]]]:
    """What systemd makes of the lines: the user's home, and the members of each group."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "passwd").write_text(passwd)
    (tmp_path / "etc" / "group").write_text("video:x:44:\n" + ("pi:x:1000:\n" if passwd else ""))
    conf = tmp_path / "brickrig.conf"
    conf.write_text(sysusers_text(Layout(tmp_path, user)))
    done = _ask("systemd-sysusers", f"--root={tmp_path}", conf)
    assert done.returncode == 0, done.stderr
    users = [line.split(":") for line in (tmp_path / "etc" / "passwd").read_text().splitlines()]
    groups = [line.split(":") for line in (tmp_path / "etc" / "group").read_text().splitlines()]
    (home,) = [fields[5] for fields in users if fields[0] == user]
    return home, {fields[0]: set(fields[3].split(",")) - {""} for fields in groups}


def test_systemd_makes_the_user_and_its_groups(tmp_path: Path) -> None:
    home, groups = _made(tmp_path, "brickrig", "")
    assert home == DATA
    for group in ("video", "dialout", "render"):
        assert groups[group] == {"brickrig"}
    assert "brickrig" in groups


def test_a_user_who_is_there_already_is_taken_as_it_is(tmp_path: Path) -> None:
    home, groups = _made(tmp_path, "pi", "pi:x:1000:1000::/home/pi:/bin/bash\n")
    assert home == "/home/pi"
    assert {"brickrig", "video", "dialout", "render"} <= groups.keys()
    assert not any(groups.values())


@pytest.mark.parametrize("user", ["root", "", "Pi", "a b", "../x", "a" * 32, "x:0:0"])
def test_a_name_that_is_none_for_a_system_user_is_refused(user: str) -> None:
    with pytest.raises(BadInput):
        Layout(user=user)
