"""The one way from a path in a request to a file: below a folder, or not at all."""

import stat
from pathlib import Path

from rig.errors import NotFound

_LONGEST_NAME = 255  # bytes, as Linux has it
_MOST_NAMES = 16


def file_below(folder: Path, relative: str) -> Path:
    """The file that a request means, with all symbolic links resolved.

    Links may stand inside the folder if they do not lead out of it; the folder itself may be one.

    Args:
        folder: nothing outside of it is ever returned.
        relative: names separated by slashes, as they stand in a request, decoded.

    Returns:
        An existing, regular file that is not hidden, nor in a hidden folder.

    Raises:
        NotFound: there is no such file, or it must not be shown; which of both is not told.
    """
    names = relative.split("/")
    if len(names) > _MOST_NAMES or not all(_is_plain(name) for name in names):
        raise _not_found(relative)
    try:
        root = folder.resolve(strict=True)
        path = root.joinpath(*names).resolve(strict=True)
        is_file = stat.S_ISREG(path.stat().st_mode)
    except (OSError, RuntimeError, ValueError):  # RuntimeError: links in a circle, up to Python 3.12
        raise _not_found(relative) from None
    if not is_file or not path.is_relative_to(root):
        raise _not_found(relative)
    if not all(_is_plain(name) for name in path.relative_to(root).parts):
        raise _not_found(relative)
    return path


def _is_plain(name: str) -> bool:
    """Whether a name is that of something visible in the folder where it is looked for."""
    if not name or name.startswith(".") or any(c < " " or c in "\\\x7f" for c in name):
        return False
    try:
        return len(name.encode("utf-8")) <= _LONGEST_NAME
    except UnicodeEncodeError:
        return False


def _not_found(relative: str) -> NotFound:
    shown = relative if relative.isprintable() and len(relative) <= 100 else "of that name"
    return NotFound(f"there is no file {shown}")
