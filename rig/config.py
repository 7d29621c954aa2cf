"""`rig.toml`: what stands on the desk. Every value has a default, a unit in its name, and a checked range."""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from rig.catalog import PartNumber, part_number
from rig.errors import BadInput, ConfigError

DEFAULT_PATH = Path("rig.toml")

Degrees180 = Annotated[float, Field(ge=0, le=180)]
ServoIndex = Annotated[int, Field(ge=0, le=3)]
LightPin = Annotated[int, Field(ge=0, le=69)]


class Section(BaseModel):
    """A table of rig.toml: unknown keys are errors, values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SerialConfig(Section):
    """`[serial]`: the port of the Marlin board."""

    port: str = ""
    baud: int = Field(default=115200, gt=0)
    boot_timeout_s: float = Field(default=8.0, gt=0)
    reply_timeout_s: float = Field(default=5.0, gt=0)


class TurntableConfig(Section):
    """`[turntable]`: motor, driver and gears between Marlin's X axis (in degrees) and the table."""

    motor_steps_per_turn: int = Field(default=200, gt=0)
    microsteps_per_step: int = Field(default=16, gt=0, le=256)
    gear_ratio: float = Field(default=1.0, gt=0)
    speed_deg_s: float = Field(default=180.0, ge=5, le=720)
    settle_s: float = Field(default=0.2, ge=0, le=10)

    @property
    def microsteps_per_turn(self) -> int:
        """Microsteps of one full turn of the table."""
        return round(self.motor_steps_per_turn * self.microsteps_per_step * self.gear_ratio)

    @model_validator(mode="after")
    def _whole_microsteps(self) -> "TurntableConfig":
        exact = self.motor_steps_per_turn * self.microsteps_per_step * self.gear_ratio
        if abs(exact - round(exact)) > 1e-6:
            raise ValueError(f"a turn must be a whole number of microsteps, not {exact:g}: check gear_ratio")
        return self


class CameraConfig(Section):
    """`[camera]`: which camera, and the exposure that is locked for a whole session.

    A webcam's gain is in its driver's own units; 1.0 leaves it as the driver has it. For a Pi camera, 1.0
    stands for the least gain of the sensor where that is more.
    """

    kind: Literal["picamera2", "webcam"] = "webcam"
    device: int | str = 0
    width_px: int = Field(default=640, ge=64, le=8192)
    height_px: int = Field(default=480, ge=64, le=8192)
    exposure_us: int = Field(default=8000, gt=0, le=1_000_000)
    gain: float = Field(default=1.0, gt=0, le=64)
    timeout_s: float = Field(default=5.0, gt=0)

    @model_validator(mode="after")
    def _pi_cameras_are_numbered(self) -> "CameraConfig":
        if self.kind == "picamera2" and isinstance(self.device, str):
            raise ValueError(f"the device of a Pi camera is its number, such as 0, not {self.device!r}")
        return self


class LightConfig(Section):
    """`[light]`: a lamp on a MOSFET output; `pin = "none"` where the lamp is always on."""

    pin: Annotated[LightPin | None, BeforeValidator(lambda value: None if value == "none" else value)] = 8
    brightness: int = Field(default=255, ge=1, le=255)


class ActuatorConfig(Section):
    """`[actuator]`: a servo aims the chute at a bin, a second one sweeps the part off the table."""

    kind: Literal["servo_gate"] = "servo_gate"
    chute_servo: ServoIndex = 0
    sweeper_servo: ServoIndex = 1
    sweeper_rest_deg: Degrees180 = 10.0
    sweeper_push_deg: Degrees180 = 110.0
    travel_s: float = Field(default=0.3, ge=0, le=5)

    @model_validator(mode="after")
    def _two_servos(self) -> "ActuatorConfig":
        if self.chute_servo == self.sweeper_servo:
            raise ValueError(f"chute_servo and sweeper_servo are both {self.chute_servo}")
        return self


