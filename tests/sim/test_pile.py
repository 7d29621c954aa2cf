"""The simulated pile: its composition, what goes wrong in it, and what becomes of every piece."""

from collections import Counter
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from rig.catalog import ColourCode, PartNumber
from rig.config import CameraConfig, Config
from rig.devices.operator import Truth
from rig.errors import BadInput
from rig.pile_config import PileConfig
from rig.sim.camera import SimulatedCamera
from rig.sim.drop import drop
from rig.sim.geometry import Mesh
from rig.sim.hand import SimulatedHand
from rig.sim.part_library import EMBEDDED
from rig.sim.passages import Feed, LyingPart
from rig.sim.pieces import Damage, Joint, Piece
from rig.sim.pile import draw_colour, draw_pile, truth_of
from rig.sim.scene import draw_scene
from tests.sim.desk import brick, lit_world

BRICK, SMALL, TECHNIC = PartNumber("3001"), PartNumber("3003"), PartNumber("32064")
EXPECTED = (BRICK, SMALL)


def pile(count: int, seed: int = 0, **config: object) -> list[Feed]:
    rngs = np.random.default_rng(seed).spawn(2)
    feeds = draw_pile(EXPECTED, PileConfig.model_validate(config), EMBEDDED, *rngs)
    return list(islice(feeds, count))


def test_the_default_pile_is_all_sound_and_alike() -> None:
    """Drawn as it always was: the demo's piles stay what they are."""
    rng, _ = np.random.default_rng(0).spawn(2)
    for feed in pile(20):
        part = EXPECTED[rng.integers(2)]
        colour = draw_colour(rng)
        poses = EMBEDDED.poses(part)
        assert feed == Feed(drop(part, colour, rng, poses, range(len(poses))))


def test_the_composition_is_as_ordered() -> None:
    feeds = pile(400, parts={3001: 3, "3003": 1}, colours={"red": 1, 14: 4})
    assert Counter(feed.lying.part for feed in feeds)[BRICK] / 400 == pytest.approx(0.75, abs=0.07)
    colours = Counter(feed.lying.colour for feed in feeds)
    assert colours[ColourCode(14)] / 400 == pytest.approx(0.8, abs=0.07)
    assert set(colours) == {4, 14}


def test_mishaps_come_as_often_as_ordered_and_change_nothing_else() -> None:
    def mishaps(seed: int) -> list[Feed]:
        return pile(400, seed, damaged=0.2, foreign=0.1, stuck=0.1, stays=0.3, bounces=0.2)

    feeds = mishaps(0)
    kinds = Counter(truth_of(Piece.of(feed.lying.part), EXPECTED).kind for feed in feeds)
    assert {kind: count / 400 for kind, count in kinds.items()} == pytest.approx(
        {"sound": 0.6, "damaged": 0.2, "foreign": 0.1, "stuck": 0.1}, abs=0.07
    )
    assert sum(feed.bounces for feed in feeds) / 400 == pytest.approx(0.2, abs=0.07)
    assert sum(feed.withstands > 0 for feed in feeds) / 400 == pytest.approx(0.3, abs=0.07)
    assert feeds == mishaps(0)
    assert feeds != mishaps(1)


def test_gaps_spread_and_jams_last() -> None:
    delays_s = np.array([feed.delay_s for feed in pile(400, gap_spread_s=1.0, jams=0.1, jam_s=50)])
    jammed = delays_s > 49
    assert jammed.mean() == pytest.approx(0.1, abs=0.05)
    assert delays_s[~jammed].mean() == pytest.approx(1.0, abs=0.2)


def test_a_pile_that_cannot_be_is_refused() -> None:
    everything = tuple(PartNumber(number) for number in EMBEDDED_PARTS)
    rngs = np.random.default_rng(0).spawn(2)
    with pytest.raises(BadInput, match="foreign"):
        draw_pile(everything, PileConfig(foreign=0.1), EMBEDDED, *rngs)
    for wrong in ({"parts": {"3005": 1}}, {"foreign": 0.1, "foreign_parts": ["3005"]}):
        with pytest.raises(BadInput, match="3005"):
            pile(1, **wrong)
    with pytest.raises(ValueError, match="more than 1 together"):
        pile(1, damaged=0.6, foreign=0.6)
    with pytest.raises(ValueError, match="no LDraw colour"):
        pile(1, colours={"ultraviolet": 1})


EMBEDDED_PARTS = ("2456", "3001", "3002", "3003", "3004", "3010", "3039", "32064", "3660", "3701")


