"""The sheet shows what is trained on, pictures that shine through included."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from rig.contrast import Contrast
from rig.dataset.reader import read_dataset
from tests.training.conftest import QUICK, ignore, write_shapes
from tests.vision.pictures import SHAPES
from training.choices.augmentation import Strength
from training.pictures.augmentation_sheet import augmentation_sheet


def _variations(data: Path, mixing: float) -> np.ndarray:
    """(classes, 8, height, width, 3): of a recipe that varies nothing else."""
    recipe = replace(
        QUICK, augmentation=Strength.NONE.augmentation, contrast=Contrast.PLAIN, mixing=mixing, batch=8
    )
    sheet = augmentation_sheet(read_dataset(data), recipe, seed=0, emit=ignore)
    height, width = sheet.shape[0] // len(SHAPES), sheet.shape[1] // 9
    tiles = sheet.reshape(len(SHAPES), height, 9, width, 3).swapaxes(1, 2)
    return tiles[:, 1:, :112, :112]  # without captions


def test_what_is_shown_is_mixed_as_what_is_trained_on(tmp_path: Path) -> None:
    data = write_shapes(tmp_path / "data", parts=("only",), views=2)
    alone, mixed = _variations(data, 0.0), _variations(data, 1.0)
    assert (alone == alone[:, :1]).all()
    of_others = (mixed != alone).any(axis=(2, 3, 4))
    assert 0.5 < of_others.mean() < 1  # some find no partner but the same picture
