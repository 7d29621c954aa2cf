"""The parts that a simulated rig has: built when they are first asked for, and kept ready to be rendered."""

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from pathlib import Path

from rig.catalog import PartNumber
from rig.errors import BadInput
from rig.sim.bake import BakedPart, bake
from rig.sim.geometry import Mesh
from rig.sim.ldraw.library import LDrawLibrary
from rig.sim.parts import PARTS
from rig.sim.pieces import Piece
from rig.sim.plastics import PLASTICS, Plastics
from rig.sim.poses import RestingPose, laid, poses_of

# A pile of some forty parts on all of their sides; a part of 20,000 triangles takes 2 MB on each.
_KEPT_PARTS = 64
_KEPT_SIDES = 256


class PartLibrary:
    """Parts by number, and the plastics that they come in. Safe to share between threads.

    Args:
        builders: how the surface of each part is made, by its number in lower case: in mm, studs up, on
            z = 0 and in the middle of its footprint.
        plastics: what they are made of.
        where: where they come from, for errors.
        is_renamed: whether a number is an old one of a part that is there under a new one, too.
    """

    def __init__(
        self,
        builders: Mapping[PartNumber, Callable[[], Mesh]],
        plastics: Plastics,
        *,
        where: str,
        is_renamed: Callable[[PartNumber], bool] = lambda _: False,
    ) -> None:
        self._builders = builders
        self.plastics = plastics
        self._where = where
        self._is_renamed = is_renamed
        self._mesh = lru_cache(_KEPT_PARTS)(self._build)
        self._poses = lru_cache(None)(self._find_poses)
        self._baked = lru_cache(_KEPT_SIDES)(self._bake)

    def part_numbers(self) -> list[PartNumber]:
        """The parts that there are, sorted; whether one can be built is seen when it is."""
        return sorted(self._builders)

    def each_once(self) -> list[PartNumber]:
        """The same without old numbers of renamed parts: no two of them are one mould.

        Raises:
            BadInput: a part's file is damaged.
        """
        return [part for part in self.part_numbers() if not self._is_renamed(part)]

    def find(self, part: PartNumber) -> Callable[[], Mesh]:
        """How a part is built.

        Raises:
            BadInput: there is no such part.
        """
        build = self._builders.get(PartNumber(part.lower()))
        if build is None:
            raise BadInput(f"the simulator has no part {part}", hint=self._where)
        return build

    def require(self, part: PartNumber) -> None:
        """See that a part can be laid on the table; raises as `poses`."""
        self.poses(part)

    def mesh(self, part: PartNumber) -> Mesh:
        """The part's surface, studs up.

        Raises:
            BadInput: there is no such part, or it cannot be built.
        """
        return self._mesh(part)

    def poses(self, part: PartNumber) -> tuple[RestingPose, ...]:
        """The sides on which a part rests, the likeliest first.

        Raises:
            BadInput: as `mesh`, or the part is flat.
        """
        return self._poses(part)

    def baked(self, part: PartNumber, pose: int) -> BakedPart:
        """The part on its `pose`-th side, ready to be rendered; raises as `poses`.

        The first time it takes some tenths of a second, of a large part some seconds.
        """
        return self._baked(part, pose)

    def _build(self, part: PartNumber) -> Mesh:
        piece = Piece.of(part)
        if piece.number != piece.parts[0]:
            return piece.shape(self.mesh)
        return self.find(part)()

    def _find_poses(self, part: PartNumber) -> tuple[RestingPose, ...]:
        try:
            return poses_of(self.mesh(part))
        except ValueError as error:
            raise BadInput(f"part {part} is flat and has no sides to rest on", hint="take another") from error

    def _bake(self, part: PartNumber, pose: int) -> BakedPart:
        return bake(laid(self.mesh(part), self.poses(part)[pose]))


EMBEDDED = PartLibrary(
    PARTS,
    PLASTICS,
    where=f"it has {', '.join(sorted(PARTS))}; for any other, name an LDraw library: [sim] ldraw in rig.toml",
)
"""The ten parts that need no library."""


def library_of(ldraw: Path | None) -> PartLibrary:
    """The embedded parts, and all others of an LDraw library where there is one.

    Args:
        ldraw: the folder of the library.

    Raises:
        BadInput: the folder is no LDraw library.
    """
    if ldraw is None:
        return EMBEDDED
    library = LDrawLibrary(ldraw)
    others = {part: partial(library.mesh, part) for part in library.part_numbers()}
    where = f"it has the {len(others)} of {ldraw}; see them with: rig sim parts"
    return PartLibrary(
        {**others, **PARTS},
        library.plastics,
        where=where,
        is_renamed=lambda part: part not in PARTS and library.moved_to(part) is not None,
    )
