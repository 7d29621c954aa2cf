"""An LDraw library on disk: its files by name, and its parts put together of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rig.catalog import ColourCode, PartNumber
from rig.errors import BadInput
from rig.sim.geometry import Floats, Mesh, merge
from rig.sim.ldraw.drawing import Drawing, Faces, Placed, file_key, read_drawing
from rig.sim.ldraw.smoothing import smooth_normals
from rig.sim.plastics import EDGE_COLOUR, OWN_COLOUR, PLASTICS, Plastics, read_ldconfig

# ldraw.org: an LDraw unit is 1/20 of the stud pitch of 8 mm.
LDRAW_UNIT_MM = 0.4
# Names are looked for in this order.
_FOLDERS = ("parts", "p")
_SUFFIX = ".dat"
# Sub-files that are kept: enough for those that all parts share.
_KEPT_FILES = 1024
# Twice the area, in square LDraw units, below which a triangle is none.
_LEAST_AREA = 1e-6
# What is shorter or longer is a slip of the pen; sides to rest on cannot be found of it.
_LENGTHS_MM = (0.2, 2000.0)


@dataclass(frozen=True)
class LDrawPart:
    """A part as an LDraw library has it.

    Attributes:
        title: what the library calls it.
        mesh: its surface in mm, studs up, on z = 0 and in the middle of its footprint.
        moved_to: the number under which it is to be found by now, where that is another one.
        textured: whether a texture (TEXMAP) of it was left out.
    """

    title: str
    mesh: Mesh
    moved_to: str | None
    textured: bool


class LDrawLibrary:
    """The parts of a folder that has `parts`, `p` and `LDConfig.ldr`, as the library of ldraw.org does.

    Names are found whatever their case. Without an `LDConfig.ldr`, there are the simulator's own plastics.

    Attributes:
        folder: as it was named.
        plastics: what the parts come in.
        has_plastics: whether the folder says so itself.

    Raises:
        BadInput: the folder is none, has no parts, or an `LDConfig.ldr` that is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._paths = _files_of(folder)
        config = next((path for path in folder.iterdir() if path.name.lower() == "ldconfig.ldr"), None)
        self.has_plastics = config is not None
        self.plastics: Plastics = PLASTICS if config is None else read_ldconfig(config)
        self._drawing = lru_cache(_KEPT_FILES)(self._read)
        self._faces = lru_cache(_KEPT_FILES)(self._put_together)

    def part_numbers(self) -> list[PartNumber]:
        """All parts, renamed ones also under their old numbers; in lower case, sorted."""
        names = (key.removesuffix(_SUFFIX) for key in self._paths if "/" not in key)
        parts = _folder_in(self.folder, _FOLDERS[0])
        return sorted(PartNumber(name) for name in names if self._paths[name + _SUFFIX].parent == parts)

    def __contains__(self, part: PartNumber) -> bool:
        return _key_of(part) in self._paths

    def moved_to(self, part: PartNumber) -> str | None:
        """The number under which a part is to be found by now; None where that is still its own.

        Raises:
            BadInput: the library has no such part, or its file is damaged.
        """
        return self._drawing(_key_of(part)).moved_to

    def part(self, part: PartNumber) -> LDrawPart:
        """Put a part together.

        Raises:
            BadInput: the library lacks the part or a file that it is made of, one of them is damaged, they
                go round in a circle, nothing is drawn in them, or it is of a size that no part has.
        """
        key = _key_of(part)
        first = self._drawing(key)
        drawings = [self._drawing(name) for name in self._files_below(key)]
        faces = _without_slivers(self._faces(key))
        if not len(faces.corners):
            raise BadInput(f"{part} of {self.folder} has no faces", hint="take another part")
        length_mm = np.ptp(faces.corners, axis=(0, 1)).max() * LDRAW_UNIT_MM
        least_mm, most_mm = _LENGTHS_MM
        if not least_mm <= length_mm <= most_mm:
            raise BadInput(
                f"{part} of {self.folder} is {length_mm:.3g} mm long",
                hint=f"parts are {least_mm:g} to {most_mm:g} mm long: mend its file, or take another part",
            )
        moved_to = first.moved_to
        title = first.title
        if moved_to is not None and first.placed:
            title = self._drawing(first.placed[0].name).title
        textured = any(drawing.textured for drawing in drawings)
        return LDrawPart(title, _mesh_of(faces), moved_to, textured)

    def mesh(self, part: PartNumber) -> Mesh:
        """The surface of a part; raises as `part`."""
        return self.part(part).mesh

    def _read(self, key: str) -> Drawing:
        path = self._paths.get(key)
        if path is None:
            raise BadInput(f"{self.folder} has no file {key}", hint="see what it has: rig sim parts --ldraw")
        try:
            return read_drawing(path.read_text(encoding="utf-8", errors="replace"), str(path))
        except OSError as error:
            raise BadInput(f"{path} cannot be read: {error.strerror}", hint="check the file") from error

    def _files_below(self, key: str) -> list[str]:
        """A file and all that it places, each once.

        Raises:
            BadInput: one is missing or damaged, or they go round in a circle.
        """
        done: dict[str, None] = {}
        trail: list[tuple[str, Iterator[Placed]]] = [(key, iter(self._drawing(key).placed))]
        while trail:
            name, waiting = trail[-1]
            placed = next(waiting, None)
            if placed is None:
                done[name] = None
                trail.pop()
            elif placed.name in (names := [name for name, _ in trail]):
                circle = " -> ".join([*names[names.index(placed.name) :], placed.name])
                raise BadInput(f"files of {self.folder} go round in a circle: {circle}", hint="mend one")
            elif placed.name not in done:
                if placed.name not in self._paths:
                    raise BadInput(
                        f"{self._paths[name]} needs {placed.name}, which {self.folder} does not have",
                        hint="get the whole library from ldraw.org",
                    )
                trail.append((placed.name, iter(self._drawing(placed.name).placed)))
        return list(done)

    def _put_together(self, key: str) -> Faces:
        """All faces of a file, in its own frame; its files were seen to be there and go in no circle."""
        drawing = self._drawing(key)
        pieces = [drawing.faces, *(self._in_place(placed) for placed in drawing.placed)]
        return Faces(
            np.concatenate([piece.corners for piece in pieces]),
            np.concatenate([piece.colours for piece in pieces]),
            np.concatenate([piece.two_sided for piece in pieces]),
            np.concatenate([piece.creases for piece in pieces]),
            np.concatenate([piece.bends for piece in pieces]),
        )

    def _in_place(self, placed: Placed) -> Faces:
        faces = self._faces(placed.name)

        def move(points: Floats) -> Floats:
            flat = points.reshape(-1, 3) @ placed.linear.T + placed.offset
            return flat.reshape(points.shape)

        corners = move(faces.corners)
        mirrored = bool(np.linalg.det(placed.linear) < 0)
        return Faces(
            corners[:, ::-1] if mirrored != placed.inside_out else corners,
            self._coloured(faces.colours, placed.colour),
            faces.two_sided | (not placed.one_sided),
            move(faces.creases),
            move(faces.bends),
        )

    def _coloured(self, colours: NDArray[np.int64], colour: ColourCode) -> NDArray[np.int64]:
        """The colours of a file that is placed in a colour."""
        if colour == OWN_COLOUR:
            return colours
        edges = colours == EDGE_COLOUR
        painted = np.where(colours == OWN_COLOUR, colour, colours)
        if colour != EDGE_COLOUR and edges.any():
            painted[edges] = self.plastics.edge_of(colour)
        return painted


