"""Find the part on the table in a single picture, with no picture of the empty table to compare with.

The table is a bright disc in front of something darker, seen at a slant, and convex: the hull of the largest
bright region is the table with all that lies on it. On the table, light and soft shadows change slowly and a
part has sharp edges, whatever its colour; a white brick on a white table has them too. So the part is the
strongest cluster of edges on the table, away from its rim.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from rig.camera.frame import Image

Mask = NDArray[np.uint8]

# Chosen on the photographs of a real turntable; lengths in pixels of the reduced picture.
_WORK_PX = 240  # the long side of the picture that is searched
_BRIGHT = 0.45  # of the 90th percentile: dimmer pixels do not show the table's surface
_RIM_PX = 5  # so far from the table's outline, edges are the outline's own
_EDGE_GRAINS = 3.5  # an edge is so many times the table's own grain ...
_EDGE_LEVELS = 10  # ... and at least so many grey levels
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

    def pixels(self, image: Image) -> Image:
        """The pixels of `image` inside the box; a view, not a copy."""
        return image[self.y : self.y + self.height, self.x : self.x + self.width]

    def overlap(self, other: "Box") -> float:
        """Intersection over union with another box, 0 to 1."""
        width = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        height = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        both = max(0, width) * max(0, height)
        return both / (self.width * self.height + other.width * other.height - both)


def locate(image: Image) -> Box | None:
    """The box of the part that lies on the table; None when the table is empty.

    Args:
        image: (height, width, 3) uint8, BGR, of any size.
    """
    return next(iter(locate_all(image)), None)


def locate_all(image: Image) -> list[Box]:
    """The boxes of all that lies on the table, what stands out most first; not of things that hardly do.

    Args:
        image: (height, width, 3) uint8, BGR, of any size.
    """
    height, width = image.shape[:2]
    scale = min(1.0, _WORK_PX / max(height, width))
    small = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    boxes = []
    for cluster in _clusters(_edges(small, _table(small))):
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
    rim_px = (_RIM_PX + 0.5) * max(1.0, max(height, width) / _WORK_PX)
    nearest_px = min(box.x, box.y, width - box.x - box.width, height - box.y - box.height)
    return nearest_px <= rim_px


def _table(small: Image) -> Mask:
    """1 where the table is, its rim left out, and 0 elsewhere.

    The frame's border counts as rim: where the table's outline just touches it, it shows on one side only.
    """
    brightness = cv2.GaussianBlur(_brightest_channel(small), (5, 5), 0)
    bright = (brightness > _BRIGHT * np.percentile(brightness, 90)).astype(np.uint8)
    outlines, _ = cv2.findContours(bright, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    table = np.zeros(bright.shape, np.uint8)
    if not outlines:
        return table
    cv2.fillConvexPoly(table, cv2.convexHull(max(outlines, key=cv2.contourArea)), 1)
    rim = np.ones((2 * _RIM_PX + 1, 2 * _RIM_PX + 1), np.uint8)
    return np.asarray(cv2.erode(table, rim, borderType=cv2.BORDER_CONSTANT, borderValue=0), np.uint8)


def _edges(small: Image, table: Mask) -> Mask:
    """Grey levels by which neighbours differ, where that is an edge on the table, and 0 elsewhere."""
    smooth = cv2.GaussianBlur(small, (3, 3), 0)
    steps = _brightest_channel(cv2.morphologyEx(smooth, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)))
    on_table = steps[table > 0]
    grain = float(np.median(on_table)) if on_table.size else 0.0
    steps[(table == 0) | (steps <= max(_EDGE_LEVELS, _EDGE_GRAINS * grain))] = 0
    return np.asarray(steps, np.uint8)


def _clusters(edges: Mask) -> list[Box]:
    """The boxes around edges that lie close together, those that add up to most first; no small ones."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_JOIN_PX, _JOIN_PX))
    joined = cv2.morphologyEx((edges > 0).astype(np.uint8), cv2.MORPH_CLOSE, disc)
    count, cluster_of, stats, _ = cv2.connectedComponentsWithStats(joined)
    strengths = np.bincount(cluster_of.ravel(), weights=edges.ravel(), minlength=count)
    strengths[0] = 0  # the background
    too_small = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1) < _MIN_SIDE * max(edges.shape)
    strengths[too_small] = 0
    least = max(_FAINT * float(strengths.max()), 1.0)
    order = [int(cluster) for cluster in strengths.argsort()[::-1] if strengths[cluster] >= least]
    return [Box(*(int(value) for value in stats[cluster, :4])) for cluster in order]


def _brightest_channel(image: cv2.typing.MatLike) -> NDArray[np.uint8]:
    """The maximum over the channels; NumPy's own takes twenty times longer."""
    blue, green, red = cv2.split(image)
    return np.asarray(cv2.max(cv2.max(blue, green), red), np.uint8)
