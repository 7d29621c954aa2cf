"""Triangles to pixels with a depth buffer, vectorised over all pixels of all triangles at once."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats32 = NDArray[np.float32]
# NumPy gathers three times slower by indices of any other type.
Indices = NDArray[np.intp]

# Neighbouring triangles overlap by so much, so that no pixel between them stays empty.
_SEAM_PX = 1e-3
# Edges that fall by less than this cross no row or one, anywhere.
_LEAST_FALL = np.float32(1e-6)
# Triangles seen edge-on cover nothing; this is twice their area in pixels.
_LEAST_AREA = 1e-4


@dataclass(frozen=True)
class Fragments:
    """The nearest surface in each pixel that some triangle covers.

    Attributes:
        pixel: (k,) indices in the flattened picture, rising.
        x, y: (k,) float32 pixel coordinates.
        triangle: (k,) index of the triangle seen there.
        nearness: (k,) float32 of what is seen there.
        depth_buffer: (height, width) float32, the same for the picture, -inf where there is nothing.
    """

    pixel: Indices
    x: Floats32
    y: Floats32
    triangle: Indices
    nearness: Floats32
    depth_buffer: Floats32
    _facing: Indices
    _planes: Floats32
    _seen: Indices

    def blend(self, values: Floats32, nearness: Floats32) -> Floats32:
        """Values (n, 3, c) of corners whose `nearness` (n, 3) is 1/z, where they are seen, (c, k)."""
        # Times the nearness they are linear on the screen. One sum after the other over rows of all triangles
        # takes a fifth of the time of a product of small matrices for each.
        scaled = (values[self._facing] * nearness[self._facing, :, None]).transpose(1, 2, 0).copy()
        planes = self._planes.transpose(1, 2, 0).copy()
        right, down, level = sum(
            own[None] * plane[:, None] for own, plane in zip(scaled, planes, strict=True)
        )
        return np.stack(
            [
                (a.take(self._seen) * self.x + b.take(self._seen) * self.y + c.take(self._seen))
                / self.nearness
                for a, b, c in zip(right, down, level, strict=True)
            ]
        )


@dataclass(frozen=True)
class _Spans:
    """Runs of pixels, one for each row of each triangle, (r,) each: triangle, row, first pixel, length."""

    triangle: Indices
    y: Indices
    x: Indices
    length: Indices


def rasterize(points: Floats32, nearness: Floats32, width: int, height: int) -> Fragments:
    """Find the nearest front-facing triangle in every pixel.

    Args:
        points: (n, 3, 2) corners in pixels, x to the right and y down, pixel centres at halves.
        nearness: (n, 3) at the corners, linear on the screen, larger is nearer: 1/z, or minus a depth.
        width, height: of the picture in pixels.
    """
    facing = np.flatnonzero(facing_area(points) > _LEAST_AREA)
    planes = _weight_planes(points[facing])
    spans = _spans(points[facing], width, height)
    depth_plane = np.einsum("nc,ncp->pn", nearness[facing], planes)
    run, pixel, depth = _samples(spans, spans.y * width + spans.x, depth_plane)
    buffer = _nearest(pixel, depth, width * height)
    winner = np.full(width * height, -1, np.intp)
    nearest = np.flatnonzero(depth >= buffer.take(pixel))
    winner[pixel.take(nearest)] = nearest
    shown = np.flatnonzero(winner >= 0)
    seen = spans.triangle.take(run.take(winner.take(shown)))
    y, x = np.divmod(shown.astype(np.int32), np.int32(width))
    return Fragments(
        shown,
        x.astype(np.float32),
        y.astype(np.float32),
        facing.take(seen),
        buffer.take(shown),
        buffer.reshape(height, width),
        facing,
        planes,
        seen,
    )


def depth_buffers(
    points: Floats32, nearness: Floats32, layer: Indices, shape: tuple[int, int, int]
) -> Floats32:
    """What `rasterize` says of the nearest surface in each pixel, for several pictures at once.

    Args:
        points, nearness: as `rasterize` takes them, of all pictures.
        layer: (n,) the picture in which each triangle is.
        shape: how many pictures, their height, their width; that of the result, float32.
    """
    layers, height, width = shape
    facing = np.flatnonzero(facing_area(points) > _LEAST_AREA)
    planes = _weight_planes(points[facing])
    spans = _spans(points[facing], width, height)
    start = (layer[facing].take(spans.triangle) * height + spans.y) * width + spans.x
    _, pixel, depth = _samples(spans, start, np.einsum("nc,ncp->pn", nearness[facing], planes))
    return _nearest(pixel, depth, layers * height * width).reshape(shape)


def _nearest(pixel: Indices, depth: Floats32, pixels: int) -> Floats32:
    buffer = np.full(pixels, -np.inf, np.float32)
    np.maximum.at(buffer, pixel, depth)
    return buffer


def _samples(spans: _Spans, start: Indices, depth_plane: Floats32) -> tuple[Indices, Indices, Floats32]:
    """Every pixel of every span, (k,) each: its run, its index from each run's `start`, its nearness."""
    right, down, level = (coefficient.take(spans.triangle) for coefficient in depth_plane)
    depth_at_start = right * spans.x.astype(np.float32) + down * spans.y.astype(np.float32) + level
    run, within = _counted(spans.length)
    depth = depth_at_start.take(run) + right.take(run) * within.astype(np.float32)
    return run, within + start.take(run), depth


