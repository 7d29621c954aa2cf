"""The light that comes from the desk to the lens: table, part, shadow and lamps, by NumPy and OpenCV alone.

Everything is computed in the frame of the lying part, in which part, occlusion and shadow map stand still and
camera and light go round.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from rig.catalog import ColourCode
from rig.sim.bake import BakedPart, LightMap, light_maps
from rig.sim.disc import Disc
from rig.sim.geometry import Floats
from rig.sim.ground import light_on_ground
from rig.sim.part_library import EMBEDDED, PartLibrary
from rig.sim.part_view import PartView, Skin, view_part
from rig.sim.passages import LyingPart
from rig.sim.pinhole import Pinhole, pinhole_of
from rig.sim.plastics import EDGE_COLOUR, OWN_COLOUR
from rig.sim.quality import FAST, Quality
from rig.sim.raster import Floats32
from rig.sim.scene import Rgb, Scene
from rig.sim.shading import Lamp, Lighting, material_of
from rig.sim.strips import strips

# Light that a part changes by a smaller share of it is left as it is: a third of a level in a picture.
_LEAST_SHADE = 0.005


@dataclass(frozen=True)
class Rendering:
    """What meets the lens.

    Attributes:
        radiance: (height, width, 3) float32, linear, BGR, 1 for a white surface in full light.
        dioptres: (height, width) float32, 1000 over the distance in mm of what is seen there.
        share: (height, width) float32, how much of each pixel the part covers, 0 to 1.
    """

    radiance: Floats32
    dioptres: Floats32
    share: Floats32


@dataclass(frozen=True)
class _LitPart:
    """A part on the table, and how light falls on it and around it.

    Attributes:
        lying, part, skin: the part.
        light: in its frame.
        shadow_maps: what each of the lamps sees of it.
        ground: (texels, texels, 3) float32, light on the table around it, relative to the open table.
    """

    lying: LyingPart
    part: BakedPart
    skin: Skin
    light: Lighting
    shadow_maps: Sequence[LightMap]
    ground: Floats32


class Renderer:
    """Renders one scene at one size.

    Args:
        scene: light, camera, table and background.
        width_px, height_px: of the pictures.
        library: has the parts that are rendered.
        quality: how finely.
    """

    def __init__(
        self,
        scene: Scene,
        width_px: int,
        height_px: int,
        library: PartLibrary = EMBEDDED,
        quality: Quality = FAST,
    ) -> None:
        self._scene = scene
        self._library = library
        self._size = (width_px, height_px)
        self._quality = quality
        self._camera = pinhole_of(scene, width_px, height_px)
        self._pool = _light_pool(scene, self._camera, self._size)
        self._disc = Disc(scene, self._camera, self._pool)
        self._bare = self._pool * _lighting(scene, np.eye(3)).open_table
        self._disc.cut_out(self._bare)
        self._dioptres = _dioptres_of_table(self._camera, self._size)

    def render(
        self,
        lying: LyingPart | None,
        table_angle_deg: float,
        lamp_level: float,
        *,
        sheet: float | None = None,
    ) -> Rendering:
        """What the camera is shown.

        Args:
            lying: the part on the table; None for an empty one.
            table_angle_deg: how far the table has turned, counter-clockwise seen from above.
            lamp_level: brightness of the lamp, 0 to 1.
            sheet: reflectance of a sheet that covers an empty table; None for the bare one.
        """
        lit = None if lying is None else self._light(lying, table_angle_deg)
        return self._picture(lit, table_angle_deg, lamp_level, sheet)

    def render_turn(self, lying: LyingPart, angles_deg: Sequence[float], lamp_level: float) -> Rendering:
        """The mean of what the camera is shown while the table turns by a few degrees.

        How light falls on the part is computed for the middle alone: it hardly changes.
        """
        lit = self._light(lying, float(np.mean(angles_deg)))
        total, *others = (self._picture(lit, angle_deg, lamp_level, None) for angle_deg in angles_deg)
        for other in others:
            cv2.accumulate(other.radiance, total.radiance)
            cv2.accumulate(other.dioptres, total.dioptres)
            cv2.accumulate(other.share, total.share)
        for layer in (total.radiance, total.dioptres, total.share):
            layer /= np.float32(len(angles_deg))
        return total

    def _picture(
        self, lit: _LitPart | None, table_angle_deg: float, lamp_level: float, sheet: float | None
    ) -> Rendering:
        table = _turn(table_angle_deg)
        worn = self._disc.reflectance(table)
        if sheet is not None:
            worn[self._disc.on_table > 0] = sheet / self._scene.disc_albedo
        radiance = _darkened(self._bare, worn)
        dioptres, share = self._dioptres.copy(), np.zeros(self._dioptres.shape, np.float32)
        view = None
        if lit is not None:
            camera = self._camera.relative_to(table @ _placement(lit.lying))
            self._shade_table(radiance, lit.ground, camera, lit.part.ground_half_mm)
            view = self._view(lit, camera)
        self._disc.cut_rim(radiance, table)
        if view is not None:
            _paint(view, radiance, self._pool, dioptres, share)
        if lamp_level != 1:
            radiance *= np.float32(lamp_level)
        return Rendering(radiance, dioptres, share)

    def _light(self, lying: LyingPart, table_angle_deg: float) -> _LitPart:
        part = self._library.baked(lying.part, lying.pose)
        skin = self._skin(part, lying.colour)
        light = _lighting(self._scene, _turn(table_angle_deg) @ _placement(lying))
        map_px = round(part.light_map_px * self._quality.shadow_map_scale)
        maps = light_maps(part.silhouette, [lamp.direction for lamp in light.lamps], map_px)
        caustic = self._scene.caustic
        ground = light_on_ground(part, skin.materials[0], light, maps, self._quality, caustic=caustic)
        return _LitPart(lying, part, skin, light, maps, ground / light.open_table)

    def _view(self, lit: _LitPart, camera: Pinhole) -> PartView | None:
        return view_part(
            lit.part,
            lit.skin,
            lit.light,
            lit.shadow_maps,
            camera,
            self._size,
            self._quality.samples,
            bevel_mm=self._scene.bevel_mm,
        )

    def _shade_table(self, radiance: Floats32, ground: Floats32, camera: Pinhole, half_mm: float) -> None:
        """Multiply the picture by what a part makes of the light around it, (texels, texels, 3)."""
        texel_mm = 2 * half_mm / len(ground)
        first_mm = texel_mm / 2 - half_mm
        to_pixel = camera.homography @ np.array([[texel_mm, 0, first_mm], [0, texel_mm, first_mm], [0, 0, 1]])
        as_it_was = cv2.inRange(ground, (1 - _LEAST_SHADE,) * 3, (1 + _LEAST_SHADE,) * 3)
        left, top, width, height = _seen_extent(to_pixel, cv2.boundingRect(255 - as_it_was), self._size)
        if width == 0 or height == 0:
            return
        here = np.s_[top : top + height, left : left + width]
        step = self._quality.ground_step_px
        coarse = (-(-width // step), -(-height // step))
        # The first of the coarse pixels lies in the middle of those that it stands for.
        first_px = (step - 1) / 2
        to_coarse = np.array([[1, 0, -left - first_px], [0, 1, -top - first_px], [0, 0, step]])
        shade = cv2.warpPerspective(
            ground,
            to_coarse @ to_pixel,
            coarse,
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(1, 1, 1),
        )
        if step > 1:
            shade = cv2.resize(shade, (coarse[0] * step, coarse[1] * step))[:height, :width]
        if not self._disc.on_table[here].all():
            # What is beyond the table gets the light of the room.
            cv2.copyTo(np.ones_like(shade), 1 - self._disc.on_table[here], shade)
        cv2.multiply(radiance[here], shade, dst=radiance[here])

    def _skin(self, part: BakedPart, colour: ColourCode) -> Skin:
        plastics = self._library.plastics
        worn = {OWN_COLOUR: colour, EDGE_COLOUR: plastics.edge_of(colour)}
        codes, places = part.palette
        return Skin(tuple(material_of(plastics.of(worn.get(code, code))) for code in codes), places)


def _darkened(image: Floats32, by: Floats32) -> Floats32:
    """An image (height, width, 3) times a grey one (height, width)."""
    product = np.empty_like(image)
    for rows in strips(len(image)):
        np.multiply(image[rows], cv2.merge([by[rows]] * 3), out=product[rows])
    return product


def _seen_extent(to_pixel: Floats, texels: Sequence[int], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """What a picture of `size` shows of a rectangle of texels; both left, top, width, height."""
    x, y, width, height = texels
    corners = np.array([[x, y, 1], [x + width, y, 1], [x, y + height, 1], [x + width, y + height, 1]])
    seen = corners @ to_pixel.T
    if (seen[:, 2] <= 0).any():
        # It reaches behind the camera.
        return 0, 0, *size
    places = seen[:, :2] / seen[:, 2:]
    left, top = np.clip(np.floor(places.min(axis=0)) - 1, 0, size).astype(int).tolist()
    right, bottom = np.clip(np.ceil(places.max(axis=0)) + 1, 0, size).astype(int).tolist()
    return left, top, right - left, bottom - top


def _paint(view: PartView, radiance: Floats32, pool: Floats32, dioptres: Floats32, share: Floats32) -> None:
    """Put a part into the picture."""
    height, width = view.share.shape
    here = np.s_[view.top : view.top + height, view.left : view.left + width]
    cv2.multiply(radiance[here], view.behind, dst=radiance[here])
    cv2.accumulateProduct(view.radiance, pool[here], radiance[here])
    share[here] = view.share
    np.copyto(dioptres[here], 1000 * view.nearness, where=view.nearness > 0)


def _lighting(scene: Scene, placement: Floats) -> Lighting:
    """The scene's light in a frame that stands on the table as `placement` says."""
    key = _lamp(scene.key_zenith_deg, scene.key_azimuth_deg, scene.key_radius_deg, scene.key_rgb)
    fill = _lamp(scene.fill_zenith_deg, scene.fill_azimuth_deg, scene.fill_radius_deg, scene.fill_rgb)
    lamps = []
    for lamp in (key, fill):
        direction = lamp.direction.copy()
        direction[:2] = placement[:2, :2].T @ direction[:2]
        lamps.append(replace(lamp, direction=direction))
    return Lighting(tuple(lamps), _bgr(scene.ambient_rgb), scene.disc_albedo)


