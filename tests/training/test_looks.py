"""Sequences of held-out pictures as the rig would take them, and what further looks weigh."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rig.dataset.reader import read_dataset
from rig.looks import LOOK_TURN_DEG, fuse
from rig.vision.classifier import softmax
from tests.training.conftest import crops_of, write_shapes
from training.conversion.variants import Answers
from training.measuring.looks import fit_looks, fit_weight
from training.pictures.data import Crops

CLASSES = 3


def _said(rng: np.random.Generator, targets: np.ndarray, looks: int) -> np.ndarray:
    """(parts, looks, classes): calibrated, each look of its own."""
    clues = rng.normal(0, 1, (len(targets), looks, CLASSES))
    clues[np.arange(len(targets)), :, targets] += 1.0
    return softmax(clues.astype(np.float32), 1.0)


def test_independent_looks_count_in_full_and_equal_ones_as_one() -> None:
    rng = np.random.default_rng(2)
    targets = rng.integers(CLASSES, size=2000)
    looks = _said(rng, targets, 3)
    assert fit_weight(looks, targets) > 0.9
    assert fit_weight(np.repeat(looks[:, :1], 3, axis=1), targets) == pytest.approx(1 / 3, abs=0.05)
    assert fit_weight(looks[:, :1], targets) == 1


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Crops:
    """Three parts of each of three shapes, twelve pictures of each, 30 degrees apart, in two placements."""
    crops = crops_of(write_shapes(tmp_path_factory.mktemp("shapes")), 16)
    samples = tuple(
        replace(sample, placement=f"p{number % 2}", angle_deg=60.0 * (number % 12 // 2))
        for number, sample in enumerate(crops.samples)
    )
    return replace(crops, samples=samples)


def _answers(crops: Crops, indices: np.ndarray) -> Answers:
    """Each picture's own row: the class, and how sure, tell which picture it is."""
    logits = np.zeros((len(indices), CLASSES), np.float32)
    logits[np.arange(len(indices)), crops.targets[indices]] = 1 + indices / 50
    return Answers(indices, logits)


def test_each_part_gives_as_many_trials_of_a_part_that_lay_still(shapes: Crops) -> None:
    """Two placements of six pictures: the next look is the next picture, 60 degrees on."""
    assert LOOK_TURN_DEG == 60
    half = np.arange(len(shapes)) % 36 < 24
    first, second = (_answers(shapes, np.flatnonzero(chosen)) for chosen in (half, ~half))
    looks = fit_looks([first, second], shapes, 1.0, seed=0)
    assert looks is not None
    assert looks.parts == 9
    assert len(looks.trials) == 9 * 20
    assert looks.right.all()
    # How sure the first look is tells the picture, and with it those that follow.
    alone = softmax(_answers(shapes, np.arange(108)).logits, 1.0)
    for trial in looks.trials:
        start = int(np.abs(alone.max(axis=1) - trial.sure[0]).argmin())
        seen = alone[[start // 12 * 12 + (start % 12 + 2 * look) % 12 for look in range(4)]]
        fused = [fuse(seen[: look + 1], weight).max() for look, weight in enumerate(looks.weights)]
        assert trial.sure == pytest.approx(fused, abs=2e-4)


def test_without_angles_pictures_follow_each_other_evenly(shapes: Crops) -> None:
    samples = tuple(replace(sample, placement="", angle_deg=None) for sample in shapes.samples)
    crops = replace(shapes, samples=samples)
    looks = fit_looks([_answers(crops, np.arange(108))], crops, 1.0, seed=0)
    assert looks is not None
    assert (looks.parts, len(looks.weights)) == (9, 4)


def test_too_few_pictures_of_a_placement_leave_one_look(shapes: Crops) -> None:
    """As where each picture is of another placement."""
    samples = tuple(replace(sample, placement=str(number)) for number, sample in enumerate(shapes.samples))
    crops = replace(shapes, samples=samples)
    looks = fit_looks([_answers(crops, np.arange(108))], crops, 1.0, seed=0)
    assert looks is not None
    assert looks.weights == (1.0,)


def test_nothing_held_out_is_nothing_known(shapes: Crops) -> None:
    assert fit_looks([_answers(shapes, np.arange(0))], shapes, 1.0, seed=0) is None


def test_the_reader_tells_how_a_part_lay(tmp_path: Path) -> None:
    """And a manifest that says nothing of it is read as before."""
    data = write_shapes(tmp_path / "data", parts=("a",), views=1)
    manifest = data / "metadata.jsonl"
    rows = manifest.read_text().splitlines()
    said = '"session": "s1", "pose": 0, "angle_deg": 40, '
    manifest.write_text("\n".join(["{" + said + rows[0][1:], *rows[1:]]) + "\n")
    placed = {sample.label: (sample.placement, sample.angle_deg) for sample in read_dataset(data).samples}
    assert placed == {"square": ("square-a/s1/0", 40.0), "bar": ("bar-a", None), "wedge": ("wedge-a", None)}
