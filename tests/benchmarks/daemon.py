"""The daemon's figures: how soon it is there and at rest again, what it holds, and what onlookers cost."""

import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import BinaryIO

from rig.dataset.store import DatasetStore
from rig.sorting.ledger import Ledger
from tests.benchmarks.daemon_process import Daemon, Vitals, daemon
from tests.benchmarks.figure import Figure
from tests.daemon.daemons import within
from tests.daemon.rigs import Kept, kept_rig
from tests.vision.single_minded import write_single_minded

_MOST_START_S = 2.0
_MOST_RESIDENT_MB = 150.0
_MOST_END_S = 5.0
_MOST_EVENT_S = 0.050
_MOST_PICTURE_AGE_S = 0.150
_MOST_TEN_VIEWERS = 1.2
_LEAST_RATE = 0.95
_REQUESTS_A_SECOND = 200
_STARTS, _ENDS, _JOBS, _PICTURES, _PARTS = 5, 3, 40, 50, 16
_VIEWERS, _WATCH_S = 10, 8.0
_DAY_H, _MOST_DAY_S = 24.0, 600.0
# Events that are kept for those who were away: from then on, nothing has to grow any more.
_KEPT_EVENTS = 8192
_DAYS_PARTS = ("3001", "3004", "3039")
_MOST_GROWTH = 1.1

_REAL_TIME = "[sim]\nenabled = true\nseed = 7\nreal_time = true\n"
# Little to render, and long to wait for, since waits are leapt over.
_DAY = """[sim]
enabled = true
[camera]
width_px = 160
height_px = 120
timeout_s = 30.0
[turntable]
speed_deg_s = 10.0
settle_s = 10.0
"""


def daemon_start() -> Iterator[Figure]:
    """From the command until it serves, and the memory that it holds with a ready board and a model."""
    took_s, processor_s, vitals = [], [], []
    with _folder() as folder:
        for _ in range(_STARTS):
            # In accelerated time, since the simulated board takes its seconds to boot, as a real one does.
            with daemon(folder, _DAY) as started:
                took_s.append(started.served_after_s)
                processor_s.append(started.processor_s())
                vitals.append(started.vitals())
    start_s = median(took_s)
    resident_mb = median(each.resident_mib for each in vitals) * 1.048576
    yield Figure(
        "rig serve, from its start until it serves",
        f"{start_s:.2f} s, at best {min(took_s):.2f} s; {median(processor_s):.2f} s of one core",
        f"{_MOST_START_S:.0f} s",
        _MOST_START_S / start_s,
    )
    yield Figure(
        "memory of an idle daemon with its model",
        f"{resident_mb:.0f} MB",
        f"{_MOST_RESIDENT_MB:.0f} MB",
        _MOST_RESIDENT_MB / resident_mb,
    )


def daemon_end() -> Iterator[Figure]:
    """From SIGTERM until the motors are released and the lamp is off, by a board in real time."""
    for when, begin in (("in a long move", Kept.begin_turning), ("with a paused job", Kept.pause_turning)):
        took_s = []
        for _ in range(_ENDS):
            with _folder() as folder, kept_rig(folder, speed_deg_s=5.0) as kept:
                begin(kept)
                since_s = time.monotonic()
                kept.served.send(signal.SIGTERM)
                assert within(60.0, kept.is_at_rest)
                took_s.append(time.monotonic() - since_s)
        yield Figure(
            f"from SIGTERM {when} until the rig is at rest",
            f"{max(took_s):.1f} s",
            f"{_MOST_END_S:.0f} s",
            _MOST_END_S / max(took_s),
        )


def daemon_events() -> Iterator[Figure]:
    """From the time that stands in an event to its receipt: of the starts and ends of short jobs."""
    late_s = []
    with _folder() as folder, daemon(folder, _DAY) as started, closing(started.events()) as events:
        for _ in range(_JOBS):
            job = started.begin(kind="capture", part="3001", steps=1, poses=1)
            for name, document, received_s in events:
                if name == "job" and document["id"] == job and document["ended_at"] is not None:
                    late_s.append(received_s - datetime.fromisoformat(document["ended_at"]).timestamp())
                    break
    yield _at_most("from an event to its receipt", late_s, _MOST_EVENT_S)


