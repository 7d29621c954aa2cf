"""The handshake: what runs on the board, and whether it is what the rig needs.

M115 tells only some of the options that a firmware was built with. The others are found out without moving
anything: a position far away is set and the count of microsteps read back (steps per degree), and a move that
Marlin finds too short to make tells a planned position from a live one.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from rig.errors import FirmwareMismatch, MarlinError
from rig.marlin.codec import Axis, Capability, Error, FirmwareInfo, Position, Reply, UnknownCommand, command
from rig.marlin.requirements import requirement, steps_per_unit

Ask = Callable[[str], list[Reply]]
"""Has the board carry out a command line; what it answered before its `ok`."""

_ASKS = 3
# A hundred turns: the count that makes differs by a microstep if steps/unit is off by 3 millionths.
_FAR_DEG = 36000.0
# Below MIN_STEPS_PER_SEGMENT: claimed, and never made.
_UNMADE_MICROSTEPS = 5

_R = TypeVar("_R")


@dataclass(frozen=True)
class Wiring:
    """What hangs on the board, as rig.toml says.

    Attributes:
        microsteps_per_turn: of every axis in use.
        pins: the only outputs that may be written.
        servos: the servos in use, from 0.
    """

    microsteps_per_turn: Mapping[Axis, int]
    pins: frozenset[int] = frozenset()
    servos: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Firmware:
    """What runs on the board, as M115 tells it.

    Attributes:
        name: name, version and build, e.g. `Marlin 2.1.2.7 (Nov 21 2026 22:18:42)`.
        machine: what its builder called the machine.
        uuid: of the machine; empty where the firmware tells none.
        capabilities: names such as EMERGENCY_PARSER, and whether the firmware has them.
    """

    name: str
    machine: str
    uuid: str
    capabilities: Mapping[str, bool]


def identify(ask: Ask) -> Firmware:
    """Ask for name and capabilities.

    Raises:
        MarlinError: the board gives no answer to M115.
    """
    for _ in range(_ASKS):
        replies = ask("M115")
        capabilities = {reply.name: reply.enabled for reply in replies if isinstance(reply, Capability)}
        for reply in replies:
            if isinstance(reply, FirmwareInfo):
                return Firmware(reply.name, reply.machine, reply.uuid, capabilities)
    raise MarlinError("the board gives no answer to M115", hint="flash the rig's Marlin: firmware/README.md")


def check(ask: Ask, port: str, firmware: Firmware, wiring: Wiring) -> None:
    """See that the board can serve the rig; nothing moves, and every output in use is switched off.

    Raises:
        FirmwareMismatch: it cannot; says all that is to be changed in the firmware.
    """
    found = list(_shortcomings(ask, firmware, wiring))
    if found:
        # Answers have no checksum: only what is found twice is believed.
        again = _shortcomings(ask, identify(ask), wiring)
        found = [shortcoming for shortcoming in again if shortcoming in found]
    if found:
        raise FirmwareMismatch(
            f"the firmware on {port} does not fit the rig: {'; '.join(what for what, _ in found)}",
            hint=f"{'; '.join(cure for _, cure in found)}; see firmware/README.md",
        )


def answer(ask: Ask, text: str, kind: type[_R]) -> _R:
    """The answer of a kind to a question, asked again when noise has damaged it but not its `ok`.

    Raises:
        MarlinError: the board gives no such answer.
    """
    for _ in range(_ASKS):
        # The last one: a report that nobody asked for may come before it.
        for reply in reversed(ask(text)):
            if isinstance(reply, kind):
                return reply
    raise MarlinError(
        f"the board gives no answer to {text}", hint="flash the rig's Marlin: firmware/README.md"
    )


def _shortcomings(ask: Ask, firmware: Firmware, wiring: Wiring) -> Iterator[tuple[str, str]]:
    """What is wrong, and what to change, as pairs."""
    if not firmware.capabilities.get("EMERGENCY_PARSER"):
        yield "it cannot be stopped while it is busy", _set("EMERGENCY_PARSER")
    for axis, microsteps_per_turn in wiring.microsteps_per_turn.items():
        yield from _wrong_steps(ask, axis, microsteps_per_turn)
    yield from _no_live_position(ask, wiring)
    for pin in sorted(wiring.pins):
        yield from _pin_out_of_reach(ask, pin)
    for servo in sorted(wiring.servos):
        if any(isinstance(reply, Error | UnknownCommand) for reply in ask(command("M280", P=servo))):
            yield f"it has no servo {servo}", f"set NUM_SERVOS to at least {servo + 1} in Configuration.h"


def _wrong_steps(ask: Ask, axis: Axis, microsteps_per_turn: int) -> Iterator[tuple[str, str]]:
    ask(_set_position(axis, _FAR_DEG))
    count = answer(ask, "M114", Position).counts.get(axis)
    ask(_set_position(axis, 0.0))
    wanted = round(_FAR_DEG * microsteps_per_turn / 360.0)
    # With workspace offsets, the count stays where it was.
    if count is None or abs(count) <= 2 * _UNMADE_MICROSTEPS:
        yield f"it does not let the rig set the position of {axis.value}", _set("NO_WORKSPACE_OFFSETS")
    elif abs(count - wanted) > 1:
        yield (
            f"{axis.value} makes {count / _FAR_DEG:.6f} steps a degree, and rig.toml means"
            f" {steps_per_unit(microsteps_per_turn)}",
            f"set DEFAULT_AXIS_STEPS_PER_UNIT of {axis.value} to {steps_per_unit(microsteps_per_turn)}"
            " in Configuration.h (or send M92 and M500), or mend rig.toml",
        )


def _no_live_position(ask: Ask, wiring: Wiring) -> Iterator[tuple[str, str]]:
    unmade_deg = _UNMADE_MICROSTEPS * 360.0 / wiring.microsteps_per_turn[Axis.X]
    ask(_set_position(Axis.X, 0.0))
    ask(command("G1", X=unmade_deg, F=3600))
    claimed_deg = answer(ask, "M114", Position).degrees[Axis.X]
    live_deg = answer(ask, "M114 R", Position).degrees[Axis.X]
    ask(_set_position(Axis.X, 0.0))
    if claimed_deg != 0.0 and live_deg == claimed_deg:
        yield "it does not tell where the table is while it turns", _set("M114_REALTIME")


def _pin_out_of_reach(ask: Ask, pin: int) -> Iterator[tuple[str, str]]:
    for reply in ask(command("M42", P=pin, S=0)):
        if isinstance(reply, UnknownCommand):
            yield "it does not switch pins", _set("DIRECT_PIN_CONTROL")
        elif isinstance(reply, Error):
            yield f"it does not switch pin {pin} ({reply.text})", "choose another pin in rig.toml: 8 or 10"


def _set_position(axis: Axis, angle_deg: float) -> str:
    return command("G92", **{axis.value: angle_deg})


def _set(option: str) -> str:
    wanted = requirement(option)
    return f"set {wanted.option} {wanted.value}"
