"""`rig.toml`: what stands on the desk. Every value has a default, a unit in its name, and a checked range."""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    model_validator,
)

from rig.bin_config import DEFAULT_BINS, BinConfig, ChuteAngle, Pin, check_rules
from rig.config_problems import MEND_TOML, first_problem
from rig.daemon_config import DaemonConfig
from rig.errors import ConfigError
from rig.feeder_config import FeederConfig, GcodeFeederConfig, NoFeederConfig, PinFeederConfig
from rig.mqtt_config import MqttConfig
from rig.pile_config import PileConfig
from rig.scene_config import SceneConfig
from rig.section import Section
from rig.sorting_config import SortingConfig

DEFAULT_PATH = Path("rig.toml")

Degrees180 = Annotated[float, Field(ge=0, le=180)]
ServoIndex = Annotated[int, Field(ge=0, le=3)]
_MOST_GAIN = 64
ColourGain = Annotated[float, Field(gt=0, le=32)]

SettledBy = Literal["fixed", "until_still"]
"""How the table was known to be at rest."""


class SerialConfig(Section):
    """`[serial]`: the port of the Marlin board."""

    port: str = ""
    baud: int = Field(default=115200, gt=0, le=4_000_000)
    boot_timeout_s: float = Field(default=8.0, gt=0, le=120)
    reply_timeout_s: float = Field(default=5.0, gt=0, le=600)
    reconnect_timeout_s: float = Field(default=60.0, ge=0, le=3600)


class AxisConfig(Section):
    """Motor, driver and gears behind an axis that Marlin counts in degrees."""

    motor_steps_per_turn: int = Field(default=200, gt=0)
    microsteps_per_step: int = Field(default=16, gt=0, le=256)
    gear_ratio: float = Field(default=1.0, gt=0, le=100)
    speed_deg_s: float = Field(default=180.0, ge=5, le=720)
    home: Literal["hand", "endstop"] = "hand"

    @property
    def microsteps_per_turn(self) -> int:
        """Microsteps of one full turn of what the axis turns."""
        return round(self.motor_steps_per_turn * self.microsteps_per_step * self.gear_ratio)

    @model_validator(mode="after")
    def _whole_microsteps(self) -> Self:
        exact = self.motor_steps_per_turn * self.microsteps_per_step * self.gear_ratio
        if abs(exact - round(exact)) > 1e-6:
            raise ValueError(f"a turn must be a whole number of microsteps, not {exact:g}: check gear_ratio")
        return self


class TurntableConfig(AxisConfig):
    """`[turntable]`: the table on Marlin's X axis.

    `way = "forward"` never turns back between two views, so that play in the gears does not matter.

    Attributes:
        settle: a view is exposed `settle_s` after the end of motion ("fixed"), or as soon as two frames in a
            row agree ("until_still").
    """

    way: Literal["shortest", "forward"] = "shortest"
    settle: SettledBy = "fixed"
    settle_s: float = Field(default=0.2, ge=0, le=10)


class CameraConfig(Section):
    """`[camera]`: which camera, and the settings that are locked for a whole session.

    A webcam's gain is in its driver's own units; 1.0 leaves it as the driver has it. For a Pi camera, 1.0
    stands for the least gain of the sensor where that is more. Pictures of a turning table are exposed for
    `sweep_exposure_us`, or for `exposure_us` where that is shorter.

    Attributes:
        colour_gains: white balance of a Pi camera: gains of red and blue. Where there are none, those that
            automatic white balance finds at the start are held.
        white_balance_k: white balance of a webcam, in kelvin. Where there is none, it is held where it is.
        lens_position: focus, of a Pi camera in dioptres (1 / distance in metres), of a webcam in its driver's
            own units. Where there is none, a Pi camera focuses once at the start, and a webcam holds still.
    """

    kind: Literal["picamera2", "webcam"] = "webcam"
    device: int | str = 0
    width_px: int = Field(default=640, ge=64, le=8192)
    height_px: int = Field(default=480, ge=64, le=8192)
    exposure_us: int = Field(default=8000, gt=0, le=1_000_000)
    gain: float = Field(default=1.0, gt=0, le=_MOST_GAIN)
    colour_gains: tuple[ColourGain, ColourGain] | None = None
    white_balance_k: int | None = Field(default=None, ge=1000, le=20_000)
    lens_position: float | None = Field(default=None, ge=0, le=10_000)
    sweep_exposure_us: int = Field(default=1500, gt=0, le=1_000_000)
    timeout_s: float = Field(default=5.0, gt=0)
    reconnect_timeout_s: float = Field(default=60.0, ge=0, le=3600)

    @model_validator(mode="after")
    def _pi_cameras_are_numbered(self) -> Self:
        if self.kind == "picamera2" and isinstance(self.device, str):
            raise ValueError(f"the device of a Pi camera is its number, such as 0, not {self.device!r}")
        return self


class LightConfig(Section):
    """`[light]`: a lamp on a MOSFET output; `pin = "none"` where the lamp is always on."""

    pin: Annotated[Pin | None, BeforeValidator(lambda value: None if value == "none" else value)] = 8
    brightness: int = Field(default=255, ge=1, le=255)


