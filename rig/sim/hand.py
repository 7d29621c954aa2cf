"""The simulator's own hand: it lays bricks on the simulated table as a person would, tumbled, off centre."""

from collections.abc import Collection, Sequence

import numpy as np

from rig.bin_config import BinConfig
from rig.catalog import ColourCode, PartNumber
from rig.devices.operator import Fate, Placement, Reference, Subject, Truth
from rig.errors import BadInput
from rig.pile_config import PileConfig
from rig.sim.drop import drop
from rig.sim.fate import fate_of
from rig.sim.part_library import EMBEDDED, PartLibrary
from rig.sim.passages import LyingPart
from rig.sim.pieces import Piece
from rig.sim.pile import draw_colour, draw_pile, truth_of
from rig.sim.poses import RestingPose
from rig.sim.world import World

# Where a part's own up points, seen along the vertical, in each position that this hand has a word for.
_UP_OF_POSE = {"upright": (0.99, 1.0), "on-its-side": (-0.99, 0.99), "upside-down": (-1.0, -0.99)}
_REFLECTANCES: dict[Reference, float] = {"white": 0.9, "grey": 0.18}


class SimulatedHand:
    """An `Operator` for a `World`.

    Args:
        world: where the parts go.
        rng: draws colour, side, place and turn of every part that is no subject of a capture session.
        library: the parts that there are to lay.
        pile: what a pile is made of.
        bins: where its pieces end; none where nobody can tell, since lines of G-code alone know the way.
    """

    def __init__(
        self,
        world: World,
        rng: np.random.Generator,
        library: PartLibrary = EMBEDDED,
        pile: PileConfig = PileConfig(),  # noqa: B008  (it never changes)
        bins: Sequence[BinConfig] = (),
    ) -> None:
        self._library = library
        self._pile = pile
        self._bins = bins
        self._expected: frozenset[PartNumber] = frozenset()
        self._world = world
        self._rng = rng

    def check(self, subject: Subject) -> None:
        """Refuse a part, a colour or a pose that the simulator does not have.

        Raises:
            BadInput: names it, and those that there are.
        """
        poses = self._library.poses(subject.part)
        if subject.colour is not None:
            self._library.plastics.of(subject.colour)
        for name in subject.pose_names:
            if not any(_is_called(name, pose) for pose in poses):
                raise BadInput(
                    f"the simulator cannot lay a {subject.part} {name!r}",
                    hint=f"it knows {', '.join(_UP_OF_POSE)}, where a part comes to rest so",
                )

    def place(self, subject: Subject, *, pose: int) -> Placement:
        """Lay a brick on the table, the same one for every `pose` of a subject.

        What the user did not say is drawn from the subject's seed alone, so that an interrupted session goes
        on with the same brick. It comes to rest on a side as likely as if it was dropped, but never twice on
        the same side before it has lain on all of them.

        Raises:
            BadInput: as `check`.
        """
        self.check(subject)
        # The second of the three streams that a bench deals: the brick is drawn apart from light and noise.
        return self._lay(subject, pose, np.random.default_rng(subject.seed).spawn(3)[1])

    def lay_mark(self, example: PartNumber) -> None:
        """Lay a fresh brick on the table, as carelessly as any other.

        Raises:
            BadInput: the simulator does not know the part.
        """
        self._library.require(example)
        self._lay(Subject(example), 0, self._rng)

    def lay_reference(self, reference: Reference) -> None:
        """Cover the table with a sheet."""
        self._world.lay_sheet(_REFLECTANCES[reference])

    def clear_table(self) -> None:
        """Take part or sheet away."""
        self._world.clear()

    def pour(self, parts: Sequence[PartNumber]) -> None:
        """Make an endless mixed pile ready, each part as likely as any other unless `[sim.pile]` differs.

        Raises:
            BadInput: `parts` is empty, or the pile is to hold one that the simulator does not know.
        """
        if not parts:
            raise BadInput("a pile of no parts cannot be poured", hint="name at least one part")
        self._expected = frozenset(parts)
        self._world.pour(draw_pile(tuple(parts), self._pile, self._library, *self._rng.spawn(2)))

    def feed(self) -> None:
        """Lay the next part of the pile on the table, after the feeder's gap."""
        self._world.release()

    def clear_jam(self) -> None:
        """Free the way, and leave the part where it lies."""
        self._world.free_way()

    def mend_light(self) -> None:
        """Put a new lamp in."""
        self._world.mend_lamp()

    def empty_bin(self, name: str) -> None:
        """The bins of the simulated rig hold any number."""

    def truth(self) -> Truth | None:
        """What lies on the simulated table."""
        lying = self._world.part_on_table()
        return None if lying is None else self._truth_of(lying)

    def fates(self, since: int) -> Sequence[Fate]:
        """What became of the pieces that the feeder has laid on the table, the first `since` left out."""
        if not self._bins:
            return ()
        passages = self._world.passages()[since:]
        return [
            fate_of(number, passage, self._truth_of(passage.feed.lying), self._bins)
            for number, passage in enumerate(passages, since)
        ]

    def _truth_of(self, lying: LyingPart) -> Truth:
        return truth_of(Piece.of(lying.part), self._expected)

    def _lay(self, subject: Subject, pose: int, rng: np.random.Generator) -> Placement:
        colour = _colour_of(subject, rng)
        brick = subject.physical_part or f"{subject.part}-c{colour}-{rng.bytes(4).hex()}"
        shown: list[int] = []
        for earlier in range(pose + 1):
            poses = self._library.poses(subject.part)
            lying = drop(subject.part, colour, rng, poses, _sides(subject, earlier, shown, poses))
            shown.append(lying.pose)
        self._world.lay(lying)
        return Placement(subject.part, colour, brick)


def _colour_of(subject: Subject, rng: np.random.Generator) -> ColourCode:
    """What the user said; else a brick that has an id has the same colour each time."""
    if subject.colour is not None:
        return subject.colour
    if subject.physical_part is not None:
        return draw_colour(np.random.default_rng([*subject.physical_part.encode()]))
    return draw_colour(rng)


def _sides(
    subject: Subject, pose: int, shown: Sequence[int], poses: Sequence[RestingPose]
) -> Collection[int]:
    """The sides that may come next: called as the user calls them, and shown less often than others."""
    name = subject.pose_name(pose)
    sides = [side for side, resting in enumerate(poses) if name is None or _is_called(name, resting)]
    least = min(shown.count(side) for side in sides)
    return {side for side in sides if shown.count(side) == least}


def _is_called(name: str, pose: RestingPose) -> bool:
    lowest, highest = _UP_OF_POSE.get(name, (np.inf, np.inf))
    return lowest <= -pose.down[2] <= highest