def test_a_piece_is_known_by_its_number() -> None:
    pieces = [
        Piece((BRICK,)),
        *(Piece((BRICK,), damage=damage) for damage in Damage),
        *(Piece((BRICK, SMALL), joint=joint) for joint in Joint),
    ]
    assert [Piece.of(piece.number) for piece in pieces] == pieces
    assert len({piece.number for piece in pieces}) == len(pieces)


@pytest.mark.parametrize("part", EMBEDDED_PARTS)
@pytest.mark.parametrize("damage", list(Damage))
def test_damage_takes_something_off_and_leaves_the_rest(part: str, damage: Damage) -> None:
    whole = EMBEDDED.mesh(PartNumber(part))
    spoilt = Piece((PartNumber(part),), damage=damage).shape(EMBEDDED.mesh)
    assert np.isfinite(spoilt.normals).all()
    assert 0.001 < abs(1 - area(spoilt) / area(whole)) < 0.2
    # Nothing sticks out further than before.
    assert (spoilt.corners.max(axis=(0, 1)) <= whole.corners.max(axis=(0, 1)) + 1e-6).all()
    assert (spoilt.corners.min(axis=(0, 1)) >= whole.corners.min(axis=(0, 1)) - 1e-6).all()


def area(mesh: Mesh) -> float:
    a, b, c = mesh.corners.transpose(1, 0, 2)
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


@pytest.mark.parametrize("damage", list(Damage))
def test_damage_can_be_seen_and_is_small(damage: Damage) -> None:
    """Upright, turned so that what is missing is missing in front."""
    upright = next(index for index, pose in enumerate(EMBEDDED.poses(SMALL)) if pose.down[2] < -0.99)
    sound = picture(brick("3003", pose=upright, yaw_deg=165))
    number = Piece((SMALL,), damage=damage).number
    upright = next(index for index, pose in enumerate(EMBEDDED.poses(number)) if pose.down[2] < -0.99)
    spoilt = picture(brick(number, pose=upright, yaw_deg=165))
    changed = (np.abs(sound - spoilt).max(axis=2) > 12).sum()
    # By difference, since what is all but black beyond the table has no hue.
    red = (sound[..., 2] - sound[..., :2].max(axis=2) > 60).sum()
    assert 0.02 < changed / red < 0.5


def picture(lying: LyingPart) -> np.ndarray:
    world = lit_world()
    world.lay(lying)
    scene = replace(draw_scene(np.random.default_rng(0)), noise=0.0)
    camera = SimulatedCamera(world, scene, CameraConfig(), frames_per_s=30, seed=0)
    camera.start()
    return camera.capture(0.0).image.astype(int)


def test_stuck_parts_touch_and_lie_as_one() -> None:
    lower, upper = EMBEDDED.mesh(SMALL), EMBEDDED.mesh(BRICK)
    stack = Piece((BRICK, SMALL), joint=Joint.ON)
    tall = np.ptp(EMBEDDED.mesh(stack.number).corners[..., 2])
    assert tall == pytest.approx(2 * 9.6 + 1.7)
    long = np.ptp(EMBEDDED.mesh(Piece((BRICK, SMALL), joint=Joint.BESIDE).number).corners[..., 0])
    assert long == pytest.approx(np.ptp(lower.corners[..., 0]) + np.ptp(upper.corners[..., 0]))
    assert len(EMBEDDED.poses(stack.number)) > 1
    assert truth_of(stack, EXPECTED) == Truth("3001+3003", "stuck")


def test_the_fate_of_every_piece_is_known() -> None:
    world = lit_world()
    pile = PileConfig(stays=0.5, bounces=0.3)
    hand = SimulatedHand(world, np.random.default_rng(2), pile=pile, bins=Config().bins)
    hand.pour([SMALL])
    turns_deg = [32.0, 64.0, 175.0] * 20
    for chute_deg in turns_deg:
        world.clock.sleep(0.51)
        assert hand.truth() == Truth("3003", "sound")
        world.turn_servo(0, chute_deg)
        world.turn_servo(1, 110)
    world.clock.sleep(0.51)
    hand.truth()
    *past, last = hand.fates(0)
    assert hand.fates(2) == [*past, last][2:]
    assert last.outcome == "stayed"
    assert {fate.truth for fate in past} == {Truth("3003", "sound")}
    assert sum(fate.pushes for fate in [*past, last]) == len(turns_deg)
    assert {fate.outcome for fate in past} == {"in_bin", "bounced", "missed"}
    assert any(fate.pushes > 1 for fate in past)
    pushed = 0
    for fate in past:
        pushed += fate.pushes
        there = {32.0: "3001", 64.0: "3003", 175.0: None}[turns_deg[pushed - 1]]
        assert fate.bin_name == there
        assert (fate.outcome == "missed") == (there is None)
        assert fate.left_s is not None
        assert fate.left_s > fate.laid_s
