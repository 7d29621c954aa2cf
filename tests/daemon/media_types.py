"""What the daemon takes besides JSON, for Schemathesis, which loads this module: real lists and pictures.

Random bytes are neither; it sends those of its own accord where it looks for what must be refused.
"""

import cv2
import schemathesis
from hypothesis import strategies as st

from tests.inventory.test_bricklink import WANTED
from tests.inventory.test_tables import SET
from tests.vision.pictures import SHAPES, Scene, draw

_PLAIN = "part,ldraw_colour,quantity\n3001,red,2\n3003,,1\n"


def _encoded(suffix: str) -> st.SearchStrategy[bytes]:
    scenes = st.builds(Scene, st.sampled_from(sorted(SHAPES)), turn_deg=st.sampled_from([0.0, 45.0, 90.0]))
    return scenes.map(lambda scene: cv2.imencode(suffix, draw(scene, seed=1))[1].tobytes())


for name in ("text/csv", "text/plain"):
    schemathesis.openapi.media_type(name, st.sampled_from([SET.encode(), _PLAIN.encode()]))
for name in ("application/xml", "text/xml"):
    schemathesis.openapi.media_type(name, st.just(WANTED.encode()))
for name, suffix in {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "image/bmp": ".bmp",
}.items():
    schemathesis.openapi.media_type(name, _encoded(suffix))
