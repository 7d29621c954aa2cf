"""The routers that need no hardware, behind a real server on a free port of the loopback."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

from rig.config import Config, load_config
from rig.daemon import problems
from rig.daemon.library import Library
from rig.daemon.routes import files

API = "/api/v1"


class Desk:
    """A working folder, and what its rig.toml says; without one the rig is simulated."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config_file = Path("rig.toml") if (folder / "rig.toml").exists() else None
        self.config = Config()
        self.reload_config()

    def reload_config(self) -> None:
        """Read rig.toml anew."""
        config = Config() if self.config_file is None else load_config(self.folder / self.config_file)
        is_simulated = self.config_file is None or config.sim.enabled
        self.config = config.model_copy(
            update={"sim": config.sim.model_copy(update={"enabled": is_simulated})}
        )

    def tell_state(self) -> None:
        """Nobody looks on."""


@dataclass(frozen=True)
class Answer:
    """What the server answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, which must be JSON."""
        assert self.headers["content-type"] in ("application/json", "application/problem+json")
        return json.loads(self.body)


def ask(
    port: int, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> Answer:
    """Ask a server of this computer, over a connection of its own."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=120)) as connection:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        said = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, said, response.read())


@dataclass(frozen=True)
class Served:
    """A server that runs."""

    desk: Desk
    port: int
    app: FastAPI

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """Ask, below the API's prefix."""
        return ask(self.port, method, API + path, body, headers)

    def get(self, path: str, **headers: str) -> Answer:
        """Ask with GET; an underscore stands for the dash of a header's name."""
        return self.ask("GET", path, headers={name.replace("_", "-"): said for name, said in headers.items()})

    def json(self, path: str) -> Any:
        """What a GET that must succeed answers."""
        answer = self.get(path)
        assert answer.status == 200, answer.body
        return answer.json

    def send(self, method: str, path: str, said: object = None) -> Answer:
        """Ask with a JSON document."""
        return self.ask(method, path, json.dumps(said).encode(), {"Content-Type": "application/json"})

    def problem(self, method: str, path: str, said: object = None, *, status: int) -> Any:
        """The problem document of what must fail."""
        answer = self.send(method, path, said) if said is not None else self.ask(method, path)
        assert answer.status == status, answer.body
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json["status"] == status
        return answer.json


def app_of(desk: Desk, library: Library) -> FastAPI:
    """An app with nothing but these routers."""
    app = FastAPI()
    problems.install(app)
    app.include_router(files.routes(desk, library), prefix=API)
    return app


@contextmanager
def serving(folder: Path) -> Iterator[Served]:
    """Serve a working folder until the block ends."""
    desk = Desk(folder)
    library = Library(desk)
    app = app_of(desk, library)
    with listening(app) as port:
        yield Served(desk, port, app)
    library.close()


@contextmanager
def listening(app: FastAPI) -> Iterator[int]:
    """Run an app until the block ends; gives its port."""
    # It listens before the server runs: whoever connects earlier waits in the queue of the system.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(60)
            assert not thread.is_alive()
