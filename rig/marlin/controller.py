"""The board as the rig knows it: connecting, and the few commands that the rig uses."""

from dataclasses import dataclass
from typing import Self

import serial

from rig.clock import Clock
from rig.config import SerialConfig
from rig.errors import LineRefused, MarlinError, SerialPortError
from rig.marlin.codec import Axis, Error, Position, Reply, ServoAngle, UnknownCommand, command
from rig.marlin.handshake import Firmware, Wiring, answer, check, identify
from rig.marlin.link import Link
from rig.marlin.ports import await_port, open_port, stable_name

_LOOKS = 3
# M280 tells whole degrees of a whole number of microseconds.
_SERVO_TOLERANCE_DEG = 2.0
_HALT_TIMEOUT_S = 3.0


@dataclass(frozen=True)
class LivePosition:
    """Where an axis was, and when.

    Attributes:
        angle_deg: of what the axis turns, to 0.01 degrees.
        at_s: time on the rig's clock, halfway between question and answer.
        uncertainty_s: half of the time between question and answer.
    """

    angle_deg: float
    at_s: float
    uncertainty_s: float


class Marlin:
    """A Marlin board; made by `connect`, which has shaken hands with it.

    Every command raises `MarlinTimeout` when the board falls silent, `MarlinReset` when it restarted,
    `MarlinHalted` when it was killed, `SerialPortError` when its port is gone, and `MarlinError` when it
    answers with an error.

    Args:
        url: the port, by a name that outlives unplugging.
        config: `[serial]`.
        wiring: what hangs on the board.
        clock: stamps live positions.
    """

    def __init__(self, url: str, config: SerialConfig, *, wiring: Wiring, clock: Clock) -> None:
        self._url = url
        self._config = config
        self._wiring = wiring
        self._clock = clock
        self._past_interruptions = 0
        self._may_be_moving = False
        self._link: Link
        self.firmware: Firmware

    @classmethod
    def connect(cls, url: str, config: SerialConfig, *, wiring: Wiring, clock: Clock) -> Self:
        """Open a port, get in step with the board behind it, and see that it has what the rig needs.

        Raises:
            SerialPortError: the port is absent, in use, or not for this user.
            MarlinTimeout: nothing that speaks Marlin answers.
            FirmwareMismatch: the firmware lacks something; says what to change.
        """
        marlin = cls(stable_name(url), config, wiring=wiring, clock=clock)
        marlin._shake_hands(open_port(url, config.baud))
        return marlin

    def reconnect(self, timeout_s: float) -> None:
        """Find the board again after it was unplugged or reset, under whatever name, and shake hands.

        All positions are unknown from then on: home or zero before the next absolute move. For the thread
        that met the error; no other may be using the board.

        Args:
            timeout_s: how long to wait for its port.

        Raises:
            SerialPortError: its port did not come back, or another board did.
            MarlinTimeout, FirmwareMismatch: as `connect`.
        """
        before = self.firmware
        self._link.close()
        self._past_interruptions += self._link.interruptions + 1
        self._shake_hands(await_port(self._url, self._config.baud, timeout_s))
        if self.firmware.uuid != before.uuid:
            found, self.firmware = self.firmware, before
            self._link.close()
            raise SerialPortError(
                f"another board answers on {self.port}: {found.machine} ({found.uuid})",
                hint=f"plug {before.machine} ({before.uuid}) in again",
            )

    def close(self) -> None:
        """Give the port back. Sends nothing: whoever switched something on has switched it off before."""
        self._link.close()

    @property
    def port(self) -> str:
        """The port, by a name that outlives unplugging where there is one."""
        return self._url

    @property
    def interruptions(self) -> int:
        """How many resets, stops, lost ports and motor releases there were.

        Across one of them no position is certain.
        """
        return self._past_interruptions + self._link.interruptions

    @property
    def may_be_moving(self) -> bool:
        """Whether motion was begun whose end was not waited for; for any thread."""
        return self._may_be_moving

    # Motion.

    def move(self, axis: Axis, angle_deg: float, *, speed_deg_s: float, interruptions: int) -> None:
        """Queue a move to an absolute angle; returns when the board has taken it, not when it ends.

        Args:
            interruptions: as they were when the move was decided on.

        Raises:
            MarlinStopped: there was a stop since then; nothing was sent.
        """
        self._may_be_moving = True
        self._do(_for_axis("G1", axis, angle_deg, F=speed_deg_s * 60.0), interruptions)

    def wait_for_motion(self) -> None:
        """Return when all queued motion has ended."""
        self._do("M400")
        self._may_be_moving = False

    def set_position(self, axis: Axis, angle_deg: float) -> None:
        """Call the present position of an axis this angle; nothing moves."""
        self._do(_for_axis("G92", axis, angle_deg))

    def home(self, axis: Axis, *, interruptions: int) -> None:
        """Turn to the home switch and call it 0; a switch that never closes halts the board.

        Raises:
            MarlinStopped: there was a stop since `interruptions` was read; nothing was sent.
        """
        self._may_be_moving = True
        self._do(f"G28 {axis.value}", interruptions)
        self._may_be_moving = False

    def motors_on(self) -> None:
        """Hold the motors where they are."""
        self._do("M17")

    def motors_off(self) -> None:
        """Release the motors once queued motion has ended; they may then be turned by hand."""
        self._past_interruptions += 1
        self._do("M18")
        self._may_be_moving = False

    def live_count(self, axis: Axis) -> int | None:
        """Microsteps from the axis' zero at this moment, as the stepper counts them."""
        return answer(self._do, "M114 R", Position).counts.get(axis)

    def live_position(self, axis: Axis) -> LivePosition:
        """Where an axis is at this moment."""
        asked_s = self._clock.monotonic()
        angle_deg = answer(self._do, "M114 R", Position).degrees[axis]
        answered_s = self._clock.monotonic()
        return LivePosition(angle_deg, (asked_s + answered_s) / 2, (answered_s - asked_s) / 2)

    # Outputs.

    def turn_servo(self, index: int, angle_deg: float) -> None:
        """Set a servo to an angle, 0 to 180; does not wait for queued motion. Takes the board 0.3 s.

        Raises:
            MarlinError: the servo was turned to another angle.
        """
        self._do(command("M280", P=index, S=angle_deg))
        # A line that has lost two equal bytes keeps its checksum: a second look tells. Its answer has none.
        for _ in range(_LOOKS):
            said_deg = answer(self._do, command("M280", P=index), ServoAngle).angle_deg
            if abs(said_deg - angle_deg) <= _SERVO_TOLERANCE_DEG:
                return
        raise MarlinError(
            f"the board on {self.port} turned servo {index} to {said_deg} degrees instead of {angle_deg:g}",
            hint="check the USB cable",
        )

    def write_pin(self, pin: int, value: int) -> None:
        """Set an output to a PWM value, 0 to 255.

        Raises:
            LineRefused: the pin is not one of the wiring.
        """
        if pin not in self._wiring.pins:
            raise LineRefused(
                f"pin {pin} is not configured, and writing a wrong pin corrupts the firmware's memory"
            )
        self._do(command("M42", P=pin, S=value))

    def pulse_pin(self, pin: int, duration_s: float) -> None:
        """Switch an output fully on and off again, after all queued motion; the board keeps the time.

        An interrupt in between leaves it on: whoever pulses an output switches it off at the end.
        """
        self.write_pin(pin, 255)
        self._do(command("G4", P=round(duration_s * 1000.0)))
        self.write_pin(pin, 0)

    def run(self, line: str) -> None:
        """Carry out a command line of the user's; whoever calls this has checked that it moves no axis of
        the rig's and writes no pin but those of the wiring."""
        self._may_be_moving = True
        self._do(line)

    # Stops.

    def stop_at_once(self) -> None:
        """Stop all motion without a ramp, ahead of everything queued (M410); returns once that is written.

        For any thread or signal handler. The next command first clears what was queued behind the stop.
        """
        self._link.stop_at_once()

    def quick_stop(self) -> None:
        """Stop all motion at once and return when it has stopped and nothing is queued (a second or two).

        May be called from any thread, also while another one waits for motion to end.
        """
        self._link.stop_at_once()
        self._link.settle()

    def emergency_stop(self) -> None:
        """Kill the board (M112): it releases the motors and takes nothing more until it is reset.

        May be called from any thread. `quick_stop` stops the table sooner: Marlin takes 0.6 s to kill itself.

        Raises:
            MarlinTimeout: the board did not confirm; commands are refused all the same.
        """
        self.kill_at_once()
        self.make_sure_of_kill()

    def kill_at_once(self) -> None:
        """Begin an emergency stop; for any thread or signal handler. `make_sure_of_kill` ends it."""
        self._link.kill()

    @property
    def is_killed(self) -> bool:
        """Whether the board was told to kill itself since it was connected."""
        return self._link.is_killed

    def make_sure_of_kill(self) -> None:
        """Repeat an emergency stop until the board confirms it; nothing where there was none.

        Raises:
            MarlinTimeout: the board did not confirm; commands are refused all the same.
        """
        if self._link.is_killed:
            self._link.make_sure_of_kill(_HALT_TIMEOUT_S)

    def _shake_hands(self, port: serial.Serial) -> None:
        self._link = Link(port, reply_timeout_s=self._config.reply_timeout_s)
        try:
            # No banner: an adapter that does not reset the board. It may still answer.
            self._link.wait_for_banner(self._config.boot_timeout_s)
            self._link.settle()
            self.firmware = identify(self._do)
            check(self._link.command, self.port, self.firmware, self._wiring)
            # A firmware that releases motors after a while of rest would lose the table's angle unseen.
            self._do("M84 S0")
            self._may_be_moving = False
        except BaseException:
            self._link.close()
            raise

    def _do(self, text: str, interruptions: int | None = None) -> list[Reply]:
        if interruptions is not None:
            interruptions -= self._past_interruptions
        replies = self._link.command(text, interruptions=interruptions)
        for reply in replies:
            match reply:
                case Error():
                    raise MarlinError(f"the board on {self.port} answered {text!r} with: {reply.text}")
                case UnknownCommand():
                    raise MarlinError(
                        f"the board on {self.port} does not know {text!r}",
                        hint="flash the rig's Marlin: firmware/README.md",
                    )
        return replies


def _for_axis(code: str, axis: Axis, angle_deg: float, **words: float) -> str:
    return command(code, **{axis.value: angle_deg}, **words)
