"""What light does on the simulated table: shadows, bright lines, coloured shades, and shiny plastics."""

from dataclasses import replace

import numpy as np
import pytest

from rig.catalog import ColourCode
from rig.sim.bake import bake, light_maps
from rig.sim.geometry import Mesh, fan, lay, level, level_facing_down, merge, rectangle, sweep
from rig.sim.ground import light_on_ground
from rig.sim.passages import LyingPart
from rig.sim.plastics import PLASTICS
from rig.sim.quality import FAST, GOOD, Quality
from rig.sim.render import Renderer, Rendering
from rig.sim.scene import Scene, draw_scene
from rig.sim.shading import Lamp, Lighting, material_of
from rig.sim.shot import Shot, take
from tests.sim.desk import brick

SIZE = (320, 240)
# LDraw codes of one plastic of each kind.
RED, GREY, CLEAR_RED, CHROME, PEARL, METAL, RUBBER = map(ColourCode, (4, 71, 36, 383, 179, 80, 324))


@pytest.fixture(scope="module")
def scene() -> Scene:
    """Seen from straight above, by a clean camera, under one lamp on the side of positive x."""
    return replace(
        draw_scene(np.random.default_rng(12)),
        elevation_deg=89.9, roll_deg=0.0, aim_x_mm=0.0, aim_y_mm=0.0, noise=0.0, dirt=0.0, seams=0.0,
        key_share=0.8, key_zenith_deg=15.0, key_azimuth_deg=0.0, key_radius_deg=5.0,
        fill_share=0.0, lamp_height_mm=1e4,
    )  # fmt: skip


def render(scene: Scene, lying: LyingPart | None, quality: Quality = GOOD) -> Rendering:
    return Renderer(scene, *SIZE, quality=quality).render(lying, 0.0, 1.0)


def table_profile(scene: Scene, lying: LyingPart) -> np.ndarray:
    """Light on the table along x through the part's middle, relative to the empty table; NaN on the part."""
    seen, empty = render(scene, lying), render(scene, None)
    ratio = (seen.radiance / empty.radiance).mean(axis=2)
    ratio[seen.share > 0] = np.nan
    return np.asarray(ratio[110:130].mean(axis=0))


def test_the_bright_line_lies_on_the_side_of_the_lamp_and_the_shadow_on_the_other(scene: Scene) -> None:
    """Opaque walls mirror onto the table at their foot what comes from the lamp."""
    profile = table_profile(scene, brick("3001", colour=0, yaw_deg=90))
    left, right = profile[:160], profile[160:]
    assert np.nanmax(right) > 1.1
    assert np.nanmin(left) < 0.7
    assert np.nanmax(left) < 1.03


def test_without_glossy_walls_there_is_no_bright_line(scene: Scene) -> None:
    profile = table_profile(replace(scene, caustic=0.0), brick("3001", colour=0, yaw_deg=90))
    assert np.nanmax(profile) < 1.03


def test_what_a_wall_mirrors_onto_the_part_itself_does_not_shine_through_it() -> None:
    lamp = Lamp(np.array([0.6, 0.0, 0.8], np.float32), 0.1, np.ones(3, np.float32))
    light = Lighting((lamp,), np.full(3, 0.3, np.float32), 0.7)

    def brightened(mesh: Mesh) -> float:
        part = bake(mesh)
        maps = light_maps(part.silhouette, [lamp.direction], 144)
        dull, glossy = (
            light_on_ground(part, material_of(PLASTICS[RED]), light, maps, FAST, caustic=caustic)
            for caustic in (0.0, 1.0)
        )
        return float((glossy - dull).max())

    walls = sweep(rectangle(-3, -3, 3, 3), level(1.0), 6.0)
    sheet = fan(rectangle(-15, -15, 15, 15))
    assert brightened(walls) > 0.01
    assert brightened(merge(walls, lay(sheet, level(0.5)), lay(sheet, level_facing_down(0.4)))) == 0


def test_a_larger_lamp_throws_a_softer_shadow(scene: Scene) -> None:
    def steepest(radius_deg: float) -> float:
        upright = brick("3001", colour=0, pose=4, yaw_deg=0)
        profile = table_profile(replace(scene, key_zenith_deg=40.0, key_radius_deg=radius_deg), upright)
        return float(np.nanmax(np.abs(np.diff(profile[:120]))))

    assert steepest(25.0) < 0.6 * steepest(3.0)


def test_what_one_lamp_leaves_in_the_shade_has_the_colour_of_the_other(scene: Scene) -> None:
    two = replace(
        scene, key_share=0.5, key_coolness=0.3, fill_share=0.3, fill_warmth=0.6, fill_azimuth_deg=90.0
    )
    shaded = render(two, brick("3001", colour=0, yaw_deg=90))
    empty = render(two, None)
    ratio = np.where(shaded.share[..., None] > 0, 1, shaded.radiance / empty.radiance)
    darkest = ratio[110:130, :160].mean(axis=0)[np.argmin(ratio[110:130, :160].mean(axis=(0, 2)))]
    blue, _, red = darkest
    assert red > 1.2 * blue


