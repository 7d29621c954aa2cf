"""`rig model` as a user calls it."""

import json
import shutil

import pytest

from tests.acceptance.conftest import Shell
from tests.vision.single_minded import write_pictures, write_single_minded


@pytest.fixture
def desk(shell: Shell) -> Shell:
    """A folder with two models and a few pictures; `squares` is the newer one."""
    write_single_minded(shell.folder / "models" / "bars", "bar", labels=("bar", "square", "tile"))
    write_single_minded(shell.folder / "models" / "squares", "square")
    write_pictures(shell.folder / "captures", bar=2, square=1)
    return shell


def test_the_model_in_use_is_what_classify_takes(desk: Shell) -> None:
    picture = "captures/bar/0.png"
    assert "square 100" in desk.run("classify", picture).stdout
    assert [model["in_use"] for model in desk.json("model", "list")["models"]] == [True, False]
    assert desk.json("model", "use", "bars")["model"] == "models/bars"
    assert desk.json("classify", picture)["images"][0]["candidates"][0]["label"] == "bar"
    for name in ("models/squares", "squares"):
        assert desk.json("classify", name, picture)["model"] == "models/squares"
        assert desk.json("evaluate", name, "captures")["model"] == "models/squares"
    said = desk.run("model", "list").stdout
    assert "bars" in said
    assert "squares" in said
    shutil.rmtree(desk.folder / "models" / "bars")
    assert "bars, which is gone" in desk.fails("classify", picture)
    assert "bars, which is gone" in desk.fails("sort")


@pytest.mark.parametrize("mistaken", ["list.csv", "sqares"])
def test_what_is_no_picture_is_not_to_be_deleted(desk: Shell, mistaken: str) -> None:
    (desk.folder / "list.csv").write_text("part,count\n3001,4\n")
    said = desk.fails("classify", mistaken, "captures/bar/0.png")
    assert f"rig: {mistaken} " in said
    assert "name pictures of one part each; a model comes first: rig model list" in said
    assert "delete" not in said


def test_a_folder_of_pictures_is_not_taken_for_a_model(desk: Shell) -> None:
    pictures = desk.folder / "captures" / "3001"
    pictures.mkdir()
    (pictures / "0.jpg").touch()
    said = desk.fails("classify", "captures/3001")
    assert "captures/3001 is a folder of pictures" in said
    assert "rig classify captures/3001/*.jpg" in said
    assert "train" not in said


def test_a_list_has_whole_names_and_fits_a_terminal(desk: Shell) -> None:
    write_single_minded(desk.folder / "models" / "20261201T021339Z", "square")
    said = desk.run("model", "list").stdout
    assert "20261201T021339Z" in said
    assert "2026-11-22" in said
    assert max(map(len, said.splitlines())) <= 80


def test_what_a_table_is_of_stands_in_one_line(desk: Shell) -> None:
    lines = desk.run("model", "compare", "bars", "squares").stdout.splitlines()
    assert "Recall as each was measured, on pictures of its own (the same ones: --data DIR)" in lines


def test_show_tells_the_card_and_where_the_report_is(desk: Shell) -> None:
    said = desk.run("model", "show", "bars").stdout
    for word in ("bar, square, tile", "2026-11-22", "50.0%", "models/bars/report/index.html"):
        assert word in said
    assert "trained on" not in said  # the card counts pictures that only judged, too
    assert "those held out included" in said
    document = desk.json("model", "show", "models/bars")
    assert document["card"]["labels"] == ["bar", "square", "tile"]
    assert desk.run("model", "use", "bars").returncode == 0
    assert desk.run("model", "show").stdout == said
    assert "bars, squares" in desk.fails("model", "show", "nothing").replace("squares, bars", "bars, squares")


def _edit_card(desk: Shell, name: str, **values: object) -> None:
    path = desk.folder / "models" / name / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_of_what_was_not_measured_no_figure_is_shown(desk: Shell) -> None:
    scores = desk.json("model", "show", "bars")["card"]["scores"]
    nothing = {"label": "tile", "precision": 0, "recall": 0, "f1": 0, "support": 0}
    _edit_card(desk, "bars", scores={**scores, "classes": [*scores["classes"], nothing]})
    begun = [line.split()[1] for line in desk.run("model", "show", "bars").stdout.splitlines() if "│" in line]
    assert "3001" in begun
    assert "tile" not in begun


def test_it_is_told_whether_the_measured_pictures_were_unseen(desk: Shell) -> None:
    split = {"trained": ["bar/a"], "validated": ["bar/b"], "tested": ["bar/c"]}
    _edit_card(desk, "bars", split=split)
    rows = {line.split()[1]: line for line in desk.run("model", "list").stdout.splitlines() if "2026" in line}
    assert "2 unseen" in rows["bars"]
    assert "unseen" not in rows["squares"]


def test_compare_names_gains_losses_and_disagreements(desk: Shell) -> None:
    said = desk.run("model", "compare", "bars", "squares").stdout
    assert "Only A knows: tile" in said
    assert "Only B knows: wedge" in said
    said = desk.run("model", "compare", "bars", "squares", "--data", "captures").stdout
    assert "They disagree on 3" in said
    found = desk.json("model", "compare", "bars", "squares", "--data", "captures")["comparison"]
    assert [(row["label"], row["first"], row["second"]) for row in found["classes"]] == [
        ("bar", 1.0, 0.0),
        ("square", 0.0, 1.0),
    ]


def test_what_is_no_picture_is_not_left_out_in_silence(desk: Shell) -> None:
    for name in ("bar/a.tiff", "bar/b.tiff", "square/c.gif"):
        (desk.folder / "captures" / name).touch()
    for command in (("train", "--network", "nothing"), ("dataset", "check")):
        said = desk.run(*command).stderr
        assert "Left out: 3 files in class folders (2 .tiff, 1 .gif), since only .bmp, .jpeg, .jpg" in said
    assert desk.json("dataset", "check")["left_out"] == {".tiff": 2, ".gif": 1}


def test_a_damaged_model_is_listed_as_such(desk: Shell) -> None:
    (desk.folder / "models" / "bars" / "labels.txt").unlink()
    done = desk.run("model", "list")
    assert done.returncode == 0
    assert "damaged" in done.stdout
    assert "labels.txt is missing" in done.stderr


def test_a_model_whose_fold_is_damaged_hides_no_other(desk: Shell) -> None:
    fold = desk.folder / "models" / "bars" / "folds" / "1"
    fold.mkdir(parents=True)
    (fold / "model.json").write_text("{}")
    assert [model["name"] for model in desk.json("model", "list")["models"]] == ["squares", "bars"]
    assert desk.run("model", "list").returncode == 0


def test_no_models_is_no_error(shell: Shell) -> None:
    assert shell.json("model", "list") == {"models": []}


def test_a_model_without_a_picture_is_one_line(desk: Shell) -> None:
    assert "no picture" in desk.fails("classify", "models/bars")
