"""Captures a list of parts in processes that are killed at random, each going on where the last one was.

A moment is a line of Python that a process is about to execute, in the thread that captures or in the one
that writes; it is killed (SIGKILL) just before. All processes are forked from one that has everything
imported, before it opens the rig.

Run as: python -m tests.capture.killing FOLDER KILLS
"""

import json
import os
import random
import shutil
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count, cycle
from pathlib import Path
from types import FrameType
from typing import Any

import cv2

import rig
from rig.capture.batch import BatchEnded, Choice, begin_batch, latest_open_batch
from rig.capture.order import Order
from rig.capture.parts_list import ListedPart
from rig.catalog import PartNumber
from rig.config import CameraConfig, Config, PathsConfig, SimConfig
from rig.dataset.layout import BATCHES, SESSION_PLANS
from rig.dataset.reader import decode_image
from rig.jobs.capture import batch_job

_SEED = 20261122
_PARTS = ("3001", "3039")
_STEPS = 2
_POSES = 2
_VIEWS = len(_PARTS) * _STEPS * _POSES
_ROOT = Path(rig.__file__).parent
# Where a session is run and put on disk; all else would only be killed between two of these lines.
_ROOMS = tuple(
    str(_ROOT / room) for room in ("capture", "dataset", "files.py", "jobs.py", "machine.py", "owner.py")
)
# What is struck more often than by chance: it is done but once a view, a session, or a batch.
_CRUCIAL = (
    "save_plan",
    "close_plan",
    "write_whole",
    "append_json_line",
    "_save",
    "run_batch",
    "add_document",
)

Trace = Callable[[FrameType, str, Any], Any]


def go_on(folder: Path) -> None:
    """What `rig capture --batch` does, and `--resume` after it."""
    captures = folder / "captures"
    config = Config(
        sim=SimConfig(enabled=True, seed=_SEED),
        camera=CameraConfig(width_px=160, height_px=120),
        paths=PathsConfig(captures=captures),
    )
    listed = [
        ListedPart(line, Order(PartNumber(part), _STEPS, _POSES, None, (), None))
        for line, part in enumerate(_PARTS, start=2)
    ]
    batch = latest_open_batch(captures) or begin_batch(str(folder / "parts.csv"), listed, captures, _SEED)
    *_, last = batch_job(config, batch, lambda sentence: None, lambda row, stop: Choice.STOP)
    assert isinstance(last, BatchEnded)


@dataclass(frozen=True)
class Place:
    """A line of the code."""

    function: str
    file: str
    line: int


@dataclass(frozen=True)
class Moment:
    """Just before the `at`-th line, from 0, of all; or of those at one place, if there is one."""

    at: int
    place: Place | None = None


class Lines:
    """Notes the lines that this process executes, and does something at a moment."""

    def __init__(self, moment: Moment | None, do: Callable[[], None]) -> None:
        self.seen: Counter[Place] = Counter()
        self._left = moment.at if moment else -1
        self._place = moment.place if moment else None
        self._do = do

    def start(self) -> None:
        """From now on, in this thread and in those that write pictures."""
        threading.settrace(self._enter_thread)
        sys.settrace(self._enter)

    def stop(self) -> None:
        """No more."""
        sys.settrace(None)

    def _enter_thread(self, frame: FrameType, event: str, argument: Any) -> Trace | None:
        ours = threading.current_thread().name.startswith("darkroom")
        sys.settrace(self._enter if ours else None)
        return self._enter(frame, event, argument) if ours else None

    def _enter(self, frame: FrameType, event: str, argument: Any) -> Trace | None:
        return self._line if frame.f_code.co_filename.startswith(_ROOMS) else None

    def _line(self, frame: FrameType, event: str, argument: Any) -> Trace:
        if event == "line":
            place = Place(frame.f_code.co_name, frame.f_code.co_filename, frame.f_lineno)
            self.seen[place] += 1
            if self._place in (None, place):
                if self._left == 0:
                    self._do()
                self._left -= 1
        return self._line


def lines_of(folder: Path) -> Counter[Place]:
    """The lines that it takes from the beginning to the end, and how often each."""
    lines = Lines(None, lambda: None)
    lines.start()
    go_on(folder)
    lines.stop()
    return lines.seen


