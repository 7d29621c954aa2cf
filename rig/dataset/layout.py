"""Names in a dataset, and the row that its manifest holds for every image.

    captures/
      3001/20261121T220301Z-a1b2_pose0_000deg.jpg
      metadata.jsonl                                 one row an image
      .20261121T220301Z-a1b2.session.json            plan of a capture session, for resuming
      .20261121T220258Z-93c1.batch.json              a list of parts that is being captured, for going on

Keras, torchvision and Hugging Face `imagefolder` read such a folder as it is: class folders hold nothing but
images, and beside them are only files, since torchvision takes every folder, hidden or not, for a class.
"""

from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any, Literal

from rig.config import SettledBy

MANIFEST = "metadata.jsonl"
SESSION_PLANS = ".*.session.json"
BATCHES = ".*.batch.json"
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})

# The folders of an exported dataset; each is a dataset itself.
SPLITS = ("train", "validation", "test")

Source = Literal["camera", "simulated"]


@dataclass(frozen=True)
class ImageRow:
    """What the manifest says of one captured image.

    Attributes:
        file_name: path below the dataset's folder, with forward slashes; the first step is the label.
        label: part number.
        session: id of the capture session.
        pose: which side the part lay on, counted from 0 in the order of capture.
        pose_name: what that side is called, such as "upright"; None when nobody said.
        physical_part: id of this very brick; None when nobody said, and then the session stands for it.
        colour: LDraw colour code; None when unknown.
        angle_deg: table angle of this view as planned, 0 to 360.
        microsteps: the same as it is commanded where the table stops for each view.
        motion_end_s, exposed_from_s, exposed_until_s: times on the machine's monotonic clock; the first is
            None where the table was turning.
        exposure_us, gain: as the camera reported them for this frame.
        sharpness: variance of the Laplacian inside the box.
        box: x, y, width, height of the part in pixels; None when it was not found.
        source: "camera" or "simulated".
        firmware: what M115 said.
        software: name and version of this program.
        captured_at: UTC, ISO 8601.
        settled_by: how the table was known to be still; None in rows from before this was recorded.
        measured_angle_deg: table angle in the middle of the exposure, 0 to 360; None where the table stood.
        is_round: somebody said that the part looks alike from all sides, so that its turning was not checked.
    """

    file_name: str
    label: str
    session: str
    pose: int
    pose_name: str | None
    physical_part: str | None
    colour: int | None
    angle_deg: float
    microsteps: int
    motion_end_s: float | None
    exposed_from_s: float
    exposed_until_s: float
    exposure_us: int
    gain: float
    sharpness: float
    box: tuple[int, int, int, int] | None
    source: Source
    firmware: str
    software: str
    captured_at: str
    settled_by: SettledBy | None = None
    measured_angle_deg: float | None = None
    is_round: bool = False

    def to_json(self) -> dict[str, Any]:
        """The row as plain JSON values."""
        return asdict(self)


def image_name(label: str, session: str, pose: int, angle_deg: float) -> str:
    """The `file_name` of one view, e.g. `3001/20261121T220301Z-a1b2_pose0_005deg.jpg`.

    Whole degrees where the angle is whole, three decimals where it is not.
    """
    whole = f"{angle_deg:03.0f}" if float(angle_deg).is_integer() else f"{angle_deg:07.3f}"
    return str(PurePosixPath(label, f"{session}_pose{pose}_{whole}deg.jpg"))
