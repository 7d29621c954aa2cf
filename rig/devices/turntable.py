"""The turntable: absolute angles as whole microsteps, so that no error adds up over any number of turns."""

from dataclasses import dataclass
from typing import NewType

from rig.clock import Clock
from rig.config import TurntableConfig
from rig.errors import BadInput, MarlinHalted, PositionUnknown
from rig.marlin.controller import Marlin

Microsteps = NewType("Microsteps", int)

# MIN_STEPS_PER_SEGMENT of Marlin: it leaves a shorter move undone, merges it into the next, and says nothing.
MIN_SEGMENT = Microsteps(6)
# Marlin computes in 32-bit floats: at this many turns they still tell hundredths of a degree apart.
MAX_TURNS_PER_MOVE = 100


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


class Turntable:
    """A table on Marlin's X axis, whose unit is the degree of the table.

    The position is unknown until `zero` or `home`, and again after anything that could have moved the table
    unseen: a reset, a quick stop, released motors, a move that ended in an error.

    Args:
        marlin: the board.
        config: `[turntable]`; the board's steps/unit must be `microsteps_per_turn / 360`.
        clock: stamps the end of motion.
    """

    def __init__(self, marlin: Marlin, config: TurntableConfig, clock: Clock) -> None:
        self._marlin = marlin
        self._config = config
        self._clock = clock
        self._position: Microsteps | None = None
        self._interruptions = marlin.interruptions
        # Whole turns that the board has been told to forget, so that its numbers stay small.
        self._turns_hidden = 0
        self._may_be_moving = False

    @property
    def position(self) -> Microsteps:
        """Microsteps from zero, all turns counted.

        Raises:
            PositionUnknown: it was never set, or something could have moved the table unseen.
        """
        if self._position is None or self._interruptions != self._marlin.interruptions:
            raise PositionUnknown("the table's position is unknown", hint="zero or home the table first")
        return self._position

    @property
    def angle_deg(self) -> float:
        """The position in degrees, all turns counted; raises PositionUnknown."""
        return self.angle_of(self.position)

    def angle_of(self, position: Microsteps) -> float:
        """Degrees of a position."""
        return position * 360.0 / self._config.microsteps_per_turn

    def nearest(self, angle_deg: float) -> Microsteps:
        """The microstep nearest to an angle."""
        return Microsteps(round(angle_deg * self._config.microsteps_per_turn / 360.0))

    def zero(self) -> None:
        """Hold the table and call the place where it stands 0."""
        self._position = None
        self._marlin.motors_on()
        self._marlin.wait_for_motion()
        interruptions = self._marlin.interruptions
        self._marlin.set_x(0.0)
        self._know(Microsteps(0), interruptions)

    def home(self) -> None:
        """Turn to the home switch and call it 0."""
        self._position = None
        self._may_be_moving = True
        interruptions = self._marlin.interruptions
        self._marlin.home_x()
        self._may_be_moving = False
        self._know(Microsteps(0), interruptions)

    def move_to(self, angle_deg: float) -> Arrival:
        """Turn to the microstep nearest to an absolute angle and wait until motion has ended.

        Turns count: from 350 to 370 degrees it goes on forward, from 350 to 10 it goes all the way back.

        Raises:
            PositionUnknown: before homing or zeroing, or when the move was stopped on its way.
            BadInput: more than 100 turns away.
        """
        return self.move_to_microsteps(self.nearest(angle_deg))

    def move_to_microsteps(self, target: Microsteps) -> Arrival:
        """Turn to an absolute position in microsteps and wait until motion has ended; raises as `move_to`."""
        start = self.position
        if abs(target - start) > MAX_TURNS_PER_MOVE * self._config.microsteps_per_turn:
            raise BadInput(
                f"a move of more than {MAX_TURNS_PER_MOVE} turns was asked for", hint="turn in parts"
            )
        if target != start:
            self._travel(start, target)
        motion_end_s = self._clock.monotonic()
        return Arrival(target, self.angle_of(target), motion_end_s, motion_end_s + self._config.settle_s)

    def release(self) -> None:
        """Stop the table if it turns and release the motor: safe at any moment, also after an interrupt."""
        self._position = None
        try:
            if self._may_be_moving:
                self._marlin.quick_stop()
                self._may_be_moving = False
            self._marlin.motors_off()
        except MarlinHalted:
            # A killed board has released its motors itself.
            self._may_be_moving = False

    def _travel(self, start: Microsteps, target: Microsteps) -> None:
        self._position = None
        self._may_be_moving = True
        interruptions = self._marlin.interruptions
        if abs(target - start) < MIN_SEGMENT:
            # Too short to be made at all: step back and come again, each way long enough to be made.
            self._queue(Microsteps(target - 2 * MIN_SEGMENT))
        self._queue(target)
        self._marlin.wait_for_motion()
        self._may_be_moving = False
        self._know(target, interruptions)
        self._hide_whole_turns()

    def _queue(self, target: Microsteps) -> None:
        self._marlin.move_x(self._board_angle_deg(target), speed_deg_s=self._config.speed_deg_s)

    def _board_angle_deg(self, position: Microsteps) -> float:
        return self.angle_of(Microsteps(position - self._turns_hidden * self._config.microsteps_per_turn))

    def _hide_whole_turns(self) -> None:
        """A whole turn is a whole number of degrees and of microsteps, so leaving turns out loses nothing."""
        position = self.position
        turns = position // self._config.microsteps_per_turn
        if abs(turns - self._turns_hidden) > 1:
            interruptions = self._interruptions
            self._position = None
            self._turns_hidden = turns
            self._marlin.set_x(self._board_angle_deg(position))
            self._know(position, interruptions)

    def _know(self, position: Microsteps, interruptions: int) -> None:
        """The table stands at a position, unless there were more interruptions than those known before."""
        if interruptions != self._marlin.interruptions:
            raise PositionUnknown("the table was stopped on its way", hint="zero or home the table first")
        self._position = position
        self._interruptions = interruptions
