"""Drawn pictures of a turntable: a bright disc, a soft shadow, and blocks of simple shapes on it."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from rig.camera.frame import Image

Colour = tuple[int, int, int]

SHAPES: dict[str, NDArray[np.float64]] = {
    "square": np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], float),
    "bar": np.array([[-1.6, -0.35], [1.6, -0.35], [1.6, 0.35], [-1.6, 0.35]], float),
    "wedge": np.array([[-1.2, 1], [1.2, 1], [-1.2, -1]], float),
}
"""Corners, by name, about the middle; the longest reaches 1.6."""


@dataclass(frozen=True)
class Scene:
    """What a picture shows.

    Attributes:
        shape: one of SHAPES; None for an empty table.
        colour: of the block, BGR.
        table: colour of the table, BGR.
        turn_deg: of the block.
        middle: of the block, as shares of width and height.
        scale: of the block, as a share of the height.
    """

    shape: str | None
    colour: Colour = (40, 40, 180)
    table: Colour = (200, 180, 200)
    turn_deg: float = 20.0
    middle: tuple[float, float] = (0.5, 0.55)
    scale: float = 0.12


def draw(scene: Scene, *, width: int = 320, height: int = 240, seed: int = 0) -> Image:
    """Draw a scene: vignetted, a little blurred and noisy."""
    rng = np.random.default_rng(seed)
    image = np.full((height, width, 3), 12, np.uint8)
    cv2.ellipse(
        image,
        (width // 2, int(height * 0.75)),
        (int(width * 0.62), int(height * 0.68)),
        0,
        0,
        360,
        scene.table,
        -1,
    )
    if scene.shape is not None:
        corners = corners_of(scene, width, height)
        shadow = np.zeros((height, width), np.float32)
        cv2.fillPoly(shadow, [(corners + height * 0.04).astype(np.int32)], 0.4)
        shadow = np.asarray(cv2.GaussianBlur(shadow, (0, 0), height * 0.04), np.float32)
        image = (image * (1 - shadow[:, :, np.newaxis])).astype(np.uint8)
        cv2.fillPoly(image, [corners.astype(np.int32)], scene.colour)
        _draw_studs(image, scene, width, height)
    across = np.linspace(1.0, 0.75, width)[np.newaxis, :, np.newaxis]
    image = np.asarray(cv2.GaussianBlur(image, (0, 0), 0.7), np.uint8)
    return np.clip(image * across + rng.normal(0, 1.5, image.shape), 0, 255).astype(np.uint8)


def corners_of(scene: Scene, width: int, height: int) -> NDArray[np.float64]:
    """The block's corners in pixels, (corners, 2)."""
    assert scene.shape is not None
    return _placed(SHAPES[scene.shape], scene, width, height)


def _draw_studs(image: Image, scene: Scene, width: int, height: int) -> None:
    """Two dots with a dark outline, as even a white brick on a white table shows them."""
    for x, y in _placed(np.array([[-0.5, 0.1], [0.3, 0.1]]), scene, width, height).astype(int):
        outline = tuple(int(channel * 0.6) for channel in scene.colour)
        cv2.circle(image, (int(x), int(y)), max(2, int(height * scene.scale * 0.22)), outline, 2)


def _placed(points: NDArray[np.float64], scene: Scene, width: int, height: int) -> NDArray[np.float64]:
    turn = np.deg2rad(scene.turn_deg)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    middle = np.array(scene.middle) * (width, height)
    return np.asarray(points @ rotation.T * height * scene.scale + middle, np.float64)
