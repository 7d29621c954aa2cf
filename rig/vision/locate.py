"""Find the part on the table in a single picture, or better with one of the empty table to compare with.

On the table, light and soft shadows change slowly and a part has sharp edges, whatever its colour; a white
brick on a white table has them too. So the part is the strongest cluster of edges on the table, away from its
rim. Edges that the empty table has as well, such as a seam, a scratch or a print, are not the part's.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from rig.camera.frame import Image
from rig.vision.table import RIM_PX, WORK_PX, EmptyTable, Mask, outline, reduced, steps

# Chosen on the photographs of a real turntable; lengths in pixels of the reduced picture.
_EDGE_GRAINS = 3.5  # an edge is so many times the table's own grain ...
_EDGE_LEVELS = 10  # ... and at least so many grey levels
_WEAK = 0.5  # of an edge: what is weaker is none by itself, but may join two of them into one part
_JOIN_PX = 9  # edges closer than this belong together
_FAINT = 0.1  # of the strongest cluster: on photographs of single parts, nothing else reached 0.01
_MIN_SIDE = 0.05  # of the long side: smaller things are dirt, or the screw in the middle of the table


@dataclass(frozen=True)
class Box:
    """Where a part is: top left corner and size, in pixels of the picture."""

    x: int
    y: int
    width: int
    height: int

    @property
    def middle(self) -> tuple[float, float]:
        """Its x and y."""
        return self.x + self.width / 2, self.y + self.height / 2

    def pixels(self, image: Image) -> Image:
        """The pixels of `image` inside the box; a view, not a copy."""
        return image[self.y : self.y + self.height, self.x : self.x + self.width]

    def overlap(self, other: "Box") -> float:
        """Intersection over union with another box, 0 to 1."""
        width = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        height = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        both = max(0, width) * max(0, height)
        return both / (self.width * self.height + other.width * other.height - both)


def locate(image: Image, empty: EmptyTable | None = None) -> Box | None:
    """The box of the part that lies on the table; None when the table is empty.

    Args:
        image: (height, width, 3) uint8, BGR, of any size.
        empty: the table with nothing on it; of no effect where it does not fit the picture.
    """
    return next(iter(locate_all(image, empty)), None)


def locate_all(image: Image, empty: EmptyTable | None = None) -> list[Box]:
    """The boxes of all that lies on the table, what stands out most first; not of things that hardly do.

    Args: as `locate`.
    """
    height, width = image.shape[:2]
    small, scale = reduced(image)
    known = empty if empty is not None and empty.fits(image) else None
    boxes = []
    for cluster in _clusters(*edges_on_table(small, known)):
        x, y = int(cluster.x / scale), int(cluster.y / scale)
        right = min(width, round((cluster.x + cluster.width) / scale))
        bottom = min(height, round((cluster.y + cluster.height) / scale))
        boxes.append(Box(x, y, right - x, bottom - y))
    return boxes


def reaches_border(box: Box, image: Image) -> bool:
    """Whether a part goes on, for all that can be seen, to the border of the picture or beyond.

    No edge is found in the rim along the border, so a box of `locate_all` ends there at the latest.
    """
    height, width = image.shape[:2]
    rim_px = (RIM_PX + 0.5) * max(1.0, max(height, width) / WORK_PX)
    nearest_px = min(box.x, box.y, width - box.x - box.width, height - box.y - box.height)
    return bool(nearest_px <= rim_px)


def edges_on_table(small: Image, empty: EmptyTable | None) -> tuple[Mask, Mask]:
    """Grey levels by which neighbours differ, where that is an edge on the table, and 0 elsewhere.

    And 1 where there is an edge or something weaker: the flank of a part whose colour is the table's.
    """
    table = outline(small)
    levels = steps(small)
    on_table = levels[table > 0]
    grain = float(np.median(on_table)) if on_table.size else 0.0
    least = max(_EDGE_LEVELS, _EDGE_GRAINS * grain)
    nothing = (table == 0) | (levels <= _WEAK * least)
    if empty is not None:
        nothing |= empty.explains(levels)
    edges = np.where(nothing | (levels <= least), 0, levels)
    return edges.astype(np.uint8), (~nothing).astype(np.uint8)


def _clusters(edges: Mask, weak: Mask) -> list[Box]:
    """The boxes around edges that lie close together, those that add up to most first; no small ones."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_JOIN_PX, _JOIN_PX))
    joined = np.asarray(cv2.morphologyEx((edges > 0).astype(np.uint8), cv2.MORPH_CLOSE, disc), np.uint8)
    count, cluster_of, stats, _ = cv2.connectedComponentsWithStats(joined)
    strengths = np.bincount(cluster_of.ravel(), weights=edges.ravel(), minlength=count)
    strengths[0] = 0  # the background
    too_small = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1) < _MIN_SIDE * max(edges.shape)
    strengths[too_small] = 0
    least = max(_FAINT * float(strengths.max()), 1.0)
    order = [int(cluster) for cluster in strengths.argsort()[::-1] if strengths[cluster] >= least]
    if len(order) < 2:
        return [Box(*(int(value) for value in stats[cluster, :4])) for cluster in order]
    _, part_of = cv2.connectedComponents(
        np.asarray(cv2.morphologyEx(joined | weak, cv2.MORPH_CLOSE, disc), np.uint8)
    )
    parts = dict.fromkeys(int(part_of[cluster_of == cluster][0]) for cluster in order)
    standing_out = np.isin(cluster_of, order)
    return [Box(*cv2.boundingRect(((part_of == part) & standing_out).astype(np.uint8))) for part in parts]
