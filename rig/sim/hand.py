"""The simulator's own hand: it lays bricks on the simulated table as a person would, tumbled, off centre."""

from collections.abc import Iterator, Sequence

import numpy as np

from rig.catalog import COLOURS, ColourCode, PartNumber
from rig.devices.operator import Placement
from rig.errors import BadInput
from rig.sim.parts import PARTS
from rig.sim.poses import resting_poses
from rig.sim.world import LyingPart, World

_AIM_SPREAD_MM = 3.0
_FURTHEST_MM = 7.0


class SimulatedHand:
    """An `Operator` for a `World`.

    Args:
        world: where the parts go.
        rng: draws colour, side, place and turn of every brick.
    """

    def __init__(self, world: World, rng: np.random.Generator) -> None:
        self._world = world
        self._rng = rng
        self._brick: Placement | None = None
        self._shown_poses: set[int] = set()

    def place(self, part: PartNumber, *, pose: int) -> Placement:
        """Lay a brick on the table: a fresh one for `pose` 0, for later poses the same one on another side.

        A brick comes to rest on a side as likely as if it was dropped, but never twice on the same side
        before it has lain on all of them.

        Raises:
            BadInput: the simulator does not know the part.
        """
        _check_known(part)
        if pose > 0 and self._brick is None:
            # A session is resumed at a later pose: the brick and the sides it lay on are drawn as they were.
            for earlier in range(pose):
                self.place(part, pose=earlier)
        colour = self._brick.colour if self._brick is not None else None
        if pose == 0 or self._brick is None or self._brick.part != part or colour is None:
            colour = _draw_colour(self._rng)
            self._brick = Placement(part, colour, f"{part}-c{colour}-{self._rng.bytes(4).hex()}")
            self._shown_poses = set()
        if len(self._shown_poses) == len(resting_poses(part)):
            self._shown_poses = set()
        lying = _drop(part, colour, self._rng, avoid=self._shown_poses)
        self._shown_poses.add(lying.pose)
        self._world.lay(lying)
        return self._brick

    def lay_mark(self, example: PartNumber) -> None:
        """Lay a fresh brick on the table, as carelessly as any other.

        Raises:
            BadInput: the simulator does not know the part.
        """
        self.place(example, pose=0)

    def pour(self, parts: Sequence[PartNumber]) -> None:
        """Make an endless mixed pile ready, each part as likely as any other of `parts`.

        Raises:
            BadInput: `parts` is empty or has one that the simulator does not know.
        """
        if not parts:
            raise BadInput("a pile of no parts cannot be poured", hint="name at least one part")
        for part in parts:
            _check_known(part)
        self._world.pour(_pile(tuple(parts), self._rng.spawn(1)[0]))

    def true_part(self) -> PartNumber | None:
        """What lies on the simulated table."""
        lying = self._world.part_on_table()
        return None if lying is None else lying.part


def _check_known(part: PartNumber) -> None:
    if part not in PARTS:
        raise BadInput(f"the simulator has no part {part}", hint=f"it knows {', '.join(sorted(PARTS))}")


def _pile(parts: tuple[PartNumber, ...], rng: np.random.Generator) -> Iterator[LyingPart]:
    while True:
        part = parts[rng.integers(len(parts))]
        yield _drop(part, _draw_colour(rng), rng, avoid=frozenset())


def _draw_colour(rng: np.random.Generator) -> ColourCode:
    codes = tuple(COLOURS)
    return codes[rng.integers(len(codes))]


def _drop(
    part: PartNumber, colour: ColourCode, rng: np.random.Generator, *, avoid: frozenset[int] | set[int]
) -> LyingPart:
    """Let a part come to rest on a side that is not in `avoid`, near the middle of the table."""
    likelihood = np.array(
        [0.0 if i in avoid else pose.probability for i, pose in enumerate(resting_poses(part))]
    )
    offset_mm = np.clip(rng.normal(0, _AIM_SPREAD_MM, 2), -_FURTHEST_MM, _FURTHEST_MM)
    return LyingPart(
        part=part,
        colour=colour,
        pose=int(rng.choice(len(likelihood), p=likelihood / likelihood.sum())),
        offset_mm=(float(offset_mm[0]), float(offset_mm[1])),
        yaw_deg=float(rng.uniform(0, 360)),
    )
