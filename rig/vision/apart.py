"""Tell whether several things lie apart on the table, by what is between them.

`locate` joins edges that are near each other, and so takes two parts for one that lie near each other. What
parts them is table: it has the colour that it has when it is empty, or less of the same where a shadow falls.
"""

import cv2
import numpy as np

from rig.camera.frame import Image
from rig.vision.locate import edges_on_table
from rig.vision.table import EmptyTable, Mask, outline, reduced

# Chosen on 190 pairs and 460 single parts of the simulated rig; docs/sorting.md counts other ones.
_OTHER_COLOUR = 24.0  # levels by which a pixel differs from any shade of the table's colour there
_NO_SHADOW = 0.6  # of the table's light: no part's shadow is darker, but for its very foot
_NO_TABLE = 1.25  # of it: no part of the table is brighter
_GAP_PX = 3  # of the reduced picture: a narrower gap may be a seam between studs
_EDGE_PX = 3  # by so much an edge is found wider than it is
_FAINT = 0.2  # of the largest thing's area: smaller ones may be a stud, or a corner in the light
_LEAST_PX = 30
_FILLED = 0.5  # of a thing has another colour than the table; white parts show by their edges


def lie_apart(image: Image, empty: EmptyTable | None) -> bool:
    """Whether there is table between two things on it.

    Of what has the table's own colour nothing is seen here.

    Args:
        image: (height, width, 3) uint8, BGR, of any size.
        empty: the table with nothing on it; without one that fits the picture, nobody can tell.
    """
    return empty is not None and empty.fits(image) and _things(image, empty) > 1


def _things(image: Image, empty: EmptyTable) -> int:
    """How many there are whose colour is not the table's; what shows by its edges alone may be in pieces."""
    coloured, solid = _solid(reduced(image)[0], empty)
    contours, _ = cv2.findContours(solid, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    areas = [cv2.contourArea(contour) for contour in contours]
    least = max(_LEAST_PX, _FAINT * max(areas, default=0.0))
    large = [contour for contour, area in zip(contours, areas, strict=True) if area >= least]
    return sum(_share(coloured, contour) >= _FILLED for contour in large)


def _share(mask: Mask, contour: cv2.typing.MatLike) -> float:
    """How much of what a contour surrounds is set in a mask, 0 to 1."""
    inside = np.zeros(mask.shape, np.uint8)
    cv2.drawContours(inside, [contour], -1, 1, cv2.FILLED)
    return float(mask[inside > 0].mean())


def _solid(small: Image, empty: EmptyTable) -> tuple[Mask, Mask]:
    """1 where the colour is not the table's, lit or in the shade; and where that or an edge is."""
    seen, table = (cv2.GaussianBlur(each, (3, 3), 0).astype(np.float32) for each in (small, empty.small))
    shade = (seen * table).sum(axis=2) / np.maximum((table * table).sum(axis=2), 1.0)
    other = np.linalg.norm(seen - shade[..., None] * table, axis=2) > _OTHER_COLOUR
    coloured = (other | (shade < _NO_SHADOW) | (shade > _NO_TABLE)) & (outline(empty.small) > 0)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_GAP_PX, _GAP_PX))
    # A grey part has the colour of the table in the shade, but for its edges.
    edges = (edges_on_table(small, empty)[0] > 0).astype(np.uint8)
    thin = cv2.erode(edges, np.ones((_EDGE_PX, _EDGE_PX), np.uint8))
    closed = np.asarray(cv2.morphologyEx(coloured.astype(np.uint8), cv2.MORPH_CLOSE, disc), np.uint8)
    return closed, np.asarray(cv2.bitwise_or(closed, thin), np.uint8)
