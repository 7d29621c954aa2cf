"""A bundle is whole, or loading says which file is not; writing leaves it whole or as it was."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from rig.card import (
    Calibration,
    Card,
    ClassScore,
    DataFingerprint,
    Preprocess,
    Scores,
    Split,
    Strangers,
)
from rig.errors import ModelError, StorageError
from rig.model import Bundle, load_bundle, write_bundle

NETWORK = b"not a real network, which loading a bundle does not need"


def make_card(network: bytes = NETWORK) -> Card:
    return Card(
        labels=("3001", "3003"),
        preprocess=Preprocess(size_px=96, margin=0.1),
        network="drawn",
        parameters=12,
        temperature=1.5,
        reject_threshold=0.8,
        calibration=Calibration(calibrated=True, how="in a test", accepted=0.9, accepted_top1=1.0),
        scores=Scores(
            how="in a test",
            images=2,
            top1=0.5,
            float_top1=None,
            classes=(ClassScore(label="3001", precision=1, recall=0.5, f1=2 / 3, support=2),),
        ),
        split=Split(trained=("3001/a", "3003/b")),
        data=DataFingerprint(sha256="0" * 64, images=4, classes=2, sources=("simulated",)),
        seed=0,
        versions={"keras": "3"},
        created_at="2026-11-22T00:00:00+00:00",
        model_sha256=hashlib.sha256(network).hexdigest(),
    )


def _write_images(folder: Path) -> None:
    (folder / "images.json").write_text(json.dumps({"3001/a": ["aa", "bb"], "3003/b": ["cc"]}))


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return write_bundle(tmp_path / "models" / "first", NETWORK, make_card(), _write_images)


def test_what_is_written_is_read(bundle: Bundle) -> None:
    again = load_bundle(bundle.folder)
    assert again.card == make_card()
    assert again.name == "first"
    assert again.image_groups() == {"aa": "3001/a", "bb": "3001/a", "cc": "3003/b"}
    assert again.folds() == ()


def test_a_card_from_before_there_was_a_choice_still_loads(bundle: Bundle) -> None:
    path = bundle.folder / "model.json"
    card = json.loads(path.read_text())
    del card["pretrained"], card["looks"], card["preprocess"]["contrast"], card["strangers"]
    path.write_text(json.dumps(card))
    assert load_bundle(bundle.folder).card == make_card()


def test_limits_for_strangers_come_back_as_they_were(tmp_path: Path) -> None:
    limits = ((0.1, 2.5), (-1 / 3, 3.0))
    digest = hashlib.sha256(b"some logits").hexdigest()
    strangers = Strangers(how="in a test", lost=(0.0, 0.02), limits=limits, familiar_sha256=digest)
    card = make_card().model_copy(update={"strangers": strangers})

    def fill(folder: Path) -> None:
        (folder / "familiar.npy").write_bytes(b"some logits")

    assert write_bundle(tmp_path / "model", NETWORK, card, fill).card.strangers == strangers


@pytest.mark.parametrize(
    ("lost", "limits", "problem"),
    [
        ((0.0, 0.02), ((1.0,),), "not as many limits as shares"),
        ((0.02, 0.0), ((1.0, 2.0),), "do not rise"),
    ],
)
def test_limits_that_contradict_themselves_are_refused(
    lost: tuple[float, ...], limits: tuple[tuple[float, ...], ...], problem: str
) -> None:
    with pytest.raises(ValidationError, match=problem):
        Strangers(how="in a test", lost=lost, limits=limits, familiar_sha256="0" * 64)


def test_fold_models_come_in_order(tmp_path: Path) -> None:
    def fill(folder: Path) -> None:
        for number in (10, 2, 1):
            card = make_card().model_copy(update={"seed": number})
            write_bundle(folder / "folds" / str(number), NETWORK, card)
        (folder / "folds" / ".DS_Store").touch()

    bundle = write_bundle(tmp_path / "model", NETWORK, make_card(), fill)
    assert [fold.card.seed for fold in bundle.folds()] == [1, 2, 10]


def _edit_card(folder: Path, **values: object) -> None:
    path = folder / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


SPOILERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no network": (lambda folder: (folder / "model.tflite").unlink(), "model.tflite is missing"),
    "no card": (lambda folder: (folder / "model.json").unlink(), "model.json is missing"),
    "no labels": (lambda folder: (folder / "labels.txt").unlink(), "labels.txt is missing"),
    "torn network": (
        lambda folder: (folder / "model.tflite").write_bytes(NETWORK[:-1]),
        "model.tflite is damaged",
    ),
    "torn card": (
        lambda folder: (folder / "model.json").write_text('{"labels": ["30'),
        "model.json is damaged",
    ),
    "binary card": (
        lambda folder: (folder / "model.json").write_bytes(b"\xff\xfe\x00"),
        "model.json is damaged",
    ),
    "other labels": (
        lambda folder: (folder / "labels.txt").write_text("3003\n3001\n"),
        "labels.txt does not name",
    ),
    "twice a label": (lambda folder: _edit_card(folder, labels=["3001", "3001"]), "a label occurs twice"),
    "stray key": (lambda folder: _edit_card(folder, mood="good"), "model.json is damaged: mood"),
    "temperature 0": (lambda folder: _edit_card(folder, temperature=0), "model.json is damaged: temperature"),
}


@pytest.mark.parametrize("name", SPOILERS)
def test_a_damaged_bundle_names_the_file(bundle: Bundle, name: str) -> None:
    spoil, message = SPOILERS[name]
    spoil(bundle.folder)
    with pytest.raises(ModelError, match=message) as caught:
        load_bundle(bundle.folder)
    assert caught.value.hint


def test_a_missing_bundle_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"there is no model .*nowhere"):
        load_bundle(tmp_path / "nowhere")


@pytest.mark.parametrize("content", ["", "[]", '{"3001/a": 5}'])
def test_damaged_image_lists_are_named(bundle: Bundle, content: str) -> None:
    (bundle.folder / "images.json").write_text(content)
    with pytest.raises(ModelError, match=r"images\.json is damaged"):
        bundle.image_groups()


def test_a_bundle_of_the_same_name_is_replaced(bundle: Bundle) -> None:
    other = b"another network"
    write_bundle(bundle.folder, other, make_card(other))
    assert (bundle.folder / "model.tflite").read_bytes() == other
    assert not (bundle.folder / "images.json").exists()
    assert [path.name for path in bundle.folder.parent.iterdir()] == ["first"]


def test_a_failure_while_writing_leaves_everything_as_it_was(bundle: Bundle) -> None:
    def fill(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise OSError(28, "No space left on device")

    other = b"another network"
    with pytest.raises(StorageError, match="No space left"):
        write_bundle(bundle.folder, other, make_card(other), fill)
    assert load_bundle(bundle.folder).card == make_card()
    assert [path.name for path in bundle.folder.parent.iterdir()] == ["first"]


@pytest.mark.parametrize("failing", [1, 2])
def test_an_interrupted_replacement_leaves_the_old_model(
    bundle: Bundle, failing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C may come before the old model steps aside, and before the new one takes its place."""
    rename, calls = Path.rename, 0

    def interrupted(path: Path, target: Path) -> Path:
        nonlocal calls
        calls += 1
        if calls == failing:
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    other = b"another network"
    with pytest.raises(KeyboardInterrupt):
        write_bundle(bundle.folder, other, make_card(other))
    assert load_bundle(bundle.folder).card == make_card()
    assert [path.name for path in bundle.folder.parent.iterdir()] == ["first"]


_KILLED = """
import os, signal, sys
from pathlib import Path
from rig.model import write_bundle
from tests.test_model import make_card
rename, calls = Path.rename, []
def killed(path, target):
    calls.append(path)
    if len(calls) == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    return rename(path, target)
Path.rename = killed
write_bundle(Path(sys.argv[1]), b"another network", make_card(b"another network"))
"""


@pytest.mark.skipif(os.name != "posix", reason="needs to ask for a process by its id")
@pytest.mark.parametrize("renames", [1, 2])
def test_the_draft_of_a_killed_process_is_cleared_and_the_old_model_comes_back(
    bundle: Bundle, renames: int
) -> None:
    models = bundle.folder.parent
    killed = subprocess.run(
        [sys.executable, "-c", _KILLED, str(bundle.folder), str(renames)],
        cwd=Path(__file__).parents[1],
        check=False,
    )
    assert killed.returncode < 0
    assert list(models.glob(".draft-*"))
    (models / ".draft-1-of-a-running-process").mkdir()
    write_bundle(models / "second", NETWORK, make_card())
    assert sorted(path.name for path in models.iterdir()) == [
        ".draft-1-of-a-running-process",
        "first",
        "second",
    ]
    assert load_bundle(bundle.folder).card == make_card()
