"""Runs the daemon: its rig in this thread, its servers in another, until it is told to end."""

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import socket

import uvicorn
from starlette.types import ASGIApp

from rig.clock import SystemClock
from rig.config import Config
from rig.daemon.app import build_app
from rig.daemon.attempts import Attempts
from rig.daemon.daemon import RIG, SERVERS, Daemon
from rig.daemon.door import Door, Listener, who_may_come
from rig.daemon.job import JobState
from rig.daemon.journal import logging_as_daemon
from rig.daemon.listening import network_socket, unix_socket, uvicorn_config
from rig.daemon.mqtt import Mqtt
from rig.daemon.notify import Notifier, Watchdog
from rig.daemon.sessions import Sessions
from rig.daemon.tls import TlsPair, check_tls
from rig.daemon.tokens import FILE_NAME, TokenStore
from rig.daemon_socket import socket_to_serve
from rig.opening import open_rig

# Whatever moves when the daemon is told to end may move on for so long; to stop for certain takes 3.5 s.
_LET_MOVE_S = 0.5
_LET_ANSWER_S = 1
_TEND_EVERY_S = 0.25
_REFRESH_EVERY_S = 1.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Serving:
    """A daemon that is about to serve, and where."""

    page: str | None
    socket: Path
    who_may_come: str


def serve(
    config: Config, config_file: Path | None, told: Callable[[Serving], None], *, is_pretended: bool = False
) -> None:
    """Own the rig and serve it until SIGTERM or Ctrl-C; the rig is at rest then. For the main thread.

    Args:
        config_file: where `config` came from; None where there is no rig.toml.
        told: called once it serves.
        is_pretended: as for `Daemon`.

    Raises:
        RigBusy: another process runs this rig.
        ConfigError: address, certificate or tokens cannot be used.
        StorageError: the socket or the daemon's folder cannot be made.
    """
    with ExitStack() as stack:
        log = stack.enter_context(logging_as_daemon())
        notifier = Notifier.from_environment(os.environ)
        watchdog = Watchdog(notifier)
        rig = stack.enter_context(open_rig(config))
        door, sentence = _door(config)
        sockets = _listen(config, stack)
        daemon = Daemon(config, config_file, rig, watchdog, log.ring, is_pretended=is_pretended)
        stack.enter_context(Mqtt(daemon, log.secrets))
        app = build_app(daemon, door)
        tasks = _tend(daemon, watchdog), _refresh(daemon)
        servers = _Servers([_Server(each, app) for each in sockets], tasks)
        with daemon.keeper.heeding_signals(), servers.running(daemon.close, daemon.keeper.end):
            page = next((each.url for each in sockets if each.url), None)
            told(Serving(page, socket_to_serve(config), sentence))
            notifier.ready(f"serving {page or socket_to_serve(config)}")
            daemon.keeper.run()
            notifier.stopping("the rig is at rest")


@dataclass(frozen=True)
class _Listening:
    """A socket; `url` is of the page where it is on the network, None for the Unix socket."""

    socket: socket
    tls: TlsPair | None = None
    url: str | None = None


def _door(config: Config) -> tuple[Door, str]:
    """Who may come in, and that in a sentence."""
    listener = Listener(config.daemon.address, config.daemon.host_names)
    tokens = TokenStore(config.paths.daemon / FILE_NAME)
    clock = SystemClock()
    door = Door(listener, tokens, Sessions(clock), Attempts(clock))
    if not config.daemon.port:
        return door, "It has no page (port = 0 in [daemon])."
    return door, who_may_come(listener, tokens)


def _listen(config: Config, stack: ExitStack) -> list[_Listening]:
    daemon = config.daemon
    is_service = "RUNTIME_DIRECTORY" in os.environ
    # What systemd makes for the service is for its group, too.
    mode = 0o660 if is_service else 0o600
    path = socket_to_serve(config)
    listening = [_Listening(stack.enter_context(unix_socket(path, mode=mode)))]
    stack.callback(path.unlink, missing_ok=True)
    if daemon.port:
        certificate, key = (Path(text) if text else None for text in (daemon.tls_cert, daemon.tls_key))
        tls = check_tls(certificate, key)
        # After a power cut the rig is back before the network is.
        bound = stack.enter_context(network_socket(daemon.address, daemon.port, beforehand=is_service))
        host = f"[{daemon.address}]" if ":" in daemon.address else daemon.address
        url = f"http{'s' if tls else ''}://{host}:{bound.getsockname()[1]}/"
        listening.append(_Listening(bound, tls, url))
    return listening


class _Server(uvicorn.Server):
    """One socket; sets `is_serving` once it accepts connections."""

    def __init__(self, listening: _Listening, app: ASGIApp) -> None:
        config = uvicorn_config(app, listening.tls)
        config.timeout_graceful_shutdown = _LET_ANSWER_S
        super().__init__(config)
        self.is_serving = threading.Event()
        self._socket = listening.socket

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_serving.set()

    async def answer(self) -> None:
        """Until `should_exit` is set."""
        await self.serve([self._socket])


class _Servers:
    """All sockets, in a thread of their own with what has to be tended every now and then.

    Args:
        tasks: go on beside the servers, and end with them.
    """

    def __init__(self, servers: list[_Server], tasks: Sequence[Coroutine[None, None, None]]) -> None:
        self._servers = servers
        self._tasks = tasks
        self._is_told_to_end = False
        self._thread = threading.Thread(target=self._run, name="servers")
        self._died: Callable[[], None] = lambda: None

    @contextmanager
    def running(self, let_go: Callable[[], None], died: Callable[[], None]) -> Iterator[None]:
        """Serve while the block runs; returns when all that is answered is answered.

        Args:
            let_go: ends the answers that would go on for ever.
            died: called by the servers' thread if it ends by itself.
        """
        self._died = died
        self._thread.start()
        try:
            for server in self._servers:
                server.is_serving.wait()
            yield
        finally:
            self._is_told_to_end = True
            let_go()
            for server in self._servers:
                server.should_exit = True
            self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException:  # noqa: BLE001 - uvicorn ends by SystemExit, which nobody would hear of here
            _log.exception("the servers have failed")
        finally:
            for server in self._servers:
                server.is_serving.set()
            if not self._is_told_to_end:
                # Nobody could reach the rig any more, and it may move.
                self._died()

    async def _serve(self) -> None:
        tasks = [asyncio.create_task(task) for task in self._tasks]
        await asyncio.gather(*(server.answer() for server in self._servers))
        for task in tasks:
            task.cancel()


async def _tend(daemon: Daemon, watchdog: Watchdog) -> None:
    """What the servers' thread looks after."""
    while True:
        watchdog.beat(SERVERS)
        job = daemon.running
        if job is not None and job.state in (JobState.PAUSED, JobState.WAITING):
            # That takes as long as it takes.
            watchdog.beat(RIG)
        watchdog.feed()
        daemon.keeper.hurry(_LET_MOVE_S)
        daemon.note_position()
        await asyncio.sleep(_TEND_EVERY_S)


async def _refresh(daemon: Daemon) -> None:
    """Has the model in use taken up; loading one takes a second or two."""
    while True:
        try:
            await asyncio.to_thread(daemon.recogniser.refresh)
        except Exception:  # noqa: BLE001 - there are no candidates then, and all else goes on
            _log.exception("looking for the model failed")
        await asyncio.sleep(_REFRESH_EVERY_S)
