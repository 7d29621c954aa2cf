"""Lots as hypothesis makes them up."""

from collections.abc import Iterable, Sequence

from hypothesis import strategies as st

from rig.catalog import ColourCode, PartNumber
from rig.inventory.lots import MOST_PARTS, Condition, Lot

_ENDS = "09azAZ"
_PARTS = st.builds(
    "{}{}{}".format,
    st.sampled_from(_ENDS),
    st.text("019abpzABPZ._-", max_size=62),
    st.sampled_from(_ENDS),
)


def lots(
    colours: Iterable[ColourCode | None], conditions: Sequence[Condition | None]
) -> st.SearchStrategy[list[Lot]]:
    """Lists in which no two lots would be merged."""
    return st.lists(
        st.builds(
            Lot,
            _PARTS.map(PartNumber),
            st.sampled_from(list(colours)),
            st.integers(1, MOST_PARTS),
            st.sampled_from(list(conditions)),
        ),
        unique_by=lambda lot: (lot.part, lot.colour, lot.condition),
        max_size=8,
    )
