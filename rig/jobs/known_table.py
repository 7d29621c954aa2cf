"""What calibration has kept of the empty table, for the jobs that look at parts on it."""

from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path

from rig.config import Config
from rig.machine import Machine
from rig.vision.table import empty_table_path, read_empty_table


@dataclass(frozen=True)
class EmptyTableUnfit:
    """The picture of the empty table is of another lamp, camera place or exposure, and is not used."""

    picture: Path

    def __str__(self) -> str:
        return (
            f"{self.picture} no longer shows this table and is not used: rig calibrate camera takes it anew"
        )


def table_stays(config: Config) -> bool:
    """Whether the table looks the same the next time: a simulated rig without a seed is drawn anew."""
    return not config.sim.enabled or config.sim.seed is not None


def knowing_the_table(machine: Machine, config: Config) -> Generator[EmptyTableUnfit, None, Machine]:
    """The machine with the picture of its empty table, where calibration has kept one that fits.

    Raises:
        DatasetError: the picture is damaged.
    """
    path = empty_table_path(config.paths.calibration, machine.source)
    empty = read_empty_table(path)
    if empty is None or empty.fits(machine.look().image):
        return replace(machine, empty_table=empty)
    if table_stays(config):
        yield EmptyTableUnfit(path)
    return machine
