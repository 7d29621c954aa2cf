"""The daemon's HTTP API and page, put together."""

from importlib.metadata import version

from fastapi import FastAPI
from starlette.types import ASGIApp

from rig.daemon import problems
from rig.daemon.daemon import Daemon
from rig.daemon.door import API, Door
from rig.daemon.guard import guarded
from rig.daemon.metrics import Metrics
from rig.daemon.page import files as page
from rig.daemon.refusal import handle_refusals
from rig.daemon.routes import events, files, jobs, live, login, logs, machine


def build_app(daemon: Daemon, door: Door) -> ASGIApp:
    """What is served: every request passes the guard first.

    Args:
        daemon: what is asked.
        door: knows who may ask.
    """
    return guarded(build_api(daemon, door), door)


def build_api(daemon: Daemon, door: Door) -> FastAPI:
    """The same without the guard, with its schema at `/api/v1/openapi.json`."""
    app = FastAPI(
        title="Brick rig",
        version=version("brickrig"),
        description="One rig: its jobs, its pictures, what it knows and what it has sorted.",
        openapi_url=f"{API}/openapi.json",
        # Their pages fetch scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
    )
    problems.install(app)
    handle_refusals(app)
    metrics = Metrics(daemon)
    for routes in (jobs, machine, events, live):
        app.include_router(routes.routes(daemon), prefix=API)
    app.include_router(files.routes(daemon, daemon.library), prefix=API)
    app.include_router(logs.routes(daemon.logs), prefix=API)
    app.include_router(login.routes(door))
    app.include_router(machine.health_routes(daemon, metrics), prefix=API)
    app.include_router(machine.health_routes(daemon, metrics), include_in_schema=False)
    page.add_to(app)
    return app
