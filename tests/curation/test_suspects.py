"""Which labels a model disagrees with strongly enough to be looked at."""

from pathlib import Path

from rig.curation.suspects import Opinions
from rig.dataset.index import indexed
from tests.dataset.pictures import write_dataset


def quiet(progress: object) -> None:
    """Nobody looks at the progress."""


def suspected(folder: Path, opinions: dict[str, tuple[str, float, float]], least: float) -> list[str]:
    """The suspects, given for each picture what the model takes it for, how surely, and for its label."""
    write_dataset(folder, dict.fromkeys(opinions))
    with indexed(folder, quiet) as index:
        said = Opinions(index)
        for picture in index.walk():
            said.add(picture, *opinions[picture.name])
        return [suspect.name for suspect in said.suspects(least)]


def test_the_model_must_be_surer_than_usual_of_the_other_part(tmp_path: Path) -> None:
    opinions = {
        # On average 0.9 sure of 3001, and 0.5 of 3002.
        "3001/a.jpg": ("3001", 0.95, 0.95),
        "3001/b.jpg": ("3001", 0.85, 0.85),
        "3002/a.jpg": ("3002", 0.98, 0.98),
        "3002/doubtful.jpg": ("3001", 0.80, 0.15),
        "3002/wrong.jpg": ("3001", 0.96, 0.01),
        "3002/b.jpg": ("3002", 0.86, 0.86),
        "3003/odd.jpg": ("3002", 0.60, 0.3),
        "3003/odder.jpg": ("3004", 0.55, 0.3),
    }
    assert suspected(tmp_path, opinions, least=0.5) == ["3002/wrong.jpg", "3003/odd.jpg", "3003/odder.jpg"]
    assert suspected(tmp_path, opinions, least=0.9) == ["3002/wrong.jpg"]
