"""Finds exposure, white balance and focus once, on a plain sheet and a part, and pictures the empty table."""

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from rig.calibration.chart import BLUE, GREEN, GREY, RED, Chart, Curve, Rule, draw_chart, encode_png
from rig.calibration.focus import FocusPoint, contrast, sharpest
from rig.calibration.light import Sheet, Shutter, balanced, linear, see_sheet, target_level
from rig.camera.frame import Image
from rig.catalog import PartNumber
from rig.config import CameraConfig
from rig.devices.operator import Reference
from rig.errors import DeviceError
from rig.files import write_whole
from rig.machine import Machine
from rig.vision.contact_sheet import contact_sheet
from rig.vision.locate import Box, locate
from rig.vision.table import empty_table_path, median_view

CAMERA_PICTURE = "camera.png"

_TRIES = 12
_LEVEL_TOLERANCE = 6.0
_GREY_TOLERANCE = 3.0
# A step of the search changes the light by no more than this factor; from a burnt picture it is a guess.
_MOST_CHANGE = 6.0
_BURNT_CHANGE = 0.35
_FIRST_GAINS = (2.0, 1.8)
_TEMPERATURE_TRIES = 7
_FOCUS_TRIES = 11
_VIEWS_OF_EMPTY = 8
_TILE_PX = 316
_CHART_HEIGHT_PX = 300
# Pictures of searching and of the empty table that follow, for the progress bar.
_EXPECTED = 6 + _VIEWS_OF_EMPTY

LOCKED_KEYS = ("exposure_us", "gain", "colour_gains", "white_balance_k", "lens_position")
"""The keys of `[camera]` that calibration finds."""


@dataclass(frozen=True)
class CameraWish:
    """What the camera is calibrated for.

    Attributes:
        reference: the sheet that is laid on the table.
        shutter: limits of the exposure.
        example: the part that is laid on the table to focus on.
    """

    reference: Reference
    shutter: Shutter
    example: PartNumber


@dataclass(frozen=True)
class CameraPicture:
    """A picture was taken; about `total` will be."""

    purpose: str
    done: int
    total: int


@dataclass(frozen=True)
class CameraMeasured:
    """The camera is calibrated.

    Attributes:
        settings: what belongs into `[camera]`, by key.
        sheet: the reference as it is seen with them.
        empty_table: the picture of the empty table.
        picture: the file that shows how all that was found.
    """

    settings: dict[str, Any]
    sheet: Sheet
    empty_table: Path
    picture: Path


CameraEvent = CameraPicture | CameraMeasured


def measure_camera(
    machine: Machine, config: CameraConfig, wish: CameraWish, folder: Path
) -> Generator[CameraEvent, None, None]:
    """Search for the settings with the operator's help, then picture the empty table with them.

    The camera stays locked to what was found. What was seen is drawn into `folder`.

    Raises:
        DeviceError: something lies on the table at the start or at the end; the sheet is not plain; there is
            too little or too much light; nothing can be focused on; a device failed.
        StorageError: a picture cannot be written.
    """
    yield from _CameraSearch(machine, config, wish, folder).run()


