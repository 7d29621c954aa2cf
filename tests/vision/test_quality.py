"""Sharpness falls with blur; exposure counts what is burnt out and black."""

import cv2
import numpy as np

from rig.vision.locate import Box, locate
from rig.vision.quality import exposure, sharpness
from tests.vision.pictures import Scene, draw


def test_blur_lowers_sharpness() -> None:
    image = draw(Scene("square"))
    box = locate(image)
    assert box is not None
    values = [
        sharpness(np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8), box)
        for sigma in (0.3, 1, 2, 4)
    ]
    assert values == sorted(values, reverse=True)
    assert values[0] > 10 * values[-1]


def test_sharpness_looks_inside_the_box_only() -> None:
    image = np.full((100, 100, 3), 90, np.uint8)
    image[::2, 50:] = 200
    assert sharpness(image, Box(0, 0, 40, 100)) == 0
    assert sharpness(image, None) > 0


def test_exposure_counts_burnt_and_black_pixels() -> None:
    image = np.full((10, 10, 3), 100, np.uint8)
    image[:2] = 255
    image[2] = 0
    image[3, :, 2] = 255  # one burnt channel is enough
    measured = exposure(image, None)
    assert measured.burnt == 0.3
    assert measured.black == 0.1
    assert exposure(image, Box(0, 5, 10, 5)).burnt == 0
