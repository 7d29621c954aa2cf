"""Depth of field, distortion and the rolling shutter of the simulated camera."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from rig.camera.frame import Image
from rig.sim.lens import Lens
from rig.sim.pinhole import pinhole_of
from rig.sim.render import Renderer
from rig.sim.scene import Scene, draw_scene
from rig.sim.sensor import Sensor
from tests.sim.desk import brick

SIZE = (320, 240)


@pytest.fixture(scope="module")
def scene() -> Scene:
    """A camera without any blur, bend or noise."""
    drawn = draw_scene(np.random.default_rng(12))
    return replace(
        drawn, blur_px=0.0, defocus_px_per_dioptre=0.0, focus_error_dioptre=0.0, distortion=0.0, noise=0.0
    )


def lens_of(scene: Scene) -> Lens:
    return Lens(scene, pinhole_of(scene, *SIZE), SIZE)


def test_what_is_further_out_of_focus_is_blurred_more(scene: Scene) -> None:
    lens = lens_of(replace(scene, defocus_px_per_dioptre=0.5))
    focus = 1000 / scene.distance_mm
    blurs = lens.blur_px(np.array([focus, focus + 1, focus - 2, focus - 4], np.float32))
    # In a picture of half the reference height, the blur has half its size.
    assert blurs == pytest.approx([0, 0.25, 0.5, 1.0], abs=1e-4)


def test_a_pattern_keeps_its_contrast_in_focus_and_loses_it_away_from_it(scene: Scene) -> None:
    lens = lens_of(replace(scene, defocus_px_per_dioptre=0.5))
    stripes = np.tile(np.array([[[0.0], [0.0], [1.0], [1.0]]], np.float32), (240, 80, 3))
    dioptres = np.full((240, 320), 1000 / scene.distance_mm, np.float32)
    dioptres[120:] += 4
    projected = lens.focus(stripes, dioptres)
    assert (projected[:110] == stripes[:110]).all()
    assert projected[130:, 20:300].std() < 0.5 * stripes.std()


def test_the_far_part_of_the_table_is_blurred_more_than_what_the_camera_aims_at(scene: Scene) -> None:
    """By the rim of specks and grain: what focus costs of the picture's detail, near and far."""
    rendering = Renderer(replace(scene, dirt=1.0), *SIZE).render(None, 0.0, 1.0)
    sharp = lens_of(scene).focus(rendering.radiance, rendering.dioptres)
    real = lens_of(replace(scene, defocus_px_per_dioptre=1.5)).focus(rendering.radiance, rendering.dioptres)
    detail = [cv2.Laplacian(image.mean(axis=2), cv2.CV_32F) for image in (sharp, real)]
    kept = [float(detail[1][rows].var() / detail[0][rows].var()) for rows in (np.s_[110:130], np.s_[210:236])]
    assert kept[1] < 0.6 * kept[0]


def test_distortion_bends_a_straight_line_and_leaves_one_through_the_middle(scene: Scene) -> None:
    lines = np.zeros((240, 320), np.uint8)
    lines[[20, 120]] = 255

    def sagitta_px(row: slice, distortion: float) -> float:
        bent = lens_of(replace(scene, distortion=distortion)).bend(lines)[row].astype(float)
        rows = np.arange(bent.shape[0])[:, None]
        centre = (bent * rows).sum(axis=0) / bent.sum(axis=0)
        return float(centre[160] - centre[[10, 309]].mean())

    upper, middle = np.s_[:60], np.s_[100:140]
    # In a barrel the upper edge bulges upwards, in a pincushion downwards.
    assert sagitta_px(upper, 0.1) < -2
    assert sagitta_px(upper, -0.1) > 2
    assert sagitta_px(upper, 0.0) == 0
    assert sagitta_px(middle, 0.1) == pytest.approx(0, abs=0.6)


def test_a_rolling_shutter_shears_a_turning_table(scene: Scene) -> None:
    """Rows show the table as it stood when they were read: the first rows earlier, the last ones later."""
    sensor = Sensor(scene, *SIZE)

    def seen(angle_deg: float, turns_deg: np.ndarray | None = None) -> Image:
        rendering = Renderer(scene, *SIZE).render(brick("2456", colour=0, yaw_deg=0), angle_deg, 1.0)
        rng = np.random.default_rng(0)
        return sensor.develop(sensor.expose(rendering), rng, row_turns_deg=turns_deg)

    sheared = seen(10.0, np.linspace(-6, 6, 9))
    for row, angle_deg in ((80, 10 - 12 * (119.5 - 80) / 239), (150, 10 + 12 * (150 - 119.5) / 239)):
        rows = np.s_[row - 3 : row + 4]
        true, still = seen(angle_deg), seen(10.0)
        assert _differing(sheared[rows], true[rows]) < 0.5 * _differing(still[rows], true[rows])


def _differing(a: Image, b: Image) -> int:
    return int((cv2.absdiff(a, b).max(axis=2) > 25).sum())


def test_a_table_that_stands_still_is_not_sheared(scene: Scene) -> None:
    image = np.random.default_rng(1).integers(0, 255, (240, 320, 3), np.uint8)
    assert (lens_of(scene).bend(image, np.full(9, 0.01)) == image).all()
