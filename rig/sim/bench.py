"""The simulated rig: a world, firmware behind a port, a camera that looks, a hand that feeds."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

import numpy as np

from rig.clock import Clock, LeapingClock, SystemClock
from rig.config import Config, GcodeConfig
from rig.sim.camera import SimulatedCamera
from rig.sim.faults import Strike
from rig.sim.hand import SimulatedHand
from rig.sim.part_library import library_of
from rig.sim.port import PortKind, SimulatedPort
from rig.sim.scene import draw_scene
from rig.sim.wiring import build_board, build_world


class SimulatedBench:
    """A desk that exists only here, from `with` to its end.

    Args:
        config: describes the rig to simulate.
        kind: pseudo-terminal or socket; None for what this system has.
        on_strike: called with each fault that strikes, by the thread that runs the board.

    Raises:
        ConfigError: there is no such fault scenario.
        BadInput: `[sim] ldraw` is no LDraw library.
    """

    def __init__(
        self,
        config: Config,
        *,
        kind: PortKind | None = None,
        on_strike: Callable[[Strike], None] | None = None,
    ) -> None:
        self.clock: Clock = SystemClock() if config.sim.real_time else LeapingClock()
        self._library = library_of(config.sim.ldraw)
        self.world = build_world(config, self.clock)
        board = build_board(config, self.world, on_strike=on_strike)
        self.port = SimulatedPort(self.world, board=board, kind=kind)

    def begin(self, config: Config, seed: int) -> tuple[SimulatedCamera, SimulatedHand]:
        """Clear the table for somebody who sits down to work, and forget what happened there before.

        Args:
            config: with the camera's settings, the scene and the pile of this work.
            seed: light, camera, bricks and noise are drawn from it: same seed, same pictures.
        """
        self.world.begin()
        scene_rng, hand_rng, noise_rng = np.random.default_rng(seed).spawn(3)
        camera = SimulatedCamera(
            self.world,
            draw_scene(scene_rng, config.sim.scene),
            config.camera,
            frames_per_s=config.sim.frames_per_s,
            seed=int(noise_rng.integers(2**63)),
            library=self._library,
        )
        bins = () if isinstance(config.actuator, GcodeConfig) else config.bins
        return camera, SimulatedHand(self.world, hand_rng, self._library, config.sim.pile, bins)

    def __enter__(self) -> Self:
        self.port.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.port.__exit__(kind, error, traceback)
