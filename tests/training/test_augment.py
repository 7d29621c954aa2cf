"""Augmented pictures differ from each other, and come out the same for the same seed."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from rig.card import Preprocess
from rig.contrast import Contrast
from rig.vision.locate import locate
from rig.vision.preprocess import crop, network_input
from tests.vision.pictures import Scene, draw
from training.choices.augmentation import Augmentation, Strength
from training.pictures.augment import augment
from training.pictures.recolour import silhouette

SPEC = Preprocess(size_px=64, margin=0.1)


def _crops(count: int) -> np.ndarray:
    images = [draw(Scene("bar", turn_deg=10.0 * k)) for k in range(count)]
    return np.stack([crop(image, locate(image), SPEC) for image in images])


NONE, USUAL = Strength.NONE.augmentation, Strength.USUAL.augmentation


def _augment(picture: np.ndarray, rng: np.random.Generator, how: Augmentation = USUAL) -> np.ndarray:
    return augment(picture, silhouette(picture), 0.4, 48, Contrast.LOCAL, how, rng)


def test_shape_and_variety() -> None:
    picture = _crops(1)[0]
    rng = np.random.default_rng(0)
    variations = [_augment(picture, rng) for _ in range(20)]
    assert {(v.shape, str(v.dtype)) for v in variations} == {((48, 48, 2), "uint8")}
    assert len({v.tobytes() for v in variations}) == 20
    assert min(float(v.std()) for v in variations) > 5


def test_colours_stay_but_for_their_order() -> None:
    """Of a red brick as many pictures are mostly red, green or blue, and none is grey."""
    picture = np.full((64, 64, 3), (20, 40, 200), np.uint8)
    how, mask = (
        replace(NONE, permutation=1.0, grey_mixing=1.0, recolouring=1.0),
        np.full((64, 64), 255, np.uint8),
    )
    rng = np.random.default_rng(0)
    seen = [augment(picture, mask, 0.4, 48, Contrast.COLOUR, how, rng)[24, 24] for _ in range(60)]
    assert {tuple(sorted(colours[:3])) for colours in seen} == {(20, 40, 200)}
    assert {int(colours[:3].argmax()) for colours in seen} == {0, 1, 2}
    assert {int(colours[3]) for colours in seen} == {round(255 * 0.4)}


def test_same_seed_same_pictures() -> None:
    picture = _crops(1)[0]
    once, again = (_augment(picture, np.random.default_rng(7)) for _ in range(2))
    assert np.array_equal(once, again)


def test_the_source_is_left_alone() -> None:
    picture = _crops(1)[0]
    before = picture.copy()
    rng = np.random.default_rng(0)
    for _ in range(20):
        _augment(picture, rng)
    assert np.array_equal(picture, before)


@pytest.mark.parametrize("strength", [strength for strength in Strength if strength is not Strength.NONE])
def test_every_strength_varies_and_leaves_something_to_see(strength: Strength) -> None:
    picture = _crops(1)[0]
    rng = np.random.default_rng(0)
    variations = [_augment(picture, rng, strength.augmentation) for _ in range(20)]
    assert len({v.tobytes() for v in variations}) == 20
    assert min(float(v[:, :, 0].std()) for v in variations) > 5


@pytest.mark.parametrize("contrast", Contrast)
def test_without_augmentation_the_network_sees_what_it_is_asked_later(contrast: Contrast) -> None:
    for picture in _crops(3):
        seen = augment(picture, silhouette(picture), 0.4, 64, contrast, NONE, np.random.default_rng(0))
        assert np.array_equal(seen, network_input(picture, 0.4, contrast))


def _beside(how: Augmentation) -> tuple[np.ndarray, np.ndarray]:
    """A picture without augmentation, and with that."""
    picture = _crops(1)[0]
    picture[:, :, 2] = 255 - picture[:, :, 2]  # so that channels differ all over
    plain, changed = (
        augment(picture, silhouette(picture), 0.4, 64, Contrast.LOCAL, either, np.random.default_rng(5))
        for either in (NONE, how)
    )
    return plain, changed


def test_a_flip_mirrors_left_and_right() -> None:
    picture = _crops(1)[0]
    flipped = augment(
        picture,
        silhouette(picture),
        0.4,
        64,
        Contrast.LOCAL,
        replace(NONE, flip=1.0),
        np.random.default_rng(0),
    )
    assert np.array_equal(flipped, network_input(picture[:, ::-1], 0.4, Contrast.LOCAL))


def test_an_inversion_exchanges_light_and_dark() -> None:
    plain, changed = _beside(replace(NONE, inversion=1.0))
    assert np.corrcoef(plain[:, :, 0].ravel(), changed[:, :, 0].ravel())[0, 1] < -0.5


def test_a_brighter_picture_is_clipped_and_does_not_wrap_to_black() -> None:
    """Of two bright halves the brighter one stays it."""
    picture = np.full((64, 64, 3), 180, np.uint8)
    picture[:, 32:] = 250
    seen = augment(
        picture,
        np.zeros((64, 64), np.uint8),
        0.4,
        64,
        Contrast.LOCAL,
        replace(NONE, brightness=(1.1, 1.1)),
        np.random.default_rng(0),
    )
    assert seen[:, 32:, 0].mean() > seen[:, :32, 0].mean()


@pytest.mark.parametrize(
    "how",
    [
        replace(NONE, turn_deg=30.0), replace(NONE, zoom=(1.3, 1.3)), replace(NONE, stretch=0.2),
        replace(NONE, shear=0.2), replace(NONE, shift=0.2), replace(NONE, crop=0.4),
        replace(NONE, grey_mixing=1.0), replace(NONE, permutation=1.0), replace(NONE, recolouring=1.0),
        replace(NONE, gamma=1.0), replace(NONE, contrast=0.5), replace(NONE, blur=1.0, blur_px=(1.2, 1.2)),
        replace(NONE, noise=1.0), replace(NONE, erasing=1.0), replace(NONE, size_spread=0.5),
    ],
    ids=lambda how: next(name for name, value in vars(how).items() if value != getattr(NONE, name)),
)  # fmt: skip
def test_each_thing_does_something_by_itself(how: Augmentation) -> None:
    plain, changed = _beside(how)
    assert not np.array_equal(plain, changed)


def test_a_crop_shows_a_part_of_the_picture_enlarged() -> None:
    """A white square in the middle gets larger, never smaller."""
    picture = np.full((64, 64, 3), 40, np.uint8)
    cv2.rectangle(picture, (24, 24), (39, 39), (220, 220, 220), -1)
    mask = np.zeros((64, 64), np.uint8)
    rng = np.random.default_rng(0)
    how = replace(NONE, crop=0.4)
    areas = [
        int((augment(picture, mask, 0.4, 64, Contrast.LOCAL, how, rng)[:, :, 0] > 180).sum())
        for _ in range(20)
    ]
    plain = int((network_input(picture, 0.4, Contrast.LOCAL)[:, :, 0] > 180).sum())
    assert min(areas) >= plain * 0.95
    assert max(areas) > 1.5 * plain


def test_nothing_is_mirrored_where_a_class_is_anothers_mirror_image() -> None:
    assert USUAL.for_classes(["41747", "41748", "3001"]).flip == 0
    assert USUAL.for_classes(["41747", "3001"]) == USUAL
