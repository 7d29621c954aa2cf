"""The simulated camera as an MJPEG stream, beside the board, for clients that are not ours."""

import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest
import serial

from rig.camera.frame import Frame, Image
from rig.config import CameraConfig
from rig.dataset.reader import decode_image
from rig.errors import BadInput
from rig.sim.camera import SimulatedCamera
from rig.sim.scene import draw_scene
from rig.sim.stream import LiveView, offer_stream
from tests.sim.desk import lit_world
from tests.sim.test_command import COMMAND, ask, refused, running

SMALL = "[turntable]\nhome = 'endstop'\n[camera]\nwidth_px = 160\nheight_px = 120\n[sim]\nseed = 3\n"


class CountingCamera(SimulatedCamera):
    """Counts the frames that it is asked for."""

    def __init__(self) -> None:
        self.world = lit_world()
        scene = draw_scene(np.random.default_rng(0))
        config = CameraConfig(width_px=96, height_px=72)
        super().__init__(self.world, scene, config, frames_per_s=30, seed=0)
        self.asked = threading.Condition()
        self.taken = 0

    def capture(self, not_before_s: float) -> Frame:
        with self.asked:
            self.taken += 1
            self.asked.notify_all()
        return super().capture(not_before_s)


@pytest.fixture
def camera() -> Iterator[CountingCamera]:
    camera = CountingCamera()
    camera.start()
    yield camera
    camera.close()


class PacedCamera(CountingCamera):
    """Takes a picture only when all viewers have shown as many as it has taken, so that none misses any."""

    def __init__(self) -> None:
        super().__init__()
        self.shown = [0, 0]
        self.viewers_there = threading.Barrier(len(self.shown), action=self.begin)
        self.is_paced = False

    def begin(self) -> None:
        with self.asked:
            self.taken = 0
            self.is_paced = True

    def show(self, viewer: int) -> None:
        with self.asked:
            self.shown[viewer] += 1
            self.asked.notify_all()

    def capture(self, not_before_s: float) -> Frame:
        with self.asked:
            self.asked.wait_for(lambda: not self.is_paced or self.taken <= min(self.shown))
        return super().capture(not_before_s)


def test_all_viewers_share_the_pictures_and_none_is_taken_while_nobody_looks() -> None:
    camera = PacedCamera()
    camera.start()
    view = LiveView(camera, camera.world.clock)

    def watch(viewer: int) -> list[bytes]:
        with closing(view.pictures()) as pictures:
            next(pictures)
            camera.viewers_there.wait()
            seen = []
            for picture in islice(pictures, 10):
                seen.append(picture)
                camera.show(viewer)
            return seen

    with closing(camera), ThreadPoolExecutor(3) as pool:
        photographer = pool.submit(view.run)
        with closing(view):
            one, other = [viewer.result() for viewer in [pool.submit(watch, 0), pool.submit(watch, 1)]]
            with camera.asked:
                taken = camera.taken
                # One may have been begun while somebody was there.
                assert not camera.asked.wait_for(lambda: camera.taken > taken + 1, timeout=0.3)
        photographer.result()
    # No two frames have the same noise.
    assert len(set(one)) == len(set(other)) == 10
    assert len(set(one) & set(other)) >= 8
    assert taken <= 12


def test_who_comes_sees_nothing_older_than_that(camera: CountingCamera) -> None:
    with offer_stream(camera, camera.world.clock, "127.0.0.1", 0) as page:
        dark, lit = [], []
        for _ in range(3):
            camera.world.write_pin(8, 0)
            dark.append(snapshot(page).mean())
            camera.world.write_pin(8, 255)
            lit.append(snapshot(page).mean())
    assert max(dark) < 20 < min(lit)


def snapshot(page: str) -> Image:
    with urllib.request.urlopen(f"{page}snapshot.jpg", timeout=30) as answer:
        assert answer.headers["Content-Type"] == "image/jpeg"
        return decode_image(answer.read(), Path("snapshot.jpg"))


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/", b"200 OK|text/html"),
        ("/stream.mjpg", b"200 OK|multipart/x-mixed-replace; boundary="),
        ("/snapshot.jpg?again", b"200 OK|image/jpeg"),
        ("/etc/passwd", b"404 Not Found|"),
    ],
)
def test_head_tells_what_there_is_and_takes_no_picture(
    camera: CountingCamera, path: str, told: bytes
) -> None:
    status, content_type = told.split(b"|")
    with (
        offer_stream(camera, camera.world.clock, "127.0.0.1", 0) as page,
        socket.create_connection(("127.0.0.1", urlsplit(page).port or 0), timeout=30) as connection,
    ):
        connection.sendall(f"HEAD {path} HTTP/1.0\r\n\r\n".encode())
        answer = connection.makefile("rb").read()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 " + status)
    assert b"\r\nContent-Type: " + content_type in head
    assert body == b""
    assert camera.taken == 0


