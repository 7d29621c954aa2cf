"""Parts of an LDraw library in the simulator: laid by its hand, seen by its camera."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rig.camera.frame import Image
from rig.catalog import ColourCode, PartNumber
from rig.devices.operator import Subject
from rig.errors import BadInput
from rig.sim.hand import SimulatedHand
from rig.sim.part_library import EMBEDDED, PartLibrary, library_of
from rig.sim.render import Renderer
from rig.sim.scene import draw_scene
from rig.sim.sensor import Sensor
from tests.sim.desk import brick, lit_world
from tests.sim.ldraw_files import BOX_MM, CERTIFIED, PLACED_BOX, write_library

SLAB = PartNumber("slab")
SIZE = (320, 240)
GREEN_LID = f"{CERTIFIED}{PLACED_BOX}1 0x200C000 0 -2 0 20 0 0 0 2 0 0 0 10 box.dat\n"


@pytest.fixture
def library(tmp_path: Path) -> PartLibrary:
    own_3001 = CERTIFIED + PLACED_BOX
    sheet = CERTIFIED + "4 16 0 0 0 0 0 20 20 0 20 20 0 0\n"
    plate = f"{CERTIFIED}1 16 0 4 0 250 0 0 0 4 0 0 0 250 box.dat\n"
    return library_of(
        write_library(
            tmp_path,
            **{"3001": own_3001},
            slab=CERTIFIED + PLACED_BOX,
            lid=GREEN_LID,
            sheet=sheet,
            plate=plate,
        )
    )


def picture(library: PartLibrary, part: str, colour: int, pose: int = 0) -> Image:
    # From near, so that each face takes up many pixels.
    scene = replace(draw_scene(np.random.default_rng(12)), noise=0.0, distance_mm=90.0)
    rendering = Renderer(scene, *SIZE, library).render(brick(part, colour=colour, pose=pose), 0.0, 1.0)
    sensor = Sensor(scene, *SIZE, white_balance=(1.0, 1.0, 1.0))
    return sensor.develop(sensor.expose(rendering), np.random.default_rng(0))


def test_without_a_library_there_are_the_ten_parts() -> None:
    assert library_of(None) is EMBEDDED


def test_a_library_adds_its_parts_and_the_ten_stay_as_they_are(library: PartLibrary) -> None:
    assert np.ptp(library.mesh(SLAB).corners, axis=(0, 1)) == pytest.approx(BOX_MM)
    assert np.array_equal(library.mesh(PartNumber("SLAB")).corners, library.mesh(SLAB).corners)
    for part in (PartNumber("3001"), PartNumber("3039")):
        assert np.array_equal(library.mesh(part).corners, EMBEDDED.mesh(part).corners)
    assert library.plastics[ColourCode(36)].name == "Trans Red"


def test_a_box_of_a_library_rests_on_its_six_sides(library: PartLibrary) -> None:
    poses = library.poses(SLAB)
    # On its ends it stands so rarely that it is left out.
    assert [np.abs(pose.down).argmax() for pose in poses] == [2, 2, 1, 1]
    assert sum(pose.probability for pose in poses) == pytest.approx(1)


def test_the_hand_lays_it_and_the_camera_sees_it(library: PartLibrary) -> None:
    world = lit_world()
    hand = SimulatedHand(world, np.random.default_rng(0), library)
    placed = hand.place(Subject(SLAB, ColourCode(4)), pose=0)
    truth = hand.truth()
    assert truth is not None
    assert placed.part == truth.part == SLAB
    red = picture(library, "slab", colour=4)[90:150, 120:200].reshape(-1, 3).astype(int)
    assert ((red[:, 2] > 60) & (red[:, 2] > 3 * red[:, 1])).sum() > 300


def test_faces_keep_the_colours_of_their_own(library: PartLibrary) -> None:
    upright = next(
        place for place, pose in enumerate(library.poses(PartNumber("lid"))) if pose.down[2] < -0.9
    )
    seen = picture(library, "lid", colour=4, pose=upright).reshape(-1, 3).astype(int)
    blue, green, red = seen.T
    assert ((green > 2 * red) & (green > 2 * blue)).sum() > 300
    assert ((red > 3 * green) & (red > 40)).sum() > 100
    # Also when they are split for the light to be computed on them.
    split = library.baked(PartNumber("lid"), upright)
    assert len(split.corners) > 24
    heights, is_green = split.corners[..., 2], split.colours == 0x200C000
    assert heights[is_green].min() == pytest.approx(3.2, abs=1e-5)
    assert heights[~is_green].max() == pytest.approx(3.2, abs=1e-5)


def test_what_is_not_there_is_refused(library: PartLibrary) -> None:
    with pytest.raises(BadInput, match="no part 9999") as refused:
        library.poses(PartNumber("9999"))
    assert "rig sim parts" in refused.value.hint
    with pytest.raises(BadInput, match="sheet is flat"):
        library.poses(PartNumber("sheet"))
    with pytest.raises(BadInput, match="no part 9999") as refused:
        EMBEDDED.poses(PartNumber("9999"))
    assert "[sim] ldraw" in refused.value.hint


def test_light_is_computed_as_far_as_a_large_part_reaches(library: PartLibrary) -> None:
    plate = library.baked(PartNumber("plate"), 0)
    assert plate.ground_half_mm > np.hypot(100, 100)
    assert plate.openness.min() >= 0
    # Its top sees the whole sky, and no speck of it is hidden by itself.
    top = (plate.corners[..., 2] > 3.1) & (plate.normals[..., 2] > 0.9)
    assert plate.openness[top].min() == pytest.approx(1, abs=0.05)