class SweeperConfig(Section):
    """A servo that sweeps the part off the table."""

    sweeper_servo: ServoIndex = 1
    sweeper_rest_deg: Degrees180 = 10.0
    sweeper_push_deg: Degrees180 = 110.0
    travel_s: float = Field(default=0.3, ge=0, le=5)


class ServoGateConfig(SweeperConfig):
    """`[actuator] kind = "servo_gate"`: a servo aims the chute at a bin, a second one sweeps."""

    kind: Literal["servo_gate"] = "servo_gate"
    chute_servo: ServoIndex = 0
    chute_rest_deg: Degrees180 = 0.0

    @model_validator(mode="after")
    def _two_servos(self) -> Self:
        if self.chute_servo == self.sweeper_servo:
            raise ValueError(f"chute_servo and sweeper_servo are both {self.chute_servo}")
        return self


class StepperChuteConfig(AxisConfig, SweeperConfig):
    """`[actuator] kind = "stepper_chute"`: Marlin's Y axis aims the chute, a servo sweeps."""

    kind: Literal["stepper_chute"] = "stepper_chute"
    rest_deg: ChuteAngle = 0.0


class AirJetsConfig(Section):
    """`[actuator] kind = "air_jets"`: each bin has a valve on an output, which blows the part into it."""

    kind: Literal["air_jets"] = "air_jets"
    pulse_s: float = Field(default=0.2, ge=0.01, le=2)
    fall_s: float = Field(default=0.3, ge=0, le=5)


class GcodeConfig(Section):
    """`[actuator] kind = "gcode"`: each bin has G-code lines of its own.

    Attributes:
        rest: lines that bring the machine to rest.
        pins: the only pins that M42 may write in these lines.
    """

    kind: Literal["gcode"] = "gcode"
    rest: tuple[str, ...] = ()
    pins: tuple[Pin, ...] = ()


def _kind_of_actuator(value: Any) -> str:
    kind = value.get("kind", "servo_gate") if isinstance(value, dict) else getattr(value, "kind", "")
    return str(kind)


ActuatorConfig = Annotated[
    Annotated[ServoGateConfig, Tag("servo_gate")]
    | Annotated[StepperChuteConfig, Tag("stepper_chute")]
    | Annotated[AirJetsConfig, Tag("air_jets")]
    | Annotated[GcodeConfig, Tag("gcode")],
    Discriminator(_kind_of_actuator),
]
"""`[actuator]`, told apart by its `kind`."""


class SimConfig(Section):
    """`[sim]`: the simulated rig, used instead of the real one when `enabled`.

    Attributes:
        driver_microsteps_per_step: what the motor driver really does, where that is not what rig.toml says.
        backlash_deg: play between motor and table.
        faults: a fault scenario, by name or as a TOML file; empty for none.
        pile: what the feeder holds in sorting mode.
        ldraw: folder of an LDraw library, for parts beside the ten that the simulator has of itself.
        scene: ranges of light, camera, table and background.
    """

    enabled: bool = False
    seed: int | None = Field(default=None, ge=0, lt=2**63)
    real_time: bool = False
    frames_per_s: float = Field(default=30.0, gt=0, le=240)
    feed_gap_s: float = Field(default=0.75, ge=0)
    driver_microsteps_per_step: int | None = Field(default=None, gt=0, le=256)
    backlash_deg: float = Field(default=0.0, ge=0, le=45)
    faults: str = ""
    ldraw: Path | None = None
    pile: PileConfig = PileConfig()
    scene: SceneConfig = SceneConfig()


class PathsConfig(Section):
    """`[paths]`: where pictures, models, the ledger and what was measured of the rig are kept.

    They are relative to the working folder.

    Attributes:
        daemon: what `rig serve` has to remember: tokens, the job under way, earlier versions of rig.toml.
    """

    captures: Path = Path("captures")
    models: Path = Path("models")
    ledger: Path = Path("ledger")
    calibration: Path = Path("calibration")
    daemon: Path = Path("daemon")


_REACHED_BY = {
    "servo_gate": "chute_deg",
    "stepper_chute": "chute_deg",
    "air_jets": "jet_pin",
    "gcode": "gcode",
}


