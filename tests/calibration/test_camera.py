"""`rig calibrate camera` on the simulated rig, whose light, colours and focus are known."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from rig.calibration.camera import CameraMeasured, CameraPicture, CameraWish, measure_camera
from rig.calibration.light import Shutter
from rig.camera.frame import Camera, Reach, Span
from rig.catalog import PartNumber
from rig.config import CameraConfig, Config, LightConfig, SimConfig
from rig.devices.operator import HumanOperator, Reference, Subject
from rig.errors import DeviceError
from rig.machine import Machine
from rig.opening import open_machine
from rig.sim.camera import SimulatedCamera
from rig.vision.locate import locate
from rig.vision.table import read_empty_table

SMALL = CameraConfig(width_px=320, height_px=240)
CONFIG = Config(camera=SMALL, sim=SimConfig(enabled=True))
PART = PartNumber("3001")
WISH = CameraWish("white", Shutter(33_000, 10_000), PART)


@contextmanager
def rig(seed: int, config: Config = CONFIG) -> Iterator[Machine]:
    def ask(sentence: str) -> None:
        raise AssertionError(sentence)

    with open_machine(config, ask=ask, seed=seed) as machine:
        yield machine


def calibrate(machine: Machine, folder: Path, wish: CameraWish = WISH) -> CameraMeasured:
    *pictures, measured = measure_camera(machine, CONFIG.camera, wish, folder)
    assert all(isinstance(event, CameraPicture) for event in pictures)
    assert isinstance(measured, CameraMeasured)
    return measured


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_truth_is_found(seed: int, tmp_path: Path) -> None:
    with rig(seed) as machine:
        measured = calibrate(machine, tmp_path)
        assert isinstance(machine.camera, SimulatedCamera)
        true_focus = 1000 / machine.camera._scene.distance_mm
        machine.operator.lay_reference("white")
        seen = machine.look().image[80:160, 107:213].reshape(-1, 3).mean(axis=0)
    # Locked as it says, the camera sees the sheet neutral and at the level that is wanted.
    assert np.abs(seen - 215).max() < 8
    assert np.ptp(seen) < 5
    assert measured.sheet.burnt == 0
    assert measured.settings["exposure_us"] % 10_000 == 0
    assert measured.settings["gain"] < 2.2
    # The part's upper side is nearer than the table's middle.
    assert true_focus - 0.3 < measured.settings["lens_position"] < true_focus + 1.2
    assert "white_balance_k" not in measured.settings
    assert cv2.imread(str(measured.picture)) is not None


def test_a_grey_card_does_as_well_and_a_short_exposure_has_more_gain(tmp_path: Path) -> None:
    found = {}
    for wish in (WISH, CameraWish("grey", Shutter(3_000, None), PART)):
        with rig(4) as machine:
            found[wish.reference] = calibrate(machine, tmp_path, wish).settings
    light = {name: settings["exposure_us"] * settings["gain"] for name, settings in found.items()}
    assert light["grey"] == pytest.approx(light["white"], rel=0.15)
    assert found["grey"]["exposure_us"] == 3_000
    assert found["grey"]["colour_gains"] == pytest.approx(found["white"]["colour_gains"], rel=0.06)


def test_the_empty_table_is_kept_and_fits_what_is_seen_afterwards(tmp_path: Path) -> None:
    with rig(5) as machine:
        measured = calibrate(machine, tmp_path)
        empty = read_empty_table(measured.empty_table)
        assert empty is not None
        assert empty.picture.shape == (240, 320, 3)
        machine.operator.place(Subject(PART), pose=0)
        seen = machine.look().image
        assert empty.fits(seen)
        assert locate(seen, empty) == locate(seen)
        machine.camera.relock(CONFIG.camera.model_copy(update={"exposure_us": 6000}))
        assert not empty.fits(machine.look().image)
    with rig(6) as other:
        assert not empty.fits(other.look().image)


class KelvinCamera:
    """Balances white as webcams do: by a temperature, and the higher it is the redder the picture."""

    def __init__(self, camera: Camera) -> None:
        self._camera = camera

    def __getattr__(self, name: str) -> Callable[..., object]:
        method: Callable[..., object] = getattr(self._camera, name)
        return method

    def reach(self) -> Reach:
        return replace(
            self._camera.reach(), colour_gain=None, white_balance_k=Span(2800, 6500), lens_position=None
        )

    def relock(self, config: CameraConfig) -> None:
        warmth = (config.white_balance_k or 6000) / 4600
        self._camera.relock(config.model_copy(update={"colour_gains": (2.3 * warmth, 1.57 / warmth)}))


def test_a_webcam_s_temperature_is_found(tmp_path: Path) -> None:
    with rig(11) as machine:
        webcam = replace(machine, camera=KelvinCamera(machine.camera))  # type: ignore[arg-type]
        measured = calibrate(webcam, tmp_path)
    assert set(measured.settings) == {"exposure_us", "gain", "white_balance_k"}
    # The light of this scene is not quite neutral.
    assert 4200 < measured.settings["white_balance_k"] < 5200
    assert abs(measured.sheet.red - measured.sheet.blue) < 4
    assert measured.sheet.level == pytest.approx(215, abs=6)


class Forgetful:
    """Does what the simulated hand does, but for one thing."""

    def __init__(self, machine: Machine, forgets: str) -> None:
        self._hand = machine.operator
        self._forgets = forgets

    def __getattr__(self, name: str) -> Callable[..., object]:
        done: Callable[..., object] = getattr(self._hand, name)
        return (lambda *arguments: None) if name == self._forgets else done


@pytest.mark.parametrize("forgets", ["lay_mark", "clear_table"])
def test_what_the_operator_forgot_is_one_clear_line(forgets: str, tmp_path: Path) -> None:
    with rig(7) as machine:
        forgetful = replace(machine, operator=Forgetful(machine, forgets))  # type: ignore[arg-type]
        said = {"lay_mark": "sharper than others", "clear_table": "something lies on the table"}[forgets]
        with pytest.raises(DeviceError, match=said) as error:
            calibrate(forgetful, tmp_path)
    assert error.value.hint
    assert not list(tmp_path.iterdir())


def test_a_part_left_on_the_table_is_noticed_before_anything_is_done(tmp_path: Path) -> None:
    with rig(8) as machine:
        machine.operator.place(Subject(PART), pose=0)
        with pytest.raises(DeviceError, match="something lies on the table"):
            calibrate(machine, tmp_path)


def test_a_part_in_place_of_the_sheet_is_not_plain(tmp_path: Path) -> None:
    class LaysAPart(Forgetful):
        def lay_reference(self, reference: Reference) -> None:
            machine.operator.place(Subject(PART), pose=0)

    with rig(9) as machine:
        careless = replace(machine, operator=LaysAPart(machine, ""))  # type: ignore[arg-type]
        with pytest.raises(DeviceError, match=r"not a plain sheet|look as it should") as error:
            calibrate(careless, tmp_path)
    assert "sheet" in error.value.hint


@pytest.mark.parametrize(("longest_us", "brightness"), [(400, 255), (33_000, 1)])
def test_too_little_light_is_one_clear_line(longest_us: float, brightness: int, tmp_path: Path) -> None:
    config = CONFIG.model_copy(update={"light": LightConfig(brightness=brightness)})
    with rig(1, config) as machine, pytest.raises(DeviceError, match="too dark at the longest") as error:
        calibrate(machine, tmp_path, CameraWish("white", Shutter(longest_us, None), PART))
    assert "--longest-ms" in error.value.hint


def test_a_person_is_told_what_to_lay_where() -> None:
    asked: list[str] = []
    person = HumanOperator(asked.append)
    person.lay_reference("white")
    person.lay_reference("grey")
    person.clear_table()
    assert asked == [
        "Lay a sheet of white paper flat on the middle of the table",
        "Lay the grey card flat on the middle of the table",
        "Take everything off the table",
    ]
