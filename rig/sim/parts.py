"""The ten parts that the simulator knows, built from their dimensions.

All parts stand on z = 0, studs up, in the middle of their footprint; a slope falls towards negative y.
Surfaces that lie inside the plastic, such as the foot of a stud, are left out.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import pairwise
from types import MappingProxyType

import numpy as np

from rig.catalog import PartNumber
from rig.sim.geometry import (
    Floats,
    Mesh,
    arch,
    circle,
    cross,
    cylinder,
    facing_x,
    facing_y,
    fan,
    lay,
    level,
    level_facing_down,
    merge,
    rectangle,
    ring,
    sweep,
)

# The dimensions of the system, in mm, as measured on bricks; LDraw rounds them to 0.4 mm.
PITCH = 8.0
HEIGHT = 9.6
CLEARANCE = 0.1
STUD_RADIUS = 2.4
STUD_HEIGHT = 1.7
WALL = 1.5
ROOF = 1.0
# A tube touches four studs, a pin two.
TUBE_RADIUS = PITCH / np.sqrt(2) - STUD_RADIUS
PIN_RADIUS = PITCH / 2 - STUD_RADIUS
# Technic: the axis of the holes, the pin hole and its counterbore, the sleeve that carries it inside.
HOLE_AXIS = 5.6
HOLE_RADIUS = 2.4
COUNTERBORE_RADIUS = 3.1
COUNTERBORE_DEPTH = 0.8
SLEEVE_RADIUS = 3.2
HOLLOW_STUD_RADIUS = 1.6
AXLE_REACH = 2.4
AXLE_WIDTH = 1.9
# The inverted slope: how thick it is measured upright, and the walls of its pocket.
SLOPE_WALL = 1.6
POCKET_WALL = 0.8

_INSIDE = HEIGHT - ROOF
# How far a pillar reaches into the plastic that it ends in, where the two meet at an angle.
_OVERLAP = 0.4


def _brick(columns: int, rows: int) -> Mesh:
    """A plain brick: a box open below, tubes under four studs each, or pins in a single row."""
    x, y = _half(columns), _half(rows)
    outer = rectangle(-x, -y, x, y)
    return merge(
        sweep(outer, level(0), HEIGHT),
        lay(fan(outer), level(HEIGHT)),
        _opening(outer, rectangle(-x + WALL, -y + WALL, x - WALL, y - WALL), _INSIDE),
        *_studs(_centres(columns), _centres(rows)),
        *(_pillar(pillar_x, rows) for pillar_x in _between(_centres(columns))),
    )


def _slope() -> Mesh:
    """3039: a 2x2 brick whose front half falls off at 45 degrees to a lip."""
    x, y = _half(2), _half(2)
    profile = np.array([(y, 0), (y, HEIGHT), (0, HEIGHT), (-y, HEIGHT - y), (-y, 0)])
    in_x, in_y = x - WALL, y - WALL
    under_slope = HEIGHT - WALL * np.sqrt(2)  # height of the slope's inner side above y = 0
    inner_profile = np.array(
        [
            (in_y, 0),
            (in_y, _INSIDE),
            (_INSIDE - under_slope, _INSIDE),
            (-in_y, under_slope - in_y),
            (-in_y, 0),
        ]
    )
    tube = [
        sweep(wall, level(0), np.minimum(_INSIDE, under_slope + wall[:, 1]) + _OVERLAP, smooth=True)
        for wall in (circle((0, 0), TUBE_RADIUS), circle((0, 0), STUD_RADIUS))
    ]
    return merge(
        _profiled(profile, x),
        _profiled(inner_profile, in_x).inside_out(),
        _rim(rectangle(-x, -y, x, y), rectangle(-in_x, -in_y, in_x, in_y)),
        *_studs(_centres(2), [PITCH / 2]),
        tube[0],
        tube[1].inside_out(),
        _tube_end((0, 0)),
    )


def _inverted_slope() -> Mesh:
    """3660: a 2x2 brick, cut away below its front half at 45 degrees, a pocket around its front studs."""
    x, y = _half(2), _half(2)
    profile = np.array([(0, 0), (y, 0), (y, HEIGHT), (-y, HEIGHT), (-y, y)])
    # The pocket's floor runs parallel to the slope, down from the depth of the underside's cavity.
    depth = HEIGHT - SLOPE_WALL
    pocket_x, pocket_front = x - POCKET_WALL, -depth + SLOPE_WALL
    pocket = rectangle(-pocket_x, pocket_front, pocket_x, 0)
    pocket_profile = np.array([(pocket_front, HEIGHT), (pocket_front, depth), (0, SLOPE_WALL), (0, HEIGHT)])
    front_y = -PITCH / 2
    return merge(
        sweep([(y, 0), (y, HEIGHT)], facing_x(-x), 2 * x, closed=False),
        sweep([(-y, HEIGHT), (-y, y), (0, 0)], facing_x(-x), 2 * x, closed=False),
        lay(fan(profile), facing_x(x)),
        lay(fan(profile), facing_x(-x)).inside_out(),
        lay(ring(rectangle(-x, -y, x, y), pocket, (0, pocket_front / 2)), level(HEIGHT)),
        _profiled(pocket_profile, pocket_x).inside_out(),
        _opening(rectangle(-x, 0, x, y), rectangle(-x + WALL, WALL, x - WALL, y - WALL), depth),
        _pin((0, PITCH / 2), depth),
        *_studs(_centres(2), [PITCH / 2]),
        *(_pocket_stud((stud_x, front_y)) for stud_x in _centres(2)),
    )


def _pocket_stud(centre: tuple[float, float]) -> Mesh:
    """A hollow stud that stands on the rising floor of the inverted slope's pocket."""
    top = HEIGHT + STUD_HEIGHT
    wall = circle((centre[0], -centre[1]), STUD_RADIUS)
    floor = SLOPE_WALL + wall[:, 1]
    bottom = HEIGHT - SLOPE_WALL
    return merge(
        sweep(wall, level_facing_down(top), top - floor, smooth=True), _hollow_top(centre, bottom, top)
    )


