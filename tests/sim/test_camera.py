from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from rig.config import CameraConfig
from rig.errors import CameraError, FrameTimeout
from rig.sim.camera import SimulatedCamera
from rig.sim.render import Renderer
from rig.sim.scene import Scene, draw_scene
from rig.sim.sensor import Sensor
from rig.sim.world import World
from tests.sim.desk import LAMP_PIN, SteadyTurn, brick, dark_world, lit_world

CONFIG = CameraConfig(width_px=160, height_px=120)
FRAMES_PER_S = 25.0
PERIOD_S = 1 / FRAMES_PER_S


def scene() -> Scene:
    return draw_scene(np.random.default_rng(12))


def running_camera(world: World, *, seed: int = 0, config: CameraConfig = CONFIG) -> SimulatedCamera:
    camera = SimulatedCamera(world, scene(), config, frames_per_s=FRAMES_PER_S, seed=seed)
    camera.start()
    return camera


def test_a_frame_says_when_and_how_it_was_exposed() -> None:
    world = lit_world()
    frame = running_camera(world).capture(0.0)
    assert frame.image.shape == (120, 160, 3)
    assert frame.image.dtype == np.uint8
    assert frame.exposed_until_s - frame.exposed_from_s == pytest.approx(0.008)
    assert (frame.exposure_us, frame.gain) == (8000, 1.0)
    assert world.clock.monotonic() >= frame.exposed_until_s


def test_frames_lie_on_a_grid_and_never_before_what_was_asked() -> None:
    world = lit_world()
    camera = running_camera(world)
    first = camera.capture(0.0)
    rng = np.random.default_rng(1)
    for _ in range(10):
        not_before_s = world.clock.monotonic() + rng.uniform(0, 0.2)
        frame = camera.capture(not_before_s)
        assert not_before_s <= frame.exposed_from_s < not_before_s + PERIOD_S + 0.02
        periods = (frame.exposed_from_s - first.exposed_from_s) / PERIOD_S
        assert periods == pytest.approx(round(periods), abs=1e-6)


def test_the_picture_shows_the_angle_the_table_really_has() -> None:
    world = lit_world()
    world.lay(brick("3001"))
    # It turns from 10 s on, and stands still again from 11 s on, at 73 degrees.
    start_s = world.clock.monotonic() + 10
    world.drive_table(SteadyTurn(start_s, speed_deg_s=73, duration_s=1))
    camera = running_camera(world, config=CONFIG.model_copy(update={"timeout_s": 60.0}))
    frames = [camera.capture(0.0), camera.capture(start_s + 1)]
    for frame, angle_deg in zip(frames, (0.0, 73.0), strict=True):
        sensor = Sensor(scene(), 160, 120)
        light = sensor.expose(Renderer(scene(), 160, 120).render(world.part_on_table(), angle_deg, 1.0))
        expected = sensor.develop(light, np.random.default_rng(9))
        assert np.abs(frame.image.astype(int) - expected).mean() < 5
    assert np.abs(frames[0].image.astype(int) - frames[1].image).max() > 60


def test_whatever_changes_on_the_desk_is_in_the_next_frame() -> None:
    """As a camera sees it that was never there before; and what stays as it is looks the same again."""
    world, noiseless = lit_world(), replace(scene(), noise=0.0)
    far, near = (CONFIG.model_copy(update={"lens_position": dioptres}) for dioptres in (2.0, 14.0))

    def camera(config: CameraConfig) -> SimulatedCamera:
        camera = SimulatedCamera(world, noiseless, config, frames_per_s=FRAMES_PER_S, seed=0)
        camera.start()
        return camera

    def picture(camera: SimulatedCamera) -> bytes:
        return camera.capture(0.0).image.tobytes()

    watching = camera(far)
    turned = SteadyTurn(world.clock.monotonic() - 1, speed_deg_s=90, duration_s=1)
    changes: list[tuple[CameraConfig, Callable[[], None]]] = [
        (far, lambda: world.lay(brick("3001"))),
        (far, lambda: world.lay(brick("3001", colour=14))),
        (far, lambda: world.drive_table(turned)),
        (far, lambda: world.write_pin(LAMP_PIN, 100)),
        (near, lambda: watching.relock(near)),
        (near, world.clear),
        (near, lambda: world.lay_sheet(0.2)),
    ]
    seen = [picture(watching)]
    for config, change in changes:
        change()
        seen.append(picture(watching))
        assert picture(watching) == seen[-1] == picture(camera(config))
    assert len(set(seen)) == 1 + len(changes)


