"""Models over HTTP: the ones in the folder, by their names, and no other file."""

import os
import shutil
from pathlib import Path

import pytest

from rig.shelf import default_bundle
from tests.daemon.served import Served
from tests.vision.single_minded import write_single_minded

LABELS = ("3001", "3003", "3010")


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """Two models: `new`, which has a report, and `old`."""
    folder = tmp_path / "models"
    for age_s, name in enumerate(("new", "old")):
        bundle = write_single_minded(folder / name, "3001", labels=LABELS)
        made_ns = (1_700_000_000 - age_s) * 10**9
        os.utime(bundle.folder / "model.json", ns=(made_ns, made_ns))
    report = folder / "new" / "report"
    (report / "mistakes" / "3001").mkdir(parents=True)
    (report / "index.html").write_text("<!doctype html><title>Figures</title>")
    (report / "mistakes" / "3001" / "one.jpg").write_bytes(b"jpeg")
    (report / "secret.txt").write_text("secret")
    return folder


def _names(served: Served) -> list[tuple[str, bool]]:
    return [(model["name"], model["in_use"]) for model in served.json("/models")["models"]]


def test_without_models_there_is_none(served: Served) -> None:
    assert served.json("/models") == {"models": []}
    assert "no model in use" in served.problem("GET", "/models/in-use", status=404)["detail"]
    problem = served.problem("PUT", "/models/in-use", {"name": "new"}, status=404)
    assert problem["hint"] == "train one with: rig train"


def test_all_are_listed_and_one_is_chosen(served: Served, models: Path) -> None:
    assert _names(served) == [("new", True), ("old", False)]
    assert served.json("/models/in-use")["model"]["name"] == "new"
    chosen = served.send("PUT", "/models/in-use", {"name": "old"})
    assert (chosen.status, chosen.json["model"]["in_use"]) == (200, True)
    assert _names(served) == [("new", False), ("old", True)]
    assert default_bundle(models).name == "old"


def test_what_is_known_of_a_model_is_its_card(served: Served, models: Path) -> None:
    details = served.json("/models/new")
    assert details["card"]["labels"] == list(LABELS)
    assert details["model"]["labels_count"] == 3
    assert details["has_report"] is True
    assert served.json("/models/old")["has_report"] is False
    assert served.problem("GET", "/models/newest", status=404)["hint"] == "there are: new, old"


def test_a_model_that_is_damaged_or_replaced_is_so_at_once(served: Served, models: Path) -> None:
    assert [model["problem"] for model in served.json("/models")["models"]] == ["", ""]
    (models / "new" / "labels.txt").write_text("other\n")
    new, old = served.json("/models")["models"]
    assert "labels.txt does not name the labels" in new["problem"]
    assert (new["labels_count"], old["problem"]) == (None, "")
    served.problem("PUT", "/models/in-use", {"name": "new"}, status=409)
    shutil.rmtree(models / "old")
    write_single_minded(models / "old", "3003", labels=("3003", "3010"))
    assert served.json("/models/old")["card"]["labels"] == ["3003", "3010"]


def test_only_models_of_the_folder_are_known(served: Served, models: Path, tmp_path: Path) -> None:
    """Though the command takes the path of a folder anywhere."""
    shutil.copytree(models / "new", tmp_path / "elsewhere")
    for name in ("../elsewhere", str(tmp_path / "elsewhere"), ".", "..", "models"):
        served.problem("PUT", "/models/in-use", {"name": name}, status=404)
    assert served.get("/models/..%2Felsewhere").status == 404
    assert served.get("/models/..%2Felsewhere/report/index.html").status == 404
    assert not (models / "in-use.txt").exists()


def test_a_report_is_shown(served: Served, models: Path) -> None:
    """What it may do in a browser, the headers say: see test_headers.py."""
    page = served.get("/models/new/report/index.html")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert b"Figures" in page.body
    picture = served.get("/models/new/report/mistakes/3001/one.jpg")
    assert (picture.body, picture.headers["content-type"]) == (b"jpeg", "image/jpeg")


@pytest.mark.parametrize(
    "path",
    [
        "../model.json",
        "..%2Fmodel.json",
        "secret.txt",
        "gone.html",
        "mistakes/../../model.html",
        "mistakes",
        "",
    ],
)
def test_nothing_else_of_a_model_is_given(served: Served, models: Path, path: str) -> None:
    (models / "new" / "model.html").write_text("secret")
    assert served.get(f"/models/new/report/{path}").status in (404, 422)


@pytest.mark.parametrize("said", [{}, {"name": ""}, {"name": 3}, {"name": "new", "now": True}, ["new"], None])
def test_what_is_no_choice_is_refused(served: Served, models: Path, said: object) -> None:
    answer = served.send("PUT", "/models/in-use", said)
    assert answer.status == 422
    assert not (models / "in-use.txt").exists()
