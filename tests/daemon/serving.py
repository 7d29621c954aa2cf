"""A real uvicorn that serves the guarded app on real sockets, and raw requests to it.

The app's routes but for signing in are stand-ins for the daemon's: what is tested is what stands before them.
"""

import asyncio
import queue
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPResponse
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from rig.daemon.attempts import Attempts
from rig.daemon.bodies import LIMITS
from rig.daemon.door import Door, Listener
from rig.daemon.guard import guarded
from rig.daemon.listening import network_socket, unix_socket, uvicorn_config
from rig.daemon.refusal import handle_refusals
from rig.daemon.routes import login
from rig.daemon.sessions import Sessions
from rig.daemon.tls import TlsPair
from rig.daemon.tokens import FILE_NAME, TokenStore
from tests.sim.boards import HandClock

OPEN_TO_ALL = Listener(address="0.0.0.0")


@dataclass(frozen=True)
class Answer:
    """What came back: header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Running:
    """A daemon's server, as a test sees it."""

    port: int
    socket_path: Path
    tokens: TokenStore
    sessions: Sessions
    clock: HandClock
    trust: ssl.SSLContext | None = None
    streamed: "queue.SimpleQueue[bytes | None]" = field(default_factory=queue.SimpleQueue)
    reached: list[str] = field(default_factory=list)

    @property
    def host(self) -> str:
        """Of a request from this computer."""
        return f"127.0.0.1:{self.port}"

    def connect(self, address: str = "127.0.0.1") -> socket.socket:
        """A connection over TCP, with TLS where a test says whom to trust."""
        connection = socket.create_connection((address, self.port), timeout=30)
        return self.trust.wrap_socket(connection, server_hostname=address) if self.trust else connection

    def ask(
        self,
        line: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        *,
        address: str = "127.0.0.1",
    ) -> Answer:
        """Ask over TCP with exactly these headers, and as this computer where there is no Host among them."""
        with self.connect(address) as connection:
            return exchange(connection, _request(line, {"Host": self.host, **(headers or {})}, body))

    def ask_over_socket(
        self, line: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        """Ask over the Unix socket."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(30)
            connection.connect(str(self.socket_path))
            return exchange(connection, _request(line, {"Host": "rig", **(headers or {})}, body))


def exchange(connection: socket.socket, request: bytes) -> Answer:
    """Send bytes as they are and read one answer."""
    connection.sendall(request)
    return read_answer(connection, request.split(b" ", 1)[0].decode())


def read_answer(connection: socket.socket, method: str = "GET") -> Answer:
    """Read one answer."""
    response = HTTPResponse(connection, method=method)
    response.begin()
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, response.read())


@contextmanager
def serving(
    folder: Path,
    listener: Listener | None = None,
    *,
    bind: str = "127.0.0.1",
    tls: TlsPair | None = None,
    limits: Mapping[str, int] = LIMITS,
) -> Iterator[Running]:
    """Serve on a free loopback port and a Unix socket.

    Args:
        folder: for the socket and the tokens.
        listener: what the daemon believes to listen on; its network socket is on loopback all the same.
        bind: the loopback address that it is on.
    """
    clock = HandClock()
    door = Door(listener or Listener(), TokenStore(folder / FILE_NAME), Sessions(clock), Attempts(clock))
    on_network = network_socket(bind, 0)
    on_file = unix_socket(folder / "socket")
    running = Running(
        on_network.getsockname()[1], folder / "socket", TokenStore(folder / FILE_NAME), door.sessions, clock
    )
    app = guarded(_app(door, running), door, limits=limits)
    servers = [uvicorn.Server(uvicorn_config(app, tls)), uvicorn.Server(uvicorn_config(app))]

    async def serve() -> None:
        await asyncio.gather(servers[0].serve([on_network]), servers[1].serve([on_file]))

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        # Both sockets listen already: whoever asks now is answered when the thread has come so far.
        yield running
    finally:
        running.streamed.put(None)
        for server in servers:
            server.should_exit = True
        thread.join()


def _app(door: Door, running: Running) -> ASGIApp:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    handle_refusals(app)
    app.add_exception_handler(RequestValidationError, lambda request, error: Response(status_code=422))
    app.include_router(login.routes(door))

    @app.get("/", response_class=HTMLResponse)
    def page() -> str:
        form = "<form method=post action=/api/v1/logout><button>Sign out</button></form>"
        scripts = "<script>document.title = 'inline'</script><script src=/page/app.js></script>"
        return f"<!doctype html><title>rig</title>{form}{scripts}"

    @app.get("/page/{name}")
    def page_file(name: str) -> Response:
        return Response("document.title += ' ran'", media_type="text/javascript")

    @app.get("/health")
    @app.get("/api/v1/health")
    @app.get("/api/v1/state")
    def state() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/api/v1/models/{name}/report/{path}", response_class=HTMLResponse)
    def report(name: str, path: str) -> str:
        style, script = "<style>b { color: red }</style>", "<script>document.title = 'ran'</script>"
        return f"<!doctype html><title>report</title>{style}<b>report</b>{script}"

    @app.get("/api/v1/picture")
    def picture() -> Response:
        return Response(b"", headers={"Cache-Control": "private, immutable"})

    @app.get("/api/v1/broken")
    def broken() -> None:
        raise RuntimeError("a mistake of ours")

    @app.post("/api/v1/jobs")
    @app.post("/api/v1/classify")
    @app.post("/api/v1/inventory/progress")
    async def take(request: Request) -> dict[str, int]:
        return {"bytes": len(await request.body())}

    @app.get("/api/v1/events")
    def events() -> StreamingResponse:
        return StreamingResponse(iter(running.streamed.get, None), media_type="text/event-stream")

    async def noting(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            running.reached.append(scope["path"])
        await app(scope, receive, send)

    return noting


def _request(line: str, headers: Mapping[str, str], body: bytes) -> bytes:
    told = dict(headers)
    if body and "Transfer-Encoding" not in told:
        told.setdefault("Content-Length", str(len(body)))
    lines = [f"{line} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1") + body
