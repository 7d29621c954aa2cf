"""The network's input: square, centred on the part, and blind to light and colour."""

import cv2
import numpy as np
import pytest

from rig.card import Preprocess
from rig.contrast import Contrast
from rig.vision.locate import Box
from rig.vision.preprocess import crop, network_input, normalise_contrast, part_size, prepare
from tests.vision.pictures import Scene, draw

SPEC = Preprocess(size_px=64, margin=0.1)


def test_input_has_the_size_of_the_spec() -> None:
    pixels, box = prepare(draw(Scene("bar")), SPEC)
    assert box is not None
    assert pixels.shape == (64, 64, 2)
    assert pixels.dtype == np.uint8


def test_an_empty_table_gives_the_whole_picture() -> None:
    pixels, box = prepare(draw(Scene(None)), SPEC)
    assert box is None
    assert pixels.shape == (64, 64, 2)


def test_crop_is_the_box_with_its_margin() -> None:
    image = np.zeros((100, 100, 3), np.uint8)
    image[40:60, 30:70] = 255
    cropped = crop(image, Box(30, 40, 40, 20), Preprocess(size_px=48, margin=0.1))
    white = cropped[:, :, 0] > 127
    assert white.any(axis=0).sum() == 40  # the box is 40 of 48 pixels wide
    assert white.any(axis=1).sum() == 20
    assert not white[:, :4].any()
    assert not white[:, 44:].any()


def test_crop_repeats_the_border_beyond_the_picture() -> None:
    image = np.full((50, 50, 3), 80, np.uint8)
    cropped = crop(image, Box(0, 0, 40, 10), SPEC)
    assert np.array_equal(np.unique(cropped), [80])


def test_crop_letterboxes_the_whole_picture() -> None:
    image = np.zeros((50, 100, 3), np.uint8)
    image[:, :50] = 200
    cropped = crop(image, None, SPEC)
    assert cropped.shape == (64, 64, 3)
    assert (cropped[:, :30] == 200).all()
    assert (cropped[:, 34:] == 0).all()


@pytest.mark.parametrize("gain", [0.4, 0.7])
def test_a_dimmer_lamp_changes_little(gain: float) -> None:
    grey = cv2.cvtColor(draw(Scene("square", colour=(90, 90, 90))), cv2.COLOR_BGR2GRAY)[:, 40:280]
    bright = normalise_contrast(np.asarray(grey, np.uint8)).astype(float)
    dim = normalise_contrast((grey * gain).astype(np.uint8)).astype(float)
    assert np.abs(bright - dim).mean() < 6


def test_dark_and_light_parts_show_their_studs_alike() -> None:
    spreads = []
    for colour in ((20, 20, 20), (120, 120, 120)):
        pixels, _ = prepare(draw(Scene("square", colour=colour, turn_deg=0, scale=0.2)), SPEC)
        spreads.append(float(pixels[24:44, 16:48, 0].std()))
    assert 0.5 < spreads[0] / spreads[1] < 2


def test_the_second_plane_tells_a_large_part_from_a_small_one() -> None:
    small, large = (prepare(draw(Scene("bar", scale=scale)), SPEC)[0][:, :, 1] for scale in (0.15, 0.3))
    assert np.unique(small).size == np.unique(large).size == 1
    assert 1.7 < large[0, 0] / small[0, 0] < 2.3


def test_the_size_is_that_of_the_picture_where_no_part_is_found() -> None:
    picture = draw(Scene(None))
    assert part_size(picture, None) == 1
    assert part_size(picture, Box(0, 0, 10, 2 * min(picture.shape[:2]))) == 1


def test_a_card_says_what_becomes_of_contrast() -> None:
    """Of a crop whose left half is black and whose right half is a dim grey."""
    half = np.zeros((64, 64, 3), np.uint8)
    half[:, 32:] = 40
    seen = {contrast: network_input(half, 0.5, contrast)[:, :, 0] for contrast in Contrast}
    assert np.unique(seen[Contrast.PLAIN]).tolist() == [0, 40]
    assert np.unique(seen[Contrast.STANDARD]).tolist() == [128 - 55, 128 + 55]
    assert len(np.unique(seen[Contrast.LOCAL])) > 2
    for contrast in Contrast:
        spec = Preprocess(size_px=64, margin=0.1, contrast=contrast)
        pixels, _ = prepare(half, spec)
        assert np.array_equal(pixels[:, :, 0], seen[contrast])
    flat = np.full((16, 16, 3), 7, np.uint8)
    assert np.unique(network_input(flat, 1.0, Contrast.STANDARD)[:, :, 0]).tolist() == [128]


def test_colours_are_shown_as_they_are_and_the_size_behind_them() -> None:
    image = draw(Scene("bar", colour=(40, 90, 160)))
    pixels, box = prepare(image, Preprocess(size_px=64, margin=0.1, contrast=Contrast.COLOUR))
    assert np.array_equal(pixels[:, :, :3], crop(image, box, SPEC))
    assert np.unique(pixels[:, :, 3]).tolist() == [round(255 * part_size(image, box))]


def test_without_a_margin_the_whole_picture_is_shown_and_the_part_is_measured_all_the_same() -> None:
    image = draw(Scene("bar"))
    whole = Preprocess(size_px=64, margin=None)
    pixels, box = prepare(image, whole)
    assert box is not None
    assert np.array_equal(crop(image, box, whole), crop(image, None, SPEC))
    assert np.unique(pixels[:, :, 1]).tolist() == [round(255 * part_size(image, box))]


def test_a_card_cannot_name_channels_that_its_contrast_does_not_make() -> None:
    with pytest.raises(ValueError, match=r"cannot be bgr\+size and local"):
        Preprocess(size_px=64, margin=0.1, channels="bgr+size")
    assert Preprocess(size_px=64, margin=0.1, contrast=Contrast.COLOUR).channels == "bgr+size"
