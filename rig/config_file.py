"""Changes values in a rig.toml, and leaves all else in it as its owner wrote it, comments included."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from rig.config import load_config
from rig.errors import ConfigError
from rig.files import storage_errors, write_whole


def set_values(path: Path, section: str, values: Mapping[str, Any]) -> None:
    """Set keys of one table; keys and table are added where they are missing.

    Raises:
        ConfigError: the file is absent or not TOML, or would be no rig.toml any more; it is as it was.
        StorageError: it cannot be written; it is as it was.
    """
    load_config(path)
    try:
        document = tomlkit.parse(path.read_text(encoding="utf-8"))
    except TOMLKitError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}", hint="mend that line") from error
    table = document.setdefault(section, tomlkit.table())
    for key, value in values.items():
        table[key] = list(value) if isinstance(value, tuple) else value
    with storage_errors(path):
        # A link, to a file under version control perhaps, stays one.
        target = path.resolve(strict=True)
    write_whole(target, tomlkit.dumps(document).encode())
