"""Events of jobs arrive in another process as they were sent, but for their pictures."""

import dataclasses
import json
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.calibration.camera import CameraMeasured
from rig.jobs.run import JobEvent
from rig.jobs.wire import from_wire, to_wire

_NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
st.register_type_strategy(float, _NUMBERS)
st.register_type_strategy(Path, st.text("abc").map(Path("/").joinpath))
st.register_type_strategy(np.ndarray, st.just(np.ones((2, 3, 3), np.uint8)))
# What a JSON document can be.
_JSON = st.none() | st.booleans() | st.integers() | _NUMBERS | st.text()
_SETTINGS = st.dictionaries(st.text(), _JSON | st.tuples(_NUMBERS, _NUMBERS))
st.register_type_strategy(CameraMeasured, st.builds(CameraMeasured, settings=_SETTINGS))


def _without_images(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return None
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return (
            type(value),
            [_without_images(getattr(value, field.name)) for field in dataclasses.fields(value)],
        )
    if isinstance(value, dict):
        return {key: _without_images(each) for key, each in value.items()}
    return [_without_images(each) for each in value] if isinstance(value, (tuple, list)) else value


@pytest.mark.parametrize("kind", get_args(JobEvent), ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_every_event_comes_back_as_it_was_sent(kind: type[Any], data: st.DataObject) -> None:
    event = data.draw(st.from_type(kind))
    document = json.loads(json.dumps(to_wire(event)))
    assert document["event"] == kind.__name__
    assert _without_images(from_wire(document)) == _without_images(event)


@given(name=st.text(), attributes=st.dictionaries(st.text(), _JSON))
def test_what_is_no_event_is_said_to_be_none(name: str, attributes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no event of this version"):
        from_wire(attributes | {"event": name})
