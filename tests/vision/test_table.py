"""What the picture of the empty table is good for, and when it is not believed."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from rig.camera.frame import Image
from rig.errors import DatasetError
from rig.vision.locate import locate, locate_all
from rig.vision.table import EmptyTable, read_empty_table
from tests.vision.pictures import Scene, draw


def seam(image: Image) -> Image:
    """The same table, with a strip of tape on it."""
    taped = image.copy()
    height, width = taped.shape[:2]
    cv2.line(taped, (width // 4, height * 3 // 4), (width * 3 // 4, height * 3 // 4), (90, 90, 90), 6)
    return taped


EMPTY = draw(Scene(None), seed=1)
PART = draw(Scene("square"), seed=2)


def test_what_lies_on_the_empty_table_is_no_part() -> None:
    empty = EmptyTable(seam(EMPTY))
    other = seam(draw(Scene(None), seed=3))
    assert locate(other) is not None, "the tape is taken for a part without the picture"
    assert locate(other, empty) is None


def test_a_part_is_found_beside_it_and_alone() -> None:
    seen = seam(PART)
    truth, without = locate(PART), locate(seen)
    (box,) = locate_all(seen, EmptyTable(seam(EMPTY)))
    assert truth is not None
    assert without is not None
    assert without.overlap(truth) < 0.5, "the tape is taken for a piece of the part without the picture"
    assert box.overlap(truth) > 0.9


def test_on_a_plain_table_it_changes_nothing() -> None:
    assert locate_all(PART, EmptyTable(EMPTY)) == locate_all(PART)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(np.clip(PART * 0.85, 0, 255).astype(np.uint8), id="darker"),
        pytest.param(np.roll(PART, 40, axis=0), id="the camera was moved"),
        pytest.param(PART[:-2], id="another size"),
        pytest.param(np.zeros_like(PART), id="the lamp is off"),
    ],
)
def test_a_picture_that_does_not_fit_is_of_no_effect(other: Image) -> None:
    empty = EmptyTable(seam(EMPTY))
    assert empty.fits(seam(PART))
    assert not empty.fits(other)
    assert locate_all(other, empty) == locate_all(other)


def test_a_kept_picture_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "empty_table.png"
    assert read_empty_table(path) is None
    cv2.imwrite(str(path), EMPTY)
    kept = read_empty_table(path)
    assert kept is not None
    assert np.array_equal(kept.picture, EMPTY)
    path.write_bytes(b"no picture")
    with pytest.raises(DatasetError, match=r"empty_table\.png is not a readable image") as damaged:
        read_empty_table(path)
    assert "rig calibrate camera" in damaged.value.hint
