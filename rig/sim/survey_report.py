"""What a survey of parts leaves in a folder: contact sheets, a table of all parts, and the twins."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rig.camera.frame import Image
from rig.files import write_whole
from rig.sim.survey import Failed, Fared, Figures, Renamed, Rendered, Twins
from rig.vision.contact_sheet import contact_sheet, fitted
from rig.vision.jpeg import encode_jpeg

_COLUMNS = 16
_TILE_PX = 120
# More than these make another sheet, so that a library of twenty thousand parts needs no more memory.
_ON_A_SHEET = 16 * _COLUMNS
_TWIN_COLUMNS = 4
_TWIN_TILE_PX = 300
_HEADINGS = (
    *("part", "result", "title", "x_mm", "y_mm", "z_mm", "area_mm2", "triangles", "poses"),
    *("load_s", "poses_s", "bake_s", "render_s", "texture_left_out"),
)


@dataclass(frozen=True)
class Pace:
    """How long one step took, over all parts; `slowest` is the part that took longest."""

    step: str
    median_s: float
    slowest_s: float
    slowest: str
    total_s: float


class SurveyReport:
    """Gathers how parts fared, and draws a sheet whenever there are enough for one.

    Args:
        folder: where the files go.

    Attributes:
        figures, renamed, failed: the parts, by how they fared.
        files: what was written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tiles: list[tuple[Image, str]] = []
        self._sheets = 0
        self.figures: list[Figures] = []
        self.renamed: list[Renamed] = []
        self.failed: list[Failed] = []
        self.files: list[Path] = []

    def add(self, fared: Fared) -> None:
        """Take in how a part fared.

        Raises:
            StorageError: a sheet is full and cannot be written.
        """
        match fared:
            case Rendered(figures, picture):
                self.figures.append(figures)
                self._tiles.append((fitted(picture, _TILE_PX), figures.part))
                if len(self._tiles) == _ON_A_SHEET:
                    self._draw_sheet()
            case Renamed():
                self.renamed.append(fared)
            case Failed():
                self.failed.append(fared)

    def finish(self, twins: Sequence[Twins]) -> None:
        """Draw the last sheet and that of the twins, and write the table of all parts, `parts.csv`.

        Raises:
            StorageError: they cannot be written.
        """
        if self._tiles:
            self._draw_sheet()
        if twins:
            pictures = [picture for pair in twins for picture in pair.pictures]
            captions = [
                f"{pair.part} {how}" for pair in twins for how in ("built", "LDraw", "over", "over, LDraw")
            ]
            sheet = contact_sheet(pictures, captions, columns=_TWIN_COLUMNS, tile_px=_TWIN_TILE_PX)
            self._write("twins.jpg", encode_jpeg(sheet))
        self._write("parts.csv", self._table().encode())

    def paces(self) -> list[Pace]:
        """How long each step took, over all parts that render."""
        if not self.figures:
            return []
        return [
            _pace("load", [(figures.load_s, figures.part) for figures in self.figures]),
            _pace("find its sides", [(figures.poses_s, figures.part) for figures in self.figures]),
            _pace("prepare a side", [(figures.bake_s, figures.part) for figures in self.figures]),
            _pace("render 640x480", [(figures.render_s, figures.part) for figures in self.figures]),
        ]

    def _draw_sheet(self) -> None:
        self._sheets += 1
        pictures, captions = zip(*self._tiles, strict=True)
        sheet = contact_sheet(pictures, captions, columns=_COLUMNS, tile_px=_TILE_PX)
        self._write(f"parts-{self._sheets}.jpg", encode_jpeg(sheet))
        self._tiles.clear()

    def _table(self) -> str:
        lines = io.StringIO()
        table = csv.writer(lines, lineterminator="\n")
        table.writerow(_HEADINGS)
        for part in self.figures:
            measures = part.measures
            lengths = (f"{length:.2f}" for length in (*measures.size_mm, measures.area_mm2))
            times = (f"{t:.3f}" for t in (part.load_s, part.poses_s, part.bake_s, part.render_s))
            counts = (measures.triangles, part.poses)
            table.writerow([part.part, "rendered", part.title, *lengths, *counts, *times, int(part.textured)])
        table.writerows([renamed.part, "renamed", f"now {renamed.moved_to}"] for renamed in self.renamed)
        table.writerows([failed.part, "failed", failed.why] for failed in self.failed)
        return lines.getvalue()

    def _write(self, name: str, content: bytes) -> None:
        path = self._folder / name
        write_whole(path, content)
        self.files.append(path)


def _pace(step: str, times: list[tuple[float, str]]) -> Pace:
    slowest_s, slowest = max(times)
    seconds = [time_s for time_s, _ in times]
    return Pace(step, median(seconds), slowest_s, slowest, sum(seconds))