def test_clear_plastic_shows_the_table_and_throws_a_coloured_shadow(scene: Scene) -> None:
    opaque, clear = (render(scene, brick("3001", colour=colour, yaw_deg=90)) for colour in (RED, CLEAR_RED))
    inside = opaque.share == 1
    assert clear.radiance[inside].mean() > 1.3 * opaque.radiance[inside].mean()
    shade = (clear.radiance / render(scene, None).radiance)[110:130]
    shade[clear.share[110:130] > 0] = 1
    column = int(np.argmin(shade.mean(axis=(0, 2))))
    blue, _, red = shade[:, column].mean(axis=0)
    assert red > 1.3 * blue


def test_plastics_mirror_as_their_finish_says() -> None:
    solid, chrome, pearl, metal, rubber = (
        material_of(PLASTICS[code]) for code in (RED, CHROME, PEARL, METAL, RUBBER)
    )
    assert chrome.mirrored.min() > metal.mirrored.max() > pearl.mirrored.max() > solid.mirrored.max()
    assert solid.mirrored.max() > rubber.mirrored.max()
    assert rubber.roughness > solid.roughness > chrome.roughness
    assert chrome.diffuse.max() == 0


def test_chrome_mirrors_the_table_in_its_walls_and_the_dark_room_on_top(scene: Scene) -> None:
    """Under lamps from above it is the other way round for grey plastic."""
    seen = replace(scene, elevation_deg=45.0)
    chrome, grey = (render(seen, brick("3001", colour=code, pose=2, yaw_deg=0)) for code in (CHROME, GREY))
    rows = np.flatnonzero(chrome.share[:, SIZE[0] // 2] == 1)
    top, wall = rows[len(rows) // 4], rows[-len(rows) // 5]
    shown, plastic = (rendering.radiance[:, SIZE[0] // 2].mean(axis=1) for rendering in (chrome, grey))
    assert shown[wall] > 5 * shown[top]
    assert plastic[wall] < 0.7 * plastic[top]
    table = np.median(render(seen, None).radiance[SIZE[1] // 2 :])
    assert 0.6 * table < shown[wall] < table


@pytest.mark.parametrize("code", [RED, CLEAR_RED, CHROME, PEARL, METAL, RUBBER])
def test_no_plastic_gives_back_more_light_than_falls_on_it(code: int) -> None:
    """White light of one from all around, no lamp: what a part sends back stays below what the table gets."""
    bright = replace(draw_scene(np.random.default_rng(3)), key_share=0.0, fill_share=0.0, disc_albedo=0.98)
    rendering = render(bright, brick("3001", colour=code))
    assert rendering.radiance[rendering.share == 1].max() < 1.05


def test_edges_that_stick_out_are_rounded(scene: Scene) -> None:
    """Where two faces meet, a bevel shows tones that neither of the faces has."""
    above = replace(scene, elevation_deg=45.0, key_azimuth_deg=-90.0)
    sharp, round_ = (
        render(replace(above, bevel_mm=bevel_mm), brick("3001", colour=0, yaw_deg=0)) for bevel_mm in (0, 0.4)
    )
    inside = sharp.share == 1
    changed = np.abs(round_.radiance - sharp.radiance).mean(axis=2)[inside]
    assert round_.radiance[inside].max() > 1.3 * sharp.radiance[inside].max()
    # Edges are lines: most of the part is as it was.
    assert np.median(changed) < 0.01 * sharp.radiance[inside].mean()


def test_a_part_out_of_view_is_not_drawn(scene: Scene) -> None:
    renderer = Renderer(scene, *SIZE)
    lying = replace(brick("3004"), offset_mm=(500.0, 0.0))
    assert renderer.render(lying, 0.0, 1.0).share.max() == 0


def test_fast_and_good_pictures_show_the_same(scene: Scene) -> None:
    seen = replace(scene, elevation_deg=45.0)
    fast, good = (render(seen, brick("3003", yaw_deg=20), quality) for quality in (FAST, GOOD))
    assert np.abs(fast.radiance - good.radiance).mean() < 0.01 * good.radiance.mean()
    assert np.abs(fast.share - good.share).sum() < 0.02 * good.share.sum()


def test_a_shot_has_a_mask_and_a_box_around_the_part_and_the_same_bytes_each_time() -> None:
    shot = Shot(draw_scene(np.random.default_rng(8)), brick("3001"), 30.0, 320, 240, noise_seed=5)
    first, second = take(shot), take(replace(shot))
    assert first.image.tobytes() == second.image.tobytes()
    assert first.box is not None
    assert first.box.pixels(first.mask).max(axis=0).min() == 255
    assert (first.mask > 0).sum() == (first.box.pixels(first.mask) > 0).sum() > 500
    empty = take(replace(shot, lying=None))
    assert empty.box is None
    differs = np.abs(first.image.astype(int) - empty.image).max(axis=2) > 40
    assert differs[first.mask > 0].mean() > 0.8