def killed_at(folder: Path, moment: Moment | None) -> bool:
    """Go on in another process and kill it; whether it was killed, since it may well end before."""
    process = os.fork()
    if process == 0:
        os.chdir(folder)
        lines = Lines(moment, lambda: os.kill(os.getpid(), signal.SIGKILL))
        lines.start()
        go_on(folder)
        os._exit(0)
    _, status = os.waitpid(process, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, f"failed at {moment}"
    return os.WIFSIGNALED(status)


def check_whole(captures: Path) -> None:
    """After a kill: nothing is torn or there twice; a picture that was just written may lack its row."""
    rows = _rows(captures)
    files = {path.relative_to(captures).as_posix() for path in captures.glob("*/[!.]*")}
    assert len(rows) == len({row["file_name"] for row in rows}), "a view is there twice"
    assert {row["file_name"] for row in rows} <= files, "a row stands without its file"
    assert len(files) <= len(rows) + 1, "files stand without their rows"
    for name in files:
        decode_image((captures / name).read_bytes(), captures / name)
    for path in (*captures.glob(SESSION_PLANS), *captures.glob(BATCHES)):
        json.loads(path.read_bytes())


def check_complete(captures: Path) -> None:
    """In the end: every angle of every pose exactly once, and nothing else."""
    rows = _rows(captures)
    found = Counter((row["label"], row["pose"], row["angle_deg"]) for row in rows)
    angles = [step * 360 / _STEPS for step in range(_STEPS)]
    assert found == Counter(
        (part, pose, angle) for part in _PARTS for pose in range(_POSES) for angle in angles
    )
    assert len({row["session"] for row in rows}) == len({row["physical_part"] for row in rows}) == len(_PARTS)
    files = sorted(path.relative_to(captures).as_posix() for path in captures.rglob("*") if path.is_file())
    assert files == sorted(["metadata.jsonl", *(row["file_name"] for row in rows)])


def kill_often(folder: Path, kills: int) -> Counter[str]:
    """Kill, check and go on; which functions were struck, and how often.

    A quarter of the moments is drawn from all lines of a whole batch, so from its whole time, and a quarter
    by the function first. Half of them are the lines of the crucial functions, one after the other.
    """
    cv2.setNumThreads(1)  # its pool of threads would not survive the fork
    captures = folder / "captures"
    captures.mkdir(parents=True)
    seen = lines_of(folder)
    check_complete(captures)
    shutil.rmtree(captures)
    places = sorted(seen, key=str)
    functions = sorted({place.function for place in places})
    rng = random.Random(_SEED)
    crucial = [place for place in places if place.function in _CRUCIAL]
    rng.shuffle(crucial)
    due = cycle(crucial)
    struck: Counter[str] = Counter()
    for number in count():
        if number % 4 == 1:
            moment = Moment(rng.randrange(seen.total()))
        else:
            function = rng.choice(functions)
            of_function = rng.choice([place for place in places if place.function == function])
            place = of_function if number % 4 == 3 else next(due)
            # Most that go on have less than all before them.
            moment = Moment(rng.randrange(1 + seen[place] // 3), place)
        if killed_at(folder, moment):
            struck[moment.place.function if moment.place else "anywhere"] += 1
            check_whole(captures)
        if len(_rows(captures)) == _VIEWS and not [*captures.glob(BATCHES)]:
            check_complete(captures)
            shutil.rmtree(captures)
        if struck.total() == kills:
            break
    killed_at(folder, None)
    check_complete(captures)
    return struck


def _rows(captures: Path) -> list[dict[str, Any]]:
    """The rows of the manifest; only what stands behind its last newline may be torn."""
    manifest = captures / "metadata.jsonl"
    whole = manifest.read_text().split("\n")[:-1] if manifest.exists() else []
    return [json.loads(line) for line in whole]


if __name__ == "__main__":
    struck_functions = kill_often(Path(sys.argv[1]), int(sys.argv[2]))
    print(json.dumps(struck_functions))
    never = set(_CRUCIAL) - struck_functions.keys()
    assert not never, f"never struck: {never}"
