"""A real broker, a dashboard that listens there, and daemons of simulated rigs that tell it what happens."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from tests.daemon.serving import Answer, exchange
from tests.vision.single_minded import write_single_minded

MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
RIG = Path(sys.executable).with_name("rig")
ALLOWED = "allow_commands = true"
# Of everything that is waited for; on an idle computer nothing here takes a tenth of it.
TIMEOUT_S = 180.0


@dataclass
class Mosquitto:
    """A broker on a port of its own, which stays the same when it is started again."""

    folder: Path
    options: tuple[str, ...] = ("allow_anonymous true",)
    port: int = field(default_factory=lambda: _free_port())
    _process: subprocess.Popen[str] | None = None
    _reader: threading.Thread | None = None

    def start(self) -> None:
        """Start it; it takes connections then, and knows nothing of an earlier start."""
        assert MOSQUITTO is not None
        lines = [f"listener {self.port} 127.0.0.1", "user root", "persistence false", *self.options]
        path = self.folder / "mosquitto.conf"
        path.write_text("\n".join(lines) + "\n")
        process = subprocess.Popen([MOSQUITTO, "-c", path], stderr=subprocess.PIPE, text=True)
        said: list[str] = []
        has_spoken = threading.Event()

        def read() -> None:
            assert process.stderr is not None
            with process.stderr as lines:
                for line in lines:
                    said.append(line)
                    if line.rstrip().endswith("running"):
                        has_spoken.set()
            has_spoken.set()

        self._process, self._reader = process, threading.Thread(target=read)
        self._reader.start()
        assert has_spoken.wait(TIMEOUT_S) and process.poll() is None, "".join(said)

    def stop(self) -> None:
        """End it."""
        if self._process is not None and self._reader is not None:
            # It takes no notice of SIGTERM in the instant in which it starts.
            self._process.kill()
            self._process.wait()
            self._reader.join()
            self._process = None


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextmanager
def broker(folder: Path, *options: str, starts: bool = True) -> Iterator[Mosquitto]:
    """A broker while the block runs; one that does not start yet has its port already."""
    folder.mkdir(exist_ok=True)
    mosquitto = Mosquitto(folder, options or ("allow_anonymous true",))
    if starts:
        mosquitto.start()
    try:
        yield mosquitto
    finally:
        mosquitto.stop()


@dataclass(frozen=True)
class Heard:
    """A message as the dashboard got it."""

    topic: str
    payload: str
    retained: bool

    @property
    def json(self) -> Any:
        """What it holds."""
        return json.loads(self.payload)


@dataclass
class Dashboard:
    """Listens to everything, and remembers it."""

    client: Client
    heard: list[Heard] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def of(self, topic: str) -> list[Heard]:
        """What was heard on a topic so far."""
        with self._changed:
            return [each for each in self.heard if each.topic == topic]

    def wait(
        self, topic: str, fits: Callable[[Heard], bool] = lambda heard: True, *, after: int = 0
    ) -> Heard:
        """The first message on a topic that fits, of those after the first `after` of all."""

        def found() -> Heard | None:
            return next((each for each in self.heard[after:] if each.topic == topic and fits(each)), None)

        with self._changed:
            heard = self._changed.wait_for(found, TIMEOUT_S)
            last = [each.payload for each in self.heard if each.topic == topic][-3:]
        assert heard, f"nothing on {topic} fits; the last were {last}"
        return heard

    def state(self, rig: str, **expected: object) -> Any:
        """The first state from now on, or the latest, that has some values."""

        def fits(heard: Heard) -> bool:
            return all(heard.json[key] == value for key, value in expected.items())

        topic = f"brickrig/{rig}/state"
        with self._changed:
            latest = next((n for n in reversed(range(len(self.heard))) if self.heard[n].topic == topic), 0)
        return self.wait(topic, fits, after=latest).json

    def ended(self, rig: str, job: str) -> Any:
        """The state in which a job is the last one, and over."""
        return self.wait(f"brickrig/{rig}/state", lambda heard: _last_job(heard) == job).json

    def command(self, rig: str, payload: str, *, retain: bool = False) -> Any:
        """Send something, and wait for the answer."""
        with self._changed:
            after = len(self.heard)
        self.client.publish(f"brickrig/{rig}/command", payload, qos=1, retain=retain)
        return self.wait(f"brickrig/{rig}/response", after=after).json

    def mark(self) -> int:
        """How many messages were heard so far."""
        with self._changed:
            return len(self.heard)

    def take(self, message: MQTTMessage) -> None:
        """Remember a message."""
        with self._changed:
            self.heard.append(Heard(message.topic, message.payload.decode(errors="replace"), message.retain))
            self._changed.notify_all()


def _last_job(heard: Heard) -> object:
    last = heard.json["last_job"]
    return last and last["id"]


@contextmanager
def dashboard(mosquitto: Mosquitto, user: str = "", password: str = "") -> Iterator[Dashboard]:
    """Somebody who listens to all topics, from when the block begins; they come back after a restart."""
    client = Client(CallbackAPIVersion.VERSION2)
    listens = threading.Event()
    listener = Dashboard(client)

    def subscribe(*told: object) -> None:
        client.subscribe("#", qos=1)

    client.on_connect = subscribe
    client.on_subscribe = lambda *told: listens.set()
    client.on_message = lambda client, data, message: listener.take(message)
    client.reconnect_delay_set(1, 1)
    if user:
        client.username_pw_set(user, password)
    client.connect("127.0.0.1", mosquitto.port)
    client.loop_start()
    assert listens.wait(TIMEOUT_S)
    try:
        yield listener
    finally:
        client.disconnect()
        client.loop_stop()


@dataclass
class Daemon:
    """`rig serve` in a folder of its own."""

    folder: Path
    process: subprocess.Popen[str]
    socket_path: str
    _log: Path

    def log(self) -> str:
        """What it has said so far."""
        return self._log.read_text()

    def await_log(self, pattern: str) -> str:
        """Wait until a line of what it says fits."""
        give_up_s = time.monotonic() + TIMEOUT_S
        while time.monotonic() < give_up_s:
            for line in self.log().splitlines():
                if re.search(pattern, line):
                    return line
            assert self.process.poll() is None, self.log()
            time.sleep(0.05)  # a file says nothing when it grows
        raise AssertionError(f"it never said {pattern!r}:\n{self.log()}")

    def ask(self, line: str, body: object = None) -> Answer:
        """Ask it over its socket."""
        content = b"" if body is None else json.dumps(body).encode()
        head = f"{line} HTTP/1.1\r\nHost: rig\r\nContent-Type: application/json\r\n"
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(TIMEOUT_S)
            connection.connect(self.socket_path)
            return exchange(connection, f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)

    def begin(self, **request: object) -> Any:
        """Start a job, once the board is ready; returns it."""
        self.await_log("board ready")
        answer = self.ask("POST /api/v1/jobs", request)
        assert answer.status == 201, answer.body
        return json.loads(answer.body)


@contextmanager
def daemon(folder: Path, mosquitto: Mosquitto, mqtt: str = "", sim: str = "") -> Iterator[Daemon]:
    """A rig's daemon that tells a broker what happens, under the name of its folder, with a model in use.

    Args:
        mqtt, sim: further lines of those tables of rig.toml.
    """
    folder.mkdir(exist_ok=True)
    if not (folder / "models").exists():
        write_single_minded(folder / "models" / "m", "3004", labels=("3001", "3004", "3039"))
    (folder / "rig.toml").write_text(
        f"[camera]\nwidth_px = 160\nheight_px = 120\n[sim]\nenabled = true\nseed = 7\n{sim}\n"
        f'[mqtt]\nname = "{folder.name}"\nhost = "127.0.0.1"\nport = {mosquitto.port}\n{mqtt}\n'
    )
    log = folder / "serve.log"
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [RIG, "--json", "serve", "--port", "0"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
        try:
            assert process.stdout is not None
            said = ""
            while line := process.stdout.readline():
                said += line
                if line == "}\n":
                    break
            # Where it could not start, it says so as a document of its own, or in its log.
            assert '"socket"' in said, said + log.read_text()
            yield Daemon(folder, process, json.loads(said)["socket"], log)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.communicate(timeout=TIMEOUT_S)
