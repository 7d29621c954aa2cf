"""Contact sheets show what was asked for."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from rig.curation.sheet import Drawn, draw_sheet
from rig.dataset.index import indexed
from rig.errors import BadInput, DatasetError
from tests.dataset.pictures import session, write_dataset


def quiet(progress: object) -> None:
    """Nobody looks at the progress."""


def draw(
    folder: Path, out: Path, *, part: str | None = None, name: str | None = None, most: int = 144
) -> Drawn:
    """Draw a sheet of a folder."""
    with indexed(folder, quiet) as index:
        return draw_sheet(index, out, part=part, session=name, most=most, emit=quiet)


@pytest.fixture
def captures(tmp_path: Path) -> Path:
    """Two parts, three sessions."""
    rows = session("3001", "s1", 15, angle_deg=5.0) | session("3001", "s2", 5) | session("3002", "s3", 4)
    return write_dataset(tmp_path / "captures", rows)


def test_a_sheet_of_a_part_a_session_and_all(captures: Path, tmp_path: Path) -> None:
    out = tmp_path / "sheet.png"
    heights = []
    for part, name, found in (("3001", None, 20), (None, "s3", 4), (None, None, 24)):
        assert draw(captures, out, part=part, name=name) == Drawn(found, found)
        sheet = cv2.imread(str(out))
        assert sheet is not None
        heights.append(sheet.shape[0])
    two_rows, one_row, again_two = heights
    assert two_rows == again_two == 2 * one_row
    assert draw(captures, tmp_path / "few.jpg", most=7) == Drawn(7, 24)
    assert (tmp_path / "few.jpg").read_bytes().startswith(b"\xff\xd8")


@pytest.mark.parametrize(
    ("box", "shown"),
    [
        ([480, 320, 80, 60], 0.25),
        (None, 0.016),
        ("480 320 80 60", 0.016),
        # Those of a picture that somebody has made smaller, or of nothing.
        ([1480, 320, 80, 60], 0.016),
        ([480, 320, 80, 1600], 0.016),
        ([-4, 0, 2, 2], 0.016),
        ([0, 0, 0, 0], 0.016),
    ],
)
def test_the_part_fills_its_tile_where_it_is_known_to_be(tmp_path: Path, box: object, shown: float) -> None:
    captures = write_dataset(tmp_path / "captures", session("3001", "s1", 1, angle_deg=5.0, box=box))
    picture = np.full((480, 640, 3), 100, np.uint8)
    picture[320:380, 480:560] = 255
    cv2.imwrite(str(captures / "3001" / "s1_000.jpg"), picture)
    draw(captures, tmp_path / "sheet.png")
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet is not None
    tile = sheet[: sheet.shape[0] - 22, :120]
    assert (tile.min(axis=2) > 200).mean() == pytest.approx(shown, rel=0.3)


def test_what_cannot_be_drawn_is_said(captures: Path, tmp_path: Path) -> None:
    out = tmp_path / "sheet.jpg"
    with pytest.raises(BadInput, match="no pictures of part 3009"):
        draw(captures, out, part="3009")
    with pytest.raises(BadInput, match="not both"):
        draw(captures, out, part="3001", name="s1")
    with pytest.raises(BadInput, match="neither a JPEG nor a PNG"):
        draw(captures, tmp_path / "sheet.gif")
    (captures / "3001" / "s1_000.jpg").write_bytes(b"no picture")
    with pytest.raises(DatasetError, match="is not a readable image"):
        draw(captures, out)
    assert not out.exists()
