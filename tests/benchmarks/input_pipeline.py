"""Training images a second: of augmented batches, and of what Keras reads from the same folder by itself.

Both feed one network, one after the other in turns. Ours are varied and balanced; Keras's are read, decoded
and scaled only.
"""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np

from rig.card import Preprocess
from rig.dataset.reader import read_dataset
from tests.benchmarks.figure import Figure
from tests.vision.pictures import SHAPES, Scene, draw

_CLASSES, _PICTURES_A_CLASS = 8, 60
_PICTURE_PX = 300
_SIZES_PX = (64, 96)
# The usual recipe's epoch has 63 batches or more. Much fewer would measure how an epoch begins.
_BATCH, _BATCHES = 32, 80
_TURNS = 3


def training_images() -> Iterator[Figure]:
    """How fast a network is fitted, at the sizes of the usual recipe."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _draw(folder)
        for size_px in _SIZES_PX:
            ours, theirs = _speeds(folder, size_px)
            yield Figure(
                f"training at {size_px} px, augmented",
                f"{ours:.0f} images/s",
                f"{theirs:.0f} images/s from image_dataset_from_directory",
                ours / theirs,
            )


def _speeds(folder: Path, size_px: int) -> tuple[float, float]:
    """Images a second of ours and of Keras's, each the median of its turns."""
    from training.backend import keras
    from training.choices.recipe import Recipe
    from training.networks.begin import begin

    model = begin(Recipe(), _CLASSES).model
    model.compile(optimizer="adam", loss=keras.losses.CategoricalCrossentropy(from_logits=True))
    feeds = (_ours(folder, size_px), _theirs(folder, size_px))
    took_s: tuple[list[float], list[float]] = ([], [])
    for turn in range(1 + _TURNS):
        for feed, times_s in zip(feeds, took_s, strict=True):
            started_s = time.perf_counter()
            model.fit(feed, steps_per_epoch=_BATCHES, epochs=1, shuffle=False, verbose=0)
            if turn:  # the first traces the network
                times_s.append(time.perf_counter() - started_s)
    ours, theirs = (_BATCH * _BATCHES / median(times_s) for times_s in took_s)
    return ours, theirs


def _ours(folder: Path, size_px: int) -> Any:
    from training.choices.augmentation import Augmentation
    from training.pictures.batches import AugmentedBatches
    from training.pictures.data import MARGIN, load_crops

    spec = Preprocess(size_px=max(_SIZES_PX), margin=MARGIN)
    crops = load_crops(read_dataset(folder), spec, lambda event: None, threads=2)
    return AugmentedBatches(
        crops.images,
        crops.masks,
        crops.sizes,
        crops.targets,
        classes=_CLASSES,
        size_px=size_px,
        contrast=spec.contrast,
        augmentation=Augmentation(),
        batch=_BATCH,
        batches=_BATCHES,
        seed=(0,),
    )


def _theirs(folder: Path, size_px: int) -> Any:
    from training.backend import keras, tf

    pictures = keras.utils.image_dataset_from_directory(
        folder,
        label_mode="categorical",
        color_mode="grayscale",
        image_size=(size_px, size_px),
        batch_size=_BATCH,
        seed=0,
        verbose=False,
    )
    # The network takes a second plane.
    planes = pictures.map(lambda x, y: (tf.concat((x, x), axis=-1), y), num_parallel_calls=tf.data.AUTOTUNE)
    return planes.repeat().prefetch(tf.data.AUTOTUNE)


def _draw(folder: Path) -> None:
    shapes = list(SHAPES)
    for number in range(_CLASSES):
        (folder / str(number)).mkdir()
        for view in range(_PICTURES_A_CLASS):
            scene = Scene(shapes[number % len(shapes)], turn_deg=6.0 * view, scale=0.1 + 0.01 * number)
            picture = draw(scene, width=_PICTURE_PX, height=_PICTURE_PX, seed=number * 1000 + view)
            content = cv2.imencode(".jpg", picture)[1]
            (folder / str(number) / f"{view}.jpg").write_bytes(np.asarray(content).tobytes())


if __name__ == "__main__":
    for figure in training_images():
        print(figure)
