"""What the model in use takes a part for, while nothing is sorted."""

import logging
from collections.abc import Callable
from pathlib import Path

from rig.camera.frame import Image
from rig.daemon.bundles import SharedClassifier
from rig.errors import MissingPackage, ModelError, StorageError
from rig.vision.classifier import Candidate

_SHOWN = 3
_log = logging.getLogger(__name__)


class Recogniser:
    """Asks the model in use, whichever that is by now; where there is none, nothing is recognised.

    Args:
        models: says where the models are.
        classifier: has the one in use.
    """

    def __init__(self, models: Callable[[], Path], classifier: SharedClassifier) -> None:
        self._models = models
        self._classifier = classifier
        self._said = ""
        self.model: tuple[str, int] | None = None
        """The name of the model in use, as it was found last, and how many parts it knows."""

    def refresh(self) -> None:
        """See which model is in use, and load it if it is another; one that cannot be used is said once."""
        try:
            with self._classifier.of(self._models()) as (bundle, _):
                self.model = bundle.name, len(bundle.card.labels)
        except (ModelError, MissingPackage, StorageError) as error:
            if self.model is not None and self._said != error.what:
                _log.warning("no live recognition: %s", error)
            self._said, self.model = error.what, None

    def candidates(self, image: Image) -> tuple[Candidate, ...]:
        """What a part in a picture is taken for, most probable first; none without a model."""
        if self.model is None:
            return ()
        try:
            with self._classifier.of(self._models()) as (_, classifier):
                return classifier.classify(image).top(_SHOWN)
        except (ModelError, MissingPackage, StorageError):
            # `refresh` says why.
            return ()
