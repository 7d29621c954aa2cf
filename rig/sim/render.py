"""The picture that falls on the sensor: table, part, shadow and light, by NumPy and OpenCV alone.

Everything is computed in the frame of the lying part, in which part, occlusion and shadow map stand still and
camera and light go round.
"""

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from rig.catalog import ColourCode
from rig.sim.bake import BakedPart, light_map
from rig.sim.geometry import Floats
from rig.sim.ground import light_on_ground
from rig.sim.part_library import EMBEDDED, PartLibrary
from rig.sim.pinhole import Pinhole, pinhole_of
from rig.sim.plastics import EDGE_COLOUR, OWN_COLOUR
from rig.sim.raster import Floats32, Fragments, coverage, facing_area, rasterize
from rig.sim.scene import Scene
from rig.sim.shading import Lighting, albedo_of, shade_plastic, unit
from rig.sim.world import LyingPart

_SHADOW_TAPS_PX = ((-0.8, -0.8), (0.8, -0.8), (-0.8, 0.8), (0.8, 0.8))
_SHADOW_LIFT_MM = 0.3
# The disc is cut from paper by hand: its radius varies a little around it, and a pin marks its middle.
_RIM_POINTS = 120
_PINHOLE_RADIUS_MM = 0.35
_PINHOLE_ALBEDO = 0.3
_SUBPIXEL_BITS = 4
# Each pixel at the part's outline counts its subpixels in both directions.
_SUBPIXELS = 2


class Renderer:
    """Renders one scene at one size.

    Args:
        scene: light and camera.
        width_px, height_px: of the pictures.
        library: has the parts that are rendered.
    """

    def __init__(self, scene: Scene, width_px: int, height_px: int, library: PartLibrary = EMBEDDED) -> None:
        self._library = library
        self._scene = scene
        self._size = (width_px, height_px)
        self._camera = pinhole_of(scene, width_px, height_px)
        self._rim_mm = _disc_rim(scene.disc_radius_mm)

    def render(
        self,
        lying: LyingPart | None,
        table_angle_deg: float,
        lamp_level: float,
        *,
        sheet: float | None = None,
    ) -> Floats32:
        """Radiance (height, width, 3) float32, linear, BGR, 1 for a white surface in full light.

        Args:
            lying: the part on the table; None for an empty one.
            table_angle_deg: how far the table has turned, counter-clockwise seen from above.
            lamp_level: brightness of the lamp, 0 to 1.
            sheet: reflectance of a sheet that covers an empty table; None for the bare one.
        """
        table = _turn(table_angle_deg)
        if lying is None:
            light = self._lighting(table, lamp_level)
            if sheet is not None:
                light = replace(light, table_albedo=sheet)
            image = np.empty((self._size[1], self._size[0], 3), np.float32)
            image[:] = light.open_table
            if sheet is None:
                self._prick_pinhole(image, light)
            self._cut_out_disc(image, table, light)
            return image
        placement = table @ _placement(lying)
        part = self._library.baked(lying.part, lying.pose)
        albedo = albedo_of(self._library.plastics.of(lying.colour).rgb)
        light = self._lighting(placement, lamp_level)
        camera = self._camera.relative_to(placement)
        image = self._table_around(part, albedo, light, camera)
        albedos = self._albedos(part, lying.colour)
        self._prick_pinhole(image, light)
        self._cut_out_disc(image, table, light)
        _draw_part(image, part, albedos, light, camera)
        return image

    def _albedos(self, part: BakedPart, colour: ColourCode) -> Floats32:
        """Reflectances (n, 3) of the part's triangles."""
        plastics = self._library.plastics
        codes, places = np.unique(part.colours, return_inverse=True)
        worn = {OWN_COLOUR: colour, EDGE_COLOUR: plastics.edge_of(colour)}
        colours = [worn.get(code, code) for code in map(ColourCode, codes.tolist())]
        return np.array([albedo_of(plastics.of(worn).rgb) for worn in colours])[places]

    def _lighting(self, placement: Floats, lamp_level: float) -> Lighting:
        """The scene's light in a frame that stands on the table as `placement` says."""
        scene = self._scene
        key_direction = np.array(scene.key_direction, np.float32)
        key_direction[:2] = placement[:2, :2].T @ key_direction[:2]
        return Lighting(
            key_direction,
            scene.key_spread,
            np.array(scene.key_rgb[::-1], np.float32) * np.float32(lamp_level),
            np.array(scene.ambient_rgb[::-1], np.float32) * np.float32(lamp_level),
            scene.disc_albedo,
        )

    def _table_around(self, part: BakedPart, albedo: Floats32, light: Lighting, camera: Pinhole) -> Floats32:
        """The endless table with the part's shadow on it."""
        texel_mm = 1 / part.texels_per_mm
        first_mm = texel_mm / 2 - part.ground_half_mm
        texel_to_mm = np.array([[texel_mm, 0, first_mm], [0, texel_mm, first_mm], [0, 0, 1]])
        image = cv2.warpPerspective(
            light_on_ground(part, albedo, light),
            camera.homography @ texel_to_mm,
            self._size,
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=[float(channel) for channel in light.open_table],
        )
        return np.asarray(image, dtype=np.float32)

    def _prick_pinhole(self, image: Floats32, light: Lighting) -> None:
        """Prick the pinhole in the disc's middle."""
        pinhole = self._on_sensor(_PINHOLE_RADIUS_MM * _unit_circle(12))
        pinhole_radiance = [float(channel) for channel in light.open_table * _PINHOLE_ALBEDO]
        cv2.fillPoly(image, [pinhole], pinhole_radiance, cv2.LINE_8, _SUBPIXEL_BITS)

    def _cut_out_disc(self, image: Floats32, table: Floats, light: Lighting) -> None:
        """Leave the dark room beyond the disc's rim."""
        rim = self._on_sensor(self._rim_mm @ table[:2, :2].T)
        on_disc = np.zeros(image.shape[:2], np.uint8)
        cv2.fillPoly(on_disc, [rim], 255, cv2.LINE_AA, _SUBPIXEL_BITS)
        room = light.ambient * np.float32(self._scene.background)
        image[on_disc == 0] = room
        edge = np.nonzero((on_disc > 0) & (on_disc < 255))
        share = on_disc[edge][:, None] / np.float32(255)
        image[edge] = light.open_table * share + room * (1 - share)

    def _on_sensor(self, table_mm: Floats) -> NDArray[np.int32]:
        """Points (n, 2) of the table as fixed-point pixels for OpenCV."""
        flat = np.column_stack([table_mm, np.zeros(len(table_mm))]).astype(np.float32)
        pixels, _ = self._camera.project(flat)
        return np.asarray(np.rint((pixels - 0.5) * (1 << _SUBPIXEL_BITS)), dtype=np.int32)


