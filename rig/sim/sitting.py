"""A sitting: one part, laid once before a rig that is set up anew, and seen from all round.

It is the unit of work of a rendered training set, and a session of its rows. All of it is drawn from its
seed, part and number alone, whichever process renders it, and whatever else is rendered.
"""

import hashlib
from dataclasses import dataclass

import numpy as np

from rig.catalog import PartNumber
from rig.scene_config import SceneConfig
from rig.sim.drop import drop
from rig.sim.part_library import PartLibrary
from rig.sim.passages import LyingPart
from rig.sim.pile import draw_colour
from rig.sim.scene import Scene, draw_scene


@dataclass(frozen=True)
class Sitting:
    """The `number`-th placement of a part, from 0, in the set of a seed."""

    seed: int
    part: PartNumber
    number: int

    @property
    def session(self) -> str:
        """Its id, unique among all parts and seeds, such as `sim1-3001-0007`."""
        return f"sim{self.seed}-{self.part}-{self.number:04d}"


@dataclass(frozen=True)
class Arrangement:
    """What was drawn for a sitting.

    Attributes:
        scene: light and camera.
        lying: the brick, on a side as likely as if it was dropped.
        angles_deg: of the table, spread evenly over a turn from a start drawn at random, 0 to 360.
        noise_seeds: of the noise in the picture at each angle.
    """

    scene: Scene
    lying: LyingPart
    angles_deg: tuple[float, ...]
    noise_seeds: tuple[int, ...]


def arrange(sitting: Sitting, views: int, ranges: SceneConfig, library: PartLibrary) -> Arrangement:
    """Draw rig, brick, place and angles; the same sitting gives the same each time.

    Args:
        views: pictures of it.
        ranges: from which its rig is drawn.
        library: has its part.

    Raises:
        BadInput: it has not, or the part cannot be built.
    """
    name = f"{sitting.seed}/{sitting.part}/{sitting.number}"
    drawn = int.from_bytes(hashlib.sha256(name.encode()).digest())
    scene_rng, hand_rng, turn_rng, noise_rng = np.random.default_rng(drawn).spawn(4)
    colour = draw_colour(hand_rng)
    poses = library.poses(sitting.part)
    start_deg = turn_rng.uniform(0, 360 / views)
    return Arrangement(
        scene=draw_scene(scene_rng, ranges),
        lying=drop(sitting.part, colour, hand_rng, poses, range(len(poses))),
        angles_deg=tuple(round(start_deg + view * 360 / views, 3) % 360 for view in range(views)),
        noise_seeds=tuple(int(seed) for seed in noise_rng.integers(2**63, size=views)),
    )
