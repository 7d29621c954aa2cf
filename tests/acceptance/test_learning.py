"""`rig train`, `rig classify` and `rig evaluate` as a user calls them, on good and on bad input."""

import json
import shutil
import time
from pathlib import Path

import cv2
import pytest

from tests.acceptance.conftest import PARTS, Shell, Trained


def _copy_of_captures(trained: Trained, shell: Shell) -> Path:
    return Path(shutil.copytree(trained.shell.folder / "captures", shell.folder / "captures"))


def _copy_of_model(trained: Trained, shell: Shell) -> Path:
    return Path(shutil.copytree(trained.model, shell.folder / "models" / "small"))


def test_a_bundle_is_complete(trained: Trained) -> None:
    assert {"model.tflite", "model.json", "labels.txt", "report"} <= {
        path.name for path in trained.model.iterdir()
    }
    card = json.loads((trained.model / "model.json").read_text())
    assert card["labels"] == list(PARTS)
    assert (trained.model / "labels.txt").read_text() == "3001\n3004\n3039\n"
    assert (trained.model / "report" / "index.html").exists()


def test_classify_prints_the_top_three_with_probabilities(trained: Trained) -> None:
    images = sorted(trained.shell.folder.glob("captures/*/*.jpg"))[:2]
    done = trained.shell.run("classify", trained.model, *images)
    assert done.returncode == 0, done.stderr
    assert [line.split(": ")[0] for line in done.stdout.splitlines()] == [str(path) for path in images]
    document = trained.shell.json("classify", trained.model, *images)
    for image in document["images"]:
        assert len(image["candidates"]) == 3
        assert sum(candidate["probability"] for candidate in image["candidates"]) == pytest.approx(
            1, abs=1e-3
        )


def test_evaluate_prints_every_class(trained: Trained) -> None:
    done = trained.shell.run("evaluate", trained.model, "captures")
    assert done.returncode == 0, done.stderr
    for word in (*PARTS, "precision", "recall", "F1", "Fold by fold", "never seen"):
        assert word in done.stdout


def test_what_trained_a_model_is_never_its_test(trained: Trained) -> None:
    document = trained.shell.json("evaluate", trained.model, "captures")
    assert document["scores"].keys() == {"unseen"}
    images = len(list(trained.shell.folder.glob("captures/*/*.jpg")))
    assert (
        sum(fold["images"] for fold in document["folds"]) == document["scores"]["unseen"]["images"] == images
    )
    assert len(document["folds"]) == 2


def _one_class(captures: Path) -> str:
    shutil.rmtree(captures / "3004")
    shutil.rmtree(captures / "3039")
    (captures / "metadata.jsonl").unlink()
    return "one class"


def _empty_class(captures: Path) -> str:
    (captures / "3003").mkdir()
    return "3003"


def _truncated_image(captures: Path) -> str:
    path = sorted(captures.glob("3001/*.jpg"))[0]
    path.write_bytes(path.read_bytes()[:5000])
    return path.name


def _unreadable_image(captures: Path) -> str:
    path = sorted(captures.glob("3001/*.jpg"))[0]
    path.write_bytes(b"no picture")
    return path.name


@pytest.mark.parametrize("spoil", [_one_class, _empty_class, _truncated_image, _unreadable_image])
def test_a_dataset_that_cannot_be_trained_on_is_one_line(
    trained: Trained, shell: Shell, spoil: object
) -> None:
    captures = _copy_of_captures(trained, shell)
    assert callable(spoil)
    named = spoil(captures)
    files = sorted(captures.rglob("*"))
    assert named in shell.fails("train", "--epochs", "1")
    assert sorted(captures.rglob("*")) == files
    assert not list(shell.folder.glob("models/*/model.json"))


def test_no_dataset_at_all_is_one_line(shell: Shell) -> None:
    assert "captures" in shell.fails("train")
    assert "nowhere" in shell.fails("train", "--data", "nowhere")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--optimizer", "newton"),
        ("--schedule", "sometimes"),
        ("--balance", "scales"),
        ("--learning-rate", "0"),
        ("--learning-rate", "fast"),
        ("--batch", "0"),
        ("--batch", "1000000"),  # no memory holds it
        ("--folds", "99999999999"),
        ("--patience", "0"),
        ("--label-smoothing", "1"),  # every part would be as right as any other
    ],
)
def test_a_choice_that_there_is_not_is_one_line(shell: Shell, option: str, value: str) -> None:
    said = shell.fails("train", option, value)
    assert option in said
    assert value in said


def test_what_is_no_name_of_a_model_is_one_line(shell: Shell) -> None:
    for command in (("train",), ("train", "--resume")):
        assert "'../x' is no name for a model" in shell.fails(*command, "--name", "../x")
    assert "'../x' is no name for a sweep" in shell.fails("sweep", "--name", "../x")


def test_a_mistyped_network_costs_nobody_an_hour_of_rendering(trained: Trained, shell: Shell) -> None:
    _copy_of_captures(trained, shell)
    said = shell.fails("train", "--with-renders", "1", "--network", "residual-cn")
    assert "did you mean residual-cnn" in said
    assert "the same command" not in said
    assert not (shell.folder / "models").exists()


