"""Changes values in a rig.toml, and leaves all else in it as its owner wrote it, comments included."""

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from rig.config import decoded, parse_config, read_content
from rig.config_problems import MEND_TOML
from rig.errors import ConfigError
from rig.files import storage_errors, write_whole


def set_values(path: Path, section: str, values: Mapping[str, Any]) -> None:
    """Set keys of one table; keys and table are added where they are missing.

    Raises:
        ConfigError: the file is absent or not TOML, or would be no rig.toml any more; it is as it was.
        StorageError: it cannot be written; it is as it was.
    """
    keys = {(section, key): value for key, value in values.items()}
    replace_content(path, with_values(read_content(path), str(path), keys))


def with_values(content: bytes, source: str, values: Mapping[tuple[str, str], Any]) -> bytes:
    """A rig.toml with other values in it; keys and tables are added where they are missing.

    Args:
        source: what it is called, for errors.
        values: by table and key; None takes the key away, so that its default holds.

    Raises:
        ConfigError: it is none, or would be none any more.
    """
    parse_config(content, source)
    try:
        document = tomlkit.parse(decoded(content, source))
    except TOMLKitError as error:
        raise ConfigError(f"{source} is not valid TOML: {error}", hint=MEND_TOML) from error
    for (section, key), value in values.items():
        if value is None:
            document.get(section, {}).pop(key, None)
        else:
            table = document.setdefault(section, tomlkit.table())
            table[key] = list(value) if isinstance(value, tuple) else value
    changed = tomlkit.dumps(document).encode()
    parse_config(changed, source)
    return changed


def replace_content(path: Path, content: bytes) -> None:
    """Put a whole rig.toml in the place of another, for those to read who could before.

    Raises:
        StorageError: it cannot be written; it is as it was.
    """
    with storage_errors(path):
        # A link, to a file under version control perhaps, stays one.
        target = path.resolve(strict=True)
        mode = stat.S_IMODE(target.stat().st_mode)
    write_whole(target, content, mode=mode)
