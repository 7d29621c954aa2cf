"""`make bench`: figures beside their limits and peers, measured in one run. Nothing here passes or fails."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import cv2
import numpy as np
from rich.console import Console
from rich.live import Live
from rich.table import Table

from rig.catalog import COLOURS
from rig.sim.parts import PARTS
from rig.sim.render import Renderer
from rig.sim.scene import draw_scene
from rig.sim.sensor import Sensor
from rig.sim.world import LyingPart
from rig.vision.locate import locate
from tests.benchmarks import capture
from tests.benchmarks.dataset import memory_of_dataset_commands
from tests.benchmarks.figure import Figure
from tests.benchmarks.input_pipeline import training_images
from tests.benchmarks.motion import commands_a_second, turn_in_72_steps
from tests.benchmarks.realism import realism
from tests.benchmarks.renders import learning

RIG = Path(sys.executable).with_name("rig")


def _seconds(work: Callable[[], object], runs: int) -> float:
    """Median wall time of one run, after one that does not count."""
    work()
    times_s = []
    for _ in range(runs):
        started_s = time.perf_counter()
        work()
        times_s.append(time.perf_counter() - started_s)
    return median(times_s)


def help_time() -> Iterator[Figure]:
    """`rig --help`, as a process."""
    took_s = _seconds(lambda: subprocess.run([RIG, "--help"], capture_output=True, check=True), runs=9)
    yield Figure("rig --help", f"{took_s:.2f} s", "0.4 s", 0.4 / took_s)


def rendering() -> Iterator[Figure]:
    """Pictures of 640x480 of all ten parts, on one core, and finding the part in them."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng(1)
    scene = draw_scene(rng)
    renderer, sensor = Renderer(scene, 640, 480), Sensor(scene, 640, 480)
    slowest_s, total_s, pictures = 0.0, 0.0, []
    for number, part in enumerate(sorted(PARTS)):
        lying = LyingPart(part, list(COLOURS)[number], 0, (1.0, 2.0), 30.0 * number)
        angles_deg = iter(np.arange(0, 360, 7.3))

        def one_frame(lying: LyingPart = lying, angles_deg: Iterator[float] = angles_deg) -> None:
            light = sensor.expose(renderer.render(lying, float(next(angles_deg)), 1.0))
            pictures.append(sensor.develop(light, rng))

        took_s = _seconds(one_frame, runs=15)
        slowest_s, total_s = max(slowest_s, took_s), total_s + took_s
    mean_fps, least_fps = len(PARTS) / total_s, 1 / slowest_s
    yield Figure("rendering, mean of ten parts", f"{mean_fps:.1f} frames/s", "30 frames/s", mean_fps / 30)
    yield Figure("rendering, slowest part", f"{least_fps:.1f} frames/s", "30 frames/s", least_fps / 30)
    located_s = _seconds(lambda: [locate(picture) for picture in pictures], runs=3) / len(pictures)
    yield Figure(
        "finding the part", f"{1000 * located_s:.1f} ms", "33 ms, a frame at 30/s", 0.033 / located_s
    )


def main() -> None:
    """Print all figures."""
    table = Table(title="Benchmarks", title_justify="left")
    for column in ("what", "measured", "limit or peer", "ratio"):
        table.add_column(column)
    with Live(table, console=Console(), auto_refresh=False) as live:
        for measure in (
            help_time,
            rendering,
            realism,
            commands_a_second,
            turn_in_72_steps,
            capture.stop_and_go,
            capture.memory_of_sessions,
            capture.sweep,
            memory_of_dataset_commands,
            training_images,
            learning,
        ):
            for figure in measure():
                table.add_row(figure.name, figure.measured, figure.limit, f"{figure.ratio:.2f}x")
                live.refresh()


if __name__ == "__main__":
    main()
