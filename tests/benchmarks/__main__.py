"""`make bench`: figures beside their limits and peers, measured in one run. Nothing here passes or fails.

`make bench ONLY="latencies planning"` takes some of them.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import fmean, median

import cv2
import numpy as np
from rich.console import Console
from rich.live import Live
from rich.table import Table

from rig.camera.frame import Image
from rig.catalog import COLOURS
from rig.sim.parts import PARTS
from rig.sim.passages import LyingPart
from rig.sim.render import Renderer
from rig.sim.scene import draw_scene
from rig.sim.sensor import Sensor
from rig.vision.locate import locate
from tests.benchmarks import capture
from tests.benchmarks.colour import colours
from tests.benchmarks.daemon import (
    daemon_day,
    daemon_end,
    daemon_events,
    daemon_live,
    daemon_load,
    daemon_start,
)
from tests.benchmarks.dataset import memory_of_dataset_commands
from tests.benchmarks.evidence import looking_again
from tests.benchmarks.figure import Figure
from tests.benchmarks.input_pipeline import training_images
from tests.benchmarks.latency import latencies
from tests.benchmarks.motion import commands_a_second, turn_in_72_steps
from tests.benchmarks.planning import planning
from tests.benchmarks.realism import realism
from tests.benchmarks.renders import learning
from tests.benchmarks.rounds import rounds
from tests.benchmarks.sorting_loop import loop_overhead
from tests.benchmarks.thousands import thousands

_FRAMES_PER_S = 30
RIG = Path(sys.executable).with_name("rig")


def _times_s(
    work: Callable[[], object], runs: int, clock: Callable[[], float] = time.perf_counter
) -> list[float]:
    """What each run takes, after one that does not count; wall time by default."""
    work()
    times_s = []
    for _ in range(runs):
        started_s = clock()
        work()
        times_s.append(clock() - started_s)
    return times_s


def _seconds(work: Callable[[], object], runs: int) -> float:
    return median(_times_s(work, runs))


def help_time() -> Iterator[Figure]:
    """`rig --help`, as a process."""
    took_s = _seconds(lambda: subprocess.run([RIG, "--help"], capture_output=True, check=True), runs=9)
    yield Figure("rig --help", f"{took_s:.2f} s", "0.4 s", 0.4 / took_s)


def rendering() -> Iterator[Figure]:
    """Pictures of 640x480 of each of the ten parts, on one core, and finding the part in them."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng(1)
    scene = draw_scene(rng)
    renderer, sensor = Renderer(scene, 640, 480), Sensor(scene, 640, 480)
    times_s: dict[str, list[float]] = {}
    pictures: list[Image] = []
    for number, part in enumerate(sorted(PARTS)):
        lying = LyingPart(part, list(COLOURS)[number], 0, (1.0, 2.0), 30.0 * number)
        angles_deg = iter(np.arange(0, 360, 7.3))

        def one_frame(lying: LyingPart = lying, angles_deg: Iterator[float] = angles_deg) -> None:
            light = sensor.expose(renderer.render(lying, float(next(angles_deg)), 1.0))
            pictures.append(sensor.develop(light, rng))

        times_s[part] = _times_s(one_frame, runs=25, clock=time.thread_time)
    slowest = max(times_s, key=lambda part: median(times_s[part]))
    yield _frame_rate("rendering, mean of ten parts", list(times_s.values()))
    yield _frame_rate(f"rendering, slowest part ({slowest})", [times_s[slowest]])
    located_s = _seconds(lambda: [locate(picture) for picture in pictures], runs=3) / len(pictures)
    yield Figure(
        "finding the part", f"{1000 * located_s:.1f} ms", "33 ms, a frame at 30/s", 0.033 / located_s
    )


def _frame_rate(name: str, times_s: Sequence[Sequence[float]]) -> Figure:
    """Of the medians over each part's pictures; at best: of their minima. The processor's time counts."""
    fps, best_fps = (1 / fmean(statistic(times) for times in times_s) for statistic in (median, min))
    measured = f"{fps:.1f} frames/s of one core, at best {best_fps:.1f}"
    return Figure(name, measured, f"{_FRAMES_PER_S} frames/s", fps / _FRAMES_PER_S)


MEASURES = (
    help_time,
    rendering,
    realism,
    commands_a_second,
    turn_in_72_steps,
    capture.stop_and_go,
    capture.memory_of_sessions,
    capture.sweep,
    memory_of_dataset_commands,
    planning,
    colours,
    loop_overhead,
    daemon_start,
    daemon_end,
    daemon_events,
    daemon_live,
    daemon_load,
    daemon_day,
    thousands,
    training_images,
    latencies,
    rounds,
    learning,
    looking_again,
)
"""In the order in which they are taken; the last three train networks and take most of the time."""


def _asked_for(names: Sequence[str]) -> list[Callable[[], Iterator[Figure]]]:
    """Those of some names; all of them without any."""
    known = {measure.__name__: measure for measure in MEASURES}
    if unknown := [name for name in names if name not in known]:
        sys.exit(f"there is no benchmark {unknown[0]!r}: {', '.join(known)}")
    return [known[name] for name in names] or list(MEASURES)


def main() -> None:
    """Print all figures, or those that the command line names."""
    table = Table(title="Benchmarks", title_justify="left")
    for column in ("what", "measured", "limit or peer", "ratio"):
        table.add_column(column)
    measures = _asked_for(sys.argv[1:])
    with Live(table, console=Console(), auto_refresh=False) as live:
        for measure in measures:
            for figure in measure():
                table.add_row(figure.name, figure.measured, figure.limit, f"{figure.ratio:.2f}x")
                live.refresh()


if __name__ == "__main__":
    main()