def _technic(columns: int, holes: list[float], outline: Callable[[float], Floats], *, bored: bool) -> Mesh:
    """A brick one stud wide with holes from front to back, each in a sleeve that hangs from the roof.

    Args:
        columns: studs in its length.
        holes: x of each hole's axis.
        outline: the outline of a hole, from its x, in the upright plane.
        bored: whether the holes have a counterbore on both sides.
    """
    x, y = _half(columns), _half(1)
    in_x, in_y = x - WALL, y - WALL
    outer, inner = rectangle(-x, -y, x, y), rectangle(-in_x, -in_y, in_x, in_y)
    mouth = partial(_round_hole, COUNTERBORE_RADIUS) if bored else outline
    depth = COUNTERBORE_DEPTH if bored else 0.0
    faces = [
        _pierced(rectangle(-x, 0, x, HEIGHT), holes, mouth),
        _pierced(rectangle(-in_x, 0, in_x, _INSIDE), holes, _sleeve),
    ]
    return merge(
        lay(faces[0], facing_y(-y)),
        lay(faces[0], facing_y(y)).inside_out(),
        lay(fan(rectangle(-y, 0, y, HEIGHT)), facing_x(x)),
        lay(fan(rectangle(-y, 0, y, HEIGHT)), facing_x(-x)).inside_out(),
        lay(fan(outer), level(HEIGHT)),
        _rim(outer, inner),
        lay(faces[1], facing_y(-in_y)).inside_out(),
        lay(faces[1], facing_y(in_y)),
        lay(fan(rectangle(-in_y, 0, in_y, _INSIDE)), facing_x(in_x)).inside_out(),
        lay(fan(rectangle(-in_y, 0, in_y, _INSIDE)), facing_x(-in_x)),
        lay(fan(inner), level(_INSIDE)).inside_out(),
        *(sweep(_sleeve(hole), facing_y(in_y), 2 * in_y, closed=False) for hole in holes),
        *(
            sweep(outline(hole), facing_y(y - depth), 2 * (y - depth), smooth=bored).inside_out()
            for hole in holes
        ),
        *(_counterbores(hole, y) for hole in holes if bored),
        *(_pin((hole, 0), HOLE_AXIS - SLEEVE_RADIUS + _OVERLAP) for hole in holes),
        *_studs(_centres(columns), [0.0], hollow=True),
    )


def _counterbores(hole: float, y: float) -> Mesh:
    """The wide mouths of a pin hole on both sides of a wall that goes from -y to y."""
    mouth, bore = _round_hole(COUNTERBORE_RADIUS, hole), _round_hole(HOLE_RADIUS, hole)
    step = ring(mouth, bore, (hole, HOLE_AXIS))
    return merge(
        sweep(mouth, facing_y(-y + COUNTERBORE_DEPTH), COUNTERBORE_DEPTH, smooth=True).inside_out(),
        sweep(mouth, facing_y(y), COUNTERBORE_DEPTH, smooth=True).inside_out(),
        lay(step, facing_y(-y + COUNTERBORE_DEPTH)),
        lay(step, facing_y(y - COUNTERBORE_DEPTH)).inside_out(),
    )


def _round_hole(radius: float, hole: float) -> Floats:
    return circle((hole, HOLE_AXIS), radius)


