"""Lots are merged and ordered, and none is lost by it."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from rig.catalog import ColourCode, PartNumber
from rig.inventory.lots import Condition, Lot, in_condition, merged, total

BRICK = PartNumber("3001")
RED = ColourCode(4)


def test_the_same_part_colour_and_condition_are_one_lot() -> None:
    lots = [Lot(BRICK, RED, 2), Lot(BRICK, None, 1), Lot(BRICK, RED, 3), Lot(BRICK, RED, 1, Condition.NEW)]
    assert merged(lots) == (Lot(BRICK, RED, 1, Condition.NEW), Lot(BRICK, RED, 5), Lot(BRICK, None, 1))


def test_a_condition_is_given_to_lots_that_have_none() -> None:
    lots = [Lot(BRICK, RED, 2), Lot(BRICK, RED, 3, Condition.USED), Lot(BRICK, RED, 1, Condition.NEW)]
    assert in_condition(lots, Condition.USED) == (
        Lot(BRICK, RED, 1, Condition.NEW),
        Lot(BRICK, RED, 5, Condition.USED),
    )


@given(
    st.lists(
        st.builds(
            Lot,
            st.sampled_from([BRICK, PartNumber("3003")]),
            st.sampled_from([None, RED, ColourCode(0)]),
            st.integers(1, 9),
            st.sampled_from([None, *Condition]),
        )
    )
)
def test_merging_loses_no_part(lots: list[Lot]) -> None:
    found = merged(lots)
    assert total(found) == total(lots)
    assert merged(reversed(found)) == found
    assert max(Counter((lot.part, lot.colour, lot.condition) for lot in found).values(), default=1) == 1
