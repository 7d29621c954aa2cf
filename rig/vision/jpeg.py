"""Pictures as JPEG files, the one way the rig writes them."""

import cv2

from rig.camera.frame import Image
from rig.errors import BadInput

# Above this, JPEG artefacts stay under the sensor's own noise.
_QUALITY = 92


def encode_jpeg(image: Image, quality: int = _QUALITY) -> bytes:
    """The content of a JPEG file.

    Args:
        image: (height, width, 3) uint8, BGR, at most 65,500 pixels a side.
        quality: 0 to 100; less than the usual one is for the eye alone.

    Raises:
        BadInput: the picture is empty or too large.
    """
    encoded, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not encoded:
        raise BadInput(f"a picture of {image.shape} cannot be written as JPEG", hint="check its size")
    return data.tobytes()