def facing_area(points: Floats32) -> Floats32:
    """Twice the area of triangles (n, 3, 2) in pixels, negative for those that are seen from behind."""
    right, down = points[:, 1] - points[:, 0], points[:, 2] - points[:, 0]
    # Counter-clockwise in space is clockwise here, where y goes down.
    return np.asarray(down[:, 0] * right[:, 1] - right[:, 0] * down[:, 1])


def coverages(points: Floats32, amounts: Floats32, layer: Indices, shape: tuple[int, int, int]) -> Floats32:
    """How much covers each pixel of several pictures: the sum of the `amounts` of the triangles over it.

    Args:
        points: (n, 3, 2) corners of the triangles of all pictures, in pixels, whichever way they turn.
        amounts: (n,) float32.
        layer: (n,) the picture in which each triangle is.
        shape: how many pictures, their height, their width; that of the result, float32.
    """
    starts, ends = points.reshape(-1, 2), np.roll(points, -1, axis=1).reshape(-1, 2)
    turned = np.sign(facing_area(points)) * amounts
    return _filled(starts, ends, np.repeat(turned, 3), np.repeat(layer, 3), shape)


@dataclass(frozen=True)
class Edges:
    """How the triangles of a mesh share their edges.

    Attributes:
        start, end: (e,) indices of an edge's corners among all corners, (n * 3,).
        of_side: (n * 3,) which edge each side of a triangle is; sides begin at the corner of the same index.
        direction: (n * 3,) float32, 1 where that side runs from the start to the end, else -1.
    """

    start: Indices
    end: Indices
    of_side: Indices
    direction: Floats32

    def coverage(self, points: Floats32, amounts: Floats32, width: int, height: int) -> Floats32:
        """As `coverages` for one picture of all triangles, (height, width), for a fraction of its time."""
        turned = np.repeat(np.sign(facing_area(points)) * amounts, 3)
        # What ends where its neighbour begins needs no edge.
        weights = np.bincount(self.of_side, self.direction * turned, len(self.start)).astype(np.float32)
        kept = np.flatnonzero(weights)
        corners = points.reshape(-1, 2)
        starts, ends = corners[self.start.take(kept)], corners[self.end.take(kept)]
        layer = np.zeros(len(kept), np.intp)
        return np.asarray(_filled(starts, ends, weights.take(kept), layer, (1, height, width))[0])


def edges_of(corners: Floats32) -> Edges:
    """The edges of triangles (n, 3, 3); corners are the same where they agree to a thousandth."""
    thousandths = np.rint(corners.reshape(-1, 3) * 1000).astype(np.int64) + (1 << 20)
    _, corner = np.unique(thousandths @ [1 << 42, 1 << 21, 1], return_inverse=True)
    following = np.roll(np.arange(len(corner)).reshape(-1, 3), -1, axis=1).reshape(-1)
    other = corner[following]
    forward = corner < other
    low, high = np.minimum(corner, other), np.maximum(corner, other)
    _, side, of_side = np.unique(low * len(corner) + high, return_index=True, return_inverse=True)
    direction = np.where(forward == forward[side][of_side], 1, -1).astype(np.float32)
    return Edges(side, following[side], of_side, direction)


