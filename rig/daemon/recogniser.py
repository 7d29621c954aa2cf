"""What the model in use takes a part for, while nothing is sorted."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from rig.camera.frame import Image
from rig.errors import RigError
from rig.model import load_bundle
from rig.shelf import folder_in_use
from rig.vision.classifier import Candidate, Classifier

_SHOWN = 3
_log = logging.getLogger(__name__)


class Recogniser:
    """The model in use, loaded once; another one is taken up when `refresh` finds it.

    Args:
        models: says where the models are.
    """

    def __init__(self, models: Callable[[], Path]) -> None:
        self._models = models
        self._lock = threading.Lock()
        self._classifier: Classifier | None = None
        self._loaded: tuple[Path, int] | None = None

    @property
    def model(self) -> tuple[str, int] | None:
        """The name of the model in use and how many parts it knows; None where there is none."""
        with self._lock:
            if self._classifier is None or self._loaded is None:
                return None
            return self._loaded[0].name, len(self._classifier.card.labels)

    def refresh(self) -> None:
        """Load the model in use, if it is another than before; one that cannot be used is said once.

        Only one thread may call this.
        """
        try:
            folder = folder_in_use(self._models())
            wanted = (folder, (folder / "model.json").stat().st_mtime_ns)
        except (RigError, OSError):
            with self._lock:
                self._classifier, self._loaded = None, None
            return
        if wanted == self._loaded:
            return
        classifier = None
        try:
            # Not under the lock: whoever looks meanwhile has the one before.
            classifier = Classifier(load_bundle(folder))
        except RigError as error:
            _log.warning("no live recognition: %s", error)
        finally:
            with self._lock:
                self._classifier, self._loaded = classifier, wanted

    def candidates(self, image: Image) -> tuple[Candidate, ...]:
        """What a part in a picture is taken for, most probable first; none without a model."""
        with self._lock:
            if self._classifier is None:
                return ()
            return self._classifier.classify(image).top(_SHOWN)
