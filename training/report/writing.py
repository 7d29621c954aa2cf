"""Put a report on disk: the page, and beside it every picture that was named wrongly."""

from itertools import chain, count
from pathlib import Path

import cv2

from rig.model import REPORT_FILE
from training.measuring.figures import Mistake
from training.report.findings import Findings
from training.report.page import page

_MISTAKES_FOLDER = "mistakes"


def write_report(folder: Path, findings: Findings) -> None:
    """Write `index.html`, which needs no other file, and `mistakes/TRUE/NAMED/PICTURE.jpg` of each mistake.

    Where two would have one name, since a picture was tested by two folds or `1.png` lies beside `1.jpg`, the
    later ones are `PICTURE-2.jpg` and so on.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True)
    (folder / REPORT_FILE).write_text(page(findings), encoding="utf-8")
    for mistake in findings.mistakes:
        _write_picture(folder / _MISTAKES_FOLDER, mistake)


def _write_picture(mistakes: Path, mistake: Mistake) -> None:
    """As the network saw it, but in colour; named as in the dataset, where the whole picture is."""
    folder = mistakes / mistake.true / mistake.named
    folder.mkdir(parents=True, exist_ok=True)
    _, jpeg = cv2.imencode(".jpg", mistake.crop, [cv2.IMWRITE_JPEG_QUALITY, 92])
    _free(folder, Path(mistake.file_name).stem).write_bytes(jpeg.tobytes())


def _free(folder: Path, stem: str) -> Path:
    names = chain((stem,), (f"{stem}-{number}" for number in count(2)))
    return next(path for name in names if not (path := folder / f"{name}.jpg").exists())
