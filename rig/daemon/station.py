"""What routers know of the daemon that they answer for."""

from pathlib import Path
from typing import Protocol

from rig.config import Config


class Station(Protocol):
    """A rig's configuration, and where its files are."""

    @property
    def config(self) -> Config:
        """What holds now; another one once rig.toml was changed."""

    @property
    def config_file(self) -> Path | None:
        """The rig.toml; None where there is none, and the rig is simulated."""

    @property
    def folder(self) -> Path:
        """The working folder, which relative paths of the configuration start from."""

    def reload_config(self) -> None:
        """Read rig.toml anew, which has just been changed.

        Raises:
            ConfigError: it cannot be used; what held before holds on.
        """

    def tell_state(self) -> None:
        """Have everybody look anew who shows how the rig is."""


def rooted(station: Station) -> Config:
    """The configuration that holds now, with all paths that start from the working folder."""
    config, folder = station.config, station.folder
    paths = {name: folder / path for name, path in config.paths}
    sim, sorting = config.sim, config.sorting
    return config.model_copy(
        update={
            "paths": config.paths.model_copy(update=paths),
            "sim": sim.model_copy(update={"ldraw": sim.ldraw and folder / sim.ldraw}),
            "sorting": sorting.model_copy(
                update={"categories": sorting.categories and folder / sorting.categories}
            ),
        }
    )
