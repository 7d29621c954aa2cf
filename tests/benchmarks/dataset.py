"""Memory and time of `rig dataset` on many pictures and on ten times as many.

`make bench` takes 2,000 and 20,000; `python -m tests.benchmarks.dataset` 10,000 and 100,000.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from tests.benchmarks.figure import Figure

_RIG = Path(sys.executable).with_name("rig")
_PARTS, _VIEWS = 100, 72
_COMMANDS = {
    "stats": ("stats", "captures"),
    "check": ("check", "captures"),
    "dedupe --near": ("dedupe", "captures", "--near"),
    "export": ("export", "exported"),
    "import": ("import", "captures", "--data", "imported"),
    "rename": ("rename", "3000", "4000"),
    "undo": ("undo",),
}


def memory_of_dataset_commands(small: int = 2_000) -> Iterator[Figure]:
    """Peak resident memory of each command, by the kernel's account, and what ten times as much adds.

    Args:
        small: pictures in the smaller of the two datasets.
    """
    large = 10 * small
    peaks: dict[str, list[int]] = {name: [] for name in _COMMANDS}
    took_s: dict[str, float] = {}
    for size in (small, large):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            _make(folder / "captures", size)
            for command, arguments in _COMMANDS.items():
                started_s = time.perf_counter()
                peaks[command].append(_peak_kib(folder, *arguments))
                took_s[command] = time.perf_counter() - started_s
    for command, (few, many) in peaks.items():
        yield Figure(
            f"rig dataset {command}, {large:,} pictures",
            f"{many / 1024:.0f} MiB, {took_s[command]:.0f} s",
            f"{few / 1024:.0f} MiB: with {small:,}",
            few / many,
        )


def _peak_kib(folder: Path, *arguments: str) -> int:
    process = subprocess.Popen(
        [_RIG, "dataset", *arguments], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"rig dataset {' '.join(arguments)} ended with {process.returncode}")
    return usage.ru_maxrss


def _make(folder: Path, size: int) -> None:
    """Sessions of alike views, dealt to the parts; each picture is another one."""
    rng = np.random.default_rng(size)
    folder.mkdir()
    with (folder / "metadata.jsonl").open("w") as rows:
        for number in range(size):
            session, view = divmod(number, _VIEWS)
            if view == 0:
                table = rng.integers(0, 255, (12, 12, 3), dtype=np.uint8).astype(np.int16)
            label = str(3000 + session % _PARTS)
            name = f"{label}/s{session:05d}_pose0_{5 * view:03d}deg.jpg"
            (folder / label).mkdir(exist_ok=True)
            pixels = np.clip(table + rng.integers(-20, 20, table.shape), 0, 255).astype(np.uint8)
            (folder / name).write_bytes(cv2.imencode(".jpg", cv2.resize(pixels, (48, 48)))[1].tobytes())
            row = {
                "file_name": name, "label": label, "session": f"s{session:05d}", "pose": 0, "colour": 4,
                "angle_deg": 5.0 * view, "source": "camera", "software": "brickrig", "box": [1, 2, 3, 4],
                "firmware": "Marlin 2.1.2.7", "captured_at": "2026-11-21T22:03:01.000+00:00",
            }  # fmt: skip
            rows.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    for figure in memory_of_dataset_commands(10_000):
        print(figure)
