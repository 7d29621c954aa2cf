"""One LDraw file: what it draws itself, and which files it places where.

Lengths are LDraw units (0.4 mm), y points down. Triangles come out counter-clockwise seen from outside,
whichever way the file winds them. See ldraw.org: file format 1.0.2, back face culling language extension.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rig.catalog import ColourCode
from rig.errors import BadInput
from rig.sim.geometry import Floats
from rig.sim.ldraw.quads import halves_of_quads

_MOVED = "~moved to "
_WINDINGS = {"CW": False, "CCW": True}
# Far beyond any part, and near enough for products of a few such numbers.
_LARGEST_NUMBER = 1e6


@dataclass(frozen=True)
class Placed:
    """A sub-file in its place.

    Attributes:
        name: its path as in `file_key`.
        colour: what its faces of colour 16 take.
        linear: (3, 3) matrix that is applied to its points.
        offset: (3,) added to them then.
        inside_out: whether it is seen from its inside (INVERTNEXT).
        one_sided: whether its faces may be taken to be seen from outside only.
    """

    name: str
    colour: ColourCode
    linear: Floats
    offset: Floats
    inside_out: bool
    one_sided: bool


@dataclass(frozen=True)
class Faces:
    """Triangles of an LDraw file, and the lines that say where its surface is creased.

    Attributes:
        corners: (n, 3, 3) triangle, corner, axis.
        colours: (n,) LDraw colour codes.
        two_sided: (n,) bool, where nothing says from which side a triangle is seen.
        creases: (k, 2, 3) ends of edge lines (type 2).
        bends: (m, 2, 3) ends of conditional lines (type 5), across which a curved surface goes on.
    """

    corners: Floats
    colours: NDArray[np.int64]
    two_sided: NDArray[np.bool_]
    creases: Floats
    bends: Floats


@dataclass(frozen=True)
class Drawing:
    """What an LDraw file says.

    Attributes:
        title: its first line, without the 0.
        faces: what it draws itself.
        placed: the sub-files it places.
        textured: whether it has a texture (TEXMAP), which is left out.
    """

    title: str
    faces: Faces
    placed: tuple[Placed, ...]
    textured: bool

    @property
    def moved_to(self) -> str | None:
        """The new number of a part that was renamed."""
        is_moved = self.title.lower().startswith(_MOVED)
        return self.title[len(_MOVED) :].strip() if is_moved else None


def file_key(name: str) -> str:
    """A file's name as files are compared: lower case, with `/` between folders."""
    return "/".join(name.strip().lower().replace("\\", "/").split("/"))


def read_drawing(text: str, name: str) -> Drawing:
    """Read one LDraw file.

    Args:
        name: of the file, for errors.

    Raises:
        BadInput: a line of it is damaged.
    """
    pen = _Pen()
    lines = text.lstrip("\ufeff").splitlines()
    for number, line in enumerate(lines, start=1):
        words = line.split()
        try:
            _draw_line(pen, words)
        except ValueError as error:
            raise BadInput(f"{name}, line {number} is damaged: {line.strip()[:60]!r}") from error
    title = lines[0].strip() if lines else ""
    return pen.drawing(title.removeprefix("0").strip())


def _draw_line(pen: "_Pen", words: list[str]) -> None:
    match words:
        case ["0", "BFC", *statements]:
            pen.set_culling(statements)
        case ["0", "!TEXMAP", *_]:
            # What its fallback draws, and all that is no comment, is drawn as if there was no texture.
            pen.textured = True
        case ["1", colour, *numbers_and_name]:
            pen.place(_colour(colour), _numbers(numbers_and_name[:12], 12), " ".join(numbers_and_name[12:]))
        case ["2", _, *numbers]:
            pen.creases.append(_numbers(numbers, 6))
        case ["3", colour, *numbers]:
            pen.draw_face(pen.triangles, _colour(colour), _numbers(numbers, 9))
        case ["4", colour, *numbers]:
            pen.draw_face(pen.quads, _colour(colour), _numbers(numbers, 12))
        case ["5", _, *numbers]:
            pen.bends.append(_numbers(numbers, 12)[:6])


