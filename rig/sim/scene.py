"""Light and camera of one session: drawn once, then held, as on a rig that is set up and left alone.

The ranges were fitted to photographs from a real turntable rig: a white paper disc under coloured light from
nearly overhead, seen from 35 to 50 degrees above the table, with everything beyond the disc in the dark.
"""

from dataclasses import dataclass

import numpy as np

Rgb = tuple[float, float, float]


@dataclass(frozen=True)
class Scene:
    """One session's light and camera. The world's frame: millimetres, z up, origin in the table's middle.

    Attributes:
        elevation_deg: of the camera above the table, which it sees from the side of negative y.
        distance_mm: from the camera to the point it aims at.
        aim_mm: x and y of that point on the table.
        vertical_fov_deg: field of view from the upper to the lower edge of the picture.
        roll_deg: of the camera about its own axis.
        key_direction: x, y and z towards the key light, of length 1.
        key_spread: radius of the key light as seen from the table, in radians; it softens the shadow.
        key_rgb: irradiance from the key light on a surface that faces it, linear, per colour channel.
        ambient_rgb: irradiance from everything else on an unobstructed table, linear.
        disc_radius_mm: of the white disc.
        disc_albedo: reflectance of the disc, 0 to 1.
        background: reflectance of what lies in the dark beyond the disc.
        white_balance: gain of each colour channel, red first; gives the pictures their colour cast.
        exposure: gain of all channels.
        vignette: loss of light in the corners, 0 to 1.
        blur_px: standard deviation of the lens blur, at a picture height of 480 pixels.
        noise: standard deviation of the noise, in 8 bit levels, at gain 1.
    """

    elevation_deg: float
    distance_mm: float
    aim_mm: tuple[float, float]
    vertical_fov_deg: float
    roll_deg: float
    key_direction: tuple[float, float, float]
    key_spread: float
    key_rgb: Rgb
    ambient_rgb: Rgb
    disc_radius_mm: float
    disc_albedo: float
    background: float
    white_balance: Rgb
    exposure: float
    vignette: float
    blur_px: float
    noise: float


def draw_scene(rng: np.random.Generator) -> Scene:
    """Set a rig up: draw light and camera from the distributions that the photographs suggest.

    The cast runs from pink (much red) to lavender (much blue): on the photographed disc, red over green falls
    as blue over green rises, with a correlation of -0.75. The key light is cooler than the rest, so that
    shadows look warm.
    """
    zenith = np.radians(rng.uniform(8, 22))
    azimuth = np.radians(rng.normal(-70, 40))
    key = rng.uniform(0.45, 0.75)
    pinkness = rng.uniform(0, 1)
    coolness = rng.uniform(0.05, 0.25)
    return Scene(
        elevation_deg=rng.uniform(38, 48),
        distance_mm=rng.uniform(112, 128),
        aim_mm=(rng.normal(0, 2), rng.normal(0, 2)),
        vertical_fov_deg=rng.uniform(34, 39),
        roll_deg=rng.normal(0, 1.2),
        key_direction=(
            float(np.sin(zenith) * np.cos(azimuth)),
            float(np.sin(zenith) * np.sin(azimuth)),
            float(np.cos(zenith)),
        ),
        key_spread=rng.uniform(0.12, 0.35),
        key_rgb=(key * (1 - coolness), key, key * (1 + coolness)),
        ambient_rgb=((1 - key) * (1 + coolness), 1 - key, (1 - key) * (1 - coolness)),
        disc_radius_mm=rng.uniform(70, 80),
        disc_albedo=rng.uniform(0.64, 0.78),
        background=rng.uniform(0.003, 0.02),
        white_balance=(
            1.5 + 0.75 * pinkness + rng.normal(0, 0.08),
            1.0,
            2.05 - 0.7 * pinkness + rng.normal(0, 0.08),
        ),
        exposure=rng.uniform(0.31, 0.45),
        vignette=rng.uniform(0.1, 0.35),
        blur_px=rng.uniform(0.5, 0.9),
        noise=rng.uniform(0.8, 2.2),
    )
