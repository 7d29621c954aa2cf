"""Fault scenarios: what goes wrong on a simulated desk, by a name or from a TOML file.

A file says `seed = 7`, from which everything is drawn that is left to chance, and has `[[fault]]` tables:

    [[fault]]
    kind = "drop"                # one of `FaultKind`
    direction = "to host"        # or "to board", the default
    matches = "^ok"              # regular expression for the lines it may strike; any line without it
    at = 3                       # only the third of these lines; any of them without it
    probability = 0.1
    delay_s = 0.5
    duration_s = 1.0
"""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from rig.errors import ConfigError, in_plain_words
from rig.sim.faults import Direction, Fault, FaultKind, lost_ok


@dataclass(frozen=True)
class Scenario:
    """Faults, in the order in which they are looked at, and the seed of their chances."""

    faults: tuple[Fault, ...] = ()
    seed: int = 0


_NOISE = (
    FaultKind.GARBLE,
    FaultKind.DROP_BYTES,
    FaultKind.DUPLICATE_BYTES,
    FaultKind.GARBLE_BYTES,
    FaultKind.SPLIT,
)
_MOVE = rb"G[01] [XY]"

SCENARIOS = {
    "noisy": Scenario(
        tuple(
            Fault(kind, direction, probability=0.02, delay_s=0.05)
            for direction in Direction
            for kind in _NOISE
        )
    ),
    "lost-oks": Scenario((lost_ok(probability=0.1),)),
    "extra-oks": Scenario((Fault(FaultKind.EXTRA_OK, Direction.TO_HOST, b"^ok", probability=0.1),)),
    "overruns": Scenario((Fault(FaultKind.OVERRUN, Direction.TO_BOARD, probability=0.05),)),
    "busy": Scenario((Fault(FaultKind.BUSY, Direction.TO_BOARD, _MOVE, at=3, duration_s=180.0),)),
    "busy-then-silent": Scenario((Fault(FaultKind.HANG, Direction.TO_BOARD, _MOVE, at=3, duration_s=10.0),)),
    "reset-in-a-move": Scenario(
        (Fault(FaultKind.RESET_LATER, Direction.TO_BOARD, _MOVE, at=3, delay_s=0.2),)
    ),
    "brown-out": Scenario((Fault(FaultKind.BROWN_OUT, Direction.TO_BOARD, rb"M280 P\d+ S", at=3),)),
    "endstop-open": Scenario((Fault(FaultKind.ENDSTOP_OPEN, Direction.TO_BOARD, b"G28"),)),
    "stall": Scenario((Fault(FaultKind.STALL, Direction.TO_BOARD, _MOVE, at=40),)),
    "unplug": Scenario((Fault(FaultKind.UNPLUG, Direction.TO_BOARD, _MOVE, at=3),)),
    "unplug-and-return": Scenario(
        (Fault(FaultKind.REPLUG, Direction.TO_BOARD, _MOVE, at=3, duration_s=3.0),)
    ),
}


def load_scenario(name_or_file: str) -> Scenario:
    """The scenario of that name, or else that file; without faults for an empty string.

    Raises:
        ConfigError: there is neither, or the file is wrong; says which key, or which names there are.
    """
    if not name_or_file:
        return Scenario()
    if scenario := SCENARIOS.get(name_or_file):
        return scenario
    path = Path(name_or_file)
    try:
        with path.open("rb") as file:
            document: dict[str, Any] = tomllib.load(file)
    except FileNotFoundError:
        raise ConfigError(
            f"{name_or_file!r} is neither a fault scenario nor a file",
            hint=f"scenarios: {', '.join(SCENARIOS)}; or write a TOML file",
        ) from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}", hint="mend that line") from error
    try:
        return _File.model_validate(document).scenario()
    except ValidationError as error:
        raise ConfigError(f"{path}: {_first_problem(error)}", hint=f"mend {path}") from error


def _regular_expression(text: str) -> str:
    try:
        re.compile(text.encode("latin-1"))
    except (re.error, UnicodeEncodeError) as error:
        raise ValueError(f"{text!r} is no regular expression for bytes: {error}") from error
    return text


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _FaultTable(_Table):
    kind: FaultKind
    direction: Direction = Direction.TO_BOARD
    matches: Annotated[str, AfterValidator(_regular_expression)] = ""
    at: int | None = Field(default=None, ge=1)
    probability: float = Field(default=1.0, ge=0, le=1)
    delay_s: float = Field(default=Fault.delay_s, ge=0)
    duration_s: float = Field(default=Fault.duration_s, ge=0)

    @model_validator(mode="after")
    def _can_strike(self) -> "_FaultTable":
        self.fault()
        return self

    def fault(self) -> Fault:
        return Fault(
            self.kind,
            self.direction,
            self.matches.encode("latin-1"),
            self.at,
            self.probability,
            self.delay_s,
            self.duration_s,
        )


class _File(_Table):
    seed: int = Field(default=0, ge=0)
    fault: tuple[_FaultTable, ...] = ()

    def scenario(self) -> Scenario:
        return Scenario(tuple(table.fault() for table in self.fault), self.seed)


def _first_problem(error: ValidationError) -> str:
    problem = error.errors()[0]
    key = ".".join(str(step) for step in problem["loc"])
    return f"{key}: {in_plain_words(problem['msg'])}"
