"""Rendered training sets: the same bytes however they come about, readable as any dataset, resumable."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from rig.catalog import PartNumber
from rig.curation.audit import audit
from rig.dataset.index import indexed
from rig.dataset.reader import SIMULATED, decode_image, read_dataset
from rig.dataset.stats import stats_of_all
from rig.errors import BadInput, DatasetError
from rig.scene_config import SceneConfig
from rig.sim.part_library import EMBEDDED, library_of
from rig.sim.recipe import Recipe, current_versions
from rig.sim.shares import Share, listed_parts, share_of, sittings_of
from rig.sim.sitting import Sitting, arrange
from rig.sim.training_set import TrainingSet, render_missing, truth_folder
from rig.vision.locate import Box, locate
from tests.dataset.pictures import contents, rows_of
from tests.sim.ldraw_files import CERTIFIED, PLACED_BOX, write_library

PARTS = (PartNumber("3003"), PartNumber("3004"))
PLACEMENTS, VIEWS = 2, 3
ALL = Share(1, 1)


def recipe(**changed: Any) -> Recipe:
    return replace(Recipe(1, VIEWS, 128, 96, "fast", SceneConfig(), current_versions(EMBEDDED)), **changed)


def render(folder: Path, *, workers: int = 1, share: Share = ALL) -> int:
    """Render a share of a small set; how many pictures were new."""
    sittings = list(sittings_of(1, PARTS, PLACEMENTS, share))
    return render_missing(TrainingSet(folder, recipe()), sittings, workers, lambda progress: None).new


def everything(folder: Path) -> dict[str, bytes]:
    """The dataset and its truth."""
    return contents(folder) | {f"truth/{name}": held for name, held in contents(truth_folder(folder)).items()}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set that one worker rendered; for tests that only read it."""
    folder = tmp_path_factory.mktemp("rendered") / "renders"
    assert render(folder) == len(PARTS) * PLACEMENTS * VIEWS
    return folder


