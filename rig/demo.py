"""The whole loop on the simulated rig: capture a few parts, train on them, sort a mixed pile."""

import shutil
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

from rig.camera.frame import Image
from rig.capture.plan import new_plan
from rig.capture.session import ViewTaken
from rig.card import Preprocess
from rig.config import Config, PathsConfig, SimConfig
from rig.errors import BadInput
from rig.files import storage_errors, write_whole
from rig.jobs.capture import capture_job
from rig.jobs.sort import SortFinished, sort_job
from rig.model import Bundle
from rig.sorting.events import PartSorted
from rig.sorting.summary import SortSummary
from rig.vision.contact_sheet import contact_sheet
from rig.vision.jpeg import encode_jpeg
from rig.vision.locate import Box
from rig.vision.preprocess import crop

PARTS = ("3001", "3003", "3010", "3039", "3701")
# Few views each of many bricks, poses and lights teach more than many views of one.
_SESSIONS_PER_PART = 8
_POSES = 2
_STEPS = 7
_SHEET_COLUMNS = 10
_CROP = Preprocess(size_px=160, margin=0.3)
# A folder that the demo made may be made anew; any other is left alone.
_MARK = ".made-by-rig-demo"


@dataclass(frozen=True)
class DemoCaptured:
    """`done` of `total` views are taken."""

    done: int
    total: int


@dataclass(frozen=True)
class DemoSorted:
    """`done` of `total` parts are sorted."""

    done: int
    total: int


@dataclass(frozen=True)
class DemoFinished:
    """What it came to, and what there is to look at."""

    summary: SortSummary
    contact_sheet: Path
    sort_report: Path
    model: Path


DemoEvent = DemoCaptured | DemoSorted | DemoFinished


def run_demo(
    folder: Path, *, count: int, seed: int, train: Callable[[Path, Path], Bundle]
) -> Generator[DemoEvent, None, None]:
    """Run the loop in `folder`, on a simulated rig with the default configuration.

    Args:
        folder: made anew; everything that the demo writes goes there.
        count: parts to sort.
        seed: the same seed shows the same bricks.
        train: makes a model bundle of the class folders in its first argument, below its second.

    Raises:
        BadInput: `folder` holds something else.
        RigError: as the jobs do.
    """
    _make_anew(folder)
    paths = PathsConfig(captures=folder / "captures", models=folder / "models", ledger=folder / "ledger")
    config = Config(sim=SimConfig(enabled=True), paths=paths)
    sheet: list[tuple[Image, str]] = []
    yield from _capture(config, seed, sheet)
    sheet_path = _write_sheet(folder / "contact_sheet.jpg", sheet)
    bundle = train(config.paths.captures, config.paths.models)
    # A seed that no capture session had: bricks, light and camera are new to the model.
    for event in sort_job(config, bundle, count, seed + 10_000, ask=lambda sentence: None):
        match event:
            case PartSorted():
                yield DemoSorted(event.done, event.count)
            case SortFinished():
                yield DemoFinished(event.summary, sheet_path, event.report, bundle.folder)


def _capture(
    config: Config, seed: int, sheet: list[tuple[Image, str]]
) -> Generator[DemoCaptured, None, None]:
    sessions = [(part, number) for number in range(_SESSIONS_PER_PART) for part in PARTS]
    total = len(sessions) * _POSES * _STEPS
    done = 0
    for place, (part, _) in enumerate(sessions):
        plan = new_plan(
            part,
            steps=_STEPS,
            poses=_POSES,
            seed=seed + place,
            microsteps_per_turn=config.turntable.microsteps_per_turn,
            source="simulated",
        )
        for event in capture_job(config, plan, ask=lambda sentence: None):
            if isinstance(event, ViewTaken):
                done += 1
                if event.row.angle_deg == 0:
                    box = Box(*event.row.box) if event.row.box else None
                    sheet.append((crop(event.image, box, _CROP), f"{part} pose {event.row.pose}"))
                yield DemoCaptured(done, total)


def _write_sheet(path: Path, views: list[tuple[Image, str]]) -> Path:
    crops, captions = [image for image, _ in views], [caption for _, caption in views]
    sheet = contact_sheet(crops, captions, columns=_SHEET_COLUMNS, tile_px=_CROP.size_px)
    write_whole(path, encode_jpeg(sheet))
    return path


def _make_anew(folder: Path) -> None:
    """Empty a folder that an earlier demo made, or make it."""
    exists = folder.exists() or folder.is_symlink()
    if exists and (folder.is_symlink() or not folder.is_dir()):
        raise BadInput(f"{folder} is not a folder", hint="choose another: rig demo --folder NAME")
    if exists and any(folder.iterdir()) and not (folder / _MARK).exists():
        raise BadInput(
            f"{folder} is not empty and was not made by the demo",
            hint="choose another: rig demo --folder NAME",
        )
    if exists:
        with storage_errors(folder):
            shutil.rmtree(folder)
    write_whole(folder / _MARK, b"")
