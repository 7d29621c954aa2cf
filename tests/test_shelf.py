"""The rig takes the model that was chosen, or else the newest, and says what is wrong with either."""

import os
import shutil
from pathlib import Path

import pytest

from rig.errors import BadInput, ModelError
from rig.model import Bundle, write_bundle
from rig.shelf import default_bundle, find_bundle, shelved, use
from tests.test_model import NETWORK, make_card


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """Three models: `z-old`, `middle` and `a-new`, made in this order."""
    folder = tmp_path / "models"
    for age, name in enumerate(("a-new", "middle", "z-old")):
        _write(folder / name, age_s=age)
    return folder


def _write(folder: Path, *, age_s: int = 0) -> Bundle:
    bundle = write_bundle(folder, NETWORK, make_card())
    made_ns = (1_700_000_000 - age_s) * 10**9
    os.utime(folder / "model.json", ns=(made_ns, made_ns))
    return bundle


def test_newest_is_the_one_written_last(models: Path) -> None:
    assert default_bundle(models).name == "a-new"
    shutil.copytree(models / "a-new", models / ".draft-1-left-over")
    assert default_bundle(models).name == "a-new"


def test_without_models_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no model in"):
        default_bundle(tmp_path)
    assert shelved(tmp_path / "nowhere") == ()


def test_what_is_chosen_is_taken_even_when_newer_ones_come(models: Path) -> None:
    assert default_bundle(models).name == "a-new"
    use(models, "z-old")
    assert default_bundle(models).name == "z-old"
    _write(models / "later", age_s=-5)
    assert default_bundle(models).name == "z-old"
    use(models, str(models / "middle"))
    assert default_bundle(models).name == "middle"


def test_a_choice_that_fails_changes_nothing(models: Path, tmp_path: Path) -> None:
    use(models, "middle")
    elsewhere = _write(tmp_path / "elsewhere").folder
    (models / "z-old" / "model.tflite").unlink()
    with pytest.raises(BadInput, match="is not in"):
        use(models, str(elsewhere))
    with pytest.raises(ModelError, match=r"model\.tflite is missing"):
        use(models, "z-old")
    with pytest.raises(ModelError, match="there is no model nothing"):
        use(models, "nothing")
    assert default_bundle(models).name == "middle"


def test_a_chosen_model_that_is_gone_is_named(models: Path) -> None:
    use(models, "middle")
    shutil.rmtree(models / "middle")
    with pytest.raises(ModelError, match=r"in-use\.txt names the model middle, which is gone") as caught:
        default_bundle(models)
    assert "rig model use" in caught.value.hint


@pytest.mark.parametrize("content", [b"", b"\n", b"../middle\n", b"..", b"a\nb", b"\xff\xfe"])
def test_a_damaged_choice_is_named(models: Path, content: bytes) -> None:
    (models / "in-use.txt").write_bytes(content)
    for ask in (default_bundle, shelved):
        with pytest.raises(ModelError, match=r"in-use\.txt is damaged") as caught:
            ask(models)
        assert "rig model use" in caught.value.hint
    use(models, "middle")
    assert default_bundle(models).name == "middle"


def test_all_are_listed_the_newest_first_and_damaged_ones_too(models: Path) -> None:
    (models / "middle" / "labels.txt").write_text("other")
    listed = shelved(models)
    assert [(model.name, model.in_use) for model in listed] == [
        ("a-new", True),
        ("middle", False),
        ("z-old", False),
    ]
    assert [model.bundle is None for model in listed] == [False, True, False]
    assert "labels.txt does not name" in listed[1].problem
    use(models, "z-old")
    assert [model.in_use for model in shelved(models)] == [False, False, True]


def test_a_model_that_lost_its_card_is_listed_as_damaged_and_taken_by_nobody(models: Path) -> None:
    use(models, "middle")
    (models / "middle" / "model.json").unlink()
    (models / "notes").mkdir()  # no model
    listed = shelved(models)
    assert [(model.name, model.in_use) for model in listed] == [
        ("a-new", False),
        ("z-old", False),
        ("middle", True),
    ]
    assert listed[-1].bundle is None
    assert "model.json is missing" in listed[-1].problem
    (models / "in-use.txt").unlink()
    assert default_bundle(models).name == "a-new"


def test_found_by_name_or_by_path(models: Path, tmp_path: Path) -> None:
    _write(tmp_path / "elsewhere")
    assert find_bundle(models, "middle").folder == models / "middle"
    assert find_bundle(models, str(tmp_path / "elsewhere")).name == "elsewhere"
    with pytest.raises(ModelError, match="there is no model x") as caught:
        find_bundle(models, "x")
    assert caught.value.hint == "there are: a-new, middle, z-old"
