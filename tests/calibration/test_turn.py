"""The search for a full turn: it finds it, or says why it cannot, and never takes anything else for one."""

import numpy as np
import pytest

from rig.calibration.turn import find_turn
from rig.camera.frame import Image
from rig.errors import DeviceError
from tests.calibration.tables import BAR, MICROSTEP_DEG, NOTHING, DrawnTable, TurningTable, marker


@pytest.mark.parametrize("ratio", [16.0, 2.0, 1.5, 1.0, 0.5, 1 / 3])
def test_a_turn_is_found_whatever_the_driver_makes_of_a_command(ratio: float) -> None:
    turn = TurningTable(DrawnTable(marker(1), middle=(0.1, 0.05)), ratio).find(find_turn(MICROSTEP_DEG))
    assert turn.commanded_deg == pytest.approx(360 / ratio, abs=0.05)
    assert MICROSTEP_DEG <= turn.uncertainty_deg < 2 * MICROSTEP_DEG


@pytest.mark.parametrize(
    "drawn",
    [
        DrawnTable(marker(2), middle=(-0.2, 0.1)),
        DrawnTable(marker(3, cells=10), cell_share=0.015, middle=(0.35, 0.0)),
        DrawnTable(marker(4), noise=6.0),
        DrawnTable(BAR, middle=(0.05, 0.0)),
        DrawnTable(BAR, middle=(0.004, 0.0)),
    ],
    ids=["off the middle", "small and fine, at the rim", "noisy", "bar", "bar almost in the middle"],
)
def test_a_turn_is_found_by_whatever_lies_there(drawn: DrawnTable) -> None:
    turn = TurningTable(drawn).find(find_turn(MICROSTEP_DEG))
    assert abs(turn.commanded_deg - 360) < 2 * turn.uncertainty_deg


def test_what_nearly_looks_the_same_after_half_a_turn_is_not_guessed_at() -> None:
    with pytest.raises(DeviceError) as error:
        TurningTable(DrawnTable(BAR, middle=(0.002, 0.001))).find(find_turn(MICROSTEP_DEG))
    assert "180.0" in error.value.what
    assert "360.0" in error.value.what
    assert "off the middle" in error.value.hint


@pytest.mark.parametrize("cells", [marker(1), NOTHING], ids=["table stands still", "nothing on the table"])
def test_a_picture_that_never_changes_is_told_soon(cells: np.ndarray) -> None:
    table = TurningTable(DrawnTable(cells), ratio=0.0)
    with pytest.raises(DeviceError, match="does not change") as error:
        table.find(find_turn(MICROSTEP_DEG))
    assert table.looks < 80
    assert "the table turns" in error.value.hint


def test_a_turn_that_never_ends_is_an_error() -> None:
    with pytest.raises(DeviceError, match="does not come back within"):
        TurningTable(DrawnTable(marker(1)), ratio=0.03).find(find_turn(MICROSTEP_DEG))


class KnockedCamera(TurningTable):
    """From some picture on, the camera looks elsewhere."""

    knocked_after = 50

    def picture(self, commanded_deg: float) -> Image:
        picture = super().picture(commanded_deg)
        return picture if self.looks <= self.knocked_after else np.roll(picture, 3, axis=1)


class SlippingPart(TurningTable):
    """Late in the second turn, the part slips."""

    def picture(self, commanded_deg: float) -> Image:
        slipped_deg = 5.0 if commanded_deg > 500 else 0.0
        return self.drawn.picture(commanded_deg + slipped_deg)


class CameraKnockedLate(KnockedCamera):
    """The camera is knocked while the table has just come back."""

    knocked_after = 158


@pytest.mark.parametrize("rig", [KnockedCamera, CameraKnockedLate, SlippingPart])
def test_what_moves_besides_the_table_is_noticed(rig: type[TurningTable]) -> None:
    with pytest.raises(DeviceError, match="something moved besides the table") as error:
        rig(DrawnTable(marker(1), middle=(0.1, 0.05))).find(find_turn(MICROSTEP_DEG))
    assert "fix the camera" in error.value.hint


class HandInThePicture(TurningTable):
    """Somebody reaches in for fifteen pictures."""

    reaches_after = 0

    def picture(self, commanded_deg: float) -> Image:
        picture = super().picture(commanded_deg)
        if self.reaches_after < self.looks <= self.reaches_after + 15:
            picture[100:200, 200:300] = 90
        return picture


@pytest.mark.parametrize("reaches_after", range(4, 180, 16))
def test_a_hand_in_the_picture_never_makes_a_wrong_turn(reaches_after: int) -> None:
    rig = HandInThePicture(DrawnTable(BAR, middle=(0.05, 0.0)))
    rig.reaches_after = reaches_after
    try:
        turn = rig.find(find_turn(MICROSTEP_DEG))
    except DeviceError as error:
        assert "start" in error.what
    else:
        assert abs(turn.commanded_deg - 360) < 2 * turn.uncertainty_deg


class FlickeringLight(TurningTable):
    """The light is never quite the same, and grows weaker."""

    def picture(self, commanded_deg: float) -> Image:
        light = 1 + 0.02 * np.sin(2.3 * self.looks) - 0.0001 * self.looks
        return np.asarray(np.clip(super().picture(commanded_deg) * light, 0, 255), np.uint8)


class InexactSteps(TurningTable):
    """The motor never stands exactly where it should."""

    rng = np.random.default_rng(5)

    def picture(self, commanded_deg: float) -> Image:
        return super().picture(commanded_deg + self.rng.normal(0, 0.1))


@pytest.mark.parametrize("rig", [FlickeringLight, InexactSteps])
def test_an_imperfect_rig_is_measured_as_well_as_it_can_be(rig: type[TurningTable]) -> None:
    turn = rig(DrawnTable(marker(1), middle=(0.1, 0.05))).find(find_turn(MICROSTEP_DEG))
    assert abs(turn.commanded_deg - 360) < 2 * turn.uncertainty_deg
    assert turn.uncertainty_deg < 0.5