class BinConfig(Section):
    """`[[bins]]`: a bin, where the chute finds it, and the parts that belong in it."""

    name: str = Field(min_length=1, max_length=64)
    chute_deg: Degrees180
    parts: tuple[PartNumber, ...] = ()

    @model_validator(mode="after")
    def _part_numbers(self) -> "BinConfig":
        for part in self.parts:
            try:
                part_number(part)
            except BadInput as error:
                raise ValueError(str(error)) from error
        return self


class SortingConfig(Section):
    """`[sorting]`: where unsure parts go."""

    reject_bin: str = "reject"
    reject_threshold: float | None = Field(default=None, ge=0, le=1)
    wait_for_part_s: float = Field(default=60.0, gt=0)


class SimConfig(Section):
    """`[sim]`: the simulated rig, used instead of the real one when `enabled`."""

    enabled: bool = False
    seed: int | None = Field(default=None, ge=0, lt=2**63)
    real_time: bool = False
    frames_per_s: float = Field(default=30.0, gt=0, le=240)
    feed_gap_s: float = Field(default=0.5, ge=0)


class PathsConfig(Section):
    """`[paths]`: where pictures, models and the ledger are kept, relative to the working folder."""

    captures: Path = Path("captures")
    models: Path = Path("models")
    ledger: Path = Path("ledger")


# One bin each for the ten parts that the simulator knows, around the half circle that a servo reaches.
_SIMULATED_PARTS = ("2456", "3001", "3002", "3003", "3004", "3010", "3039", "32064", "3660", "3701")
DEFAULT_BINS = (
    BinConfig(name="reject", chute_deg=0),
    *(
        BinConfig(name=part, chute_deg=16.0 * (place + 1), parts=(PartNumber(part),))
        for place, part in enumerate(_SIMULATED_PARTS)
    ),
)


class Config(Section):
    """The whole of rig.toml."""

    serial: SerialConfig = SerialConfig()
    turntable: TurntableConfig = TurntableConfig()
    camera: CameraConfig = CameraConfig()
    light: LightConfig = LightConfig()
    actuator: ActuatorConfig = ActuatorConfig()
    bins: tuple[BinConfig, ...] = DEFAULT_BINS
    sorting: SortingConfig = SortingConfig()
    sim: SimConfig = SimConfig()
    paths: PathsConfig = PathsConfig()

    @model_validator(mode="after")
    def _bins_make_sense(self) -> "Config":
        names = [bin_.name for bin_ in self.bins]
        if len(set(names)) != len(names):
            raise ValueError("bins: two bins have the same name")
        if self.sorting.reject_bin not in names:
            raise ValueError(f"sorting.reject_bin: there is no bin named {self.sorting.reject_bin!r}")
        owners: dict[str, str] = {}
        for bin_ in self.bins:
            for part in bin_.parts:
                if part in owners:
                    raise ValueError(f"bins: part {part} is in {owners[part]!r} and in {bin_.name!r}")
                owners[part] = bin_.name
        return self


def load_config(path: Path) -> Config:
    """Read and check a rig.toml.

    Raises:
        ConfigError: it cannot be read, is not TOML, or a value is out of range; names the file and the key.
    """
    try:
        with path.open("rb") as file:
            document: dict[str, Any] = tomllib.load(file)
    except FileNotFoundError:
        raise ConfigError(f"there is no {path}", hint="write one with: rig init") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}", hint="mend that line") from error
    try:
        return Config.model_validate(document)
    except ValidationError as error:
        raise ConfigError(f"{path}: {_first_problem(error)}", hint=f"mend {path}") from error


def _first_problem(error: ValidationError) -> str:
    problem = error.errors()[0]
    key = ".".join(str(step) for step in problem["loc"])
    message = problem["msg"].removeprefix("Value error, ")
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{key}: {message}{more}" if key else f"{message}{more}"
