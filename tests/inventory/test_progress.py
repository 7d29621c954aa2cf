"""What a list still lacks: each part counts once, and only for what it is."""

from hypothesis import given
from hypothesis import strategies as st

from rig.catalog import ColourCode, PartNumber
from rig.inventory.lots import Condition, Lot, merged, total
from rig.inventory.progress import progress

BRICK = PartNumber("3001")
OTHER = PartNumber("3003")
RED, BLACK = ColourCode(4), ColourCode(0)


def figures(wanted: list[Lot], stock: list[Lot]) -> list[tuple[int, int, int]]:
    """Have, missing and perhaps of each row."""
    return [(row.have, row.missing, row.perhaps) for row in progress(wanted, stock).rows]


def test_parts_count_for_their_own_number_and_colour() -> None:
    wanted = [Lot(BRICK, RED, 5), Lot(BRICK, BLACK, 2), Lot(OTHER, RED, 1)]
    stock = [Lot(BRICK, RED, 3), Lot(BRICK, BLACK, 9), Lot(PartNumber("3004"), RED, 9)]
    assert figures(wanted, stock) == [(2, 0, 0), (3, 2, 0), (0, 1, 0)]
    found = progress(wanted, stock)
    assert (found.wanted, found.have, found.share) == (8, 5, 5 / 8)
    assert found.missing() == (Lot(BRICK, RED, 2), Lot(OTHER, RED, 1))


def test_any_colour_is_filled_with_what_the_others_leave_over() -> None:
    stock = [Lot(BRICK, RED, 3), Lot(BRICK, BLACK, 1)]
    assert figures([Lot(BRICK, None, 4), Lot(BRICK, RED, 2)], stock) == [(2, 0, 0), (2, 2, 0)]


def test_parts_of_unknown_colour_fill_any_colour_and_else_count_as_perhaps() -> None:
    stock = [Lot(BRICK, None, 4)]
    assert figures([Lot(BRICK, RED, 3), Lot(BRICK, BLACK, 3)], stock) == [(0, 3, 3), (0, 3, 1)]
    assert figures([Lot(BRICK, None, 3)], stock) == [(3, 0, 0)]
    assert figures([Lot(BRICK, RED, 3), Lot(BRICK, None, 2)], stock) == [(0, 3, 2), (2, 0, 0)]


def test_known_colours_fill_any_colour_before_unknown_ones() -> None:
    stock = [Lot(BRICK, None, 2), Lot(BRICK, BLACK, 2)]
    assert figures([Lot(BRICK, RED, 2), Lot(BRICK, None, 2)], stock) == [(0, 2, 2), (2, 0, 0)]


def test_new_and_used_are_not_told_apart_but_stay_in_what_is_missing() -> None:
    wanted = [Lot(BRICK, RED, 2, Condition.NEW), Lot(BRICK, RED, 2, Condition.USED)]
    found = progress(wanted, [Lot(BRICK, RED, 3, Condition.USED)])
    assert found.missing() == (Lot(BRICK, RED, 1, Condition.USED),)


def test_an_empty_list_is_complete() -> None:
    assert progress([], [Lot(BRICK, RED, 3)]).share == 1


_LOTS = st.lists(
    st.builds(
        Lot,
        st.sampled_from([BRICK, OTHER]),
        st.sampled_from([None, RED, BLACK]),
        st.integers(1, 5),
        st.sampled_from([None, *Condition]),
    ),
    max_size=8,
)


@given(_LOTS, _LOTS)
def test_no_part_is_counted_twice_and_none_is_made_up(wanted: list[Lot], stock: list[Lot]) -> None:
    found = progress(wanted, stock)
    assert tuple(row.wanted for row in found.rows) == merged(wanted)
    assert found.have + total(found.missing()) == found.wanted
    for part in (BRICK, OTHER):
        there = total(lot for lot in stock if lot.part == part)
        rows = [row for row in found.rows if row.wanted.part == part]
        assert sum(row.have + row.perhaps for row in rows) <= there
        for row in rows:
            assert 0 <= row.perhaps <= row.missing
        if any(row.missing for row in rows if row.wanted.colour is None):
            surplus = there - sum(row.have for row in rows)
            assert surplus == 0, "any colour is missing only when no part is left"


@given(_LOTS)
def test_what_is_there_is_not_missing(stock: list[Lot]) -> None:
    assert progress(stock, stock).missing() == ()
