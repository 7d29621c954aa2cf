"""Finds out which commanded angle is one full turn of the table, from pictures alone.

The search asks for a picture at an angle and is sent it: it knows nothing of the machine. It looks around
with steps that grow with the angle, since a table that turns far for a small command shows the start picture
for a short while only. Where the picture may come back it looks closer, and once more after a second turn.

Coming back is more than looking alike: a brick that lies in the middle looks alike after half a turn. So what
no small turn explains of the difference between two pictures must be nearly nothing, and far less than at any
other angle that looks alike. Only what is symmetric about the table's axis to a tenth of a millimetre cannot
be told from a table that turns further.
"""

import math
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rig.calibration.likeness import COARSE_PX, Likeness, likeness, rest, shrink
from rig.calibration.sweep import LEAST_CORRELATION, Match, Sweep, match, sweep_of, unexplained
from rig.camera.frame import Image
from rig.errors import DeviceError

REST_PICTURES = 4
"""So many pictures of the start are asked for first, with nothing moving in between."""

# Steps of 2.5 % are 9 degrees of the table where it comes back, whatever a command makes of it.
_SCAN_FROM_DEG = 16.0
_SCAN_GROWTH = 1.025
# Soon enough to say that nothing happens; a turn and a little more; and further while nothing comes back.
_SCAN_UNTIL_DEG = (60.0, 400.0, 800.0, 1600.0, 3200.0)
# The scan may have seen a multiple of the angle only.
_DIVISORS = (2, 3, 5, 7)

# A change by less than ten levels is a shadow's.
_LEAST_CONTRAST = 100.0
_CONTRAST_PERCENTILE = 90  # one odd picture does not count
# Shares of the contrast by which a picture is unlike the start.
_FAR = 0.5  # the table has left the start
_NEAR = 0.4  # it may be about to come back
_SAME = 0.02  # it is back; bricks exactly in the middle stay above this after half a turn
_NEARLY_SAME = 0.1
# Up to such a factor, such a share or so many squared levels, two angles are equally like the start.
_EQUALLY = 5.0
_EQUAL = 0.002
_EQUAL_LEVELS = 2.0
# Further apart than that, in standard deviations, two angles are not the same.
_DEVIATIONS = 4.0

_CLOSER_PICTURES = 9
_SWEEP_PICTURES = 5
_SWEEP_STEP_DEG = 0.5  # of the table
_SWEEPS = 3
_AFTER_SCAN = _CLOSER_PICTURES + 5 * _SWEEP_PICTURES + len(_DIVISORS)

_CLOSER = "Looking closer"
_LAY_IT_OTHERWISE = "lay the part further off the middle, or a printed marker on the table, and try again"


@dataclass(frozen=True)
class Wanted:
    """A picture that is wanted.

    Attributes:
        angle_deg: commanded angle of the table.
        purpose: what for, in words.
        left: about how many pictures are still to come, this one among them.
    """

    angle_deg: float
    purpose: str
    left: int


@dataclass(frozen=True)
class Look:
    """A reduced picture, and the commanded angle at which it was taken: that of a whole microstep."""

    angle_deg: float
    picture: Image


@dataclass(frozen=True)
class Turn:
    """One full turn of the table.

    Attributes:
        commanded_deg: for how many degrees the table must be commanded.
        uncertainty_deg: of that, one standard deviation; at least a microstep.
    """

    commanded_deg: float
    uncertainty_deg: float


_Looking = Generator[Wanted, Look, Look]


def find_turn(microstep_deg: float) -> Generator[Wanted, Look, Turn]:
    """Find the commanded angle of a full turn of a table that stands at 0.

    Args:
        microstep_deg: the smallest commanded angle that makes a difference.

    Raises:
        DeviceError: nothing changes in the picture, or too little; it never comes back; more than one angle
            may be a full turn; something moved besides the table.
    """
    return (yield from _TurnSearch(microstep_deg).run())


@dataclass(frozen=True)
class _Comparison:
    """How unlike the start pictures are.

    Attributes:
        contrast: mean squared difference when nearly as much changes as ever does, in squared levels.
    """

    likeness: Likeness
    contrast: float

    def share(self, picture: Image) -> float:
        """How unlike the start a picture is, as a share of the contrast."""
        return self.likeness.unlikeness(picture) / self.contrast