def test_a_table_that_turns_during_the_exposure_blurs_the_part() -> None:
    def sharpness(speed_deg_s: float) -> float:
        world = lit_world()
        world.lay(brick("2456", colour=0))
        world.drive_table(SteadyTurn(world.clock.monotonic(), speed_deg_s))
        config = CONFIG.model_copy(update={"exposure_us": 20000, "gain": 0.4})
        image = running_camera(world, config=config).capture(0.0).image.astype(float).mean(axis=2)
        # Below the upper rim of the disc, where the part has the strongest edges.
        return float((np.diff(image[40:], axis=1) ** 2).mean())

    assert sharpness(720.0) < 0.75 * sharpness(0.0)


def test_noise_depends_on_seed_and_count_and_not_on_time() -> None:
    def frames(seed: int, pause_s: float) -> list[bytes]:
        world = lit_world()
        camera = running_camera(world, seed=seed)
        return [camera.capture(world.clock.monotonic() + pause_s).image.tobytes() for _ in range(3)]

    assert frames(1, 0.0) == frames(1, 0.7)
    assert frames(1, 0.0) != frames(2, 0.0)
    assert len(set(frames(1, 0.0))) == 3


def test_exposure_and_gain_brighten_and_gain_adds_noise() -> None:
    def picture(**settings: float) -> np.ndarray:
        return (
            running_camera(lit_world(), config=CONFIG.model_copy(update=settings))
            .capture(0.0)
            .image.astype(float)
        )

    normal, short, gained = picture(), picture(exposure_us=4000), picture(exposure_us=500, gain=16.0)
    assert short.mean() < 0.85 * normal.mean()
    assert gained.mean() == pytest.approx(normal.mean(), rel=0.03)
    noise, more_noise = (image[90:110, 60:100].std(axis=(0, 1)).mean() for image in (normal, gained))
    assert more_noise > 2 * noise


def test_no_light_no_picture() -> None:
    assert running_camera(dark_world()).capture(0.0).image.mean() < 5


def test_a_frame_too_far_ahead_times_out_at_once() -> None:
    world = lit_world()
    camera = running_camera(world)
    with pytest.raises(FrameTimeout, match="5 s"):
        camera.capture(world.clock.monotonic() + 60)


def test_a_long_exposure_slows_the_frames_down() -> None:
    world = lit_world()
    camera = running_camera(world, config=CONFIG.model_copy(update={"exposure_us": 200_000}))
    first, second = camera.capture(0.0), camera.capture(0.0)
    assert second.exposed_from_s - first.exposed_from_s >= 0.2 - 1e-9


def test_a_camera_that_does_not_run_says_so() -> None:
    camera = SimulatedCamera(lit_world(), scene(), CONFIG, frames_per_s=FRAMES_PER_S, seed=0)
    camera.close()
    with pytest.raises(CameraError, match="not running"):
        camera.capture(0.0)
    camera.start()
    camera.capture(0.0)
    camera.close()
    with pytest.raises(CameraError, match="not running"):
        camera.capture(0.0)


def test_threads_share_a_camera() -> None:
    world = lit_world()
    world.lay(brick("3003"))
    camera = running_camera(world)
    with ThreadPoolExecutor(4) as pool:
        images = list(pool.map(lambda _: camera.capture(0.0).image.tobytes(), range(12)))
    # Each frame has noise of its own: no count was given out twice.
    assert len(set(images)) == 12


def test_it_describes_itself() -> None:
    assert "160x120" in running_camera(lit_world()).describe()
