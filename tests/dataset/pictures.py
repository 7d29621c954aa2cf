"""Small datasets on disk, and what is in them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

Rows = dict[str, dict[str, Any] | None]
"""What is said of each picture, by file name; None where nothing is."""


def picture(seed: int, *, side: int = 48) -> bytes:
    """A JPEG file; each seed gives another picture."""
    coarse = np.random.default_rng(seed).integers(0, 255, (12, 12, 3), dtype=np.uint8)
    pixels = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
    return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


def write_dataset(folder: Path, rows: Mapping[str, dict[str, Any] | None]) -> Path:
    """A picture for each file name, in the order of time, and a row where something is said of it."""
    for seed, (name, row) in enumerate(rows.items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture(seed))
        add_row(folder, name, row)
    return folder


def add_row(folder: Path, name: str, row: dict[str, Any] | None) -> None:
    """Append to the manifest, as another program would."""
    if row is not None:
        with (folder / "metadata.jsonl").open("a") as manifest:
            manifest.write(json.dumps({"file_name": name, **row}) + "\n")


def session(label: str, name: str, count: int, **more: Any) -> Rows:
    """Rows of one session of one part."""
    row = {"label": label, "session": name, "pose": 0, "source": "camera", **more}
    return {f"{label}/{name}_{place:03d}.jpg": row for place in range(count)}


def turned(label: str, name: str, count: int, *, step_deg: float, **more: Any) -> Rows:
    """Rows of one session of one part, taken at one angle after the other."""
    rows = session(label, name, count, **more)
    return {
        file: (row or {}) | {"angle_deg": place * step_deg} for place, (file, row) in enumerate(rows.items())
    }


def contents(folder: Path) -> dict[str, bytes]:
    """Every file that is not hidden, and every folder, by its path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else b"<folder>"
        for path in folder.rglob("*")
        if not path.name.startswith(".")
    }


def rows_of(folder: Path) -> dict[str, dict[str, Any]]:
    """The manifest by file name."""
    lines = (folder / "metadata.jsonl").read_text().splitlines()
    documents = [json.loads(line) for line in lines]
    assert len({document["file_name"] for document in documents}) == len(documents)
    return {document["file_name"]: document for document in documents}
