"""A rendered training set: a dataset in the ordinary layout, and beside it the truth of every picture.

    renders/                                      the dataset
      3001/sim1-3001-0007_pose0_012.345deg.jpg
      metadata.jsonl                              one row an image, in the order of part and sitting
    renders.truth/                                beside it: a folder within it would be taken for a class
      recipe.json                                 what every picture was made by
      3001/sim1-3001-0007_pose0_012.345deg.png    the mask: 255 where the part is seen, 0 elsewhere
      3001/sim1-3001-0007.jsonl                   rows of a sitting, written when all their files are there

A sitting is complete when its rows and all files that they name are there to their ends; whoever finds one
that is not renders it, and the bytes come out the same. So any number of processes and computers may render
shares into one folder, and folders of shares that are copied into one are one set. The manifest is put
together from the rows of all sittings that are there.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from os import SEEK_END
from pathlib import Path

import cv2
from pydantic import TypeAdapter, ValidationError

from rig.dataset.journal import finish_interrupted
from rig.dataset.layout import MANIFEST, Source, image_name
from rig.dataset.progress import Emit, Progress
from rig.errors import BadInput, DatasetError
from rig.files import locked_lines, remove_leftovers, storage_errors, write_pieces_whole, write_whole
from rig.sim.passages import LyingPart
from rig.sim.recipe import Recipe
from rig.sim.shot import Shot, shared_library, take
from rig.sim.sitting import Sitting, arrange
from rig.vision.jpeg import encode_jpeg
from rig.vision.locate import Box
from rig.workers import check_wanted, spread

_RECIPE = "recipe.json"
_STAGE = "Rendering pictures"
_RECIPES = TypeAdapter(Recipe)
# What the files end with: EOI of a JPEG; the IEND chunk of a PNG.
_JPEG_END = b"\xff\xd9"
_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"


@dataclass(frozen=True)
class RenderedRow:
    """What the manifest says of a rendered image, in the words of `ImageRow`.

    Nothing was exposed, so that what dates and describes an exposure is left out.

    Attributes:
        session: id of the sitting.
        pose: index of the side among those that the part rests on, the likeliest first.
        physical_part: mould and colour: simulated bricks that agree in both are one and the same.
        angle_deg: of the table, 0 to 360.
        box: tight bounds of the mask: x, y, width, height in pixels; None when the part is out of sight.
    """

    file_name: str
    label: str
    session: str
    pose: int
    physical_part: str
    colour: int
    angle_deg: float
    box: tuple[int, int, int, int] | None
    source: Source
    software: str


class TrainingSet:
    """A rendered set on disk.

    Args:
        folder: the dataset, new or begun earlier.
        recipe: by which all of it is rendered.
        ldraw: folder of the LDraw library that has its parts; None for the built-in ones.

    Raises:
        BadInput: the folder holds another dataset, or one that was made by another recipe.
        DatasetError: its recipe is damaged.
        StorageError: it cannot be written.
    """

    def __init__(self, folder: Path, recipe: Recipe, ldraw: Path | None = None) -> None:
        self.folder = folder
        self._ldraw = ldraw
        self.truth = truth_folder(folder)
        self.recipe = recipe
        self._claim()

    def is_complete(self, sitting: Sitting) -> bool:
        """Whether all of a sitting is on disk."""
        return self._rows(self._record(sitting)) is not None

    def render(self, sitting: Sitting) -> None:
        """Put a sitting on disk, over what is there of it; its rows last.

        Raises:
            BadInput: its part cannot be built.
            Interrupted: nobody waits for it any more; what is on disk is whole.
            StorageError: it cannot be written.
        """
        for folder in (self.folder, self.truth):
            remove_leftovers(folder / sitting.part, of=sitting.session)
        recipe = self.recipe
        arranged = arrange(sitting, recipe.views, recipe.scene, shared_library(self._ldraw))
        lines = []
        for angle_deg, noise_seed in zip(arranged.angles_deg, arranged.noise_seeds, strict=True):
            check_wanted()
            picture = take(
                Shot(
                    arranged.scene,
                    arranged.lying,
                    angle_deg,
                    recipe.width_px,
                    recipe.height_px,
                    noise_seed,
                    recipe.fineness,
                    self._ldraw,
                )
            )
            row = self._row(sitting, arranged.lying, angle_deg, picture.box)
            write_whole(self.folder / row.file_name, encode_jpeg(picture.image))
            write_whole(self._mask(row.file_name), cv2.imencode(".png", picture.mask)[1].tobytes())
            lines.append(json.dumps(asdict(row)) + "\n")
        write_whole(self._record(sitting), "".join(lines).encode())

    def write_manifest(self) -> int:
        """Name every complete sitting in the manifest, whoever rendered it; returns the number of pictures.

        Raises:
            StorageError: it cannot be written; it is as it was before.
        """
        written = 0

        def lines() -> Iterator[bytes]:
            nonlocal written
            for record in sorted(self.truth.glob("*/*.jsonl")):
                for line in self._rows(record) or ():
                    written += 1
                    yield line

        manifest = self.folder / MANIFEST
        # Of two shares that end at once, the one that is let in last sees the sittings of both.
        with storage_errors(manifest), locked_lines(manifest):
            remove_leftovers(self.folder, of=MANIFEST)
            remove_leftovers(self.truth, of=_RECIPE)
            write_pieces_whole(manifest, lines())
        return written

    def _claim(self) -> None:
        if self.folder.exists() and not self.folder.is_dir():
            raise BadInput(f"{self.folder} is no folder", hint="render into one: --out FOLDER")
        path = self.truth / _RECIPE
        with storage_errors(path):
            # In this order: another share may be about to begin the same set.
            is_occupied = self.folder.is_dir() and any(self.folder.iterdir())
            begun = path.read_bytes() if path.exists() else None
        if begun is not None:
            self._require_same(begun, path)
        elif is_occupied:
            raise BadInput(
                f"{self.folder} holds pictures that were not rendered, or not here",
                hint="render into a folder of their own: --out FOLDER",
            )
        else:
            write_whole(path, _RECIPES.dump_json(self.recipe, indent=2) + b"\n")
        finish_interrupted(self.folder)
        manifest = self.folder / MANIFEST
        with storage_errors(manifest):
            # From the first picture on, so that no reader takes a set that is being rendered for photographs.
            self.folder.mkdir(parents=True, exist_ok=True)
            manifest.touch()

    def _require_same(self, begun: bytes, path: Path) -> None:
        try:
            recipe = _RECIPES.validate_json(begun)
        except ValidationError as error:
            raise DatasetError(
                f"{path} is damaged", hint="render into another folder: --out FOLDER"
            ) from error
        now = self.recipe.settings()
        for name, was in recipe.settings().items():
            if was != now.get(name):
                raise BadInput(
                    f"{self.folder} was begun otherwise: {name} {was}, not {now.get(name)}",
                    hint="go on as it was begun, or render into another folder: --out FOLDER",
                )

    def _row(self, sitting: Sitting, lying: LyingPart, angle_deg: float, box: Box | None) -> RenderedRow:
        return RenderedRow(
            file_name=image_name(sitting.part, sitting.session, lying.pose, angle_deg),
            label=sitting.part,
            session=sitting.session,
            pose=lying.pose,
            physical_part=f"sim-{sitting.part}-c{lying.colour}",
            colour=lying.colour,
            angle_deg=angle_deg,
            box=(box.x, box.y, box.width, box.height) if box else None,
            source="simulated",
            software=f"brickrig {self.recipe.made_with['brickrig']}",
        )

    def _record(self, sitting: Sitting) -> Path:
        return self.truth / sitting.part / f"{sitting.session}.jsonl"

    def _mask(self, file_name: str) -> Path:
        return (self.truth / file_name).with_suffix(".png")

    def _rows(self, record: Path) -> list[bytes] | None:
        """The rows of a sitting, a line each; None where they or a file that they name are not there.

        A copying that was interrupted may have torn any of them.
        """
        if not record.exists():
            return None
        with storage_errors(record):
            lines = record.read_bytes().splitlines(keepends=True)
        try:
            names = [str(json.loads(line)["file_name"]) for line in lines]
        except (ValueError, TypeError, KeyError):
            return None
        is_whole = len(lines) == self.recipe.views and all(
            _ends_with(self.folder / name, _JPEG_END) and _ends_with(self._mask(name), _PNG_END)
            for name in names
        )
        return lines if is_whole else None


@dataclass(frozen=True)
class Rendered:
    """What came of it.

    Attributes:
        pictures: of the sittings that were asked for.
        new: those of them that were not there before.
        in_set: pictures of the whole set, as far as it is there.
    """

    pictures: int
    new: int
    in_set: int


def render_missing(
    training_set: TrainingSet, sittings: Sequence[Sitting], workers: int, emit: Emit
) -> Rendered:
    """Render those of some sittings that are not on disk, in `workers` processes, and then the manifest.

    Raises:
        WorkerLost: a worker was killed.
        StorageError: something could not be written.
    """
    missing = []
    for done, sitting in enumerate(sittings, start=1):
        if not training_set.is_complete(sitting):
            missing.append(sitting)
        emit(Progress("Looking at what is there", done, len(sittings)))
    views = training_set.recipe.views
    there = len(sittings) - len(missing)
    emit(Progress(_STAGE, there * views, len(sittings) * views))
    with closing(spread(training_set.render, missing, workers)) as rendered:
        for done, _ in enumerate(rendered, start=there + 1):
            emit(Progress(_STAGE, done * views, len(sittings) * views))
    return Rendered(len(sittings) * views, len(missing) * views, training_set.write_manifest())


def _ends_with(path: Path, end: bytes) -> bool:
    """Whether there is a file, and it reaches to its end."""
    if not path.is_file():
        return False
    with storage_errors(path), path.open("rb") as file:
        size = file.seek(0, SEEK_END)
        file.seek(max(0, size - len(end)))
        return file.read() == end


def truth_folder(dataset: Path) -> Path:
    """Where masks and rows of a rendered dataset are: beside it."""
    resolved = dataset.resolve()
    return resolved.with_name(f"{resolved.name}.truth")
