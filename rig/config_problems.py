"""What is wrong with a rig.toml, in words that name the key."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from rig.errors import in_plain_words
from rig.section import UNKNOWN_KEY

MEND_TOML = 'mend that line: words stand in quotes, such as "reject"; yes and no are true and false'


def first_problem(error: ValidationError, document: dict[str, Any]) -> tuple[str, str]:
    """What is wrong, and what to do where more can be said than to mend it."""
    problem = error.errors()[0]
    key = ".".join(_steps(problem["loc"], document))
    message = in_plain_words(problem["msg"])
    hint = ""
    if problem["type"] == "union_tag_invalid":
        message = "{tag!r} is none of {expected_tags}".format(**problem["ctx"])
        key += ".kind"
    if problem["type"] == UNKNOWN_KEY:
        unknown, known = problem["ctx"]["key"], problem["ctx"]["known"]
        message = "there is no such key" if key else "there is no such table"
        key = f"{key}.{unknown}" if key else unknown
        near = get_close_matches(unknown, known)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(known)}"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return (f"{key}: {message}{more}" if key else f"{message}{more}"), hint


def _steps(path: tuple[int | str, ...], document: Any) -> Iterator[str]:
    """The way to a value; a table of many is called by its name, or counted from one."""
    inside = document
    for step in path:
        try:
            inside = inside[step]
        except (KeyError, IndexError, TypeError):
            inside = None  # a key that is missing, or the kind of a table, which is none of its keys
        if isinstance(step, str):
            yield step
        else:
            name = inside.get("name") if isinstance(inside, dict) else None
            yield repr(name) if isinstance(name, str) else str(step + 1)
