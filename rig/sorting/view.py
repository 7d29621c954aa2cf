"""One look at what lies on the table: what the decision is made from, and what is kept of it."""

from dataclasses import dataclass
from functools import cached_property

from rig.camera.frame import Image
from rig.vision.classifier import Candidate
from rig.vision.jpeg import encode_jpeg
from rig.vision.locate import Box


@dataclass(frozen=True)
class View:
    """One look at a part.

    Attributes:
        image: (height, width, 3) uint8, BGR.
        box: where the part is in it.
        angle_deg: of the table, all turns counted.
        best: what this look alone takes it for; None where it was not shown to the classifier.
    """

    image: Image
    box: Box
    angle_deg: float
    best: Candidate | None = None

    @cached_property
    def jpeg(self) -> bytes:
        """The picture as it is kept. While the table turns to the next look, there is time to encode it."""
        return encode_jpeg(self.image)
