"""Models are opened once, and anew when a file of theirs is another; one thread asks them at a time."""

import shutil
import threading
from pathlib import Path

import pytest

from rig.daemon.bundles import Bundles, SharedClassifier
from rig.errors import ModelError
from rig.shelf import use
from tests.vision.pictures import SHAPES, Scene, draw
from tests.vision.single_minded import write_single_minded

LABELS = tuple(SHAPES)


def test_a_model_is_opened_once_until_it_changes(tmp_path: Path) -> None:
    bundles = Bundles()
    folder = write_single_minded(tmp_path / "a", "bar", labels=LABELS).folder
    first = bundles.load(folder)
    assert bundles.load(folder) is first
    shutil.rmtree(folder)
    with pytest.raises(ModelError, match="there is no model"):
        bundles.load(folder)
    write_single_minded(folder, "wedge", labels=LABELS)
    second = bundles.load(folder)
    assert second.card.model_sha256 != first.card.model_sha256
    (folder / "model.tflite").write_bytes(b"damaged")
    with pytest.raises(ModelError, match=r"model\.tflite is damaged"):
        bundles.load(folder)


def test_the_classifier_is_the_one_of_the_model_in_use(tmp_path: Path) -> None:
    shared = SharedClassifier(Bundles())
    with pytest.raises(ModelError, match="there is no model"), shared.of(tmp_path):
        pass
    for name in ("bar", "wedge"):
        write_single_minded(tmp_path / name, name, labels=LABELS)
    use(tmp_path, "bar")
    with shared.of(tmp_path) as (bundle, first):
        assert bundle.name == "bar"
    with shared.of(tmp_path) as (_, again):
        assert again is first
    use(tmp_path, "wedge")
    with shared.of(tmp_path) as (bundle, other):
        assert bundle.name == "wedge"
        assert other.classify(draw(Scene("bar"))).top(1)[0].label == "wedge"


def test_threads_take_turns(tmp_path: Path) -> None:
    write_single_minded(tmp_path / "a", "bar", labels=LABELS)
    shared = SharedClassifier(Bundles())
    image = draw(Scene("bar"))
    said: list[str] = []

    def ask() -> None:
        for _ in range(20):
            with shared.of(tmp_path) as (_, classifier):
                said.append(classifier.classify(image).top(1)[0].label)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert said == ["bar"] * 80
