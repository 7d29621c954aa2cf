"""Triangles to pixels with a depth buffer, vectorised over all pixels of all triangles at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats32 = NDArray[np.float32]

# Neighbouring triangles overlap by this share of their size, so that no pixel between them stays empty.
_SEAM = np.float32(1e-3)
# Triangles seen edge-on cover nothing; this is twice their area in pixels.
_LEAST_AREA = 1e-4


@dataclass(frozen=True)
class Fragments:
    """The nearest surface in each pixel that some triangle covers.

    Attributes:
        x, y: (k,) pixel coordinates.
        triangle: (k,) index of the triangle seen there.
        weights: (k, 3) float32, how much each of its corners counts; linear on the screen.
        depth_buffer: (height, width) float32 nearness of the nearest surface, -inf where there is none.
    """

    x: NDArray[np.int32]
    y: NDArray[np.int32]
    triangle: NDArray[np.int32]
    weights: Floats32
    depth_buffer: Floats32


@dataclass(frozen=True)
class _Spans:
    """Runs of pixels, one for each row of each triangle, (r,) each: triangle, row, first pixel, length."""

    triangle: NDArray[np.int32]
    y: NDArray[np.int32]
    x: NDArray[np.int32]
    length: NDArray[np.int32]


def rasterize(points: Floats32, nearness: Floats32, width: int, height: int) -> Fragments:
    """Find the nearest front-facing triangle in every pixel.

    Args:
        points: (n, 3, 2) corners in pixels, x to the right and y down, pixel centres at halves.
        nearness: (n, 3) at the corners, linear on the screen, larger is nearer: 1/z, or minus a depth.
        width, height: of the picture in pixels.
    """
    facing = np.flatnonzero(facing_area(points) > _LEAST_AREA).astype(np.int32)
    planes = _weight_planes(points[facing])
    spans = _spans(points[facing], planes, width, height)
    run, x, pixel, depth = _samples(spans, np.einsum("nc,ncp->np", nearness[facing], planes), width)
    buffer = np.full(width * height, -np.inf, np.float32)
    np.maximum.at(buffer, pixel, depth)
    winner = np.full(width * height, -1, np.int32)
    nearest = np.flatnonzero(depth >= buffer[pixel])
    winner[pixel[nearest]] = nearest
    seen = winner[winner >= 0]
    seen_x, seen_run = x[seen], run[seen]
    seen_y, local = spans.y[seen_run], spans.triangle[seen_run]
    place = np.column_stack([seen_x, seen_y, np.ones_like(seen_x)]).astype(np.float32)
    weights = np.einsum("kp,kcp->kc", place, planes[local])
    return Fragments(seen_x, seen_y, facing[local], weights, buffer.reshape(height, width))


def depth_buffer(points: Floats32, nearness: Floats32, width: int, height: int) -> Floats32:
    """What `rasterize` says of the nearest surface in each pixel, (height, width), for half of its time."""
    facing = np.flatnonzero(facing_area(points) > _LEAST_AREA)
    planes = _weight_planes(points[facing])
    spans = _spans(points[facing], planes, width, height)
    _, _, pixel, depth = _samples(spans, np.einsum("nc,ncp->np", nearness[facing], planes), width)
    buffer = np.full(width * height, -np.inf, np.float32)
    np.maximum.at(buffer, pixel, depth)
    return buffer.reshape(height, width)


def _samples(
    spans: _Spans, depth_plane: Floats32, width: int
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.intp], Floats32]:
    """Every pixel of every span, (k,) each: its run, x, index in the picture, and nearness."""
    run = np.repeat(np.arange(len(spans.length), dtype=np.int32), spans.length)
    first = (np.cumsum(spans.length) - spans.length).astype(np.int32)
    x = np.arange(len(run), dtype=np.int32) + (spans.x - first)[run]
    row_start = depth_plane[spans.triangle, 1] * spans.y.astype(np.float32) + depth_plane[spans.triangle, 2]
    depth = row_start[run] + depth_plane[spans.triangle, 0][run] * x.astype(np.float32)
    # As intp: for other indices `maximum.at` is ten times slower.
    return run, x, (x + (spans.y * width)[run]).astype(np.intp), depth


def facing_area(points: Floats32) -> Floats32:
    """Twice the area of triangles (n, 3, 2) in pixels, negative for those that are seen from behind."""
    right, down = points[:, 1] - points[:, 0], points[:, 2] - points[:, 0]
    # Counter-clockwise in space is clockwise here, where y goes down.
    return np.asarray(down[:, 0] * right[:, 1] - right[:, 0] * down[:, 1])


def coverage(points: Floats32, amounts: Floats32, width: int, height: int) -> Floats32:
    """How much covers each pixel: the sum of the `amounts` (n,) of the triangles (n, 3, 2) over it.

    Triangles count whichever way they turn. Returns (height, width) float32.
    """
    wide = np.abs(facing_area(points)) > _LEAST_AREA
    points, amounts = points[wide], amounts[wide]
    spans = _spans(points, _weight_planes(points), width, height)
    start = spans.y * (width + 1) + spans.x
    size = height * (width + 1)
    # Up by the amount where a run of pixels starts, down where it ends: the running sum is the coverage.
    steps = np.bincount(start, amounts[spans.triangle], size)
    steps -= np.bincount(start + spans.length, amounts[spans.triangle], size)
    sums = np.cumsum(steps, dtype=np.float32).reshape(height, width + 1)
    return np.asarray(sums[:, :-1])


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


def _spans(points: Floats32, planes: Floats32, width: int, height: int) -> _Spans:
    """Which pixels have their centre in each triangle: where all three weights are positive, row by row."""
    y0, y1, y2 = points[:, 0, 1], points[:, 1, 1], points[:, 2, 1]
    highest, lowest = np.minimum(np.minimum(y0, y1), y2), np.maximum(np.maximum(y0, y1), y2)
    top = np.clip(np.ceil(highest - 0.5), 0, height).astype(np.int32)
    rows = np.clip(np.floor(lowest + 0.5), 0, height).astype(np.int32) - top
    rows = np.maximum(rows, 0)
    triangle = np.repeat(np.arange(len(rows), dtype=np.int32), rows)
    first = (np.cumsum(rows) - rows).astype(np.int32)
    y = np.arange(len(triangle), dtype=np.int32) + (top - first)[triangle]

    row = y.astype(np.float32)
    left = np.zeros(len(row), np.float32)
    right = np.full(len(row), width, np.float32)
    for plane in planes.transpose(1, 2, 0):
        # A level edge has no crossing; this one lies so far out that it limits no row or all of it.
        slope = np.where(np.abs(plane[0]) < 1e-9, np.float32(1e-9), plane[0])
        # A weight is -_SEAM at x = crossing + y * lean; it grows to the right where the slope is positive.
        crossing, lean = (-_SEAM - plane[2]) / slope, -plane[1] / slope
        limit = crossing[triangle] + lean[triangle] * row
        rising = (slope > 0)[triangle]
        np.maximum(left, limit, out=left, where=rising)
        np.minimum(right, limit, out=right, where=~rising)
    start = np.clip(np.ceil(left), 0, width).astype(np.int32)
    length = np.clip(np.floor(right) + 1, 0, width).astype(np.int32) - start
    kept = np.flatnonzero(length > 0)
    return _Spans(triangle[kept], y[kept], start[kept], length[kept])