def test_two_workers_make_the_same_bytes_and_a_second_run_makes_nothing(
    rendered: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "renders"
    render(folder, workers=2)
    assert everything(folder) == everything(rendered)
    assert render(folder, workers=2) == 0
    assert everything(folder) == everything(rendered)


def test_shares_in_one_folder_are_the_set(rendered: Path, tmp_path: Path) -> None:
    folder = tmp_path / "renders"
    counts = [render(folder, share=Share(number, 2)) for number in (2, 1)]
    assert counts == [PLACEMENTS * VIEWS, PLACEMENTS * VIEWS]
    assert everything(folder) == everything(rendered)


def test_shares_copied_together_are_the_set(rendered: Path, tmp_path: Path) -> None:
    merged = tmp_path / "renders"
    for number in (1, 2):
        share = tmp_path / str(number) / "renders"
        render(share, share=Share(number, 2))
        # A share is a dataset by itself.
        assert {sample.label for sample in read_dataset(share, least_classes=1).samples} == {
            PARTS[number - 1]
        }
        shutil.copytree(share, merged, dirs_exist_ok=True)
        shutil.copytree(truth_folder(share), truth_folder(merged), dirs_exist_ok=True)
    with pytest.raises(DatasetError, match="no row"):
        read_dataset(merged)
    assert render(merged) == 0
    assert everything(merged) == everything(rendered)


def test_what_is_missing_or_torn_is_rendered_again(rendered: Path, tmp_path: Path) -> None:
    folder, masks = tmp_path / "renders", tmp_path / "renders.truth"
    shutil.copytree(rendered, folder)
    shutil.copytree(truth_folder(rendered), masks)
    training_set = TrainingSet(folder, recipe())
    no_picture, no_mask, no_rows, half_of_rows = sittings_of(1, PARTS, PLACEMENTS, ALL)
    next(folder.glob(f"*/{no_picture.session}_*.jpg")).unlink()
    next(masks.glob(f"*/{no_mask.session}_*.png")).unlink()
    next(masks.glob(f"*/{no_rows.session}.jsonl")).unlink()
    assert training_set.is_complete(half_of_rows)
    rows = next(masks.glob(f"*/{half_of_rows.session}.jsonl"))
    for half in (
        rows.read_bytes()[: rows.stat().st_size // 2],
        rows.read_bytes().splitlines(keepends=True)[0],
    ):
        rows.write_bytes(half)
        assert not any(map(training_set.is_complete, sittings_of(1, PARTS, PLACEMENTS, ALL)))
    assert training_set.write_manifest() == 0
    assert render(folder) == len(PARTS) * PLACEMENTS * VIEWS
    assert everything(folder) == everything(rendered)


@pytest.mark.parametrize("kept", [0, 100])
def test_a_picture_or_mask_that_a_copying_tore_is_rendered_again(
    rendered: Path, tmp_path: Path, kept: int
) -> None:
    folder, masks = tmp_path / "renders", tmp_path / "renders.truth"
    shutil.copytree(rendered, folder)
    shutil.copytree(truth_folder(rendered), masks)
    torn_picture, torn_mask, *_ = sittings_of(1, PARTS, PLACEMENTS, ALL)
    for torn in (
        next(folder.glob(f"*/{torn_picture.session}_*.jpg")),
        next(masks.glob(f"*/{torn_mask.session}_*.png")),
    ):
        torn.write_bytes(torn.read_bytes()[:kept])
    assert render(folder) == 2 * VIEWS
    assert everything(folder) == everything(rendered)


def test_any_command_reads_it_as_simulated_with_honest_groups(rendered: Path) -> None:
    dataset = read_dataset(rendered)
    assert dataset.labels == PARTS
    assert dataset.sources == (SIMULATED,)
    rows = rows_of(rendered)
    bricks = {(row["label"], row["colour"]) for row in rows.values()}
    assert {(row["label"], row["physical_part"]) for row in rows.values()} == {
        (label, f"sim-{label}-c{colour}") for label, colour in bricks
    }
    assert len({sample.group_key for sample in dataset.samples}) == len(bricks)
    with indexed(rendered, lambda progress: None) as index:
        total = stats_of_all(index)
        assert (total.simulated, total.sessions, total.without_row) == (12, len(PARTS) * PLACEMENTS, 0)
        assert not list(audit(index, None, lambda progress: None, lambda sentence: None))


def test_class_folders_hold_pictures_only_and_each_has_its_mask_and_box(rendered: Path) -> None:
    assert sorted(path.name for path in rendered.iterdir()) == [*PARTS, "metadata.jsonl"]
    rows = rows_of(rendered)
    files = {path.relative_to(rendered).as_posix() for path in rendered.glob("*/*")}
    assert files == set(rows)
    for name, row in rows.items():
        picture = cv2.imread(str(rendered / name))
        mask = cv2.imread(str((truth_folder(rendered) / name).with_suffix(".png")), cv2.IMREAD_UNCHANGED)
        assert picture is not None
        assert mask is not None
        assert picture.shape == (96, 128, 3)
        assert mask.shape == (96, 128)
        assert set(np.unique(mask)) == {0, 255}
        y, x = np.nonzero(mask)
        assert row["box"] == [x.min(), y.min(), np.ptp(x) + 1, np.ptp(y) + 1]


def test_views_are_spread_over_the_turn_and_sittings_differ() -> None:
    sittings = [Sitting(seed, part, number) for seed in (1, 2) for part in PARTS for number in range(5)]
    assert len({sitting.session for sitting in sittings}) == len(sittings)
    drawn = [arrange(sitting, VIEWS, SceneConfig(), EMBEDDED) for sitting in sittings]
    assert len({arranged.scene for arranged in drawn}) == len(sittings)
    assert len({arranged.lying.colour for arranged in drawn}) > 5
    for arranged in drawn:
        assert np.diff(arranged.angles_deg) == pytest.approx([120, 120], abs=0.002)
        assert 0 <= arranged.angles_deg[0] < 120


def test_shares_part_the_work_evenly() -> None:
    whole = list(sittings_of(1, PARTS, 7, ALL))
    shares = [list(sittings_of(1, PARTS, 7, Share(number, 4))) for number in (1, 2, 3, 4)]
    assert [sitting for share in shares for sitting in share] == whole
    assert {len(share) for share in shares} == {3, 4}


def test_the_box_is_where_the_rig_finds_the_part(tmp_path: Path) -> None:
    training_set = TrainingSet(tmp_path / "renders", recipe(width_px=640, height_px=480))
    training_set.render(Sitting(5, PartNumber("3001"), 0))
    assert training_set.write_manifest() == VIEWS
    for name, row in rows_of(training_set.folder).items():
        found = locate(decode_image((training_set.folder / name).read_bytes(), tmp_path))
        assert found is not None
        assert _common(Box(*row["box"]), found) > 0.6


def _common(one: Box, other: Box) -> float:
    """Intersection over union."""
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    both = max(width, 0) * max(height, 0)
    return both / (one.width * one.height + other.width * other.height - both)


def test_a_list_of_parts_is_read_from_wherever_it_is(tmp_path: Path) -> None:
    assert len(listed_parts("all", EMBEDDED)) == 10
    assert listed_parts("3004, 3001,3004,", EMBEDDED) == ("3001", "3004")
    (tmp_path / "parts.txt").write_text("3004  # two studs\n\n3001\n")
    assert listed_parts(str(tmp_path / "parts.txt"), EMBEDDED) == ("3001", "3004")


def test_all_has_a_renamed_part_once_and_an_old_number_is_taken_where_it_is_listed(tmp_path: Path) -> None:
    renamed = "0 ~Moved to new\n0 BFC CERTIFY CCW\n1 16 0 0 0 1 0 0 0 1 0 0 0 1 new.dat\n"
    # The library's own 3001 is not what the simulator has under that number.
    folder = write_library(tmp_path, old=renamed, new=CERTIFIED + PLACED_BOX, **{"3001": renamed})
    library = library_of(folder)
    assert listed_parts("all", library) == (*listed_parts("all", EMBEDDED), "new")
    assert listed_parts("old", library) == ("old",)


@pytest.mark.parametrize("text", ["", ",", "3001,99999", "no part", "../3001", "absent.txt"])
def test_a_list_with_anything_else_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        listed_parts(text, EMBEDDED)


def test_a_list_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "parts.txt").write_bytes(b"\xff\xfe3001")
    with pytest.raises(BadInput, match="no readable list"):
        listed_parts(str(tmp_path / "parts.txt"), EMBEDDED)


@pytest.mark.parametrize("text", ["5/4", "0/4", "1/0", "-1/-1", "3", "a/b", "1/2/3", ""])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="share"):
        share_of(text)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"seed": 2}, "--seed 1, not 2"),
        ({"views": VIEWS + 1}, "--views"),
        ({"width_px": 160}, "--width"),
        ({"height_px": 120}, "--height"),
        ({"quality": "good"}, "--quality"),
        ({"scene": SceneConfig(roll_deg=(0, 0))}, "roll_deg in"),
        ({"made_with": {"brickrig": "0.0.9"}}, "otherwise: brickrig .*, not 0.0.9"),
    ],
)
def test_a_set_is_not_mixed_with_another(rendered: Path, changed: dict[str, Any], named: str) -> None:
    before = everything(rendered)
    with pytest.raises(BadInput, match=named):
        TrainingSet(rendered, recipe(**changed))
    assert everything(rendered) == before


