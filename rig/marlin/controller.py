"""The board as the rig knows it: the handshake and the few commands that the rig uses."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TypeVar

from rig.clock import Clock
from rig.config import SerialConfig
from rig.errors import LineRefused, MarlinError, MarlinTimeout
from rig.marlin.codec import Capability, Error, FirmwareInfo, Position, Reply, UnknownCommand, command
from rig.marlin.link import Link, open_port

_ASKS = 3
_HALT_TIMEOUT_S = 1.0

_R = TypeVar("_R")


@dataclass(frozen=True)
class Firmware:
    """What runs on the board, as M115 tells it.

    Attributes:
        name: name, version and build, e.g. `Marlin 2.1.2.7 (Nov 21 2026 22:18:42)`.
        machine: what its builder called the machine.
        uuid: of the board; empty where the firmware tells none.
        capabilities: names such as EMERGENCY_PARSER, and whether the firmware has them.
    """

    name: str
    machine: str
    uuid: str
    capabilities: Mapping[str, bool]


@dataclass(frozen=True)
class LivePosition:
    """Where the steppers were, and when.

    Attributes:
        x_deg: angle of the X axis, to 0.01 degrees.
        at_s: time on the rig's clock, halfway between question and answer.
        uncertainty_s: half of the time between question and answer.
    """

    x_deg: float
    at_s: float
    uncertainty_s: float


class Marlin:
    """A Marlin board after its handshake. X is an axis in degrees.

    Every command raises `MarlinTimeout` when the board falls silent, `MarlinReset` when it restarted,
    `MarlinHalted` when it was killed, `SerialPortError` when its port is gone, and `MarlinError` when it
    answers with an error.

    Args:
        link: an open link.
        config: `[serial]`.
        allowed_pins: the only pins that `write_pin` writes; a wrong one corrupts the firmware's memory.
        clock: stamps live positions.
    """

    def __init__(
        self, link: Link, config: SerialConfig, *, allowed_pins: Collection[int], clock: Clock
    ) -> None:
        self._link = link
        self._allowed_pins = frozenset(allowed_pins)
        self._clock = clock
        # No banner: an adapter that does not reset the board. It may still answer.
        link.wait_for_banner(config.boot_timeout_s)
        link.settle()
        self.firmware = self._identify()

    @classmethod
    def connect(
        cls, url: str, config: SerialConfig, *, allowed_pins: Collection[int], clock: Clock
    ) -> "Marlin":
        """Open a port and get in step with the board behind it.

        Raises:
            SerialPortError: the port is absent, in use, or not for this user.
            MarlinTimeout: nothing that speaks Marlin answers.
        """
        link = Link(open_port(url, config.baud), reply_timeout_s=config.reply_timeout_s)
        try:
            return cls(link, config, allowed_pins=allowed_pins, clock=clock)
        except BaseException:
            link.close()
            raise

    def close(self) -> None:
        """Give the port back. Sends nothing: whoever switched something on has switched it off before."""
        self._link.close()

    @property
    def port(self) -> str:
        """The port, as it was opened."""
        return self._link.name

    @property
    def interruptions(self) -> int:
        """How many resets, quick stops and emergency stops there were: across one, no position is certain."""
        return self._link.interruptions

    # Motion.

    def move_x(self, x_deg: float, *, speed_deg_s: float) -> None:
        """Queue a move to an absolute angle; returns when the board has taken it, not when it ends."""
        self._do(command("G1", X=x_deg, F=speed_deg_s * 60.0))

    def wait_for_motion(self) -> None:
        """Return when all queued motion has ended."""
        self._do("M400")

    def set_x(self, x_deg: float) -> None:
        """Call the present position this angle; nothing moves."""
        self._do(command("G92", X=x_deg))

    def home_x(self) -> None:
        """Turn to the home switch and call it 0; a switch that never closes halts the board."""
        self._do("G28 X")

    def motors_on(self) -> None:
        """Hold the motors where they are."""
        self._do("M17")

    def motors_off(self) -> None:
        """Release the motors once queued motion has ended; they may then be turned by hand."""
        self._do("M18")

    def dwell(self, duration_s: float) -> None:
        """Have the board wait, after all queued motion."""
        self._do(command("G4", P=round(duration_s * 1000.0)))

    def position(self) -> Position:
        """Where the X axis will be when all queued motion has ended."""
        return self._ask("M114", Position)

    def live_position(self) -> LivePosition:
        """Where the X axis is at this moment."""
        asked_s = self._clock.monotonic()
        x_deg = self._ask("M114 R", Position).x_deg
        answered_s = self._clock.monotonic()
        return LivePosition(x_deg, (asked_s + answered_s) / 2, (answered_s - asked_s) / 2)

    # Outputs.

    def turn_servo(self, index: int, angle_deg: float) -> None:
        """Set a servo to an angle, 0 to 180; does not wait for queued motion. Takes the board 0.3 s."""
        self._do(command("M280", P=index, S=angle_deg))

    def detach_servo(self, index: int) -> None:
        """Stop the servo's pulses: it holds no torque any more."""
        self._do(command("M282", P=index))

    def write_pin(self, pin: int, value: int) -> None:
        """Set an output to a PWM value, 0 to 255.

        Raises:
            LineRefused: the pin is not one of `allowed_pins`.
        """
        if pin not in self._allowed_pins:
            raise LineRefused(
                f"pin {pin} is not configured, and writing a wrong pin corrupts the firmware's memory"
            )
        self._do(command("M42", P=pin, S=value))

    # Stops.

    def quick_stop(self) -> None:
        """Stop all motion at once, without a ramp, ahead of everything queued (M410, about a second).

        May be called from any thread, also while another one waits for motion to end.
        """
        self._link.send_raw("M410")
        self._link.settle()

    def emergency_stop(self) -> None:
        """Kill the board (M112): it releases the motors and takes nothing more until it is reset.

        May be called from any thread. `quick_stop` stops the table sooner: Marlin takes 0.6 s to kill itself.

        Raises:
            MarlinTimeout: the board did not confirm.
        """
        for _ in range(_ASKS):
            self._link.send_raw("M112")
            if self._link.await_halt(_HALT_TIMEOUT_S):
                return
        raise MarlinTimeout(
            f"the board on {self.port} did not confirm the emergency stop", hint="cut the motor power now"
        )

    def _identify(self) -> Firmware:
        for _ in range(_ASKS):
            replies = self._do("M115")
            capabilities = {reply.name: reply.enabled for reply in replies if isinstance(reply, Capability)}
            for reply in replies:
                if isinstance(reply, FirmwareInfo):
                    return Firmware(reply.name, reply.machine, reply.uuid, capabilities)
        raise self._no_answer("M115")

    def _ask(self, text: str, kind: type[_R]) -> _R:
        """The answer to a question; asked again when noise has damaged the answer but not its `ok`."""
        for _ in range(_ASKS):
            for reply in self._do(text):
                if isinstance(reply, kind):
                    return reply
        raise self._no_answer(text)

    def _no_answer(self, text: str) -> MarlinError:
        return MarlinError(
            f"the board on {self.port} gives no answer to {text}", hint="flash the rig's Marlin"
        )

    def _do(self, text: str) -> list[Reply]:
        replies = self._link.command(text)
        for reply in replies:
            match reply:
                case Error():
                    raise MarlinError(f"the board on {self.port} answered {text!r} with: {reply.text}")
                case UnknownCommand():
                    raise MarlinError(
                        f"the board on {self.port} does not know {text!r}", hint="flash the rig's Marlin"
                    )
        return replies
