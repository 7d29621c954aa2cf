"""The G- and M-codes of the simulated Marlin: what each does to motors, servos and pins, and what it says."""

from collections.abc import Callable, Iterable, Iterator

from rig.sim import servo
from rig.sim.build import Build
from rig.sim.firmware_motion import QUICK_STOP_S, Motors
from rig.sim.gcode import AT_ONCE, HALT_WORDS, Handler, KilledError, Wait, Words, parse_words
from rig.sim.world import World

SERVO_DELAY_S = 0.3
# What an M280 without S reports before the first M280 with one.
UNSET_SERVO_DEG = 93

LAST_PIN = 69
PROTECTED_PINS = frozenset({0, 1, 2, 3, 9, 14, 15, 18, 19, 38, 54, 55})

# What the emergency parser has done already when their turn in the queue comes.
_EMERGENCIES = frozenset({"M108", "M112", "M410"})


class Commands:
    """What the board does with a command line.

    Args:
        world: what is driven.
        say: takes each line of the answer but the `ok`.
        build: how the firmware was configured.
    """

    def __init__(self, world: World, say: Callable[[str], None], build: Build) -> None:
        self._world = world
        self._clock = world.clock
        self._say = say
        self._build = build
        self.motors = Motors(world, say, build)
        self._servos_deg: dict[int, int] = {}
        self._handlers: dict[str, Handler] = {
            **self.motors.handlers,
            "M105": self._temperature,
            "M115": self._identify,
            "M280": self._turn_servo,
            "M282": self._detach_servo,
        }
        if build.direct_pin_control:
            self._handlers["M42"] = self._write_pin
        if not build.emergency_parser:
            self._handlers |= {"M108": _nothing, "M112": self._kill, "M410": self._quick_stop}

    def execute(self, line: str) -> Iterator[Wait]:
        """Carry out a line; raises KilledError when that stops the firmware."""
        code, _, rest = line.partition(" ")
        if code == "M118":
            # With a stray carriage return, as the real one.
            self._say(f"{rest.strip()}\r")
        elif handler := self._handlers.get(code):
            yield from handler(parse_words(rest))
        elif code not in _EMERGENCIES:
            self._say(f'echo:Unknown command: "{line}"')

    def power_off(self) -> None:
        """A reset: all outputs at once."""
        self.motors.power_off()
        self._world.drop_pins()

    # Emergencies without EMERGENCY_PARSER.

    def _kill(self, words: Words) -> Iterable[Wait]:
        raise KilledError("echo:M112 Shutdown", *HALT_WORDS)

    def _quick_stop(self, words: Words) -> Iterator[Wait]:
        self.motors.quick_stop()
        end_s = self._clock.monotonic() + QUICK_STOP_S
        yield lambda: end_s

    # Reports.

    def _temperature(self, words: Words) -> Iterable[Wait]:
        self._say("ok T:0")
        return AT_ONCE

    def _identify(self, words: Words) -> Iterable[Wait]:
        self._say(
            "FIRMWARE_NAME:Marlin 2.1.2.7 (Nov 21 2026 22:18:42) SOURCE_CODE_URL:"
            "github.com/MarlinFirmware/Marlin PROTOCOL_VERSION:1.0 MACHINE_TYPE:Turntable rig"
            " EXTRUDER_COUNT:0 UUID:cede2a2f-41a2-4748-9b12-c55c62f367ff"
        )
        for name, enabled in (_CAPABILITIES | {"EMERGENCY_PARSER": self._build.emergency_parser}).items():
            self._say(f"Cap:{name}:{enabled:d}")
        self._say("area:{full:{min:{x:0,y:0,z:0},max:{x:360,y:200,z:200}},work:{min:{x:0,y:0,z:0}}}")
        return AT_ONCE

    # Outputs.

    def _turn_servo(self, words: Words) -> Iterator[Wait]:
        index = int(words.get("P") or 0)
        if not self._has_servo(index):
            return
        setting = words.get("S")
        if setting is None:
            self._say(f"echo: Servo {index}: {self._servos_deg.get(index, UNSET_SERVO_DEG)}")
            return
        angle_deg = servo.angle_deg(setting)
        self._servos_deg[index] = round(angle_deg)
        self._world.pulse_servo(index, servo.pulse_us(angle_deg))
        end_s = self._clock.monotonic() + SERVO_DELAY_S
        yield lambda: end_s
        self._world.turn_servo(index, angle_deg)

    def _detach_servo(self, words: Words) -> Iterable[Wait]:
        self._has_servo(int(words.get("P") or 0))
        return AT_ONCE

    def _has_servo(self, index: int) -> bool:
        if 0 <= index < self._build.servos:
            return True
        self._say(f"Error:Servo {index} out of range")
        return False

    def _write_pin(self, words: Words) -> Iterable[Wait]:
        pin, value = words.get("P"), words.get("S")
        if pin is None or value is None:
            return AT_ONCE
        if not 0 <= pin <= LAST_PIN:
            # The real one writes past the end of its pin table: here it falls silent at once.
            raise KilledError
        if int(pin) in PROTECTED_PINS:
            self._say("Error:Protected Pin")
        else:
            self._world.write_pin(int(pin), min(max(int(value), 0), 255))
        return AT_ONCE


def _nothing(words: Words) -> Iterable[Wait]:
    return AT_ONCE


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