def _axle_hole(hole: float) -> Floats:
    return cross((hole, HOLE_AXIS), AXLE_REACH, AXLE_WIDTH)


def _sleeve(hole: float) -> Floats:
    return arch((hole, HOLE_AXIS), SLEEVE_RADIUS, _INSIDE)


def _pierced(wall: Floats, holes: list[float], outline: Callable[[float], Floats]) -> Floats:
    """A rectangular wall with holes, as a sheet."""
    (x0, z0), (x1, z1) = wall[0], wall[2]
    limits = [x0, *_between(holes), x1]
    return np.concatenate(
        [
            ring(rectangle(left, z0, right, z1), outline(hole), (hole, HOLE_AXIS))
            for hole, (left, right) in zip(holes, pairwise(limits), strict=True)
        ]
    )


def _profiled(profile: Floats, x: float) -> Mesh:
    """A solid of constant profile (y, z) from -x to x, without the wall between the profile's ends."""
    return merge(
        sweep(profile, facing_x(-x), 2 * x, closed=False),
        lay(fan(profile), facing_x(x)),
        lay(fan(profile), facing_x(-x)).inside_out(),
    )


def _opening(outer: Floats, inner: Floats, depth: float) -> Mesh:
    """The underside of a brick: its rim and the cavity of a given depth."""
    return merge(
        _rim(outer, inner),
        sweep(inner, level(0), depth).inside_out(),
        lay(fan(inner), level(depth)).inside_out(),
    )


def _rim(outer: Floats, inner: Floats) -> Mesh:
    middle = inner.mean(axis=0)
    return lay(ring(outer, inner, (float(middle[0]), float(middle[1]))), level(0)).inside_out()


def _studs(xs: Iterable[float], ys: Iterable[float], *, hollow: bool = False) -> list[Mesh]:
    top = HEIGHT + STUD_HEIGHT
    centres = [(x, y) for x in xs for y in ys]
    walls = [cylinder(centre, STUD_RADIUS, HEIGHT, top) for centre in centres]
    if hollow:
        return walls + [_hollow_top(centre, HEIGHT, top) for centre in centres]
    return walls + [lay(fan(circle(centre, STUD_RADIUS)), level(top)) for centre in centres]


def _hollow_top(centre: tuple[float, float], bottom: float, top: float) -> Mesh:
    bore = circle(centre, HOLLOW_STUD_RADIUS)
    return merge(
        lay(ring(circle(centre, STUD_RADIUS), bore, centre), level(top)),
        cylinder(centre, HOLLOW_STUD_RADIUS, bottom, top).inside_out(),
        lay(fan(bore), level(bottom)),
    )


def _pillar(x: float, rows: int) -> Mesh:
    if rows == 1:
        return _pin((x, 0), _INSIDE)
    return merge(
        cylinder((x, 0), TUBE_RADIUS, 0, _INSIDE),
        cylinder((x, 0), STUD_RADIUS, 0, _INSIDE).inside_out(),
        _tube_end((x, 0)),
    )


def _tube_end(centre: tuple[float, float]) -> Mesh:
    return _rim(circle(centre, TUBE_RADIUS), circle(centre, STUD_RADIUS))


def _pin(centre: tuple[float, float], height: float) -> Mesh:
    return merge(
        cylinder(centre, PIN_RADIUS, 0, height),
        lay(fan(circle(centre, PIN_RADIUS)), level(0)).inside_out(),
    )


def _half(studs: int) -> float:
    return studs * PITCH / 2 - CLEARANCE


def _centres(studs: int) -> list[float]:
    return [(place + 0.5 - studs / 2) * PITCH for place in range(studs)]


def _between(places: list[float]) -> list[float]:
    return [(a + b) / 2 for a, b in pairwise(places)]


PARTS: Mapping[PartNumber, Callable[[], Mesh]] = MappingProxyType(
    {
        PartNumber("2456"): partial(_brick, 6, 2),
        PartNumber("3001"): partial(_brick, 4, 2),
        PartNumber("3002"): partial(_brick, 3, 2),
        PartNumber("3003"): partial(_brick, 2, 2),
        PartNumber("3004"): partial(_brick, 2, 1),
        PartNumber("3010"): partial(_brick, 4, 1),
        PartNumber("3039"): _slope,
        PartNumber("32064"): partial(_technic, 2, [0.0], _axle_hole, bored=False),
        PartNumber("3660"): _inverted_slope,
        PartNumber("3701"): partial(
            _technic, 4, [-PITCH, 0.0, PITCH], partial(_round_hole, HOLE_RADIUS), bored=True
        ),
    }
)
"""How each part is built."""
