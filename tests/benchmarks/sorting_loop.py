"""What the loop of sorting takes by itself, beside the motion, exposures and waits that it has to await."""

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any, cast

import cv2

from rig.bin_config import DEFAULT_BINS
from rig.camera.frame import Camera, Developed, Frame, Latent
from rig.catalog import PartNumber
from rig.clock import Clock
from rig.config import Config, PathsConfig, SimConfig
from rig.devices.actuators import Actuator
from rig.machine import Machine
from rig.model import Bundle
from rig.opening import open_machine
from rig.sorting.events import PartSorted
from rig.sorting.examine import Examiner
from rig.sorting.ledger import Ledger, new_run
from rig.sorting.looking import learn_table
from rig.sorting.model_in_use import LoadedModel, ModelInUse
from rig.sorting.policy import policy_for
from rig.sorting.routing import Routing
from rig.sorting.sorter import Sorter
from rig.sorting.trouble import Troubles
from rig.sorting.watch import Sight
from rig.sorting_config import SortingConfig
from rig.vision.classifier import Classifier, Network
from rig.vision.locate import locate_all
from rig.vision.preprocess import prepare
from tests.benchmarks.figure import Figure
from tests.vision.single_minded import write_single_minded

_PARTS = 20
_LOOKS = 40
_MOST_OVERHEAD = 0.10
_MOST_DECISION_S = 0.015
_RULES = SortingConfig(reject_threshold=0.0)


@dataclass
class Stopwatch:
    """How long was waited for what is no doing of the loop's."""

    waited_s: float = 0.0
    depth: int = field(default=0, repr=False)

    def around(self, work: Callable[..., Any]) -> Callable[..., Any]:
        """The same work, on this watch; what is called inside it counts once."""

        def timed(*arguments: Any, **options: Any) -> Any:
            started_s = time.perf_counter()
            self.depth += 1
            try:
                return work(*arguments, **options)
            finally:
                self.depth -= 1
                if self.depth == 0:
                    self.waited_s += time.perf_counter() - started_s

        return timed


class _Timed:
    """A device on a stopwatch."""

    def __init__(self, device: object, watch: Stopwatch) -> None:
        self._device = device
        self._watch = watch

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._device, name)
        return self._watch.around(found) if callable(found) else found


class _TimedCamera(_Timed):
    """Its frames are developed before they are handed on: rendering is the simulator's, not the loop's."""

    def expose(self, not_before_s: float) -> Latent:
        camera = cast(Camera, self._device)
        frame: Frame = self._watch.around(lambda: camera.expose(not_before_s).develop())()
        return Developed(frame)


def loop_overhead() -> Iterator[Figure]:
    """On the simulated rig in real time, at 640x480, each part decided by its first look."""
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bundle = write_single_minded(folder / "m", "3004", labels=("3001", "3004", "3039"))
        config = Config(
            sim=SimConfig(enabled=True, seed=3, real_time=True), paths=PathsConfig(ledger=folder / "ledger")
        )
        with Ledger(folder / "ledger") as ledger, open_machine(config, ask=print, seed=3) as machine:
            yield _overhead(machine, bundle, ledger)
            yield _decision(machine, bundle)


def _overhead(machine: Machine, bundle: Bundle, ledger: Ledger) -> Figure:
    watch, run = Stopwatch(), new_run()
    troubles = Troubles(ledger, run)
    machine = replace(machine, empty_table=_result(learn_table(machine, troubles)))
    timed = replace(
        machine,
        camera=cast(Camera, _TimedCamera(machine.camera, watch)),
        actuator=cast(Actuator, _Timed(machine.actuator, watch)),
        clock=cast(Clock, _Timed(machine.clock, watch)),
    )
    model = ModelInUse(bundle, lambda: bundle.folder, _load)
    sorter = Sorter(timed, model, Routing(DEFAULT_BINS, "reject"), _RULES, ledger, run, troubles)
    machine.operator.pour([PartNumber(label) for label in bundle.card.labels])
    started_s = time.perf_counter()
    parts = sum(isinstance(event, PartSorted) for event in sorter.sort(_PARTS))
    part_s = (time.perf_counter() - started_s) / parts
    own_s = part_s - watch.waited_s / parts
    return Figure(
        "the sorting loop's own time for a part, real time",
        f"{1000 * own_s:.0f} ms of {part_s:.2f} s: {own_s / part_s:.1%}",
        f"{_MOST_OVERHEAD:.0%}",
        _MOST_OVERHEAD * part_s / own_s,
    )


def _decision(machine: Machine, bundle: Bundle) -> Figure:
    """Processor time from a frame to what it shows: the part is found, found anew for its crop, and named."""
    machine.operator.lay_mark(PartNumber("3001"))
    frame, angle_deg = machine.look(), machine.turntable.angle_deg
    model = _load(bundle)
    examiner = Examiner(machine, model.classifier, model.policy, _RULES.look_turn_deg)
    pixels, _ = prepare(frame.image, bundle.card.preprocess)
    network = Network(bundle.network_path.read_bytes(), bundle.name)

    def decide() -> object:
        return examiner.examine(Sight(frame, locate_all(frame.image, machine.empty_table)[0], angle_deg))

    decided_s, invoked_s = _median_s(decide), _median_s(lambda: network.logits(pixels))
    extra_s = decided_s - invoked_s
    return Figure(
        "from a frame to the decision, over the bare network",
        f"{1000 * extra_s:.1f} ms",
        f"{1000 * _MOST_DECISION_S:.0f} ms",
        _MOST_DECISION_S / extra_s,
    )


def _load(bundle: Bundle) -> LoadedModel:
    return LoadedModel(bundle, Classifier(bundle), policy_for(bundle.card, _RULES))


def _median_s(work: Callable[[], object]) -> float:
    """Of all threads of this process."""
    work()
    times_s = []
    for _ in range(_LOOKS):
        started_s = time.process_time()
        work()
        times_s.append(time.process_time() - started_s)
    return median(times_s)


def _result(waits: Any) -> Any:
    """What a generator returns that meets no trouble."""
    try:
        next(waits)
    except StopIteration as end:
        return end.value
    raise AssertionError("the simulated rig has no troubles here")


if __name__ == "__main__":
    for figure in loop_overhead():
        print(figure)
