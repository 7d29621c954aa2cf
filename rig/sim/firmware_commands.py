"""The G- and M-codes of the simulated Marlin: what each does to table, servos and pins, and what it says.

A command that takes time is a generator: it yields what it waits for, and goes on when that time has come.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

import numpy as np

from rig.sim.motion import PLANNER_SIZE, Block, Planner
from rig.sim.world import World

Wait: TypeAlias = Callable[[], float]
"""When to go on, on the world's clock; asked again and again, since a stop may bring it forward."""

Words: TypeAlias = dict[str, float | None]
"""The words of a command by letter; None for a letter without a number."""

Handler: TypeAlias = Callable[[Words], Iterable[Wait]]

_WORD = re.compile(r"([A-Z])([-+]?(?:\d+\.?\d*|\.\d+))?")
_AT_ONCE: tuple[Wait, ...] = ()

# Degrees, degrees/s and degrees/s^2: the firmware's limits, and what it homes at.
MAX_SPEED_DEG_S = 360.0
ACCELERATION_DEG_S2 = 720.0
HOMING_SPEED_DEG_S = 50.0
HOMING_LIMIT_S = 12.0
# Microsteps, and microsteps/s.
MIN_STEPS_PER_SEGMENT = 6
MIN_SPEED = 32.0

SERVO_COUNT = 4
SERVO_DELAY_S = 0.3
# What an M280 without S reports before the first M280 with one.
UNSET_SERVO_DEG = 93
SERVO_MIN_US = 544.0
SERVO_0_DEG_US = 546.0
SERVO_180_DEG_US = 2402.0

LAST_PIN = 69
PROTECTED_PINS = frozenset({0, 1, 2, 3, 9, 14, 15, 18, 19, 38, 54, 55})

# From M410 to its ok; from M112 to the last step, and from there to the release of the drivers.
QUICK_STOP_S = 1.02
KILL_LAST_STEP_S = 0.63
KILL_RELEASE_S = 0.88


HALT_WORDS = ("Error:Printer halted. kill() called!", "//action:poweroff")


class KilledError(Exception):
    """The firmware stops for good, after its `last_words`."""

    def __init__(self, *last_words: str) -> None:
        super().__init__(*last_words)
        self.last_words = last_words


def parse_words(text: str) -> Words:
    """Words as Marlin reads them: `X1e2` is 1, `Xabc` has no number."""
    return {letter: float(number) if number else None for letter, number in _WORD.findall(text)}