def daemon_live() -> Iterator[Figure]:
    """How old live pictures are when they are there, and what ten viewers cost beside one."""
    with _folder() as folder, daemon(folder, _REAL_TIME) as started:
        with closing(started.stream("/api/v1/live.mjpg")) as stream, stream.makefile("rb") as file:
            ages_s = [_next_age_s(file) for _ in range(_PICTURES + 1)][1:]
        yield _at_most("age of a live picture", ages_s, _MOST_PICTURE_AGE_S)
        # In turns, since others may be at work on this computer.
        used_s: dict[int, list[float]] = {1: [], _VIEWERS: []}
        for _ in range(3):
            for viewers, seconds in used_s.items():
                seconds.append(_watched(started, viewers))
        one_s, ten_s = (median(seconds) for seconds in used_s.values())
    yield Figure(
        f"processor time with {_VIEWERS} viewers",
        f"{ten_s / _WATCH_S:.1%} of a core, {ten_s / one_s:.2f} times one's",
        f"{_MOST_TEN_VIEWERS} times {one_s / _WATCH_S:.1%}: one viewer",
        _MOST_TEN_VIEWERS * one_s / ten_s,
    )


def daemon_load() -> Iterator[Figure]:
    """The rate of sorting in real time, by itself and while another process asks for the state."""
    alone_s, asked_s, load = [], [], ""
    with _folder() as folder, daemon(folder, _REAL_TIME) as started:
        assert started.run(kind="sort", count=2) == "finished"
        # In turns, and the best of each: what others do on this computer is no doing of the load.
        for _ in range(3):
            alone_s.append(_part_s(started))
            with _asking(started) as answered:
                asked_s.append(_part_s(started))
            load = answered[0]
    rate, latency_ms = load.split()
    ratio = min(alone_s) / min(asked_s)
    yield Figure(
        f"sorting while {_REQUESTS_A_SECOND} requests/s ask for the state",
        f"{60 / min(asked_s):.1f} parts/min, {ratio:.3f} of its rate; {rate} answers/s in {latency_ms} ms",
        f"{_LEAST_RATE} of {60 / min(alone_s):.1f} parts/min: alone",
        ratio / _LEAST_RATE,
    )


def daemon_day() -> Iterator[Figure]:
    """A day of captures and sorts, waits leapt over, until that or ten minutes of ours are over."""
    with _folder() as folder, daemon(folder, _DAY) as started:
        began_s, samples = time.monotonic(), list[tuple[float, int, Vitals]]()
        hours, jobs, failed = 0.0, 0, 0
        while hours < _DAY_H and time.monotonic() - began_s < _MOST_DAY_S:
            for request in (
                {"kind": "capture", "part": _DAYS_PARTS[jobs % len(_DAYS_PARTS)], "steps": 24, "poses": 1},
                {"kind": "sort", "count": 15},
            ):
                failed += started.run(**request) != "finished"
                jobs += 1
            hours = _hours(folder)
            told = int(started.get("/api/v1/state")["event_id"].rpartition("-")[2])
            samples.append((hours, told, started.vitals()))
        took_s = time.monotonic() - began_s
        with Ledger(folder / "ledger_simulated") as ledger:
            parts = sum(len(ledger.rows(run)) for run in ledger.runs())
        views = sum(1 for _ in DatasetStore(folder / "captures").rows())
    yield Figure(
        "a day of captures and sorts through one daemon",
        f"{hours:.1f} simulated hours in {took_s / 60:.1f} min: {jobs} jobs ({failed} failed),"
        f" {views} views, {parts} parts",
        f"{_DAY_H:.0f} hours",
        hours / _DAY_H,
    )
    yield from _flat(samples)


