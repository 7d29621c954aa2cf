"""Names of ports that outlive unplugging."""

import threading
from pathlib import Path

import pytest

from rig.errors import SerialPortError
from rig.marlin.ports import await_port, stable_name
from tests.sim.boards import desk


def link(folder: Path, kind: str, name: str, device: str) -> str:
    path = folder / kind / name
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(device)
    return str(path)


def test_a_device_is_known_by_its_link(tmp_path: Path) -> None:
    with desk() as board:
        link(tmp_path, "by-path", "usb-0-other", "/dev/null")
        by_path = link(tmp_path, "by-path", "usb-0-1.2", board.url)
        link(tmp_path, "by-id", "usb-1a86_USB_Serial", board.url)
        # A pseudo-terminal has no serial number, as a CH340 has none: the socket is what tells it apart.
        assert stable_name(board.url, links=tmp_path) == by_path


def test_without_a_socket_a_shared_name_has_to_do(tmp_path: Path) -> None:
    with desk() as board:
        by_id = link(tmp_path, "by-id", "usb-1a86_USB_Serial", board.url)
        assert stable_name(board.url, links=tmp_path) == by_id


@pytest.mark.parametrize("url", ["/dev/ttyNone", "socket://127.0.0.1:5000", ""])
def test_what_has_no_link_keeps_its_name(tmp_path: Path, url: str) -> None:
    assert stable_name(url, links=tmp_path) == url


def test_a_link_keeps_its_name(tmp_path: Path) -> None:
    with desk() as board:
        own = link(tmp_path, "mine", "board", board.url)
        link(tmp_path, "by-path", "usb-0-1.2", board.url)
        assert stable_name(own, links=tmp_path) == own


def test_a_port_is_opened_as_soon_as_it_is_there(tmp_path: Path) -> None:
    with desk() as board:
        path = tmp_path / "board"
        timer = threading.Timer(0.3, path.symlink_to, (board.url,))
        timer.start()
        await_port(str(path), 115200, 10.0).close()
        timer.join()


def test_a_port_that_does_not_come_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SerialPortError, match=r"did not come back within 0.2 s: there is no serial port"):
        await_port(str(tmp_path / "board"), 115200, 0.2)
