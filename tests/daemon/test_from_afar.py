"""No path in a request for a job that comes over the network reaches the file system."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.daemon.from_afar import require_no_path
from rig.errors import BadInput
from rig.jobs.requests import CalibrateTurnRequest, SortRequest

_MODELS = Path("models")


@given(name=st.text(st.sampled_from("ab./\\~\0 -"), max_size=12))
def test_a_model_is_a_name_in_the_folder_of_models_or_refused(name: str) -> None:
    try:
        require_no_path(SortRequest(model=name))
    except BadInput:
        return
    assert name == "" or (_MODELS / name).parent == _MODELS
    assert name not in (".", "..")


@given(folder=st.text(min_size=1))
def test_a_folder_is_refused(folder: str) -> None:
    with pytest.raises(BadInput, match="this computer"):
        require_no_path(CalibrateTurnRequest(kind="calibrate_table", folder=folder))


def test_what_names_no_place_passes() -> None:
    require_no_path(SortRequest(model="bricks-2"))
    require_no_path(CalibrateTurnRequest(kind="calibrate_settle"))