def _flat(samples: list[tuple[float, int, Vitals]]) -> Iterator[Figure]:
    """What the daemon holds at the end, beside when everything was loaded and all that is kept was full."""
    full = next((n for n, (_, told, _) in enumerate(samples) if told > _KEPT_EVENTS), len(samples) // 2)
    full = min(full, len(samples) * 2 // 3)
    (hours, told, before), (_, _, after) = samples[full], samples[-1]
    since = f"after {hours:.1f} simulated hours and {told} events"
    yield Figure(
        "memory at the end of that day",
        f"{after.resident_mib:.0f} MiB",
        f"{_MOST_GROWTH} times {before.resident_mib:.0f} MiB: {since}",
        _MOST_GROWTH * before.resident_mib / after.resident_mib,
    )
    for what, old, new in (
        ("file descriptors", before.descriptors, after.descriptors),
        ("threads", before.threads, after.threads),
    ):
        yield Figure(f"{what} at the end of that day", f"{new}", f"{old}: {since}", old / new)


@contextmanager
def _folder() -> Iterator[Path]:
    """With a model in use, that says the same of everything."""
    with tempfile.TemporaryDirectory() as name:
        write_single_minded(Path(name) / "models" / "m", "3004", labels=("3001", "3004", "3039"))
        yield Path(name)


def _at_most(name: str, seconds: list[float], limit_s: float) -> Figure:
    ordered = sorted(seconds)
    most_s = ordered[int(0.95 * (len(ordered) - 1))]
    measured = f"{1000 * most_s:.0f} ms for 95 of 100, median {1000 * median(ordered):.0f} ms"
    return Figure(name, measured, f"{1000 * limit_s:.0f} ms", limit_s / max(most_s, 1e-4))


def _next_age_s(file: BinaryIO) -> float:
    """Read the next picture of a stream; how old it is."""
    exposed_s, size = 0.0, 0
    while not size or not exposed_s:
        name, _, value = file.readline().partition(b": ")
        if name == b"X-Exposed-At":
            exposed_s = float(value)
        elif name == b"Content-Length":
            size = int(value)
    file.readline()
    file.read(size)
    return time.time() - exposed_s


def _watched(started: Daemon, viewers: int) -> float:
    """Processor time of the daemon while so many look."""
    streams = [started.stream("/api/v1/live.mjpg") for _ in range(viewers)]
    ended = threading.Event()

    def look(read: Callable[[int], bytes]) -> None:
        while not ended.is_set():
            read(1 << 16)

    threads = [threading.Thread(target=look, args=(stream.recv,)) for stream in streams]
    for thread in threads:
        thread.start()
    while started.get("/api/v1/state")["live"]["viewers"] < viewers:
        time.sleep(0.01)
    before_s = started.processor_s()
    time.sleep(_WATCH_S)
    used_s = started.processor_s() - before_s
    ended.set()
    for thread, stream in zip(threads, streams, strict=True):
        thread.join()
        stream.close()
    while started.get("/api/v1/state")["live"]["viewers"]:
        time.sleep(0.01)
    return used_s


def _part_s(started: Daemon) -> float:
    """What a part takes, by the ledger."""
    assert started.run(kind="sort", count=_PARTS) == "finished"
    with Ledger(started.folder / "ledger_simulated") as ledger:
        rows = ledger.rows(ledger.runs()[-1])
    dropped = [datetime.fromisoformat(row.dropped_at).timestamp() for row in rows if row.dropped_at]
    return (dropped[-1] - dropped[0]) / (len(dropped) - 1)


@contextmanager
def _asking(started: Daemon) -> Iterator[list[str]]:
    """Another process asks for the state while the block runs; what it says of that is there afterwards."""
    command = [
        sys.executable,
        "-m",
        "tests.benchmarks.state_load",
        str(started.port),
        str(_REQUESTS_A_SECOND),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "asking\n"
        answered: list[str] = []
        try:
            yield answered
        finally:
            process.terminate()
            answered.append(process.stdout.readline())


def _hours(folder: Path) -> float:
    """Between the first picture and the last one, on the rig's own clock."""
    rows = list(DatasetStore(folder / "captures").rows())
    return (rows[-1].exposed_until_s - rows[0].exposed_from_s) / 3600