def test_no_model_takes_the_place_of_a_file(shell: Shell) -> None:
    """Which may hold every sweep."""
    sweeps = shell.folder / "models" / "sweeps.db"
    sweeps.parent.mkdir()
    sweeps.write_bytes(b"weeks of work")
    assert "models/sweeps.db is a file, and no model" in shell.fails("train", "--name", "sweeps.db")
    assert sweeps.read_bytes() == b"weeks of work"


def test_resuming_what_is_not_there_or_otherwise_is_one_line(shell: Shell) -> None:
    assert "no unfinished run in models" in shell.fails("train", "--resume")
    assert "no unfinished run of models/x" in shell.fails("train", "--resume", "--name", "x")
    assert "takes no --epochs" in shell.fails("train", "--resume", "--epochs", "8")


@pytest.mark.parametrize("name", ["model.tflite", "model.json", "labels.txt"])
@pytest.mark.parametrize("how", ["missing", "damaged"])
def test_a_broken_bundle_is_one_line(trained: Trained, shell: Shell, name: str, how: str) -> None:
    model = _copy_of_model(trained, shell)
    if how == "missing":
        (model / name).unlink()
    else:
        (model / name).write_bytes((model / name).read_bytes()[:-20] + b"damaged")
    image = next(trained.shell.folder.glob("captures/*/*.jpg"))
    for command in (
        ("classify", model, image),
        ("sort", "--model", model),
        ("evaluate", model, image.parents[1]),
    ):
        assert name in shell.fails(*command)


def test_a_picture_that_is_none_is_one_line(trained: Trained) -> None:
    assert "nowhere.jpg" in trained.shell.fails("classify", trained.model, "nowhere.jpg")
    (trained.shell.folder / "text.jpg").write_text("no picture")
    assert "text.jpg" in trained.shell.fails("classify", trained.model, "text.jpg")


def test_a_model_is_asked_which_labels_may_be_wrong(trained: Trained, shell: Shell) -> None:
    captures = _copy_of_captures(trained, shell)
    assert shell.run("dataset", "rename", "3039", "9999").returncode == 0
    moved = sorted((captures / "3001").iterdir())[:4]
    for path in moved:
        path.rename(captures / "3004" / path.name)
    said = shell.run("--json", "dataset", "check", captures, "--model", trained.model)
    assert said.returncode == 1, said.stderr
    assert "not trained on 9999" in said.stderr
    document = json.loads(said.stdout)
    assert document["counts"]["row_without_file"] == len(moved)
    least = json.loads((trained.model / "model.json").read_text())["reject_threshold"]
    for finding in document["findings"]:
        if finding["problem"] == "suspect":
            label, likeness = finding["file"].partition("/")[0], finding["detail"]
            assert label in ("3001", "3004")
            assert not likeness.startswith(f"looks like {label} ")
            assert int(likeness.partition("(")[2].partition("%")[0]) >= round(100 * least)
    model = _copy_of_model(trained, shell)
    (model / "model.json").write_text("{")
    assert "model.json is damaged" in shell.fails("dataset", "check", "--model", model)


def test_the_augmentation_is_shown_without_a_training(trained: Trained, shell: Shell) -> None:
    _copy_of_captures(trained, shell)
    document = shell.json("train", "--show-augmentation", "--augment", "strong")
    sheet = cv2.imread(str(shell.folder / document["file"]))
    assert document["classes"] == len(PARTS)
    assert sheet is not None
    assert sheet.shape[0] > 100 * len(PARTS)
    assert not (shell.folder / "models").exists()


def test_a_killed_training_goes_on_and_takes_no_chosen_model_s_place(trained: Trained, shell: Shell) -> None:
    models = shell.folder / "models"
    manifest = _copy_of_captures(trained, shell) / "metadata.jsonl"
    manifest.write_text(manifest.read_text().replace('"simulated"', '"camera"'))
    shutil.copytree(trained.model, models / "chosen")
    shell.json("model", "use", "chosen")
    recipe = (
        "--name",
        "new",
        "--folds",
        "0",
        "--epochs",
        "2",
        "--size",
        "48",
    )
    with shell.start("train", *recipe) as killed:
        while not any(models.glob(".unfinished-new/*.state")):
            assert killed.poll() is None
            time.sleep(0.05)
        killed.kill()
    assert "rig train --resume --name new" in shell.fails("train", *recipe)
    (state,) = models.glob(".unfinished-new/*.state")
    whole = state.read_bytes()
    state.write_bytes(whole[:-1])
    damaged = shell.fails("train", "--resume")
    assert "is damaged" in damaged
    assert "train anew, without --resume" in damaged
    assert "go on with" not in damaged
    state.write_bytes(whole)
    said = " ".join(shell.run("train", "--resume").stderr.split())
    assert "The rig goes on with the model chosen; change that with: rig model use new" in said
    assert "It learnt from photographs alone." in said
    assert "rig train --with-renders" in said
    assert sorted(folder.name for folder in models.iterdir()) == ["chosen", "in-use.txt", "new"]
