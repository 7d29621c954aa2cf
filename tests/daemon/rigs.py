"""A daemon in a process of its own, and a board and a camera of this one that it takes for real."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rig.clock import SystemClock
from rig.sim.faults import Fault
from tests.acceptance.real_rig import Stream
from tests.daemon.daemons import Served, daemon, within
from tests.sim.boards import LIGHT_PIN, Desk, desk
from tests.sim.desk import brick

# Where the calibration's turn by 45 degrees ends that follows one by 5, in microsteps.
TURNED_TO = 3200 * 50 // 360


@dataclass(frozen=True)
class Kept:
    """A rig that a daemon keeps, as it is seen from the desk."""

    served: Served
    board: Desk

    def is_at_rest(self) -> bool:
        """Motors released, lamp off."""
        return not self.board.world.motors_on() and self.board.world.pin(LIGHT_PIN) == 0

    def begin_turning(self) -> str:
        """A calibration, on its way through the 45 degrees that follow its first 5."""
        job = self.served.begin("calibrate_settle")
        self.await_turning()
        return job

    def pause_turning(self) -> None:
        """Begin to turn, and pause on the way: the turn ends, then all stands still."""
        job = self.begin_turning()
        after = self.served.state()["event_id"]
        self.served.post(f"/jobs/{job}/pause")
        self.served.await_event(job, "MoveWatched", after)

    def await_turning(self) -> int:
        """Where the table is, on its way through the 45 degrees of a calibration."""
        assert within(60, lambda: self.microsteps > 100)
        return self.microsteps

    @property
    def microsteps(self) -> int:
        """Where the table is now."""
        return self.board.world.table_microsteps(self.board.world.clock.monotonic())


@contextmanager
def configured(
    folder: Path, *faults: Fault, speed_deg_s: float = 180.0, boot_timeout_s: float = 1.5
) -> Iterator[Desk]:
    """A board in real time with a brick on its table, a camera, and a rig.toml that names them."""
    with desk(*faults, clock=SystemClock()) as board, Stream(board.world) as stream:
        (folder / "rig.toml").write_text(
            f'[serial]\nport = "{board.stable_url}"\nboot_timeout_s = {boot_timeout_s}\n'
            "reply_timeout_s = 2.5\nreconnect_timeout_s = 20\n"
            f"[turntable]\nspeed_deg_s = {speed_deg_s}\n"
            f'[camera]\ndevice = "{stream.url}"\ntimeout_s = 20\n',
            encoding="utf-8",
        )
        board.world.lay(brick("3001"))
        yield board


@contextmanager
def kept_rig(folder: Path, *faults: Fault, speed_deg_s: float = 180.0) -> Iterator[Kept]:
    """A daemon that keeps such a rig."""
    with configured(folder, *faults, speed_deg_s=speed_deg_s) as board, daemon(folder) as served:
        yield Kept(served, board)