def _draw_part(image: Floats32, part: BakedPart, albedos: Floats32, light: Lighting, camera: Pinhole) -> None:
    """Draw the part over the table, in the rectangle of the picture that it covers."""
    points, nearness = camera.project(part.corners)
    size = np.array([image.shape[1], image.shape[0]])
    low = np.clip(np.floor(points.min(axis=(0, 1))) - 1, 0, size).astype(np.int32)
    high = np.clip(np.ceil(points.max(axis=(0, 1))) + 1, 0, size).astype(np.int32)
    width, height = (int(extent) for extent in high - low)
    if width <= 0 or height <= 0:
        return
    corner = low.astype(np.float32)
    fragments = rasterize(points - corner, nearness, width, height)
    radiance = np.zeros((height, width, 3), np.float32)
    radiance[fragments.y, fragments.x] = _shade(part, fragments, nearness, albedos, light, camera.eye)
    outline, _ = camera.project(part.silhouette)
    share = _share_of_pixels(outline - corner, width, height)
    region = image[low[1] : high[1], low[0] : high[0]]
    region += share[..., None] * (_bleed(radiance, fragments) - region)


def _shade(
    part: BakedPart,
    fragments: Fragments,
    nearness: Floats32,
    albedos: Floats32,
    light: Lighting,
    eye: Floats32,
) -> Floats32:
    """Radiance (k, 3) of the fragments of a part."""
    # Weights are linear on the screen; multiplied by the nearness they are linear on the surface.
    weights = fragments.weights * nearness[fragments.triangle]
    weights /= weights.sum(axis=1, keepdims=True)
    points = _blend(part.corners, fragments.triangle, weights)
    normals = unit(_blend(part.normals, fragments.triangle, weights))
    openness: Floats32 = np.einsum("kc,kc->k", part.openness[fragments.triangle], weights)
    to_eye = unit(eye - points)
    seen_by_key = light_map(part.silhouette, light.key_direction, part.light_map_px)
    lifted = points + np.float32(_SHADOW_LIFT_MM) * normals
    reaches = seen_by_key.reaches(lifted, _SHADOW_TAPS_PX)
    return shade_plastic(normals, to_eye, openness, reaches, albedos[fragments.triangle], light)


def _blend(values: Floats32, triangle: NDArray[np.int32], weights: Floats32) -> Floats32:
    """Values (n, 3, 3) of corners blended at points (k,) of triangles, (k, 3)."""
    blended: Floats32 = np.einsum("kc,kca->ka", weights, values[triangle])
    return blended


def _share_of_pixels(points: Floats32, width: int, height: int) -> Floats32:
    """How much of each pixel the front-facing triangles (n, 3, 2) cover, 0 to 1, (height, width)."""
    front = points[facing_area(points) > 0]
    fine = coverage(
        front * _SUBPIXELS, np.ones(len(front), np.float32), width * _SUBPIXELS, height * _SUBPIXELS
    )
    covered = (fine > 0.5).astype(np.float32)
    return np.asarray(cv2.resize(covered, (width, height), interpolation=cv2.INTER_AREA), dtype=np.float32)


def _bleed(radiance: Floats32, fragments: Fragments) -> Floats32:
    """Give pixels that the part covers only beside their centre the colour of their neighbours."""
    hit = np.isfinite(fragments.depth_buffer).astype(np.float32)
    neighbours = cv2.blur(radiance, (3, 3)) / np.maximum(cv2.blur(hit, (3, 3)), 1e-3)[..., None]
    return np.where(hit[..., None] > 0, radiance, neighbours)


def _placement(lying: LyingPart) -> Floats:
    """How the part's frame stands on the table: (3, 3), homogeneous, in the plane."""
    placement = _turn(lying.yaw_deg)
    placement[:2, 2] = lying.offset_mm
    return placement


def _turn(angle_deg: float) -> Floats:
    """The (3, 3) matrix that turns homogeneous points of the plane counter-clockwise."""
    angle = np.radians(angle_deg)
    return np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])


def _unit_circle(points: int) -> Floats:
    angle = np.arange(points) * (2 * np.pi / points)
    return np.column_stack([np.cos(angle), np.sin(angle)])


def _disc_rim(radius_mm: float) -> Floats:
    """The rim of the disc in the table's frame, (n, 2) mm."""
    angle = np.arange(_RIM_POINTS) * (2 * np.pi / _RIM_POINTS)
    cut = 1 + 0.006 * np.sin(3 * angle + 0.7) + 0.003 * np.sin(8 * angle)
    return np.asarray(_unit_circle(_RIM_POINTS) * (radius_mm * cut)[:, None])
