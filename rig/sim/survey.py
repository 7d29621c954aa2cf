"""How the parts of an LDraw library fare in the simulator: whether each loads and renders, and how fast."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from rig.camera.frame import Image
from rig.catalog import PartNumber
from rig.errors import BadInput
from rig.sim.geometry import Mesh
from rig.sim.ldraw.library import LDrawLibrary
from rig.sim.part_library import EMBEDDED, PartLibrary
from rig.sim.parts import PARTS
from rig.sim.portrait import STUDS_DOWN, STUDS_UP, portrait, pose_nearest, reach_mm

T = TypeVar("T")


@dataclass(frozen=True)
class Measures:
    """What can be measured of a surface.

    Attributes:
        size_mm: its extents along x, y and z, studs up.
        area_mm2: of all its triangles.
        triangles: how many there are.
    """

    size_mm: tuple[float, float, float]
    area_mm2: float
    triangles: int


@dataclass(frozen=True)
class Figures:
    """What was measured of a part that loads and renders.

    Attributes:
        title: what the library calls it.
        textured: whether a texture of it was left out.
        poses: on how many sides it rests.
        load_s: to read it and put it together; files that parts share are read once.
        poses_s: to find its sides.
        bake_s: to prepare one side.
        render_s: a picture of 640x480 then.
    """

    part: PartNumber
    title: str
    textured: bool
    measures: Measures
    poses: int
    load_s: float
    poses_s: float
    bake_s: float
    render_s: float


@dataclass(frozen=True)
class Rendered:
    """A part that loads and renders, and a picture of it, as upright as it rests."""

    figures: Figures
    picture: Image


@dataclass(frozen=True)
class Renamed:
    """An old number, under which a part loads that is among the others under its new one."""

    part: PartNumber
    moved_to: str


@dataclass(frozen=True)
class Failed:
    """A part that cannot be used, and why."""

    part: PartNumber
    why: str


Fared = Rendered | Renamed | Failed


def survey(library: LDrawLibrary, parts: Iterable[PartNumber]) -> Iterator[Fared]:
    """Load and render parts, one by one."""
    for part in parts:
        try:
            yield _fare(library, part)
        except BadInput as error:
            yield Failed(part, error.what)


def _fare(library: LDrawLibrary, part: PartNumber) -> Rendered | Renamed:
    found, load_s = _timed(lambda: library.part(part))
    if found.moved_to is not None:
        return Renamed(part, found.moved_to)
    alone = PartLibrary({part: lambda: found.mesh}, library.plastics, where="")
    poses, poses_s = _timed(lambda: alone.poses(part))
    pose = pose_nearest(alone, part, STUDS_UP)
    _, bake_s = _timed(lambda: alone.baked(part, pose))
    seen_mm = reach_mm(alone, part, pose)
    picture, render_s = _timed(lambda: portrait(alone, part, pose, seen_mm))
    measures = measures_of(found.mesh)
    figures = Figures(
        part, found.title, found.textured, measures, len(poses), load_s, poses_s, bake_s, render_s
    )
    return Rendered(figures, picture)


def measures_of(mesh: Mesh) -> Measures:
    """The measures of a surface."""
    x, y, z = np.ptp(mesh.corners, axis=(0, 1))
    a, b, c = mesh.corners[:, 0], mesh.corners[:, 1], mesh.corners[:, 2]
    area_mm2 = np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2
    return Measures((float(x), float(y), float(z)), float(area_mm2), len(mesh.corners))


@dataclass(frozen=True)
class Twins:
    """One part as the simulator builds it and as an LDraw library has it.

    Attributes:
        pictures: of the built one and of the other, upright, then of both upside down as far as they rest so;
            under the same light, by the same camera.
    """

    part: PartNumber
    built: Measures
    ldraw: Measures
    pictures: tuple[Image, ...]


def twin_parts(library: LDrawLibrary) -> list[PartNumber]:
    """Those of the ten embedded parts that an LDraw library has, too."""
    return sorted(part for part in PARTS if part in library)


def compare(library: LDrawLibrary, part: PartNumber) -> Twins:
    """Compare an embedded part with that of an LDraw library.

    Raises:
        BadInput: it cannot be loaded.
    """
    mesh = library.mesh(part)
    other = PartLibrary({part: lambda: mesh}, library.plastics, where="")
    pictures = []
    for direction in (STUDS_UP, STUDS_DOWN):
        pose = pose_nearest(EMBEDDED, part, direction)
        same = pose_nearest(other, part, EMBEDDED.poses(part)[pose].down)
        seen_mm = reach_mm(EMBEDDED, part, pose)
        pictures += [portrait(EMBEDDED, part, pose, seen_mm), portrait(other, part, same, seen_mm)]
    return Twins(part, measures_of(EMBEDDED.mesh(part)), measures_of(mesh), tuple(pictures))


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    """What `work` returns, and how many seconds of the processor it took."""
    started_s = time.process_time()
    result = work()
    return result, time.process_time() - started_s
