"""A stepper axis: absolute positions as whole microsteps, so that no error adds up, and known or unknown."""

from collections.abc import Sequence
from typing import NewType

from rig.config import AxisConfig
from rig.errors import BadInput, PositionUnknown
from rig.marlin.codec import Axis
from rig.marlin.controller import Marlin

Microsteps = NewType("Microsteps", int)

# MIN_STEPS_PER_SEGMENT of Marlin: it leaves a shorter move undone, merges it into the next, and says nothing.
MIN_SEGMENT = Microsteps(6)
# Marlin computes in 32-bit floats: at this many turns they still tell hundredths of a degree apart.
MAX_TURNS_PER_MOVE = 100

# An idle planner holds its first block back for 100 ms unless so many blocks are queued.
_SEGMENTS = 3
_CONFIRMATIONS = 3


class SteppedAxis:
    """What hangs on an axis of the board whose unit is the degree.

    The position is unknown until `zero` or `home`, and again after anything that could have moved the axis
    unseen: a reset, a stop, a lost port, released motors, a move that ended in an error.

    Args:
        marlin: the board; its steps/unit were found to be `microsteps_per_turn / 360`.
        axis: which of its axes.
        config: motor, driver and gears.
        name: what it is called in errors.
    """

    def __init__(self, marlin: Marlin, axis: Axis, config: AxisConfig, name: str) -> None:
        self._marlin = marlin
        self._axis = axis
        self._name = name
        self._microsteps_per_turn = config.microsteps_per_turn
        self._speed_deg_s = config.speed_deg_s
        self._homes = config.home == "endstop"
        self._position: Microsteps | None = None
        self._interruptions = marlin.interruptions
        # A move began at a known position and has not been seen to end.
        self._under_way = False
        # Whole turns that the board has been told to forget, so that its numbers stay small.
        self._turns_hidden = 0

    @property
    def position(self) -> Microsteps:
        """Microsteps from zero, all turns counted.

        Raises:
            PositionUnknown: it was never set, or something could have moved the axis unseen.
        """
        # Read once: another thread may ask while the axis moves.
        position = self._position
        if position is None or self._was_interrupted:
            raise PositionUnknown(f"the {self._name}'s position is unknown", hint=self._how_to_know)
        return position

    @property
    def is_known(self) -> bool:
        """Whether the position is known."""
        return self._position is not None and not self._was_interrupted

    @property
    def is_lost(self) -> bool:
        """Whether nobody knows where it is, nor where it is going; also for other threads, while it moves."""
        return self._was_interrupted or (self._position is None and not self._under_way)

    @property
    def _how_to_know(self) -> str:
        return f"start the command again: it will zero or home the {self._name} first"

    @property
    def _was_interrupted(self) -> bool:
        return self._interruptions != self._marlin.interruptions

    @property
    def has_home(self) -> bool:
        """Whether a switch says where 0 is, so that an angle means the same place after a reset."""
        return self._homes

    @property
    def speed_deg_s(self) -> float:
        """At which it is told to move."""
        return self._speed_deg_s

    def recall(self) -> bool:
        """Know the position again after an exception cut a move short here but not on the board, if possible.

        The board then finishes what it was told, and its count is the position: nothing else has moved the
        axis. True when the position is known.
        """
        if self._position is None and self._under_way and not self._was_interrupted:
            self._marlin.wait_for_motion()
            count = self._marlin.live_count(self._axis)
            if count is not None:
                hidden = self._turns_hidden * self._microsteps_per_turn
                self._know(Microsteps(count + hidden), self._interruptions)
        return self.is_known

    @property
    def angle_deg(self) -> float:
        """The position in degrees, all turns counted; raises PositionUnknown."""
        return self.angle_of(self.position)

    def angle_of(self, position: Microsteps) -> float:
        """Degrees of a position."""
        return position * 360.0 / self._microsteps_per_turn

    def nearest(self, angle_deg: float) -> Microsteps:
        """The microstep nearest to an angle."""
        return Microsteps(round(angle_deg * self._microsteps_per_turn / 360.0))

    def find_zero(self) -> None:
        """Make the position known as rig.toml says: by the home switch, or where it stands now."""
        if self._homes:
            self.home()
        else:
            self.zero()

    def zero(self) -> None:
        """Hold the axis and call the place where it stands 0."""
        self._forget()
        self._marlin.motors_on()
        self._marlin.wait_for_motion()
        interruptions = self._marlin.interruptions
        self._marlin.set_position(self._axis, 0.0)
        self._know(Microsteps(0), interruptions)

    def home(self) -> None:
        """Turn to the home switch and call it 0."""
        self._forget()
        interruptions = self._marlin.interruptions
        self._marlin.home(self._axis, interruptions=interruptions)
        self._know(Microsteps(0), interruptions)

    def go_to(self, target: Microsteps) -> None:
        """Turn to an absolute position, all turns counted, and return when motion has ended.

        Raises:
            PositionUnknown: before homing or zeroing, or when the move was stopped on its way.
            MarlinStopped: it was stopped before it had begun.
            BadInput: more than 100 turns away.
        """
        start = self._allow(target)
        if target != start:
            interruptions = self._set_out()
            for waypoint in _waypoints(start, target):
                self._queue(waypoint, self._speed_deg_s, interruptions)
            self._arrive(target, interruptions)

    def _forget(self) -> None:
        self._position = None
        self._under_way = False
        self._turns_hidden = 0

    def _allow(self, target: Microsteps) -> Microsteps:
        """Where the axis starts from, if it may turn to `target`."""
        start = self.position
        if abs(target - start) > MAX_TURNS_PER_MOVE * self._microsteps_per_turn:
            raise BadInput(
                f"a move of more than {MAX_TURNS_PER_MOVE} turns was asked for", hint="turn in parts"
            )
        return start

    def _set_out(self) -> int:
        """From here on, until `_arrive`, the position is unknown; the interruptions there were so far."""
        # In this order: another thread that looks in between does not take it for lost.
        self._under_way = True
        self._position = None
        return self._interruptions

    def _queue(self, target: Microsteps, speed_deg_s: float, interruptions: int) -> None:
        angle_deg = self.angle_of(self._on_board(target))
        self._marlin.move(self._axis, angle_deg, speed_deg_s=speed_deg_s, interruptions=interruptions)

    def _arrive(self, target: Microsteps, interruptions: int) -> None:
        self._marlin.wait_for_motion()
        self._know(target, interruptions)
        self._hide_whole_turns()

    def _on_board(self, position: Microsteps) -> Microsteps:
        """The position as the board counts it."""
        return Microsteps(position - self._turns_hidden * self._microsteps_per_turn)

    def _hide_whole_turns(self) -> None:
        """A whole turn is a whole number of degrees and of microsteps, so leaving turns out loses nothing."""
        position = self.position
        turns = position // self._microsteps_per_turn
        if abs(turns - self._turns_hidden) > 1:
            interruptions = self._set_out()
            # Cut short from here on, nobody can tell which number the board has.
            self._under_way = False
            self._turns_hidden = turns
            self._marlin.set_position(self._axis, self.angle_of(self._on_board(position)))
            self._know(position, interruptions)

    def _know(self, position: Microsteps, interruptions: int) -> None:
        """Believe a position: only if nothing interrupted, and if the stepper's own count is the same.

        A line that has lost two equal bytes keeps its checksum: `M400` becomes `M4`, and the motion has not
        ended. Without the second look that would go unnoticed.
        """
        wanted = self._on_board(position)
        for _ in range(_CONFIRMATIONS):
            confirmed = self._marlin.live_count(self._axis) == wanted
            if confirmed:
                break
            self._marlin.wait_for_motion()
        if interruptions != self._marlin.interruptions:
            raise PositionUnknown(f"the {self._name} was stopped on its way", hint=self._how_to_know)
        if not confirmed:
            raise PositionUnknown(
                f"the {self._name} was sent to {self.angle_of(position):g} degrees, and the board counts"
                " something else",
                hint=f"check the USB cable; {self._how_to_know}",
            )
        self._position = position
        self._under_way = False
        self._interruptions = interruptions


def _waypoints(start: Microsteps, target: Microsteps) -> Sequence[Microsteps]:
    """Where a move is cut, so that each piece is long enough to be made and the planner starts at once."""
    distance = target - start
    if abs(distance) < MIN_SEGMENT:
        # Too short to be made at all: step back and come again.
        return [Microsteps(target - back * MIN_SEGMENT) for back in (2, 1, 0)]
    if abs(distance) < _SEGMENTS * MIN_SEGMENT:
        return [target]
    return [Microsteps(start + round(distance * part / _SEGMENTS)) for part in range(1, _SEGMENTS + 1)]