class _CameraSearch:
    def __init__(self, machine: Machine, config: CameraConfig, wish: CameraWish, folder: Path) -> None:
        self._machine = machine
        self._config = config
        self._wish = wish
        self._folder = folder
        self._reach = machine.camera.reach()
        self._sheets: list[tuple[Image, Sheet]] = []
        self._focus: list[FocusPoint] = []
        self._done = 0
        self._total = _EXPECTED + (2 * _FOCUS_TRIES if self._reach.lens_position is not None else 0)

    def run(self) -> Generator[CameraEvent, None, None]:
        operator = self._machine.operator
        self._require_empty(self._machine.look().image)
        operator.lay_reference(self._wish.reference)
        yield from self._see_sheet("Looking at the sheet")
        yield from self._find_light()
        if self._reach.white_balance_k is not None:
            yield from self._find_temperature()
            yield from self._find_light()
        if self._reach.lens_position is not None:
            operator.lay_mark(self._wish.example)
            yield from self._find_focus()
        operator.clear_table()
        empty = yield from self._picture_empty_table()
        kept = empty_table_path(self._folder, self._machine.source)
        write_whole(kept, encode_png(empty))
        picture = self._folder / CAMERA_PICTURE
        write_whole(picture, encode_png(self._drawing(empty)))
        found = {key: getattr(self._config, key) for key in LOCKED_KEYS}
        settings = {key: value for key, value in found.items() if value is not None}
        yield CameraMeasured(settings, self._sheets[-1][1], kept, picture)

    def _require_empty(self, image: Image) -> None:
        if locate(image) is not None:
            raise DeviceError(
                "something lies on the table", hint="take everything off the table, wipe it, and try again"
            )

    def _lock(self, **settings: Any) -> None:
        self._config = self._config.model_copy(update=settings)
        self._machine.camera.relock(self._config)

    def _took(self, purpose: str) -> CameraPicture:
        self._done += 1
        self._total = max(self._total, self._done + _VIEWS_OF_EMPTY)
        return CameraPicture(purpose, self._done, self._total)

    def _see_sheet(self, purpose: str) -> Generator[CameraEvent, None, Sheet]:
        image = self._machine.look().image
        sheet = see_sheet(image)
        self._sheets.append((image, sheet))
        yield self._took(purpose)
        return sheet

    def _find_light(self) -> Generator[CameraEvent, None, None]:
        """Exposure and colour gains together: each changes what the other sees."""
        target = target_level(self._wish.reference)
        gain_span = self._reach.colour_gain
        light_us = self._config.exposure_us * self._config.gain
        gains = None if gain_span is None else self._config.colour_gains or _FIRST_GAINS
        for _ in range(_TRIES):
            exposure_us, gain = self._wish.shutter.share_out(light_us, self._reach, self._config.gain)
            self._lock(exposure_us=exposure_us, gain=gain, colour_gains=gains)
            sheet = yield from self._see_sheet("Looking at the sheet")
            if sheet.burnt > 0:
                wanted_us = light_us * _BURNT_CHANGE
            else:
                is_lit = abs(sheet.level - target) <= _LEVEL_TOLERANCE
                if is_lit and (gains is None or _is_grey(sheet)):
                    self._require_plain(sheet)
                    return
                # With their gains, the other channels will be as bright as green is.
                level = sheet.level if gains is None else sheet.green
                if gains is not None and gain_span is not None:
                    gains = balanced(gains, sheet, gain_span)
                factor = linear(target) / max(linear(level), 1e-4)
                wanted_us = light_us * min(max(factor, 1 / _MOST_CHANGE), _MOST_CHANGE)
            self._require_reachable(wanted_us, exposure_us * gain, sheet)
            light_us = wanted_us
        raise DeviceError(
            f"no settings make the {self._wish.reference} sheet look as it should; it is at"
            f" {sheet.red:.0f}, {sheet.green:.0f}, {sheet.blue:.0f} (red, green, blue)",
            hint="see that the light is steady and that the sheet covers the middle of the picture",
        )

    def _require_plain(self, sheet: Sheet) -> None:
        if not sheet.is_plain:
            raise DeviceError(
                "the middle of the picture is not a plain sheet",
                hint="lay a sheet of paper flat over the middle of the table, without a shadow on it",
            )

    def _require_reachable(self, wanted_us: float, is_us: float, sheet: Sheet) -> None:
        """Whether more or less light than now can be had at all."""
        exposure_us, gain = self._wish.shutter.share_out(wanted_us, self._reach, self._config.gain)
        stays = abs(exposure_us * gain - is_us) < 0.01 * is_us
        if stays and wanted_us > 1.2 * is_us:
            raise DeviceError(
                f"the {self._wish.reference} sheet is too dark at the longest exposure:"
                f" level {sheet.level:.0f} at {exposure_us / 1000:g} ms and gain {gain:g}",
                hint="see that the lamp is on, bring it nearer, open the lens, or allow more: --longest-ms",
            )
        if stays and wanted_us < is_us / 1.2:
            raise DeviceError(
                f"the {self._wish.reference} sheet is too bright at the shortest exposure:"
                f" level {sheet.level:.0f}",
                hint="dim the lamp (brightness in [light]), move it away, or close the lens",
            )

    def _find_temperature(self) -> Generator[CameraEvent, None, None]:
        """Bisect the white balance of a webcam: a higher temperature makes the picture redder."""
        assert self._reach.white_balance_k is not None, "asked for only where there is one"
        low, high = self._reach.white_balance_k.least, self._reach.white_balance_k.most
        for _ in range(_TEMPERATURE_TRIES):
            middle = round((low + high) / 2)
            self._lock(white_balance_k=middle)
            sheet = yield from self._see_sheet("Looking at the sheet's colour")
            low, high = (low, middle) if sheet.red > sheet.blue else (middle, high)

    def _find_focus(self) -> Generator[CameraEvent, None, None]:
        """Scan the whole reach of the lens, then closely around the peak, where the part is."""
        assert self._reach.lens_position is not None, "asked for only where there is one"
        span = self._reach.lens_position
        looks = yield from self._scan_focus(np.linspace(span.least, span.most, _FOCUS_TRIES))
        best = max(looks, key=lambda look: contrast(look[1], None))
        box = locate(best[1])
        if box is None:
            raise self._nothing_to_focus_on()
        step = (span.most - span.least) / (_FOCUS_TRIES - 1)
        near = np.linspace(span.clip(best[0] - step), span.clip(best[0] + step), _FOCUS_TRIES)
        looks += yield from self._scan_focus(near)
        self._focus = [FocusPoint(position, contrast(image, box)) for position, image in looks]
        position = sharpest(self._focus)
        if position is None:
            raise self._nothing_to_focus_on()
        self._lock(lens_position=round(position, 2))

    def _scan_focus(self, positions: np.ndarray) -> Generator[CameraEvent, None, list[tuple[float, Image]]]:
        looks = []
        for position in positions:
            self._lock(lens_position=round(float(position), 2))
            looks.append((round(float(position), 2), self._machine.look().image))
            yield self._took("Focusing")
        return looks

    def _nothing_to_focus_on(self) -> DeviceError:
        return DeviceError(
            "no position of the lens makes the part sharper than others",
            hint="lay a part that stands out well in the middle of the table, and try again",
        )

    def _picture_empty_table(self) -> Generator[CameraEvent, None, Image]:
        """The median of views all round: what turns with the table is no part of the picture."""
        self._require_empty(self._machine.look().image)
        views = []
        for frame in self._machine.views_all_round(_VIEWS_OF_EMPTY):
            views.append(frame.image)
            yield self._took("Picturing the empty table")
        return median_view(views)

    def _drawing(self, empty: Image) -> Image:
        """Sheet before and after, the empty table, and the curves of the search."""
        (first, _), (last, _) = self._sheets[0], self._sheets[-1]
        tiles = contact_sheet(
            [_with_patch(first), _with_patch(last), empty],
            ["the sheet at first", "with what was found", "the empty table"],
            columns=3,
            tile_px=_TILE_PX,
        )
        tries = [sheet for _, sheet in self._sheets]
        charts = [
            Chart(
                "The sheet, picture by picture",
                "picture",
                "level",
                [
                    Curve(name, [(place + 1.0, level) for place, level in enumerate(levels)], colour)
                    for name, levels, colour in (
                        ("red", [sheet.red for sheet in tries], RED),
                        ("green", [sheet.green for sheet in tries], GREEN),
                        ("blue", [sheet.blue for sheet in tries], BLUE),
                    )
                ],
                across_step=1.0,
                level=[Rule("wanted", target_level(self._wish.reference), GREY)],
            )
        ]
        if self._focus:
            points = sorted((point.lens_position, point.contrast) for point in self._focus)
            found = self._config.lens_position or 0.0
            charts.append(
                Chart(
                    "How sharp the part is",
                    "lens position",
                    "variance of the Laplacian",
                    [Curve("", points, BLUE)],
                    across_step=1.0 if points[-1][0] < 40 else 25.0,
                    upright=[Rule(f"lens_position = {found:g}", found, GREEN)],
                )
            )
        drawn = [draw_chart(chart, tiles.shape[1], _CHART_HEIGHT_PX) for chart in charts]
        return np.vstack([*drawn, tiles])


def _is_grey(sheet: Sheet) -> bool:
    return max(abs(sheet.red - sheet.green), abs(sheet.blue - sheet.green)) <= _GREY_TOLERANCE


def _with_patch(image: Image) -> Image:
    """The picture with a frame around what is looked at."""
    height, width = image.shape[:2]
    box = Box(width // 3, height // 3, width // 3, height // 3)
    framed = image.copy()
    cv2.rectangle(framed, (box.x, box.y), (box.x + box.width, box.y + box.height), (0, 160, 0), 2)
    return framed
