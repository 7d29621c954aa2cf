"""A sheet to look at: parts in scenes, as they would be captured."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rig.camera.frame import Image
from rig.catalog import PartNumber
from rig.errors import BadInput
from rig.scene_config import SceneConfig
from rig.sim.drop import drop
from rig.sim.part_library import PartLibrary
from rig.sim.pile import draw_colour
from rig.sim.quality import Quality
from rig.sim.scene import draw_scene
from rig.sim.shot import Shot, take
from rig.vision.contact_sheet import fitted

TILE_PX = 240
# A JPEG is at most 65,500 pixels wide, and a sheet of so many pictures takes half a gigabyte.
_MOST_IN_A_ROW = 250
_MOST_PICTURES = 1000


@dataclass(frozen=True)
class Look:
    """What is to be seen on a sheet: a row for each scene, in it every part at every angle.

    Attributes:
        parts: in this order.
        scenes, angles: how many of each; the angles are spread evenly over a turn.
        ranges: from which the scenes are drawn.
        size_px: width and height of a picture.
        ldraw: folder of an LDraw library that has the parts; None for the built-in ones.
        seed: of scenes, colours, sides and places.

    Raises:
        BadInput: they are more than a sheet holds.
    """

    parts: Sequence[PartNumber]
    scenes: int
    angles: int
    ranges: SceneConfig
    size_px: tuple[int, int]
    quality: Quality
    ldraw: Path | None
    seed: int

    def __post_init__(self) -> None:
        if self.columns > _MOST_IN_A_ROW:
            raise BadInput(
                f"{self.columns} pictures are too many for a row of a sheet",
                hint=f"at most {_MOST_IN_A_ROW}: name fewer parts, or fewer --angles",
            )
        if self.pictures > _MOST_PICTURES:
            raise BadInput(
                f"{self.pictures} pictures are too many for a sheet",
                hint=f"at most {_MOST_PICTURES}: name fewer parts, or fewer --scenes or --angles",
            )

    @property
    def columns(self) -> int:
        """Pictures in a row."""
        return len(self.parts) * self.angles

    @property
    def pictures(self) -> int:
        """On the sheet."""
        return self.scenes * self.columns

    def shots(self, library: PartLibrary) -> Iterator[Shot]:
        """The pictures, row by row.

        Raises:
            BadInput: the library does not have a part.
        """
        width_px, height_px = self.size_px
        for rng in np.random.default_rng(self.seed).spawn(self.scenes):
            scene = draw_scene(rng, self.ranges)
            for part in self.parts:
                poses = library.poses(part)
                lying = drop(part, draw_colour(rng), rng, poses, range(len(poses)))
                for angle_deg in np.arange(self.angles) * (360.0 / self.angles):
                    noise_seed = int(rng.integers(2**32))
                    yield Shot(
                        scene,
                        lying,
                        float(angle_deg),
                        width_px,
                        height_px,
                        noise_seed,
                        self.quality,
                        self.ldraw,
                    )


def captioned(shot: Shot) -> tuple[Image, str]:
    """A picture of a shot, as small as on the sheet, and what it shows in a few words."""
    assert shot.lying is not None, "a look is at parts"
    picture = fitted(take(shot).image, TILE_PX)
    return picture, f"{shot.lying.part} side {shot.lying.pose + 1}, {shot.angle_deg:.0f} deg"
