"""The model that sorting asks, and one that takes its place while it runs."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rig.errors import RigError
from rig.model import CARD_FILE, NETWORK_FILE, Bundle, load_bundle
from rig.sorting.policy import Policy
from rig.vision.classifier import Classifier


@dataclass(frozen=True)
class LoadedModel:
    """A model that is ready to be asked.

    Attributes:
        bundle: as it was read from disk.
        policy: what is decided by its looks.
    """

    bundle: Bundle
    classifier: Classifier
    policy: Policy


@dataclass(frozen=True)
class ModelReplaced:
    """From the next part on another model is asked, and decided by its own policy."""

    name: str
    policy: Policy

    def __str__(self) -> str:
        policy = self.policy.in_words.removesuffix(".")
        return f"From now on parts are shown to the model {self.name}. {policy}"


@dataclass(frozen=True)
class ModelRefused:
    """A model was to take the place of the one in use, and cannot.

    Attributes:
        what: why, a clause without a full stop.
        kept: name of the model that is asked as before.
    """

    what: str
    kept: str

    def __str__(self) -> str:
        return f"A new model cannot be used, and {self.kept} goes on: {self.what}"


class ModelInUse:
    """The model that is asked for the next part; whether its folder holds another is seen by `refresh`.

    Args:
        bundle: the model to begin with.
        folder: where the model that shall be used stands now.
        load: makes a bundle ready, and refuses it if it does not suit the bins.

    Raises:
        RigError: as `load` does.
    """

    def __init__(
        self, bundle: Bundle, folder: Callable[[], Path], load: Callable[[Bundle], LoadedModel]
    ) -> None:
        self._folder = folder
        self._load = load
        self._seen: object = None
        self._complaint = ""
        self.now = load(bundle)

    def refresh(self) -> ModelReplaced | ModelRefused | None:
        """Take up what has been put in the model's place since; None when nothing has."""
        try:
            folder = self._folder()
            seen = _seen(folder)
            if seen in (None, self._seen):
                return None
            self._seen = seen
            bundle = load_bundle(folder)
            if bundle == self.now.bundle:
                return None
            self.now = self._load(bundle)
        except RigError as error:
            return self._refuse(error.what)
        self._complaint = ""
        return ModelReplaced(bundle.name, self.now.policy)

    def _refuse(self, what: str) -> ModelRefused | None:
        """Once for each reason."""
        if what == self._complaint:
            return None
        self._complaint = what
        return ModelRefused(what, self.now.bundle.name)


def _seen(folder: Path) -> object:
    """What changes with the files of a bundle; None while one is being put in another's place."""
    try:
        stats = [(folder / name).stat() for name in (CARD_FILE, NETWORK_FILE)]
    except OSError:
        return None
    return folder, [(stat.st_ino, stat.st_mtime_ns, stat.st_size) for stat in stats]
