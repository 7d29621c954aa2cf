"""Events of jobs as JSON documents and back, for whoever follows a job from another process.

An event is an object with its class as `event` and its attributes beside that. Pictures stay where they are:
what arrives has an empty one in their place. Paths are absolute, since the other process may be elsewhere;
what arrives is called as it is from here.
"""

from pathlib import Path
from typing import Any, cast

import numpy as np
from cattrs.errors import BaseValidationError
from cattrs.preconf.json import make_converter
from cattrs.strategies import configure_tagged_union
from numpy.typing import NDArray

from rig.files import from_here
from rig.jobs.run import JobEvent

_EVENT = "event"
_NO_IMAGE: NDArray[np.uint8] = np.zeros((0, 0, 3), np.uint8)


def _is_image(kind: Any) -> bool:
    return getattr(kind, "__origin__", kind) is np.ndarray


_converter = make_converter()
_converter.register_unstructure_hook_func(_is_image, lambda image: None)
_converter.register_unstructure_hook(Path, lambda path: str(path.absolute()))
_converter.register_structure_hook(Path, lambda value, kind: from_here(Path(value)))
_converter.register_structure_hook_func(_is_image, lambda value, kind: _NO_IMAGE)
configure_tagged_union(JobEvent, _converter, tag_name=_EVENT)


def to_wire(event: JobEvent) -> dict[str, Any]:
    """An event as a JSON object."""
    document: dict[str, Any] = _converter.unstructure(event, JobEvent)
    return document


def from_wire(document: dict[str, Any]) -> JobEvent:
    """The event that `to_wire` made `document` of.

    Raises:
        ValueError: it is none of this version's events.
    """
    try:
        event: JobEvent = _converter.structure(document, cast("Any", JobEvent))
    except (BaseValidationError, KeyError) as error:
        raise ValueError(f"{document.get(_EVENT)} is no event of this version") from error
    return event