class Config(Section):
    """The whole of rig.toml."""

    serial: SerialConfig = SerialConfig()
    turntable: TurntableConfig = TurntableConfig()
    camera: CameraConfig = CameraConfig()
    light: LightConfig = LightConfig()
    actuator: ActuatorConfig = ServoGateConfig()
    feeder: FeederConfig = NoFeederConfig()
    bins: tuple[BinConfig, ...] = DEFAULT_BINS
    sorting: SortingConfig = SortingConfig()
    sim: SimConfig = SimConfig()
    daemon: DaemonConfig = DaemonConfig()
    mqtt: MqttConfig = MqttConfig()
    paths: PathsConfig = PathsConfig()

    @model_validator(mode="after")
    def _bins_make_sense(self) -> Self:
        names = [bin_.name for bin_ in self.bins]
        if len(set(names)) != len(names):
            raise ValueError("bins: two bins have the same name")
        if self.sorting.reject_bin not in names:
            bin_ = f"there is no bin named {self.sorting.reject_bin!r}"
            raise ValueError(f"sorting.reject_bin: {bin_}; add it as one of [[bins]], or name another")
        if self.sorting.return_bin not in (None, *names):
            raise ValueError(f"sorting.return_bin: there is no bin named {self.sorting.return_bin!r}")
        counted = {bin_.name for bin_ in self.bins if bin_.rule.takes_something} - {self.sorting.reject_bin}
        if self.sorting.return_bin in counted:
            raise ValueError(
                f"sorting.return_bin: parts belong in bin {self.sorting.return_bin!r}, which would be counted"
                " and then fed again; name a bin that takes none"
            )
        check_rules(self.bins)
        return self

    @model_validator(mode="after")
    def _bins_can_be_reached(self) -> Self:
        kind = self.actuator.kind
        key = _REACHED_BY[kind]
        for bin_ in self.bins:
            if getattr(bin_, key) in (None, ()):
                raise ValueError(f"bins: {bin_.name!r} needs {key}, since the actuator is {kind!r}")
            if kind == "servo_gate" and bin_.chute_deg is not None and not 0 <= bin_.chute_deg <= 180:
                raise ValueError(f"bins: chute_deg of {bin_.name!r} must be 0 to 180 for a servo")
        jets = [bin_.jet_pin for bin_ in self.bins if bin_.jet_pin is not None]
        if len(set(jets)) != len(jets) or self.light.pin in jets:
            raise ValueError("bins: two jet_pins, or a jet_pin and light.pin, are the same")
        return self

    @model_validator(mode="after")
    def _feeder_has_its_pins_to_itself(self) -> Self:
        for pin in sorted(self._feeder_pins & self._other_pins):
            raise ValueError(f"feeder: pin {pin} is that of the lamp or of the actuator as well")
        return self

    def for_sweep(self) -> "Config":
        """The same rig with a camera that exposes turning parts: more briefly, with so much more gain.

        Raises:
            ConfigError: the camera does not say when exactly it exposes.
        """
        camera = self.camera
        if camera.kind == "webcam" and not self.sim.enabled:
            raise ConfigError(
                "--sweep needs a Pi camera: a webcam does not say when it exposed a picture of the table",
                hint="leave out --sweep, and the table stops for each view",
            )
        exposure_us = min(camera.exposure_us, camera.sweep_exposure_us)
        gain = camera.gain * camera.exposure_us / exposure_us
        if gain > _MOST_GAIN:
            raise ConfigError(
                f"a sweep's exposure of {exposure_us} us needs a gain of {gain:.0f}",
                hint="raise sweep_exposure_us in [camera], or light the table more brightly",
            )
        settings = {"exposure_us": exposure_us, "gain": gain}
        return self.model_copy(update={"camera": camera.model_copy(update=settings)})

    @property
    def ledger(self) -> Path:
        """The folder of what was sorted; a simulated rig's parts never count among real ones."""
        folder = self.paths.ledger
        return folder.with_name(f"{folder.name}_simulated") if self.sim.enabled else folder

    @property
    def output_pins(self) -> frozenset[int]:
        """The pins that the rig may write."""
        return self._other_pins | self._feeder_pins

    @property
    def _feeder_pins(self) -> frozenset[int]:
        match self.feeder:
            case PinFeederConfig():
                return frozenset({self.feeder.pin})
            case GcodeFeederConfig():
                return frozenset(self.feeder.pins)
        return frozenset()

    @property
    def _other_pins(self) -> frozenset[int]:
        pins = {self.light.pin, *(bin_.jet_pin for bin_ in self.bins)}
        if isinstance(self.actuator, GcodeConfig):
            pins |= set(self.actuator.pins)
        return frozenset(pin for pin in pins if pin is not None)


def load_config(path: Path) -> Config:
    """Read and check a rig.toml.

    Raises:
        ConfigError: it cannot be read, is not TOML, or a value is out of range; names the file and the key.
    """
    return parse_config(read_content(path), str(path))


def read_content(path: Path) -> bytes:
    """What stands in a rig.toml.

    Raises:
        ConfigError: it is absent, or cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(f"there is no {path}", hint="write one with: rig init") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error


def parse_config(content: bytes, source: str) -> Config:
    """The same of a rig.toml that was read already, or is about to be written.

    Args:
        source: what it is called, for errors.

    Raises:
        ConfigError: as `load_config`.
    """
    try:
        document = tomllib.loads(decoded(content, source))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{source} is not valid TOML: {error}", hint=MEND_TOML) from error
    try:
        return Config.model_validate(document)
    except ValidationError as error:
        what, hint = first_problem(error, document)
        raise ConfigError(f"{source}: {what}", hint=hint or f"mend {source}") from error


def decoded(content: bytes, source: str) -> str:
    """The text of a rig.toml, without the byte order mark that editors of Windows put before it.

    Raises:
        ConfigError: it is not in UTF-8.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        hint = "save it anew with the encoding UTF-8"
        raise ConfigError(f"{source} is not valid TOML: it is not text in UTF-8", hint=hint) from error
