"""By what a rendered training set is made: recorded with it, so that it is never mixed with another."""

from dataclasses import dataclass
from importlib.metadata import version
from typing import Literal

import cv2
import numpy as np

from rig.errors import BadInput
from rig.scene_config import SceneConfig
from rig.sim.part_library import PartLibrary
from rig.sim.quality import FAST, GOOD, Quality

QualityName = Literal["fast", "good"]

_QUALITIES: dict[QualityName, Quality] = {"fast": FAST, "good": GOOD}
_MOST_VIEWS = 3600
_SIDE_PX = (64, 8192)


@dataclass(frozen=True)
class Recipe:
    """What, together with a sitting, makes every byte of its pictures.

    Attributes:
        seed: of all sittings.
        views: of each sitting.
        width_px, height_px: of the pictures.
        quality: how finely they are computed.
        scene: ranges from which the rig of each sitting is drawn.
        made_with: what computes the pictures, and its version.
    """

    seed: int
    views: int
    width_px: int
    height_px: int
    quality: QualityName
    scene: SceneConfig
    made_with: dict[str, str]

    def __post_init__(self) -> None:
        low, high = _SIDE_PX
        for option, value, least, most in (
            ("--views", self.views, 1, _MOST_VIEWS),
            ("--width", self.width_px, low, high),
            ("--height", self.height_px, low, high),
        ):
            if not least <= value <= most:
                raise BadInput(f"{option} {value} is out of range", hint=f"use {least} to {most}")

    @property
    def fineness(self) -> Quality:
        """What its quality means to the renderer."""
        return _QUALITIES[self.quality]

    def settings(self) -> dict[str, object]:
        """Each by the name under which a user knows it."""
        scene = {f"{key} in [sim.scene]": value for key, value in self.scene.model_dump().items()}
        return {
            "--seed": self.seed,
            "--views": self.views,
            "--width": self.width_px,
            "--height": self.height_px,
            "--quality": self.quality,
            **scene,
            **self.made_with,
        }


def current_versions(library: PartLibrary) -> dict[str, str]:
    """Of this program and of what else decides over the bytes of a picture; a library is told by its size."""
    return {
        "brickrig": version("brickrig"),
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        "parts": str(len(library.part_numbers())),
    }
