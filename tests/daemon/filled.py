"""A working folder in which there is some of everything, made without a rig."""

from pathlib import Path

from rig.config_template import TEMPLATE
from rig.sorting.ledger import Ledger
from tests.dataset.pictures import turned, write_dataset
from tests.review.doubts import RUN, doubtful
from tests.vision.single_minded import write_single_minded

LABELS = ("3001", "3003", "3010")
__all__ = ["LABELS", "RUN", "fill"]


def fill(folder: Path) -> Path:
    """Pictures of two parts, a model with a report, a run with doubtful parts, and a rig.toml."""
    (folder / "rig.toml").write_text(TEMPLATE)
    write_dataset(
        folder / "captures",
        turned("3001", "s1", 4, step_deg=90.0, box=[4, 5, 20, 21], captured_at="2026-11-21T22:03:01.5+01:00")
        | turned("3001", "s2", 2, step_deg=45.5, physical_part="red-1", colour=4)
        | turned("3003", "s3", 3, step_deg=10.0)
        | {"3003/photo.jpg": None},
    )
    bundle = write_single_minded(folder / "models" / "small", "3001", labels=LABELS)
    report = bundle.folder / "report"
    (report / "mistakes" / "3001").mkdir(parents=True)
    (report / "index.html").write_text("<!doctype html><title>A report</title>")
    (report / "mistakes" / "3001" / "one.jpg").write_bytes((folder / "captures/3003/photo.jpg").read_bytes())
    ledger_folder = folder / "ledger"
    for looks in (1, 2, 1):
        doubtful(ledger_folder, looks=looks)
    doubtful(ledger_folder, sorted_as="3001", probability=0.95)
    doubtful(ledger_folder, sorted_as="3003", probability=0.8)
    with Ledger(ledger_folder) as ledger:
        ledger.keep_trouble(RUN, "jam", "The part for bin 3001 did not leave the table", None)
    return folder
