"""Earlier versions of rig.toml: kept before each change that the daemon makes, a limited number of them."""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rig.errors import NotFound
from rig.files import storage_errors, write_whole

MOST_VERSIONS = 20

_PREFIX = "rig.toml."
_STAMP = "%Y%m%dT%H%M%S.%fZ"
_NAME = re.compile(r"rig\.toml\.(?P<version>\d{8}T\d{6}\.\d{6}Z)", re.ASCII)


@dataclass(frozen=True)
class Version:
    """A rig.toml that was replaced.

    Attributes:
        name: what it is called; in the order of time.
        kept_at: when it was replaced.
    """

    name: str
    kept_at: datetime


class ConfigVersions:
    """The versions in a folder, `rig.toml.<UTC>`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def all(self) -> list[Version]:
        """What is kept, the newest first."""
        names = [match["version"] for path in self._folder.glob("*") if (match := _NAME.fullmatch(path.name))]
        kept = []
        for name in sorted(names, reverse=True):
            with suppress(ValueError):  # somebody's own file, by a name that is no time
                kept.append(Version(name, datetime.strptime(name, _STAMP).replace(tzinfo=UTC)))
        return kept

    def keep(self, content: bytes) -> None:
        """Keep a version, and forget the oldest where there are too many.

        Raises:
            StorageError: it cannot be written.
        """
        now = datetime.now(UTC)
        known = self.all()
        if known:
            # Two in one instant, or a clock that was set back: the newest stays the newest.
            now = max(now, known[0].kept_at + timedelta(microseconds=1))
        # Who may read rig.toml its owner has said; of this file nobody has.
        write_whole(self._path(now.strftime(_STAMP)), content, mode=0o600)
        for version in self.all()[MOST_VERSIONS:]:
            path = self._path(version.name)
            with storage_errors(path):
                path.unlink(missing_ok=True)

    def content(self, name: str) -> bytes:
        """What a version says.

        Raises:
            NotFound: there is none of this name.
        """
        # By the list, not by the name: no other file is ever opened.
        if name in {version.name for version in self.all()}:
            try:
                return self._path(name).read_bytes()
            except FileNotFoundError:
                pass  # it has just been forgotten
        raise NotFound(f"there is no version {name!r} of rig.toml", hint="see which are kept")

    def _path(self, name: str) -> Path:
        return self._folder / f"{_PREFIX}{name}"
