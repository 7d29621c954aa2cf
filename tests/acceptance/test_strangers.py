"""What a model was never taught goes to the reject bin, as `rig sort`, `classify` and `evaluate` tell it."""

import json

import numpy as np
import pytest

from tests.acceptance.conftest import Shell
from tests.vision.single_minded import make_wary, write_pictures, write_single_minded


@pytest.fixture
def desk(shell: Shell) -> Shell:
    """A folder with a model that is sure of all that it sees, and to whom all of it is strange."""
    bundle = write_single_minded(shell.folder / "models" / "wary", "3001", labels=("3001", "3004"))
    make_wary(bundle, np.zeros((3, 2), np.float16), (1.0, 1.0))
    return shell


def _configured(desk: Shell, *sorting: str) -> Shell:
    (desk.folder / "rig.toml").write_text("\n".join(["[sim]", "enabled = true", "[sorting]", *sorting]))
    return desk


def test_sorting_rejects_strangers_unless_told_not_to(desk: Shell) -> None:
    done = _configured(desk, "false_strangers = 0.05").run("--json", "sort", "--count", "2")
    assert json.loads(done.stdout)["summary"]["bins"] == {"reject": 2}
    assert "5.0% of the known ones with them" in " ".join(done.stderr.split())
    asked_for = _configured(desk, "false_strangers = 0")
    assert asked_for.json("sort", "--count", "2")["summary"]["bins"] == {"3001": 2}


def test_classify_and_evaluate_say_what_seems_strange(desk: Shell) -> None:
    _configured(desk, "false_strangers = 0.05")
    (picture, _) = write_pictures(desk.folder / "data", **{"3001": 2, "3003": 1})["3001"]
    assert "perhaps a part that it was never taught" in desk.run("classify", picture).stdout
    assert desk.json("classify", picture)["images"][0]["stranger"]
    said = desk.run("evaluate", "models/wary", "data").stdout
    assert "1 picture of parts that it was never taught, 100.0% are rejected: 0.0% as unsure" in said
    rejected = desk.json("evaluate", "models/wary", "data")["rejected"]
    assert rejected["known"] == {"images": 2, "unsure": 0, "strange": 2, "either": 2}
    _configured(desk, "false_strangers = 0")
    assert "was not trained on 3003" in desk.fails("evaluate", "models/wary", "data")
