"""The sockets: who may open them, and what becomes of those that are in the way."""

import os
import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from rig.daemon.door import Listener
from rig.daemon.listening import network_socket, unix_socket
from rig.errors import ConfigError, RigBusy, StorageError

NOBODY = 65534


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o177])
def test_the_unix_socket_is_its_owners_alone(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with unix_socket(tmp_path / "run" / "socket"), unix_socket(tmp_path / "run" / "group", mode=0o660):
            assert stat.S_IMODE((tmp_path / "run" / "socket").stat().st_mode) == 0o600
            assert stat.S_IMODE((tmp_path / "run" / "group").stat().st_mode) == 0o660
    finally:
        os.umask(before)


def test_there_is_no_moment_when_others_may_open_it(tmp_path: Path) -> None:
    """Seen from the interpreter, which tells when a mode is about to be changed."""
    path = tmp_path / "socket"
    modes = []

    def look(event: str, arguments: tuple[object, ...]) -> None:
        if event == "os.chmod" and arguments[0] in (path, str(path)):
            modes.append(stat.S_IMODE(path.stat().st_mode))

    sys.addaudithook(look)  # for good; after this test there is nothing for it to see
    before = os.umask(0)
    try:
        unix_socket(path).close()
    finally:
        os.umask(before)
    assert modes == [0o600]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_another_user_cannot_open_it() -> None:
    connect = (
        f"import os, socket, sys; os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY});"
        "socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
    )
    # Not in a folder of the test's own, which is closed to others as a whole.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        for name, mode in (("closed", 0o600), ("open", 0o666)):
            with unix_socket(Path(folder) / name, mode=mode):
                command = [sys.executable, "-I", "-c", connect, f"{folder}/{name}"]
                tried = subprocess.run(command, capture_output=True, text=True, check=False)
                assert ("PermissionError" in tried.stderr) == (name == "closed")
                assert (tried.returncode == 0) == (name == "open")


def test_a_socket_that_was_left_over_is_replaced(tmp_path: Path) -> None:
    unix_socket(tmp_path / "socket").close()
    assert (tmp_path / "socket").exists()
    with unix_socket(tmp_path / "socket"), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(tmp_path / "socket"))


def test_a_socket_that_somebody_listens_on_is_left_alone(tmp_path: Path) -> None:
    with unix_socket(tmp_path / "socket"):
        with pytest.raises(RigBusy, match="another daemon listens"):
            unix_socket(tmp_path / "socket")
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(tmp_path / "socket"))


def test_a_file_in_its_place_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "socket").write_text("precious")
    (tmp_path / "link").symlink_to(tmp_path / "socket")
    for name in ("socket", "link"):
        with pytest.raises(StorageError, match="is no socket"):
            unix_socket(tmp_path / name)
    assert (tmp_path / "socket").read_text() == "precious"


def test_a_path_that_is_too_long_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="too long for a socket"):
        unix_socket(tmp_path / ("x" * 120))


def test_where_no_socket_can_be_the_error_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"Not a directory|File exists"):
        unix_socket(tmp_path / "file" / "socket")


def test_by_default_only_loopback_is_listened_on() -> None:
    with network_socket(Listener().address, 0) as listening:
        address, port = listening.getsockname()
        assert address == "127.0.0.1"
        socket.create_connection(("127.0.0.1", port)).close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", port))


def test_all_addresses_are_those_of_both_kinds() -> None:
    with network_socket("::", 0) as listening:
        port = listening.getsockname()[1]
        for address in ("127.0.0.1", "::1"):
            socket.create_connection((address, port)).close()


def test_a_port_in_use_is_told_in_one_line() -> None:
    with network_socket("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        with pytest.raises(ConfigError) as caught:
            network_socket("127.0.0.1", port)
    assert caught.value.what == f"the daemon cannot listen on 127.0.0.1, port {port}: Address already in use"


@pytest.mark.parametrize("address", ["192.0.2.1", "no such name.invalid", ""])
def test_an_address_of_another_computer_is_told(address: str) -> None:
    with pytest.raises(ConfigError, match="cannot listen on"):
        network_socket(address, 0)


def test_a_service_listens_on_an_address_before_the_network_is_there() -> None:
    with network_socket("192.0.2.1", 0, beforehand=True) as listening:
        assert listening.getsockname()[0] == "192.0.2.1"
        assert listening.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)


def test_no_answer_waits_for_the_acknowledgement_of_its_first_packet() -> None:
    with network_socket("127.0.0.1", 0) as listening:
        with socket.create_connection(listening.getsockname()):
            connection, _ = listening.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
