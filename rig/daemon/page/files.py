"""Serves the files of the page."""

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from starlette.staticfiles import StaticFiles

_FOLDER = Path(__file__).parent / "static"


def add_to(app: FastAPI) -> None:
    """Serve the page at `/` and its files below `/page/`."""

    @app.get("/", include_in_schema=False)
    def page() -> FileResponse:
        return FileResponse(_FOLDER / "index.html", headers={"Cache-Control": "no-cache"})

    app.mount("/page", StaticFiles(directory=_FOLDER), name="page")