@pytest.mark.parametrize("changed", [{"views": 0}, {"views": 5000}, {"width_px": 63}, {"height_px": 9000}])
def test_a_recipe_out_of_range_is_refused(changed: dict[str, int]) -> None:
    with pytest.raises(BadInput, match="out of range"):
        recipe(**changed)


def test_another_dataset_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "captures"
    (folder / "3001").mkdir(parents=True)
    with pytest.raises(BadInput, match="not rendered"):
        TrainingSet(folder, recipe())
    assert contents(tmp_path) == {"captures": b"<folder>", "captures/3001": b"<folder>"}


def test_a_damaged_recipe_is_named(tmp_path: Path) -> None:
    TrainingSet(tmp_path / "renders", recipe())
    path = tmp_path / "renders.truth" / "recipe.json"
    path.write_text(json.dumps({"seed": "one"}))
    with pytest.raises(DatasetError, match=r"recipe\.json is damaged"):
        TrainingSet(tmp_path / "renders", recipe())


def test_while_it_is_rendered_it_is_no_dataset_of_photographs(tmp_path: Path) -> None:
    folder = tmp_path / "renders"
    training_set = TrainingSet(folder, recipe())
    for part in PARTS:
        training_set.render(Sitting(1, part, 0))
    with pytest.raises(DatasetError, match="no row"):
        read_dataset(folder)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
def test_killed_at_any_step_it_completes_what_is_missing(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.sim.killing", tmp_path], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) > 30