def test_a_camera_that_fails_ends_the_stream_and_is_told_of(camera: CountingCamera) -> None:
    camera.close()
    with (
        pytest.raises(Exception, match="camera is not running"),
        offer_stream(camera, camera.world.clock, "127.0.0.1", 0) as page,
        pytest.raises(urllib.error.HTTPError, match="503"),
    ):
        snapshot(page)


def test_firmware_and_camera_for_a_webcam_client_and_a_browser(tmp_path: Path) -> None:
    """What Pronterface and OctoPrint say first, a homing and a move, all of it seen by OpenCV."""
    (tmp_path / "rig.toml").write_text(SMALL)
    with running(tmp_path, "--mjpeg", "0", "--part", "3001", "--colour", "red") as (_, printed):
        page = printed["page"]
        with urllib.request.urlopen(page, timeout=30) as answer:
            assert b'src="/stream.mjpg"' in answer.read()
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{page}etc/passwd", timeout=30)
        with serial.serial_for_url(printed["stable_port"], timeout=10) as client:
            ask(client, until=b"echo:Hardcoded")
            assert ask(client, "N-1 M110 N-1*125", until=b"ok") == [b"ok N-1 P15 B7\n"]
            assert ask(client, "N0 M110 N0*125", until=b"ok") == [b"ok N0 P15 B7\n"]
            assert ask(client, "M154 S5", until=b"ok") == [b"ok P15 B7\n"]
            assert ask(client, "M20", until=b"ok")[0] == b'echo:Unknown command: "M20"\n'
            assert ask(client, "G91", "G28 X0", "G90", until=b"ok") == [b"ok P15 B7\n"]
            ask(client, "M42 P8 S255", "M118 lit", until=b"lit")
            ask(client, until=b"ok")
            film = cv2.VideoCapture(f"{page}stream.mjpg")
            try:
                assert film.isOpened()
                before = next_picture(film)
                assert before.shape == (120, 160, 3)
                ask(client, "G1 X90 F7200", "M400", "M118 there", until=b"there")
                after = next_picture(film)
                assert overlap(before, next_picture(film)) < 0.8 < overlap(after, next_picture(film))
            finally:
                film.release()
        with urllib.request.urlopen(f"{page}stream.mjpg", timeout=30) as watched:
            watched.readline()
            # Ctrl-C comes now, while somebody watches; `running` sees that it ends well.


def next_picture(film: cv2.VideoCapture) -> np.ndarray:
    """A picture from now on: those that came before wait in buffers, and are there at once."""
    waited_s = 0.0
    while waited_s < 0.03:
        began_s = time.monotonic()
        assert film.grab()
        waited_s = time.monotonic() - began_s
    # That one may have been begun before.
    assert film.grab()
    return film.retrieve()[1]


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """The red brick's share in two pictures over its share in either."""
    # By difference, since what is all but black beyond the table has no hue.
    masks = [image[..., 2] > image[..., :2].max(axis=2) + 40.0 for image in (one, other)]
    assert all(mask.sum() > 200 for mask in masks)
    return float((masks[0] & masks[1]).sum() / (masks[0] | masks[1]).sum())


def test_bad_and_busy_addresses_are_one_clear_line(tmp_path: Path, camera: CountingCamera) -> None:
    assert "--mjpeg here is no address" in refused(tmp_path, "--mjpeg", "here")
    assert "--mjpeg :80808 is no address" in refused(tmp_path, "--mjpeg", ":80808")
    assert "nobody sees the part" in refused(tmp_path, "--part", "3001")
    with socket.create_server(("127.0.0.1", 0)) as occupant:
        port = occupant.getsockname()[1]
        complaint = refused(tmp_path, "--mjpeg", f"127.0.0.1:{port}")
        assert f"no stream can be offered at 127.0.0.1:{port}: Address already in use" in complaint
    with (
        pytest.raises(BadInput, match=r"at nowhere\.invalid:1"),
        offer_stream(camera, camera.world.clock, "nowhere.invalid", 1),
    ):
        pass


def test_what_is_said_to_people(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "--mjpeg", "127.0.0.1:0"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        printed = ""
        while "Ctrl-C" not in printed:
            printed += process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
    assert "snapshot.jpg" in printed
    assert "M42 P8 S255" in printed