class Commands:
    """What the board does with a command line.

    Args:
        world: what is driven.
        say: takes each line of the answer but the `ok`.
        home_switch: where the home switch is, in microsteps since power-on; None when it never closes.
    """

    def __init__(self, world: World, say: Callable[[str], None], *, home_switch: int | None) -> None:
        self._world = world
        self._clock = world.clock
        self._say = say
        self._home_switch = home_switch
        # Marlin holds steps/unit with six decimals, and computes in 32-bit floats.
        self._steps_per_deg = float(np.float32(round(world.microsteps_per_turn / 360.0, 6)))
        now_s = self._clock.monotonic()
        self._origin = world.table_microsteps(now_s)
        self._planner = Planner(
            self._origin, acceleration=ACCELERATION_DEG_S2 * self._steps_per_deg, now_s=now_s
        )
        self._world.drive_table(self._planner.trajectory)
        self._claimed_deg = 0.0
        self._speed_deg_s = 25.0
        self._relative = False
        self._servos_deg: dict[int, int] = {}
        self._stopped_until_s = now_s
        self._handlers: dict[str, Handler] = {
            "G0": self._move,
            "G1": self._move,
            "G4": self._dwell,
            "G28": self._home,
            "G90": self._absolute_mode,
            "G91": self._relative_mode,
            "G92": self._set_position,
            "M17": self._enable,
            "M18": self._disable,
            "M42": self._write_pin,
            "M84": self._disable,
            "M105": self._temperature,
            "M114": self._report,
            "M115": self._identify,
            "M119": self._endstops,
            "M280": self._servo,
            "M282": self._detach_servo,
            "M400": self._finish,
        }

    @property
    def planner_free(self) -> int:
        """Blocks that the planner still takes."""
        return PLANNER_SIZE - 1 - self._planner.queued(self._clock.monotonic())

    @property
    def stopped_until_s(self) -> float:
        """No command goes on before this time: a quick stop is being carried out."""
        return self._stopped_until_s

    def execute(self, line: str) -> Iterator[Wait]:
        """Carry out a line; raises KilledError when that stops the firmware."""
        code, _, rest = line.partition(" ")
        if code == "M118":
            # With a stray carriage return, as the real one.
            self._say(f"{rest.strip()}\r")
        elif handler := self._handlers.get(code):
            yield from handler(parse_words(rest))
        elif code not in ("M108", "M112", "M410"):  # the emergency parser has done these already
            self._say(f'echo:Unknown command: "{line}"')

    def quick_stop(self) -> None:
        """M410: stop dead and read the position back from the steppers."""
        now_s = self._clock.monotonic()
        self._stop_table(now_s)
        self._stopped_until_s = now_s + QUICK_STOP_S

    def power_down(self) -> None:
        """A kill: steps go on for a little while, then the drivers are released."""
        last_step_s = self._clock.monotonic() + KILL_LAST_STEP_S
        self._stop_table(last_step_s)
        self._world.release_motors(last_step_s + KILL_RELEASE_S)

    def power_off(self) -> None:
        """A reset: all outputs at once."""
        now_s = self._clock.monotonic()
        self._stop_table(now_s)
        self._world.release_motors(now_s)
        for pin in range(LAST_PIN + 1):
            self._world.write_pin(pin, 0)

    def position_line(self) -> str:
        """What M114 and M154 say: where planned motion ends."""
        return self._position_line(self._claimed_deg)

    # Motion.

    def _move(self, words: Words) -> Iterator[Wait]:
        feed = words.get("F")
        if feed is not None and feed > 0:
            self._speed_deg_s = feed / 60.0
        x = words.get("X")
        if x is None:
            return
        yield self._planner.room_from_s
        base_deg = self._claimed_deg if self._relative else 0.0
        self._claimed_deg = float(np.float32(base_deg + x))
        steps = self._origin + self._count(self._claimed_deg) - self._planner.target
        # Merged into the next move, while the position is claimed to be reached.
        if abs(steps) >= MIN_STEPS_PER_SEGMENT:
            self._add(Block(steps, self._speed(self._speed_deg_s)))

    def _dwell(self, words: Words) -> Iterator[Wait]:
        yield self._still_s
        end_s = self._clock.monotonic() + (words.get("S") or 0.0) + (words.get("P") or 0.0) / 1000.0
        yield lambda: end_s

    def _home(self, words: Words) -> Iterator[Wait]:
        yield self._still_s
        speed = self._speed(HOMING_SPEED_DEG_S)
        if self._home_switch is None:
            self._add(Block(-round(speed * 2 * HOMING_LIMIT_S), speed))
            end_s = self._clock.monotonic() + HOMING_LIMIT_S
            yield lambda: end_s
            raise KilledError("echo:Homing Failed", *HALT_WORDS)
        way = (self._planner.target - self._home_switch) % self._world.microsteps_per_turn
        if way:
            self._add(Block(-way, speed))
            yield self._still_s
        self._origin = self._planner.target
        self._claimed_deg = 0.0

    def _absolute_mode(self, words: Words) -> Iterable[Wait]:
        self._relative = False
        return _AT_ONCE

    def _relative_mode(self, words: Words) -> Iterable[Wait]:
        self._relative = True
        return _AT_ONCE

    def _set_position(self, words: Words) -> Iterable[Wait]:
        x = words.get("X")
        if x is not None:
            self._claimed_deg = float(np.float32(x))
            self._origin = self._planner.target - self._count(self._claimed_deg)
        return _AT_ONCE

    def _finish(self, words: Words) -> Iterator[Wait]:
        yield self._still_s

    def _enable(self, words: Words) -> Iterable[Wait]:
        self._world.hold_motors()
        return _AT_ONCE

    def _disable(self, words: Words) -> Iterator[Wait]:
        yield self._still_s
        self._world.release_motors(self._clock.monotonic())

    def _add(self, block: Block) -> None:
        self._world.hold_motors()
        self._planner.add(block, self._clock.monotonic())
        self._world.drive_table(self._planner.trajectory)

    def _stop_table(self, at_s: float) -> None:
        target = self._planner.stop(at_s)
        self._world.drive_table(self._planner.trajectory)
        self._claimed_deg = (target - self._origin) / self._steps_per_deg

    def _still_s(self) -> float:
        return self._planner.end_s

    def _count(self, angle_deg: float) -> int:
        return round(float(np.float32(np.float32(angle_deg) * np.float32(self._steps_per_deg))))

    def _speed(self, speed_deg_s: float) -> float:
        return max(MIN_SPEED, min(speed_deg_s, MAX_SPEED_DEG_S) * self._steps_per_deg)

    # Reports.

    def _report(self, words: Words) -> Iterator[Wait]:
        if "D" in words:
            yield self._still_s
        if "R" in words:
            count = self._world.table_microsteps(self._clock.monotonic()) - self._origin
            self._say(self._position_line(count / self._steps_per_deg))
        else:
            self._say(self.position_line())

    def _position_line(self, x_deg: float) -> str:
        return f"X:{x_deg:.2f} Y:0.00 Z:0.00 Count X:{self._count(x_deg)} Y:0 Z:0"

    def _temperature(self, words: Words) -> Iterable[Wait]:
        self._say("ok T:0")
        return _AT_ONCE

    def _endstops(self, words: Words) -> Iterable[Wait]:
        at = self._world.table_microsteps(self._clock.monotonic())
        closed = (
            self._home_switch is not None and (at - self._home_switch) % self._world.microsteps_per_turn == 0
        )
        x_min = "TRIGGERED" if closed else "open"
        for line in ("Reporting endstop status", f"x_min: {x_min}", "y_min: open", "z_min: open"):
            self._say(line)
        return _AT_ONCE

    def _identify(self, words: Words) -> Iterable[Wait]:
        self._say(
            "FIRMWARE_NAME:Marlin 2.1.2.7 (Nov 21 2026 22:18:42) SOURCE_CODE_URL:"
            "github.com/MarlinFirmware/Marlin PROTOCOL_VERSION:1.0 MACHINE_TYPE:Turntable rig"
            " EXTRUDER_COUNT:0 UUID:cede2a2f-41a2-4748-9b12-c55c62f367ff"
        )
        for name, enabled in _CAPABILITIES.items():
            self._say(f"Cap:{name}:{enabled:d}")
        self._say("area:{full:{min:{x:0,y:0,z:0},max:{x:360,y:200,z:200}},work:{min:{x:0,y:0,z:0}}}")
        return _AT_ONCE

    # Outputs.

    def _servo(self, words: Words) -> Iterator[Wait]:
        servo = int(words.get("P") or 0)
        if not 0 <= servo < SERVO_COUNT:
            self._say(f"Error:Servo {servo} out of range")
            return
        setting = words.get("S")
        if setting is None:
            self._say(f"echo: Servo {servo}: {self._servos_deg.get(servo, UNSET_SERVO_DEG)}")
            return
        end_s = self._clock.monotonic() + SERVO_DELAY_S
        yield lambda: end_s
        angle_deg = _servo_angle_deg(setting)
        self._servos_deg[servo] = round(angle_deg)
        self._world.turn_servo(servo, angle_deg)

    def _detach_servo(self, words: Words) -> Iterable[Wait]:
        servo = int(words.get("P") or 0)
        if not 0 <= servo < SERVO_COUNT:
            self._say(f"Error:Servo {servo} out of range")
        return _AT_ONCE

    def _write_pin(self, words: Words) -> Iterable[Wait]:
        pin, value = words.get("P"), words.get("S")
        if pin is None or value is None:
            return _AT_ONCE
        if not 0 <= pin <= LAST_PIN:
            # The real one writes past the end of its pin table: here it falls silent at once.
            raise KilledError
        if int(pin) in PROTECTED_PINS:
            self._say("Error:Protected Pin")
        else:
            self._world.write_pin(int(pin), min(max(int(value), 0), 255))
        return _AT_ONCE


def _servo_angle_deg(setting: float) -> float:
    """Degrees up to 544, microseconds of pulse from there on."""
    if setting >= SERVO_MIN_US:
        setting = (setting - SERVO_0_DEG_US) * 180.0 / (SERVO_180_DEG_US - SERVO_0_DEG_US)
    return min(max(setting, 0.0), 180.0)


_CAPABILITIES = {
    "SERIAL_XON_XOFF": False,
    "BINARY_FILE_TRANSFER": False,
    "EEPROM": True,
    "VOLUMETRIC": False,
    "AUTOREPORT_POS": True,
    "AUTOREPORT_TEMP": False,
    "PROGRESS": False,
    "PRINT_JOB": True,
    "AUTOLEVEL": False,
    "RUNOUT": False,
    "Z_PROBE": False,
    "EMERGENCY_PARSER": True,
    "HOST_ACTION_COMMANDS": True,
    "PROMPT_SUPPORT": False,
    "SDCARD": False,
    "MOTION_MODES": False,
    "ARCS": False,
}