def _lamp(zenith_deg: float, azimuth_deg: float, radius_deg: float, table_rgb: Rgb) -> Lamp:
    zenith, azimuth = np.radians(zenith_deg), np.radians(azimuth_deg)
    direction = np.array(
        [np.sin(zenith) * np.cos(azimuth), np.sin(zenith) * np.sin(azimuth), np.cos(zenith)], np.float32
    )
    return Lamp(direction, float(np.radians(radius_deg)), _bgr(table_rgb) / direction[2])


def _light_pool(scene: Scene, camera: Pinhole, size: tuple[int, int]) -> Floats32:
    """How the light of low lamps varies over the table, by pixel and channel, 1 in the table's middle.

    Light falls off with the square of the distance and with the slant, so with the fourth power of the
    cosine of the angle at a level lamp.
    """
    place = np.nan_to_num(camera.on_plane(size, 0.0), posinf=1e4, neginf=-1e4)
    light = _lighting(scene, np.eye(3))
    pool = np.zeros((size[1], size[0], 3), np.float32)
    for lamp in light.lamps:
        foot_mm = lamp.direction[:2] / lamp.direction[2] * scene.lamp_height_mm
        squared = ((place - foot_mm) ** 2).sum(axis=-1) / np.float32(scene.lamp_height_mm) ** 2
        middle = (foot_mm**2).sum() / scene.lamp_height_mm**2
        falloff = ((1 + middle) / (1 + squared)) ** 2
        pool += falloff[..., None] * lamp.irradiance * lamp.direction[2]
    pool += light.ambient
    return np.asarray(pool * np.float32(scene.disc_albedo) / light.open_table, dtype=np.float32)


def _dioptres_of_table(camera: Pinhole, size: tuple[int, int]) -> Floats32:
    """1000 over the distance in mm of the table's plane along the camera's axis, (height, width)."""
    place = camera.on_plane(size, 0.0)
    met = np.isfinite(place[..., 0])
    along_axis = np.where(met[..., None], place, 0) @ camera.rotation[2, :2].astype(np.float32)
    away_mm = along_axis + np.float32(camera.translation[2])
    return np.where(met, 1000 / np.maximum(away_mm, 1), 0).astype(np.float32)


def _bgr(rgb: Rgb) -> Floats32:
    return np.array(rgb[::-1], np.float32)


def _placement(lying: LyingPart) -> Floats:
    """How the part's frame stands on the table: (3, 3), homogeneous, in the plane."""
    placement = _turn(lying.yaw_deg)
    placement[:2, 2] = lying.offset_mm
    return placement


def _turn(angle_deg: float) -> Floats:
    """The (3, 3) matrix that turns homogeneous points of the plane counter-clockwise."""
    angle = np.radians(angle_deg)
    return np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
