"""A pinhole camera that looks at the table."""

from dataclasses import dataclass

import numpy as np

from rig.sim.geometry import Floats, axes_along
from rig.sim.raster import Floats32
from rig.sim.scene import Scene


@dataclass(frozen=True)
class Pinhole:
    """Where a camera stands, in some frame, and how it maps that frame to pixels.

    Attributes:
        intrinsics: (3, 3) from the camera's frame (x right, y down, z forward, mm) to homogeneous pixels.
        rotation: (3, 3) from the frame to the camera's.
        translation: (3,) of the frame's origin in the camera's frame, mm.
    """

    intrinsics: Floats
    rotation: Floats
    translation: Floats

    def relative_to(self, placement: Floats) -> "Pinhole":
        """The same camera for a frame that is turned and shifted on the table by `placement` (3, 3)."""
        spin = np.eye(3)
        spin[:2, :2] = placement[:2, :2]
        shift = np.array([placement[0, 2], placement[1, 2], 0.0])
        return Pinhole(self.intrinsics, self.rotation @ spin, self.rotation @ shift + self.translation)

    @property
    def focal_px(self) -> float:
        """Focal length in pixels."""
        return float(self.intrinsics[1, 1])

    @property
    def eye(self) -> Floats32:
        """Where the camera stands, (3,) mm."""
        return np.asarray(-self.rotation.T @ self.translation, dtype=np.float32)

    @property
    def homography(self) -> Floats:
        """From points of the plane z = 0 to pixels, (3, 3) homogeneous."""
        return self.homography_at(0.0)

    def homography_at(self, z_mm: float) -> Floats:
        """From points of a level plane to pixels, (3, 3) homogeneous."""
        lifted = self.translation + z_mm * self.rotation[:, 2]
        columns = np.column_stack([self.rotation[:, 0], self.rotation[:, 1], lifted])
        return np.asarray(self.intrinsics @ columns)

    def on_plane(self, size: tuple[int, int], z_mm: float, places: Floats32 | None = None) -> Floats32:
        """Where each pixel's ray meets a level plane, (height, width, 2) mm.

        What is above the horizon meets it nowhere; such pixels lie infinitely far.

        Args:
            size: width and height of the picture.
            z_mm: height of the plane.
            places: (height, width, 2) indices of pixels, x first; None for those of the picture.
        """
        width, height = size
        if places is None:
            places = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).astype(np.float32)
        to_plane = np.linalg.inv(self.homography_at(z_mm))
        pixels = np.concatenate([places + 0.5, np.ones((height, width, 1))], axis=-1)
        met = pixels @ to_plane.T
        # With this scale of the inverse, what is before the camera has the sign of the picture's middle.
        before = met[..., 2:] * np.sign(to_plane[2] @ [width / 2, height / 2, 1]) > 1e-9
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(before, met[..., :2] / met[..., 2:], np.inf).astype(np.float32)

    def rays(self, x: Floats32, y: Floats32) -> Floats32:
        """From the eye to what is seen at pixels x, y (k,), 1 mm away along the camera's axis: (3, k) mm."""
        per_pixel = (self.rotation.T @ np.linalg.inv(self.intrinsics)).astype(np.float32)
        return np.asarray(per_pixel[:, :2] @ np.stack([x, y]) + per_pixel[:, 2:])

    def project(self, points: Floats32) -> tuple[Floats32, Floats32]:
        """Pixels (..., 2) and nearness (...,), 1 over the distance in mm, of points (..., 3)."""
        # One product of flat arrays: on stacks of triangles NumPy would multiply them one by one.
        to_sensor = (self.intrinsics @ self.rotation).T.astype(np.float32)
        shift = (self.intrinsics @ self.translation).astype(np.float32)
        seen = points.reshape(-1, 3) @ to_sensor + shift
        nearness = np.asarray(1 / seen[:, 2], dtype=np.float32)
        flat = np.asarray(seen[:, :2] * nearness[:, None], dtype=np.float32)
        return flat.reshape(*points.shape[:-1], 2), nearness.reshape(points.shape[:-1])


def pinhole_of(scene: Scene, width_px: int, height_px: int) -> Pinhole:
    """The scene's camera, in the frame of the world."""
    focal_px = height_px / 2 / np.tan(np.radians(scene.vertical_fov_deg) / 2)
    intrinsics = np.array([[focal_px, 0, width_px / 2], [0, focal_px, height_px / 2], [0, 0, 1.0]])
    elevation = np.radians(scene.elevation_deg)
    away = np.array([0.0, -np.cos(elevation), np.sin(elevation)])
    eye = np.array([scene.aim_x_mm, scene.aim_y_mm, 0.0]) + scene.distance_mm * away
    roll = np.radians(scene.roll_deg)
    about_axis = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    rotation = about_axis @ axes_along(-away)
    return Pinhole(intrinsics, rotation, -rotation @ eye)
