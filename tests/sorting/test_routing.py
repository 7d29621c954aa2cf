"""Bins: each part to its own, unsure ones to the reject bin, and no part without one."""

import pytest

from rig.bin_config import DEFAULT_BINS, BinConfig
from rig.catalog import PartNumber
from rig.devices.operator import Truth
from rig.errors import ConfigError
from rig.sorting.routing import Routing


def test_parts_go_to_their_bin_and_unsure_ones_to_the_reject_bin() -> None:
    routing = Routing(DEFAULT_BINS, "reject")
    assert routing.bin_for(PartNumber("3001")).name == "3001"
    assert routing.bin_for(None).name == "reject"


def test_a_piece_belongs_in_the_bin_of_the_part_that_it_is() -> None:
    routing = Routing(DEFAULT_BINS, "reject")
    assert routing.right_bin_for(Truth("3001", "damaged")).name == "3001"
    assert routing.right_bin_for(Truth("3001", "foreign")).name == "reject"
    assert routing.right_bin_for(Truth("3001+3003", "stuck")).name == "reject"


def test_a_model_that_names_a_part_without_a_bin_is_refused() -> None:
    routing = Routing([BinConfig(name="reject", chute_deg=0)], "reject")
    with pytest.raises(ConfigError, match="no bin: 3001, 3003") as caught:
        routing.check(["3001", "3003"])
    assert "[[bins]]" in caught.value.hint
