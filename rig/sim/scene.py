"""Light, camera, table and background of one session: drawn once, then held, as on a rig left alone."""

from dataclasses import dataclass, fields

import numpy as np

from rig.scene_config import SceneConfig

Rgb = tuple[float, float, float]

# What is left to the light from all around where two strong lamps leave nothing.
_LEAST_AMBIENT = 0.04


@dataclass(frozen=True)
class Scene:
    """What a session looks like. The world's frame: millimetres, z up, origin in the table's middle.

    Two lamps hang over the table: a key light that is cooler than the rest, and a warmer fill light. What
    one of them leaves in the shade shows the colour of the other, as on the photographs. Together with the
    light from all around they make white light of unit irradiance in the table's middle; the picture's cast
    comes from the camera's white balance.

    Attributes:
        elevation_deg: of the camera above the table, which it sees from the side of negative y.
        distance_mm: from the camera to the point it aims at.
        aim_x_mm, aim_y_mm: that point on the table.
        vertical_fov_deg: field of view from the upper to the lower edge of the picture.
        roll_deg: of the camera about its own axis.
        blur_px: standard deviation of the blur in focus, at a picture height of 480 pixels.
        defocus_px_per_dioptre: standard deviation of the blur for each dioptre that something is out of
            focus, at a height of 480 pixels: the depth of field. A lens of 4.74 mm at f/1.8 before a sensor
            3.6 mm high draws a point into a disc of 1.65 pixels, a quarter of which is 0.41.
        focus_error_dioptre: by how much nearer the lens is focused than at what it aims at.
        distortion: by what share the corners of the picture are drawn inwards (a barrel), or pushed outwards
            where it is negative (a pincushion).
        vignette: loss of light in the corners, 0 to 1.
        exposure: gain of all channels.
        pinkness: the cast, from lavender (0, much blue) to pink (1, much red).
        red_tint, blue_tint: what the gains of red and blue differ from that.
        noise: standard deviation of the noise, in 8 bit levels, at gain 1.
        readout_s: from the exposure of the first row to that of the last (rolling shutter).
        key_share, fill_share: of the table's light, from either lamp.
        key_zenith_deg, key_azimuth_deg, fill_zenith_deg, fill_azimuth_deg: where the lamps are, seen from
            the table's middle; azimuth counter-clockwise from x.
        key_radius_deg, fill_radius_deg: how large they look from there; softens the shadows.
        key_coolness: how much more blue than green the key light has, and less red.
        fill_warmth: how much more red than green the fill light has, and less blue.
        lamp_height_mm: of both lamps above the table; low ones light it unevenly.
        caustic: strength of the light that a part's walls mirror onto the table, 1 for what clean glossy ones
            mirror of the two lamps alone.
        bevel_mm: radius of the parts' edges.
        disc_radius_mm: of the white disc.
        disc_albedo: reflectance of the disc, 0 to 1.
        dirt: how many specks and stains are on the disc, 0 to 1.
        seams: how clearly creases and joints of the paper are to be seen, 0 to 1.
        background: reflectance of what lies in the dark beyond the disc.
        clutter: how much there is to be seen of things beyond the disc, 0 to 1.
    """

    elevation_deg: float
    distance_mm: float
    aim_x_mm: float
    aim_y_mm: float
    vertical_fov_deg: float
    roll_deg: float

    blur_px: float
    defocus_px_per_dioptre: float
    focus_error_dioptre: float
    distortion: float
    vignette: float
    exposure: float
    pinkness: float
    red_tint: float
    blue_tint: float
    noise: float
    readout_s: float

    key_share: float
    key_zenith_deg: float
    key_azimuth_deg: float
    key_radius_deg: float
    key_coolness: float
    fill_share: float
    fill_zenith_deg: float
    fill_azimuth_deg: float
    fill_radius_deg: float
    fill_warmth: float
    lamp_height_mm: float
    caustic: float

    bevel_mm: float
    disc_radius_mm: float
    disc_albedo: float
    dirt: float
    seams: float
    background: float
    clutter: float

    seed: int
    """Of the places of specks, creases and clutter."""

    @property
    def key_rgb(self) -> Rgb:
        """What the key light gives to the table's middle, by channel, linear."""
        return _tinted(self.key_share, self.key_coolness)

    @property
    def fill_rgb(self) -> Rgb:
        """What the fill light gives to the table's middle, by channel, linear."""
        return _tinted(self.fill_share, -self.fill_warmth)

    @property
    def ambient_rgb(self) -> Rgb:
        """What comes from everything else to the open table, by channel, linear."""
        red, green, blue = (
            max(_LEAST_AMBIENT, 1 - key - fill) for key, fill in zip(self.key_rgb, self.fill_rgb, strict=True)
        )
        return red, green, blue

    @property
    def white_balance(self) -> Rgb:
        """Gains of red, green and blue.

        On the photographed disc, red over green falls as blue over green rises, with a correlation of -0.75.
        """
        return 1.5 + 0.75 * self.pinkness + self.red_tint, 1.0, 2.05 - 0.7 * self.pinkness + self.blue_tint


def draw_scene(rng: np.random.Generator, ranges: SceneConfig | None = None) -> Scene:
    """Set a rig up: draw each value evenly from its range.

    Every value has a random stream of its own: fixing one in rig.toml leaves the others as they are.
    """
    ranges = ranges or SceneConfig()
    names = [field.name for field in fields(Scene) if field.name != "seed"]
    streams = rng.spawn(len(names))
    drawn = {
        name: float(stream.uniform(*getattr(ranges, name)))
        for name, stream in zip(names, streams, strict=True)
    }
    return Scene(**drawn, seed=int(rng.integers(2**32)))


def _tinted(share: float, coolness: float) -> Rgb:
    return share * (1 - coolness), share, share * (1 + coolness)
