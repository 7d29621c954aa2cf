"""The silhouette is the part without its shadow, and recolouring changes the part and not the table."""

import cv2
import numpy as np
import pytest

from rig.card import Preprocess
from rig.vision.locate import locate
from rig.vision.preprocess import crop
from tests.vision.pictures import Colour, Scene, draw
from training.pictures.recolour import recolour, silhouette

SPEC = Preprocess(size_px=96, margin=0.15)


def _crop(colour: Colour) -> np.ndarray:
    image = draw(Scene("square", colour=colour, turn_deg=0, scale=0.2))
    return crop(image, locate(image), SPEC)


@pytest.mark.parametrize("colour", [(40, 40, 180), (15, 15, 15), (150, 60, 20), (40, 190, 230)])
def test_silhouette_covers_the_part_and_not_the_table(colour: Colour) -> None:
    mask = silhouette(_crop(colour))
    assert mask.shape == (96, 96)
    assert mask[30:60, 30:60].min() == 255
    assert mask[:4].max() == mask[:, :4].max() == 0
    assert 0.4 < (mask > 127).mean() < 0.75


def test_an_empty_table_has_no_silhouette() -> None:
    assert silhouette(crop(draw(Scene(None)), None, SPEC)[40:, 20:76][:56, :56]).max() == 0


def test_recolouring_keeps_the_table_and_changes_the_part() -> None:
    picture = _crop((15, 15, 15))
    grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)
    mask = silhouette(picture)
    rng = np.random.default_rng(0)
    shades = []
    for _ in range(30):
        changed = recolour(grey, mask, rng)
        assert np.abs(changed[mask == 0].astype(int) - grey[mask == 0]).max() <= 1
        shades.append(float(np.median(changed[mask == 255])))
    assert min(shades) < 40
    assert max(shades) > 120


def test_without_a_silhouette_nothing_changes() -> None:
    grey = np.full((8, 8), 100, np.uint8)
    assert np.array_equal(recolour(grey, np.zeros_like(grey), np.random.default_rng(0)), grey)
