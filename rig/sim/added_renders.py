"""Renders that are added to photographs of the same parts: made when they are first asked for, and kept.

They lie in a cache, a folder for each recipe: whatever is trained there, with the same size of picture and
the same ranges of scenes, finds what was rendered before, and only what is missing is rendered.
"""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from rig.catalog import PartNumber
from rig.config import SimConfig
from rig.dataset.layout import MANIFEST
from rig.dataset.manifest import read_manifest
from rig.dataset.progress import Emit
from rig.dataset.reader import SIMULATED, Dataset, Sample, decode_image, read_bytes
from rig.sim.part_library import library_of
from rig.sim.recipe import Recipe, current_versions
from rig.sim.sitting import Sitting
from rig.sim.training_set import TrainingSet, render_missing

_SEED = 1
# Another placement teaches more than more angles of one.
_VIEWS = 4
_SIZES_LOOKED_AT = 20
_LONGEST_SIDE_PX = 640
_SHORTEST_SIDE_PX = 64


@dataclass(frozen=True)
class AddedRenders:
    """What can be added.

    Attributes:
        folder: of the cache, where they lie.
        samples: of each class that the simulator has, as many as were asked for.
        new: pictures that were rendered for it.
        missing: labels of which the simulator has no part.
    """

    folder: Path
    samples: tuple[Sample, ...]
    new: int
    missing: tuple[str, ...]


def add_renders(
    photographs: Dataset, a_class: int, sim: SimConfig, cache: Path, *, workers: int, emit: Emit
) -> AddedRenders:
    """Find or make renders of the parts of a dataset, as large as its pictures, or 640 pixels if less.

    Args:
        a_class: how many of each part, at least 1.
        sim: its ranges of scenes hold, and its parts.
        cache: a folder for nothing else.

    Raises:
        BadInput: a part cannot be built.
        DatasetError: a picture cannot be read.
        StorageError, WorkerLost: as `render_missing` says.
    """
    library = library_of(sim.ldraw)
    numbers = set(library.part_numbers())
    labels = [label for label in photographs.labels if label.lower() in numbers]
    width, height = _usual_size(photographs)
    recipe = Recipe(_SEED, _VIEWS, width, height, "good", sim.scene, current_versions(library))
    settings = json.dumps(recipe.settings(), sort_keys=True).encode()
    folder = cache / f"{width}x{height}-{hashlib.sha256(settings).hexdigest()[:12]}"
    placements = -(-a_class // _VIEWS)
    sittings = [Sitting(_SEED, PartNumber(label), number) for label in labels for number in range(placements)]
    rendered = render_missing(TrainingSet(folder, recipe, sim.ldraw), sittings, workers, emit)
    missing = tuple(label for label in photographs.labels if label not in labels)
    return AddedRenders(folder, _samples(folder, sittings, a_class), rendered.new, missing)


def _samples(folder: Path, sittings: list[Sitting], a_class: int) -> tuple[Sample, ...]:
    """By the manifest: the cache may hold more, and pictures of a rendering that was interrupted."""
    sessions = {sitting.session for sitting in sittings}
    taken: Counter[str] = Counter()
    samples = []
    for row in read_manifest(folder / MANIFEST):
        label, session = str(row.document["label"]), str(row.document["session"])
        if session in sessions and taken[label] < a_class:
            taken[label] += 1
            # No group of the photographs has such a name: renders never judge.
            group = f"added {row.document['physical_part']}"
            samples.append(Sample(folder / str(row.document["file_name"]), label, group, SIMULATED))
    return tuple(samples)


def _usual_size(photographs: Dataset) -> tuple[int, int]:
    """The commonest width and height among some pictures, scaled down to what is rendered at most."""
    step = -(-len(photographs.samples) // _SIZES_LOOKED_AT)
    sizes = Counter(
        decode_image(read_bytes(sample.path), sample.path).shape[:2] for sample in photographs.samples[::step]
    )
    ((height, width), _) = sizes.most_common(1)[0]
    scale = min(1.0, _LONGEST_SIDE_PX / max(height, width))
    return max(_SHORTEST_SIDE_PX, round(width * scale)), max(_SHORTEST_SIDE_PX, round(height * scale))
