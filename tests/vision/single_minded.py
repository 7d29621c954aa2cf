"""Models that always give the same answer, wary ones among them, and pictures to ask them about."""

import hashlib
import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from rig.card import Preprocess, Split, Strangers
from rig.model import FAMILIAR_FILE, IMAGES_FILE, Bundle, image_digest, write_bundle
from tests.test_model import make_card
from tests.vision.linear import linear_network
from tests.vision.pictures import SHAPES, Scene, draw

_SIZE_PX = 16


def write_single_minded(
    folder: Path, answer: str, *, labels: tuple[str, ...] = tuple(SHAPES), trained_on: tuple[Path, ...] = ()
) -> Bundle:
    """A bundle whose network says `answer` of every picture, and that has seen some of them."""
    weights = np.zeros((len(labels), _SIZE_PX * _SIZE_PX, 2), np.float32)
    weights[labels.index(answer), :, 1] = 1  # the plane of the size, which is above 0
    network = linear_network(weights.reshape(len(labels), -1), size_px=_SIZE_PX)
    card = make_card(network).model_copy(
        update={
            "labels": labels,
            "preprocess": Preprocess(size_px=_SIZE_PX, margin=0.1),
            "split": Split(trained=tuple(f"{label}/known" for label in labels)),
            "model_sha256": hashlib.sha256(network).hexdigest(),
        }
    )
    return write_bundle(folder, network, card, _images(trained_on))


def make_wary(bundle: Bundle, familiar: NDArray[np.float16], *limits: tuple[float, float]) -> Bundle:
    """The same model, to whom all is strange that is not near to these logits, (n, classes).

    Args:
        limits: of one view, of two and so on, each as to lose no known part, and a tenth of them.
    """
    file = BytesIO()
    np.save(file, familiar)
    content = file.getvalue()
    digest = hashlib.sha256(content).hexdigest()
    strangers = Strangers(how="in a test", lost=(0.0, 0.1), limits=limits, familiar_sha256=digest)
    images = (bundle.folder / IMAGES_FILE).read_bytes()

    def fill(folder: Path) -> None:
        (folder / IMAGES_FILE).write_bytes(images)
        (folder / FAMILIAR_FILE).write_bytes(content)

    card = bundle.card.model_copy(update={"strangers": strangers})
    return write_bundle(bundle.folder, bundle.network_path.read_bytes(), card, fill)


def _images(seen: tuple[Path, ...]) -> Callable[[Path], None]:
    def fill(folder: Path) -> None:
        digests = {f"{path.parent.name}/known": [image_digest(path.read_bytes())] for path in seen}
        (folder / IMAGES_FILE).write_text(json.dumps(digests))

    return fill


def write_pictures(folder: Path, **counts: int) -> dict[str, list[Path]]:
    """So many pictures of each shape, in class folders; returns their paths by label."""
    paths: dict[str, list[Path]] = {}
    for label, count in counts.items():
        (folder / label).mkdir(parents=True)
        paths[label] = [folder / label / f"{view}.png" for view in range(count)]
        for view, path in enumerate(paths[label]):
            scene = Scene(label if label in SHAPES else "bar", turn_deg=20.0 * view)
            assert cv2.imwrite(str(path), draw(scene, seed=len(paths) * 100 + view))
    return paths
