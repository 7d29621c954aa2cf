"""A captured dataset, and an exported one, are read as they are by the tools that people train with."""

from pathlib import Path

import pytest

from tests.acceptance.conftest import PARTS, Trained


def _count(captures: Path) -> dict[str, int]:
    return {label: len(list((captures / label).glob("*.jpg"))) for label in PARTS}


def test_keras_reads_it(trained: Trained) -> None:
    from training.backend import keras

    captures = trained.shell.folder / "captures"
    dataset = keras.utils.image_dataset_from_directory(captures, image_size=(64, 64), verbose=False)
    assert dataset.class_names == list(PARTS)
    assert len(dataset.file_paths) == sum(_count(captures).values())
    pixels, labels = next(iter(dataset))
    assert pixels.shape[1:] == (64, 64, 3)
    assert set(labels.numpy().tolist()) <= {0, 1, 2}


def test_torchvision_finds_its_classes_and_samples(trained: Trained) -> None:
    """What `ImageFolder` does, by its documentation: every folder is a class and must hold an image."""
    captures = trained.shell.folder / "captures"
    classes = sorted(entry.name for entry in captures.iterdir() if entry.is_dir())
    assert classes == list(PARTS)
    for label in classes:
        assert all(path.suffix == ".jpg" for path in (captures / label).iterdir())
        assert any((captures / label).iterdir())


def test_hugging_face_reads_it_with_every_column(trained: Trained, tmp_path: Path) -> None:
    import datasets

    captures = trained.shell.folder / "captures"
    dataset = datasets.load_dataset(
        "imagefolder", data_dir=str(captures), split="train", cache_dir=str(tmp_path / "cache")
    )
    counted = _count(captures)
    assert {label: dataset["label"][:].count(label) for label in counted} == counted
    first = dataset[0]
    assert first["image"].size == (640, 480)
    assert {"session", "angle_deg", "physical_part", "source", "box"} <= set(dataset.column_names)


@pytest.fixture(scope="module")
def exported(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, handed on with train, validation and test."""
    target = tmp_path_factory.mktemp("exported") / "bricks"
    trained.shell.json("dataset", "export", target)
    return target


def test_keras_reads_each_split_of_an_export(trained: Trained, exported: Path) -> None:
    from training.backend import keras

    found = 0
    for split in ("train", "validation", "test"):
        dataset = keras.utils.image_dataset_from_directory(
            exported / split, image_size=(64, 64), verbose=False
        )
        assert dataset.class_names == list(PARTS)
        found += len(dataset.file_paths)
    assert found == sum(_count(trained.shell.folder / "captures").values())


def test_hugging_face_reads_an_export_with_its_splits_and_columns(exported: Path, tmp_path: Path) -> None:
    import datasets

    dataset = datasets.load_dataset("imagefolder", data_dir=str(exported), cache_dir=str(tmp_path / "cache"))
    groups = {}
    for split in ("train", "validation", "test"):
        assert {"session", "angle_deg", "part", "source"} <= set(dataset[split].column_names)
        assert dataset[split][0]["image"].size == (640, 480)
        assert set(dataset[split]["label"]) == set(PARTS)
        groups[split] = set(zip(dataset[split]["label"], dataset[split]["part"], strict=True))
    assert not groups["train"] & groups["validation"]
    assert not groups["test"] & (groups["train"] | groups["validation"])
