"""What the routers look up again and again, kept between requests; all of it is safe to share."""

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from rig.catalog import PartNumber
from rig.daemon.bundles import Bundles, FileState, SharedClassifier, state_of
from rig.daemon.pictures import PictureCache
from rig.daemon.station import Station, rooted
from rig.dataset.standing import StandingIndex
from rig.desk import simulated_parts
from rig.errors import BadInput, ModelError
from rig.inventory.categories import NAMES, read_names
from rig.shelf import folder_in_use


class Library:
    """The dataset, the models and small pictures of a station.

    Attributes:
        bundles: the models.
        classifier: the model in use.
        pictures: small ones, and sheets.
    """

    def __init__(self, station: Station) -> None:
        self._station = station
        self._lock = threading.Lock()
        self._captures: StandingIndex | None = None
        self._names: tuple[Path, FileState | None, Mapping[PartNumber, str]] | None = None
        self._simulated: tuple[Path | None, Sequence[PartNumber]] | None = None
        self.bundles = Bundles()
        self.classifier = SharedClassifier(self.bundles)
        self.pictures = PictureCache()

    @property
    def captures(self) -> StandingIndex:
        """The index of the dataset that rig.toml names."""
        folder = rooted(self._station).paths.captures
        with self._lock:
            # One that is left may still be read for a request, and is gone after that.
            if self._captures is None or self._captures.folder != folder:
                self._captures = StandingIndex(folder)
            return self._captures

    def names(self) -> Mapping[PartNumber, str]:
        """What parts are called: the few that are known here, and those of the table that rig.toml names."""
        path = rooted(self._station).sorting.categories
        if path is None:
            return NAMES
        state = state_of(path)
        with self._lock:
            if self._names is None or self._names[:2] != (path, state):
                # Whoever sorts by a table that cannot be used is told so.
                with suppress(BadInput):
                    self._names = (path, state, {**NAMES, **read_names(path)})
            return NAMES if self._names is None else self._names[2]

    def simulated_parts(self) -> Sequence[PartNumber]:
        """What can be laid on the table of a simulated rig; nothing on a real one, or of a broken library."""
        config = rooted(self._station)
        if not config.sim.enabled:
            return ()
        with self._lock:
            if self._simulated is None or self._simulated[0] != config.sim.ldraw:
                with suppress(BadInput):
                    self._simulated = (config.sim.ldraw, simulated_parts(config))
            return () if self._simulated is None else self._simulated[1]

    def labels_in_use(self, models: Path) -> Sequence[str]:
        """What the model in use can name; nothing where there is none that can be used."""
        try:
            return self.bundles.load(folder_in_use(models)).card.labels
        except ModelError:
            return ()

    def close(self) -> None:
        """Forget the index."""
        with self._lock:
            if self._captures is not None:
                self._captures.close()
                self._captures = None
