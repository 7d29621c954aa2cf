"""Renders that are added to photographs: kept in a cache, of their size, and of the parts that there are."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from rig.config import SimConfig
from rig.dataset.reader import SIMULATED, decode_image, read_dataset
from rig.scene_config import SceneConfig
from rig.sim.added_renders import AddedRenders, add_renders

WIDTH, HEIGHT = 96, 72


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pictures of each of two parts, of which the simulator has one."""
    folder = tmp_path_factory.mktemp("photographs")
    for label in ("3004", "unknown"):
        (folder / label).mkdir()
        for number in range(2):
            pixels = np.full((HEIGHT, WIDTH, 3), 100 + number, np.uint8)
            cv2.imwrite(str(folder / label / f"{number}.png"), pixels)
    return folder


def _add(photographs: Path, cache: Path, a_class: int, sim: SimConfig | None = None) -> AddedRenders:
    return add_renders(
        read_dataset(photographs), a_class, sim or SimConfig(), cache, workers=1, emit=lambda progress: None
    )


def test_they_are_as_large_as_the_photographs_and_kept_for_the_next_time(
    photographs: Path, tmp_path: Path
) -> None:
    first = _add(photographs, tmp_path, 3)
    assert (len(first.samples), first.new, first.missing) == (3, 4, ("unknown",))
    for sample in first.samples:
        assert (sample.label, sample.source) == ("3004", SIMULATED)
        assert decode_image(sample.path.read_bytes(), sample.path).shape == (HEIGHT, WIDTH, 3)
    again = _add(photographs, tmp_path, 3)
    assert (again.samples, again.new) == (first.samples, 0)
    more = _add(photographs, tmp_path, 5)
    assert (more.folder, len(more.samples), more.new) == (first.folder, 5, 4)
    assert set(first.samples) < set(more.samples)
    # What a killed run left of a picture is none of the cache's.
    first.samples[0].path.with_name("sim1-3004-0009_pose0_000deg.jpg").write_bytes(b"torn")
    assert len(_add(photographs, tmp_path, 8).samples) == 8


def test_other_scenes_are_other_renders(photographs: Path, tmp_path: Path) -> None:
    near = SimConfig(scene=SceneConfig(distance_mm=(100.0, 100.0)))
    assert _add(photographs, tmp_path, 1).folder != _add(photographs, tmp_path, 1, near).folder
