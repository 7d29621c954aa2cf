"""A small dataset of drawn shapes, and a model really trained on it, shared by the tests of this folder."""

import json
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
import pytest
from keras.src.legacy.saving.legacy_h5_format import save_weights_to_hdf5_group

from rig.card import Preprocess
from rig.dataset.reader import read_dataset
from tests.vision.pictures import SHAPES, Scene, draw
from training.choices.names import SMALL_CNN
from training.choices.recipe import Phase, Recipe
from training.choices.request import TrainRequest
from training.events import Emit, TrainEvent
from training.fitting.fit import fit
from training.pictures.data import MARGIN, Crops, load_crops
from training.pipeline import TrainResult, train
from training.progress import Progress

RECIPE = Recipe(phases=(Phase(32, 3),), batch=16, least_images=400)
QUICK = Recipe(network=SMALL_CNN, phases=(Phase(32, 1),), batch=16, least_images=64)
"""Runs through everything and learns nothing: most of a fit's time is the tracing of its graphs."""

PARTS = ("red", "dark", "pale")


def write_shapes(folder: Path, *, parts: tuple[str, ...] = PARTS, views: int = 12, seed: int = 0) -> Path:
    """Class folders of drawn shapes, each as several physical parts of other colours."""
    rng = np.random.default_rng(seed)
    rows: list[dict[str, str]] = []
    for label in SHAPES:
        for part in parts:
            blue, green, red = map(int, rng.integers(10, 240, 3))
            for view in range(views):
                scene = Scene(
                    label, colour=(blue, green, red), turn_deg=float(rng.uniform(0, 360)), scale=0.15
                )
                name = f"{label}/{part}_{view}.png"
                (folder / label).mkdir(parents=True, exist_ok=True)
                assert cv2.imwrite(str(folder / name), draw(scene, seed=len(rows)))
                rows.append(
                    {"file_name": name, "label": label, "part": f"{label}-{part}", "source": "simulated"}
                )
    (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def ignore(_: object) -> None:
    """Drop an event."""


def crops_of(folder: Path, size_px: int) -> Crops:
    """The pictures of a dataset, cut out."""
    spec = Preprocess(size_px=size_px, margin=MARGIN)
    return load_crops(read_dataset(folder), spec, ignore, threads=1)


def fit_to_red(crops: Crops, recipe: Recipe, folder: Path, emit: Emit = ignore) -> Any:
    """Fit to the red parts, validate on the dark ones: keras.Model."""
    dark = np.array(["dark" in group for group in crops.groups])
    return fit(
        crops,
        np.flatnonzero(~dark),
        np.flatnonzero(dark),
        recipe,
        stage="final",
        seed=3,
        state=folder / "final.state",
        checkpoint=folder / "final.weights.h5",
        progress=Progress(recipe.work(9)),
        emit=emit,
    )


def write_weights(network: Any, path: Path) -> Path:
    """The weights of a keras.Model: as Keras 3 writes them, or in the old format of keras.applications."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # NumPy 2 frowns upon how h5py reads variables
        if path.name.endswith(".keras"):
            network.save(path)
        elif path.name.endswith(".weights.h5"):
            network.save_weights(path)
        else:
            with h5py.File(path, "w") as file:
                save_weights_to_hdf5_group(file, network)
    return path


@dataclass(frozen=True)
class Trained:
    """What a training run got and gave."""

    data: Path
    result: TrainResult
    events: list[TrainEvent] = field(default_factory=list)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Two folds and the final model."""
    folder = tmp_path_factory.mktemp("training")
    data = write_shapes(folder / "shapes")
    events: list[TrainEvent] = []
    request = TrainRequest(data=data, model=folder / "models" / "shapes", folds=2, recipe=RECIPE)
    return Trained(data, train(request, events.append), events)
