"""Models that were opened, and are checked again only when their files change; and the one in use, loaded."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rig.model import CARD_FILE, FAMILIAR_FILE, LABELS_FILE, NETWORK_FILE, Bundle, load_bundle
from rig.shelf import folder_in_use
from rig.vision.classifier import Classifier

_FILES = (CARD_FILE, LABELS_FILE, NETWORK_FILE, FAMILIAR_FILE)
FileState = tuple[int, int, int]
"""What tells whether a file is the same as before."""


class Bundles:
    """Opens models, each once until it changes; safe to share between threads.

    To open one is to compute the digests of its files, which for a shelf of models takes a while.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._opened: dict[Path, tuple[Sequence[FileState | None], Bundle]] = {}

    def load(self, folder: Path) -> Bundle:
        """As `rig.model.load_bundle`.

        Raises:
            ModelError: as that does.
        """
        stamp = [state_of(folder / name) for name in _FILES]
        with self._lock:
            kept = self._opened.get(folder)
        if kept is not None and kept[0] == stamp:
            return kept[1]
        bundle = load_bundle(folder)
        with self._lock:
            # Those that are gone are not kept.
            self._opened = {path: entry for path, entry in self._opened.items() if path.is_dir()}
            self._opened[folder] = (stamp, bundle)
        return bundle


class SharedClassifier:
    """The model in use, loaded when it is first asked, and anew when it is another; one thread at a time."""

    def __init__(self, bundles: Bundles) -> None:
        self._bundles = bundles
        self._lock = threading.Lock()
        self._loaded: tuple[Bundle, Classifier] | None = None

    @contextmanager
    def of(self, models: Path) -> Iterator[tuple[Bundle, Classifier]]:
        """Have the model in use of a folder of models to oneself.

        Raises:
            ModelError: there is none, or it is damaged.
            MissingPackage: no TFLite interpreter works here.
        """
        with self._lock:
            bundle = self._bundles.load(folder_in_use(models))
            if self._loaded is None or self._loaded[0] is not bundle:
                self._loaded = None
                self._loaded = (bundle, Classifier(bundle))
            yield self._loaded


def state_of(path: Path) -> FileState | None:
    """Of a file; None where there is none."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_ino, state.st_mtime_ns, state.st_size