class _Outlines:
    """Faces of one number of corners, as they come."""

    def __init__(self, corners: int) -> None:
        self._corners = corners
        self.points: list[list[float]] = []
        self.colours: list[ColourCode] = []
        self.two_sided: list[bool] = []
        self.clockwise: list[bool] = []

    def counter_clockwise(self) -> Floats:
        """All of them, (n, corners, 3)."""
        outlines = np.array(self.points, dtype=float).reshape(-1, self._corners, 3)
        return np.where(np.array(self.clockwise, dtype=bool)[:, None, None], outlines[:, ::-1], outlines)


class _Pen:
    """Draws line by line, and knows what the lines before said about the sides of faces."""

    def __init__(self) -> None:
        self.triangles, self.quads = _Outlines(3), _Outlines(4)
        self.creases: list[list[float]] = []
        self.bends: list[list[float]] = []
        self.placed: list[Placed] = []
        self.textured = False
        # None until a statement or a drawn line decides it.
        self._certified: bool | None = None
        self._clips, self._counter_clockwise, self._invert_next = True, True, False

    def set_culling(self, statements: Iterable[str]) -> None:
        """Obey a BFC line. The first one certifies the file, unless it says the opposite."""
        for statement in statements:
            match statement:
                case "CERTIFY" | "NOCERTIFY":
                    self._certified = statement == "CERTIFY"
                case "CLIP" | "NOCLIP":
                    self._clips = statement == "CLIP"
                case "CW" | "CCW":
                    self._counter_clockwise = _WINDINGS[statement]
                case "INVERTNEXT":
                    self._invert_next = True
        if self._certified is None:
            self._certified = True

    def place(self, colour: ColourCode, numbers: list[float], name: str) -> None:
        """Place a sub-file."""
        if not name:
            raise ValueError("no file is named")
        self.placed.append(
            Placed(
                file_key(name),
                colour,
                linear=np.array(numbers[3:]).reshape(3, 3),
                offset=np.array(numbers[:3]),
                inside_out=self._invert_next,
                one_sided=self._one_sided(),
            )
        )
        self._invert_next = False

    def draw_face(self, faces: _Outlines, colour: ColourCode, numbers: list[float]) -> None:
        """Draw a triangle or a quadrilateral."""
        faces.points.append(numbers)
        faces.colours.append(colour)
        faces.two_sided.append(not self._one_sided())
        faces.clockwise.append(not self._counter_clockwise)

    def _one_sided(self) -> bool:
        if self._certified is None:
            self._certified = False
        return self._certified and self._clips

    def drawing(self, title: str) -> Drawing:
        """All that was drawn."""
        halves, crossed = halves_of_quads(self.quads.counter_clockwise())
        quad_colours = np.array(self.quads.colours, dtype=np.int64)
        quad_sides = np.array(self.quads.two_sided, dtype=bool) | crossed
        faces = Faces(
            np.concatenate([self.triangles.counter_clockwise(), halves.reshape(-1, 3, 3)]),
            np.concatenate([np.array(self.triangles.colours, np.int64), quad_colours.repeat(2)]),
            np.concatenate([np.array(self.triangles.two_sided, bool), quad_sides.repeat(2)]),
            np.array(self.creases, dtype=float).reshape(-1, 2, 3),
            np.array(self.bends, dtype=float).reshape(-1, 2, 3),
        )
        return Drawing(title, faces, tuple(self.placed), self.textured)


def _numbers(words: list[str], count: int) -> list[float]:
    if len(words) < count:
        raise ValueError(f"{count} numbers are needed")
    numbers = [float(word) for word in words[:count]]
    if not (np.abs(numbers) <= _LARGEST_NUMBER).all():
        raise ValueError("a number is none, or beyond all parts")
    return numbers


def _colour(word: str) -> ColourCode:
    return ColourCode(int(word, 16 if word.lower().startswith("0x") else 10))
