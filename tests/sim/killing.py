"""Renders a small set in processes of its own and kills each a step later than the one before.

A step is what `tests.dataset.killing` says: any call that changes the file system, and more.

Run as: python -m tests.sim.killing FOLDER
"""

import shutil
import sys
from functools import partial
from itertools import count
from pathlib import Path

import cv2

from rig.catalog import PartNumber
from rig.dataset.reader import decode_image
from rig.scene_config import SceneConfig
from rig.sim.part_library import EMBEDDED
from rig.sim.recipe import Recipe, current_versions
from rig.sim.sitting import Sitting
from rig.sim.training_set import TrainingSet, truth_folder
from tests.dataset.killing import killed_at
from tests.dataset.pictures import rows_of

_SITTINGS = (Sitting(1, PartNumber("3003"), 0), Sitting(1, PartNumber("3004"), 0))


def go_on(folder: Path) -> None:
    """What `rig sim render` does, in one process."""
    training_set = TrainingSet(
        folder, Recipe(1, 1, 64, 64, "fast", SceneConfig(), current_versions(EMBEDDED))
    )
    for sitting in _SITTINGS:
        if not training_set.is_complete(sitting):
            training_set.render(sitting)
    training_set.write_manifest()


def check_whole(folder: Path) -> None:
    """After a kill: whatever picture is there is whole, and no row stands without its file."""
    for path in (*folder.glob("*/[!.]*"), *truth_folder(folder).glob("*/[!.]*.png")):
        decode_image(path.read_bytes(), path)
    if (folder / "metadata.jsonl").exists():
        assert all((folder / name).exists() for name in rows_of(folder))


def every_file(folder: Path) -> dict[str, bytes]:
    """Of the set and its truth, hidden ones included."""
    return {
        path.relative_to(folder.parent).as_posix(): path.read_bytes()
        for path in folder.parent.rglob("*")
        if path.is_file()
    }


def kill_everywhere(scratch: Path) -> int:
    """Kill at every step and go on, at times killed again. Returns the kills."""
    cv2.setNumThreads(1)  # its pool of threads would not survive the fork
    whole = scratch / "whole" / "renders"
    go_on(whole)
    expected = every_file(whole)
    for step in count():
        folder = scratch / "victim" / "renders"
        was_killed = killed_at(step, partial(go_on, folder))
        check_whole(folder)
        if step % 3 == 0:
            killed_at(7 * step % 25, partial(go_on, folder))
            check_whole(folder)
        go_on(folder)
        assert every_file(folder) == expected, f"step {step}: something is left over, missing or different"
        shutil.rmtree(folder.parent)
        if not was_killed:
            return step
    raise AssertionError("never gets here")


if __name__ == "__main__":
    print(kill_everywhere(Path(sys.argv[1])))