def _filled(
    starts: Floats32, ends: Floats32, amounts: Floats32, layer: Indices, shape: tuple[int, int, int]
) -> Floats32:
    """Pictures of what lies within outlines made of edges, (e, 2) each.

    To the right of an edge there is more by its amount where it runs downwards, less where it runs upwards.
    """
    layers, height, width = shape
    down = starts[:, 1] < ends[:, 1]
    x, y = np.where(down, starts.T, ends.T)
    to_x, to_y = np.where(down, ends.T, starts.T)
    top, rows = _rows_between(y, to_y, height)
    edge, within = _counted(rows)
    at_top, slope = _line(x, y, to_x, to_y, top)
    crossing = at_top.take(edge) + slope.take(edge) * within.astype(np.float32)
    column = np.ceil(np.clip(crossing - 0.5, 0, width)).astype(np.intp)
    row = layer * height + top
    place = (row.take(edge) + within) * (width + 1) + column
    step = np.where(down, amounts, -amounts).take(edge)
    # By how much each pixel differs from its left neighbour, less what the row above does: OpenCV sums over
    # both directions in a quarter of the time in which NumPy sums over one.
    steps = np.zeros((layers * height + 1, width + 1), np.float32)
    np.add.at(steps.reshape(-1), place, step)
    np.add.at(steps.reshape(-1), place + (width + 1), -step)
    sums = cv2.integral(steps, sdepth=cv2.CV_32F)[1:-1, 1:-1]
    return np.asarray(sums, dtype=np.float32).reshape(layers, height, width)


def _weight_planes(points: Floats32) -> Floats32:
    """Each corner's weight as `a * x + b * y + c` of pixel indices, (n, 3 corners, 3 coefficients)."""
    planes = np.empty((len(points), 3, 3), np.float32)
    for corner in range(3):
        here, following, last = (points[:, (corner + turn) % 3] for turn in range(3))
        a = following[:, 1] - last[:, 1]
        b = last[:, 0] - following[:, 0]
        # The weight is nothing on the opposite edge and 1 at its own corner.
        scale = 1 / (a * (here[:, 0] - last[:, 0]) + b * (here[:, 1] - last[:, 1]))
        planes[:, corner, 0] = a * scale
        planes[:, corner, 1] = b * scale
        planes[:, corner, 2] = (a * (0.5 - last[:, 0]) + b * (0.5 - last[:, 1])) * scale
    return planes


def _spans(points: Floats32, width: int, height: int) -> _Spans:
    """Which pixels have their centre in each triangle, row by row."""
    order = np.argsort(points[..., 1], axis=1) + 3 * np.arange(len(points))[:, None]
    (x0, x1, x2), (y0, y1, y2) = points.reshape(-1, 2).take(order.T, axis=0).transpose(2, 0, 1)
    top, rows = _rows_between(y0, y2, height)
    triangle, within = _counted(rows)
    # One side is an edge from the upmost corner to the lowest, the other goes by the corner between them.
    below = np.clip(np.ceil(y1 - 0.5), 0, height).astype(np.intp) - top
    part = triangle + len(points) * (within >= below.take(triangle))
    along = within.astype(np.float32)
    at_top, slope = _line(x0, y0, x2, y2, top)
    one_side = at_top.take(triangle) + slope.take(triangle) * along
    bent = zip(_line(x0, y0, x1, y1, top), _line(x1, y1, x2, y2, top), strict=True)
    at_top, slope = (np.concatenate(both) for both in bent)
    other_side = at_top.take(part) + slope.take(part) * along
    left, right = np.minimum(one_side, other_side), np.maximum(one_side, other_side)
    start = np.ceil(np.clip(left - (0.5 + _SEAM_PX), 0, width)).astype(np.intp)
    length = np.ceil(np.clip(right - (0.5 - _SEAM_PX), 0, width)).astype(np.intp) - start
    kept = np.flatnonzero(length > 0)
    seen = triangle.take(kept)
    return _Spans(seen, top.take(seen) + within.take(kept), start.take(kept), length.take(kept))


def _rows_between(y: Floats32, to_y: Floats32, height: int) -> tuple[Indices, Indices]:
    """The first row whose middle lies between two heights, and how many there are, (n,) each."""
    top, end = (np.clip(np.ceil(at - 0.5), 0, height).astype(np.intp) for at in (y, to_y))
    return top, end - top


def _counted(counts: Indices) -> tuple[Indices, Indices]:
    """For each of the things that `counts` counts, to what it belongs and its place within that."""
    owner = np.repeat(np.arange(len(counts)), counts)
    return owner, np.arange(len(owner)) - (np.cumsum(counts) - counts).take(owner)


def _line(
    x: Floats32, y: Floats32, to_x: Floats32, to_y: Floats32, row: Indices
) -> tuple[Floats32, Floats32]:
    """Where lines from (x, y) down to (to_x, to_y) cross the middle of a row, and how much they lean."""
    slope = (to_x - x) / np.maximum(to_y - y, _LEAST_FALL)
    return x + (row.astype(np.float32) + 0.5 - y) * slope, slope