class _TurnSearch:
    def __init__(self, microstep_deg: float) -> None:
        self._microstep_deg = microstep_deg
        self._at_start: list[Image] = []
        self._scan: list[Look] = []
        # Angles that look like the start but are none, and the share that is unlike there.
        self._look_alikes: list[tuple[float, float]] = []
        self._left = REST_PICTURES + len(_scan_angles(_SCAN_UNTIL_DEG[1])) + _AFTER_SCAN

    def run(self) -> Generator[Wanted, Look, Turn]:
        for _ in range(REST_PICTURES):
            look = yield from self._look(0.0, "Looking at the start")
            self._at_start.append(look.picture)
        examined_deg = 0.0
        for until_deg in _SCAN_UNTIL_DEG:
            yield from self._look_around(until_deg)
            comparison = self._compare()
            for low_deg, high_deg in self._dips():
                if low_deg >= examined_deg:
                    examined_deg = high_deg
                    start, first = yield from self._look_closer(comparison, low_deg, high_deg)
                    if first.unlike <= _SAME * comparison.contrast:
                        return (yield from self._confirm(comparison, start, first))
                    self._look_alikes.append((first.angle_deg, first.unlike / comparison.contrast))
            yield from self._check_start(comparison)
        raise self._never_came_back()

    def _look(self, angle_deg: float, purpose: str) -> _Looking:
        look = yield Wanted(angle_deg, purpose, self._left)
        self._left = max(self._left - 1, 1)
        return look

    def _look_around(self, until_deg: float) -> Generator[Wanted, Look, None]:
        angles_deg = _scan_angles(until_deg)[len(self._scan) :]
        self._left = max(self._left, len(angles_deg) + _AFTER_SCAN)
        for angle_deg in angles_deg:
            self._scan.append((yield from self._look(angle_deg, "Turning the table")))

    def _compare(self) -> _Comparison:
        """Compare all that was seen so far with the start."""
        alike = likeness(rest(self._at_start), (look.picture for look in self._scan))
        if alike is None:
            raise _too_little(f"the picture does not change within commanded {self._scan[-1].angle_deg:.0f}")
        unlike = [alike.unlikeness(look.picture) for look in self._scan]
        contrast = max(float(np.percentile(unlike, _CONTRAST_PERCENTILE)), alike.noise)
        if contrast < _LEAST_CONTRAST and self._scan[-1].angle_deg > _SCAN_UNTIL_DEG[1]:
            raise _too_little(f"the picture hardly changes within commanded {self._scan[-1].angle_deg:.0f}")
        return _Comparison(alike, contrast)

    def _dips(self) -> Iterator[tuple[float, float]]:
        """The angles just before and after each place of the scan where the picture may have come back.

        Coarse pictures tell, since in fine ones what is small is out of its place long before.
        """
        reference = rest([shrink(picture, COARSE_PX) for picture in self._at_start])
        scan = [shrink(look.picture, COARSE_PX) for look in self._scan]
        alike = likeness(reference, scan)
        if alike is None:
            return
        unlike = [alike.unlikeness(picture) for picture in scan]
        contrast = float(np.percentile(unlike, _CONTRAST_PERCENTILE))
        has_left = False
        for place in range(1, len(unlike) - 1):
            has_left = has_left or unlike[place] > _FAR * contrast
            is_lowest = unlike[place] == min(unlike[place - 1 : place + 2])
            if has_left and is_lowest and unlike[place] < _NEAR * contrast:
                yield self._scan[place - 1].angle_deg, self._scan[place + 1].angle_deg

    def _look_closer(
        self, comparison: _Comparison, low_deg: float, high_deg: float
    ) -> Generator[Wanted, Look, tuple[Sweep, Match]]:
        """The sweep around the start, and where between two angles pictures are most like it."""
        looks = []
        for angle_deg in np.linspace(low_deg, high_deg, _CLOSER_PICTURES):
            looks.append((yield from self._look(float(angle_deg), _CLOSER)))
        nearest = min(looks, key=lambda look: comparison.share(look.picture))
        step_deg = max(_SWEEP_STEP_DEG * nearest.angle_deg / 360.0, self._microstep_deg)
        start = yield from self._sweep_start(comparison, step_deg, _CLOSER)
        return start, (yield from self._match(comparison, start, nearest.angle_deg, _CLOSER))

    def _match(
        self, comparison: _Comparison, start: Sweep, near_deg: float, purpose: str
    ) -> Generator[Wanted, Look, Match]:
        """Where near an angle pictures are most like those around the start, between the microsteps."""
        matches: list[Match] = []
        for _ in range(_SWEEPS):
            there = yield from self._sweep(comparison, near_deg, start.step_deg, purpose)
            matches.append(match(start, there, comparison.likeness.noise))
            reach_deg = _SWEEP_PICTURES / 2 * start.step_deg
            near_deg = float(np.clip(matches[-1].angle_deg, near_deg - reach_deg, near_deg + reach_deg))
            if abs(near_deg - there.centre_deg) <= start.step_deg / 4:
                break
        return max(matches, key=lambda found: found.correlation)

    def _sweep(
        self, comparison: _Comparison, centre_deg: float, step_deg: float, purpose: str
    ) -> Generator[Wanted, Look, Sweep]:
        looks = []
        for place in range(_SWEEP_PICTURES):
            offset_deg = (place - (_SWEEP_PICTURES - 1) / 2) * step_deg
            looks.append((yield from self._look(centre_deg + offset_deg, purpose)))
        pixels = [comparison.likeness.pixels(look.picture) for look in looks]
        return sweep_of([look.angle_deg for look in looks], pixels)

    def _confirm(self, comparison: _Comparison, start: Sweep, first: Match) -> Generator[Wanted, Look, Turn]:
        """See that no other angle looks as much like a full turn, and turn a second time."""
        purpose = "Turning a second time"
        for divisor in _DIVISORS:
            look = yield from self._look(first.angle_deg / divisor, purpose)
            self._look_alikes.append((look.angle_deg, comparison.share(look.picture)))
        if first.correlation < LEAST_CORRELATION:
            yield from self._check_start(comparison)
            raise _too_little(f"the picture shows too faintly whether it comes back at {first.angle_deg:.0f}")
        second = yield from self._match(comparison, start, 2 * first.angle_deg, purpose)
        apart_deg = abs(second.angle_deg - 2 * first.angle_deg)
        doubt_deg = self._microstep_deg + math.hypot(2 * first.scatter_deg, second.scatter_deg)
        if second.unlike > _SAME * comparison.contrast or apart_deg > _DEVIATIONS * doubt_deg:
            raise _moved(
                f"the picture comes back at commanded {first.angle_deg:.1f} degrees, and not at twice as many"
            )
        same = max(_EQUALLY * first.unlike / comparison.contrast, _SAME)
        rivals_deg = [angle for angle, unlike in self._look_alikes if unlike < same]
        if first.unlike > max(_EQUALLY * second.unlike, _EQUAL * comparison.contrast, _EQUAL_LEVELS):
            rivals_deg.append(second.angle_deg)
        if rivals_deg:
            raise _ambiguous([first.angle_deg, *rivals_deg])
        return Turn(second.angle_deg / 2, math.hypot(second.scatter_deg, self._microstep_deg))

    def _check_start(self, comparison: _Comparison) -> Generator[Wanted, Look, None]:
        yield from self._sweep_start(comparison, _SWEEP_STEP_DEG, "Looking at the start again")

    def _sweep_start(
        self, comparison: _Comparison, step_deg: float, purpose: str
    ) -> Generator[Wanted, Look, Sweep]:
        """The sweep around the start, which must look as it did at first."""
        sweep = yield from self._sweep(comparison, 0.0, step_deg, purpose)
        alike = comparison.likeness
        gap = sweep.pixels[_SWEEP_PICTURES // 2] - alike.pixels(alike.reference.mean)
        if unexplained(gap, sweep.slope) - alike.floor > _SAME * comparison.contrast:
            raise _moved("the picture at the start is no longer what it was")
        return sweep

    def _never_came_back(self) -> DeviceError:
        angle_deg, unlike = min(self._look_alikes, key=lambda seen: seen[1], default=(0.0, 1.0))
        if unlike < _NEARLY_SAME:
            return DeviceError(
                f"the picture nearly comes back at commanded {angle_deg:.1f} degrees, and nowhere wholly",
                hint=_LAY_IT_OTHERWISE,
            )
        return DeviceError(
            f"the picture does not come back within commanded {_SCAN_UNTIL_DEG[-1]:.0f} degrees",
            hint=f"check [turntable] in rig.toml and whether the table slips; {_LAY_IT_OTHERWISE}",
        )


def _scan_angles(until_deg: float) -> list[float]:
    angles_deg = [_SCAN_FROM_DEG]
    while angles_deg[-1] < until_deg:
        angles_deg.append(angles_deg[-1] * _SCAN_GROWTH)
    return angles_deg


def _too_little(what: str) -> DeviceError:
    return DeviceError(
        f"{what} degrees",
        hint="lay a part off the middle of the table, one that stands out well, or a printed marker; see that"
        " the lamp is on, that the camera sees the table, and that the table turns",
    )


def _ambiguous(angles_deg: Sequence[float]) -> DeviceError:
    named = " and ".join(f"{angle:.1f}" for angle in sorted(angles_deg))
    return DeviceError(
        f"at commanded {named} degrees the picture is much like that at the start: either may be a full turn",
        hint=_LAY_IT_OTHERWISE,
    )


def _moved(what: str) -> DeviceError:
    return DeviceError(
        f"{what}: something moved besides the table, or it lost steps",
        hint="fix the camera, press the part on, let the lamp warm up, lower speed_deg_s in [turntable];"
        f" or {_LAY_IT_OTHERWISE}",
    )
