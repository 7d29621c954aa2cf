"""Measure what the rig has to know of its table and its camera."""

from collections.abc import Generator
from pathlib import Path

from rig.calibration.camera import CameraEvent, CameraWish, measure_camera
from rig.calibration.settle import SettleEvent, measure_settling
from rig.calibration.table import TableEvent, measure_table
from rig.catalog import PartNumber
from rig.config import Config
from rig.devices.operator import Ask
from rig.machine import Machine, OpenMachine
from rig.opening import open_machine
from rig.vision.locate import locate


def calibrate_table_job(
    config: Config,
    folder: Path,
    example: PartNumber,
    seed: int,
    ask: Ask,
    open_machine: OpenMachine = open_machine,
) -> Generator[TableEvent, None, None]:
    """Measure how far the table really turns, with whatever lies on it, and draw that into `folder`.

    Args:
        example: what to lay on the table if it is empty.

    Raises:
        RigError: as `open_machine` and `measure_table` do.
    """
    with open_machine(config, ask=ask, seed=seed) as machine:
        _have_something_on_the_table(machine, example)
        yield from measure_table(machine, config.turntable, folder)


def calibrate_settle_job(
    config: Config,
    folder: Path,
    example: PartNumber,
    seed: int,
    ask: Ask,
    open_machine: OpenMachine = open_machine,
) -> Generator[SettleEvent, None, None]:
    """Measure how long the picture moves on after the table has stopped; arguments as `calibrate_table_job`.

    Raises:
        RigError: as `open_machine` and `measure_settling` do.
    """
    with open_machine(config, ask=ask, seed=seed) as machine:
        _have_something_on_the_table(machine, example)
        yield from measure_settling(machine, folder)


def calibrate_camera_job(
    config: Config, wish: CameraWish, seed: int, ask: Ask, open_machine: OpenMachine = open_machine
) -> Generator[CameraEvent, None, None]:
    """Find exposure, white balance and focus, and keep a picture of the empty table.

    Raises:
        RigError: as `open_machine` and `measure_camera` do.
    """
    with open_machine(config, ask=ask, seed=seed) as machine:
        yield from measure_camera(machine, config.camera, wish, config.paths.calibration)


def _have_something_on_the_table(machine: Machine, example: PartNumber) -> None:
    if locate(machine.look().image) is None:
        machine.operator.lay_mark(example)
