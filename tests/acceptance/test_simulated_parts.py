"""Parts of an LDraw library, as a user meets them."""

import csv
from pathlib import Path

import cv2

from tests.acceptance.conftest import Shell
from tests.sim.ldraw_files import CERTIFIED, PLACED_BOX, write_library

BROKEN = CERTIFIED + "1 16 0 0 0 1 0 0 0 1 0 0 0 1 s\\lost.dat\n"
RENAMED = "0 ~Moved to plate\n" + CERTIFIED.split("\n", 1)[1] + "1 16 0 0 0 1 0 0 0 1 0 0 0 1 plate.dat\n"
TWIN = CERTIFIED + "1 16 0 12 0 40 0 0 0 12 0 0 0 20 box.dat\n"


def test_all_parts_are_tried_and_those_that_fail_are_named(shell: Shell) -> None:
    plate = CERTIFIED.replace("Part", "Plate 1 x 2") + PLACED_BOX
    write_library(shell.folder / "library", plate=plate, old=RENAMED, broken=BROKEN, **{"3001": TWIN})
    done = shell.run("sim", "parts", "--ldraw", "library", "--out", "tried")
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "load and render: 2; that fail: 1" in done.stdout
    assert "renamed, and load as well: 1." in done.stderr
    assert "s/lost.dat" in done.stdout
    with (shell.folder / "tried" / "parts.csv").open() as file:
        rows = {row["part"]: row for row in csv.DictReader(file)}
    assert {part: row["result"] for part, row in rows.items()} == {
        "plate": "rendered",
        "3001": "rendered",
        "old": "renamed",
        "broken": "failed",
    }
    assert (rows["plate"]["title"], rows["plate"]["x_mm"], rows["plate"]["z_mm"]) == (
        "Plate 1 x 2",
        "16.00",
        "3.20",
    )
    for name, tiles in (("parts-1.jpg", 2), ("twins.jpg", 4)):
        sheet = cv2.imread(str(shell.folder / "tried" / name))
        assert sheet is not None
        assert sheet.shape[1] > tiles * 100


def test_a_library_that_does_not_say_its_colours_is_told(shell: Shell) -> None:
    write_library(shell.folder / "library", plate=CERTIFIED + PLACED_BOX)
    assert "LDConfig" not in shell.run("sim", "parts", "--ldraw", "library").stderr
    (shell.folder / "library" / "LDConfig.ldr").unlink()
    said = shell.run("sim", "parts", "--ldraw", "library").stderr
    assert "library has no LDConfig.ldr: the simulator's own colours" in " ".join(said.split())


def test_a_part_of_a_library_is_captured(shell: Shell) -> None:
    write_library(shell.folder / "library", plate=CERTIFIED + PLACED_BOX)
    (shell.folder / "rig.toml").write_text('[sim]\nenabled = true\nldraw = "library"\n')
    done = shell.run("capture", "--part", "plate", "--steps", "2", "--colour", "36")
    assert done.returncode == 0, done.stderr
    assert len(list((shell.folder / "captures" / "plate").glob("*.jpg"))) == 2


def test_without_a_library_it_says_how_to_name_one(shell: Shell, tmp_path: Path) -> None:
    assert "--ldraw" in shell.fails("sim", "parts")
    assert "nowhere is no LDraw library" in shell.fails("sim", "parts", "--ldraw", "nowhere")
