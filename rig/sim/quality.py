"""How finely a simulated picture is computed: fast, for a camera, or well, for training sets."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Quality:
    """What a picture costs; it shows the same things at any quality.

    Attributes:
        samples: of the part in each pixel, in both directions.
        shadow_map_scale: of the depth maps that tell where lamps reach the part.
        ground_texels: across the square of table on which light is computed.
        ground_step_px: between the pixels for which that light is looked up; those between are interpolated.
            Less than a texel, it takes nothing from the picture.
        shadow_slices: up to which shares of its height a part throws another shadow than as a whole: sharper
            ones, as that is nearer to the table.
    """

    samples: int
    shadow_map_scale: float
    ground_texels: int
    ground_step_px: int
    shadow_slices: tuple[float, ...]


FAST = Quality(samples=1, shadow_map_scale=0.75, ground_texels=144, ground_step_px=2, shadow_slices=(0.3,))
GOOD = Quality(
    samples=2, shadow_map_scale=1.5, ground_texels=288, ground_step_px=1, shadow_slices=(0.1, 0.25, 0.55)
)
