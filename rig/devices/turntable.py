"""The turntable: turns a part to an angle and says from when on it is still, or turns it all the while."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rig.clock import Clock
from rig.config import TurntableConfig
from rig.devices.axis import MIN_SEGMENT, Microsteps, SteppedAxis
from rig.devices.sweep import Sweep
from rig.errors import BadInput, RigError
from rig.marlin.codec import Axis
from rig.marlin.controller import Marlin


@dataclass(frozen=True)
class Arrival:
    """The table has reached an angle.

    Attributes:
        microsteps: the position, counted from zero.
        angle_deg: the same in degrees, exactly what the microsteps make.
        motion_end_s: time on the rig's clock by which motion had ended.
        settled_s: time from which on a picture shows the part at rest (`settle_s` later).
    """

    microsteps: Microsteps
    angle_deg: float
    motion_end_s: float
    settled_s: float


class Turntable(SteppedAxis):
    """A table on Marlin's X axis, whose unit is the degree of the table.

    Args:
        marlin: the board.
        config: `[turntable]`.
        clock: stamps the end of motion.
    """

    def __init__(self, marlin: Marlin, config: TurntableConfig, clock: Clock) -> None:
        super().__init__(marlin, Axis.X, config, "table")
        self._clock = clock
        self._settle_s = config.settle_s
        self._forward_only = config.way == "forward"

    def move_to(self, angle_deg: float) -> Arrival:
        """Turn to the microstep nearest to an absolute angle and wait until motion has ended.

        Turns count: from 350 to 370 degrees it goes on forward, from 350 to 10 it goes all the way back.
        Raises as `go_to`.
        """
        return self.move_to_microsteps(self.nearest(angle_deg))

    def move_to_microsteps(self, target: Microsteps) -> Arrival:
        """Turn to an absolute position in microsteps and wait until motion has ended; raises as `go_to`."""
        self.go_to(target)
        motion_end_s = self._clock.monotonic()
        return Arrival(target, self.angle_of(target), motion_end_s, motion_end_s + self._settle_s)

    def face(self, microsteps: Microsteps) -> Arrival:
        """Turn until the table stands as it does at `microsteps`, whole turns left out.

        It turns the shortest way, or always forward where rig.toml says so: then play in the gears is taken
        up on the same side every time. Raises as `go_to`.
        """
        ahead = (microsteps - self.position) % self._microsteps_per_turn
        if not self._forward_only and ahead > self._microsteps_per_turn // 2:
            ahead -= self._microsteps_per_turn
        return self.move_to_microsteps(Microsteps(self.position + ahead))

    @contextmanager
    def sweep(self, angle_deg: float, *, speed_deg_s: float) -> Iterator[Sweep]:
        """Turn by an angle at a constant speed; the angle at any moment is known while the block runs.

        The block's end waits for the table's. An error in the block stops the table at once, and leaves its
        position unknown.

        Args:
            angle_deg: how far to turn from here, signed.
            speed_deg_s: commanded; a firmware whose limit is lower turns more slowly.

        Raises:
            PositionUnknown: as `go_to`.
            BadInput: the turn is too short or too long, or the speed is not above 0.
        """
        start = self.position
        target = Microsteps(start + self.nearest(angle_deg))
        if abs(target - start) < MIN_SEGMENT or speed_deg_s <= 0:
            raise BadInput(f"a sweep by {angle_deg:g} degrees at {speed_deg_s:g} degrees/s cannot be made")
        self._allow(target)
        interruptions = self._set_out()
        hidden_deg = self.angle_of(Microsteps(start - self._on_board(start)))

        def turn_on(angle_deg: float, speed_deg_s: float) -> float:
            nonlocal target
            target = Microsteps(target + self.nearest(angle_deg))
            self._queue(target, speed_deg_s, interruptions)
            return self.angle_of(target)

        try:
            self._queue(target, speed_deg_s, interruptions)
            yield Sweep(
                self._marlin,
                self._clock,
                turn_on,
                offset_deg=hidden_deg,
                end_deg=self.angle_of(target),
                speed_deg_s=speed_deg_s,
            )
        except BaseException as error:
            try:
                self._marlin.quick_stop()
            except RigError as failure:
                error.add_note(f"could not stop the table: {failure.what}")
            raise
        self._arrive(target, interruptions)
