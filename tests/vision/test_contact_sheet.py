import numpy as np
import pytest

from rig.errors import BadInput
from rig.vision.contact_sheet import contact_sheet


def plain(height: int, width: int, colour: tuple[int, int, int]) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)


def test_pictures_lie_in_rows_and_keep_their_shape_and_colour() -> None:
    images = [plain(48, 64, (200, 0, 0)), plain(480, 640, (0, 200, 0)), plain(100, 50, (0, 0, 200))]
    sheet = contact_sheet(images, ["a", "b", "c"], columns=2, tile_px=80)
    assert sheet.dtype == np.uint8
    blue, green, red = ((sheet == colour).all(axis=2) for colour in ((200, 0, 0), (0, 200, 0), (0, 0, 200)))
    assert (blue.sum(), green.sum(), red.sum()) == (80 * 60, 80 * 60, 40 * 80)
    assert np.nonzero(blue)[1].max() < np.nonzero(green)[1].min()
    assert np.nonzero(blue)[0].max() < np.nonzero(red)[0].min()


def test_wide_pictures_leave_no_empty_bands() -> None:
    wide, square = (contact_sheet([plain(h, 64, (0, 0, 0))], [""], 1, 80).shape[0] for h in (48, 64))
    assert square - wide == 20


def test_captions_are_written_below() -> None:
    image = plain(60, 60, (9, 9, 9))
    blank, written = (contact_sheet([image], [caption], 1, 60) for caption in ("", "3001 30 deg"))
    assert (blank[:60] == written[:60]).all()
    assert (blank[60:] != written[60:]).any()


def test_a_short_row_leaves_no_empty_columns() -> None:
    one, two = (contact_sheet([plain(20, 20, (0, 0, 0))] * n, ["x"] * n, 5, 40).shape[1] for n in (1, 2))
    assert two == 2 * one


@pytest.mark.parametrize(
    ("count", "captions", "columns", "tile_px"), [(0, 0, 3, 40), (2, 1, 3, 40), (1, 1, 0, 40), (1, 1, 3, 0)]
)
def test_nonsense_is_refused(count: int, captions: int, columns: int, tile_px: int) -> None:
    with pytest.raises(BadInput):
        contact_sheet([plain(20, 20, (0, 0, 0))] * count, ["x"] * captions, columns, tile_px)