def _without_slivers(faces: Faces) -> Faces:
    """The triangles that have an area."""
    a, b, c = faces.corners[:, 0], faces.corners[:, 1], faces.corners[:, 2]
    real = np.linalg.norm(np.cross(b - a, c - a), axis=1) > _LEAST_AREA
    corners, colours, two_sided = faces.corners[real], faces.colours[real], faces.two_sided[real]
    return Faces(corners, colours, two_sided, faces.creases, faces.bends)


def _mesh_of(faces: Faces) -> Mesh:
    """Faces in LDraw's frame as a mesh in ours; those that may be seen from both sides are there twice."""
    mesh = Mesh(faces.corners, smooth_normals(faces), faces.colours)
    both = merge(mesh, mesh.part_of(faces.two_sided).inside_out())
    # LDraw's y points down, its z to the back.
    standing = both.turned(np.array([(1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, -1.0, 0.0)]))
    corners = standing.corners * LDRAW_UNIT_MM
    low, high = corners.min(axis=(0, 1)), corners.max(axis=(0, 1))
    middle = np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]])
    return Mesh(corners - middle, standing.normals, standing.colours)


def _key_of(part: PartNumber) -> str:
    return file_key(part + _SUFFIX)


def _files_of(folder: Path) -> dict[str, Path]:
    """Where each file is, by its key."""
    if not folder.is_dir() or _folder_in(folder, _FOLDERS[0]) is None:
        raise BadInput(
            f"{folder} is no LDraw library", hint="name the folder that has the folders parts and p in it"
        )
    paths: dict[str, Path] = {}
    for name in _FOLDERS:
        root = _folder_in(folder, name)
        if root is not None:
            for path in sorted(root.rglob("*")):
                if path.suffix.lower() == _SUFFIX:
                    paths.setdefault(file_key(path.relative_to(root).as_posix()), path)
    return paths


def _folder_in(folder: Path, name: str) -> Path | None:
    return next((path for path in folder.iterdir() if path.name.lower() == name and path.is_dir()), None)
