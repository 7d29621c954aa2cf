"""Items in XML: what is written is read, whatever the texts are."""

from hypothesis import given
from hypothesis import strategies as st

from rig.inventory.xml_items import read_items, write_item, write_items

# XML has no way to say control characters, and knows one end of line only.
_TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff")).map(
    str.strip
)


@given(st.lists(st.dictionaries(st.sampled_from("ABC"), _TEXTS), max_size=5))
def test_items_come_back(items: list[dict[str, str]]) -> None:
    text = write_items(["ROOT", "LIST"], [write_item("ITEM", dict(fields)) for fields in items])
    found = read_items(text, "written", roots=["ROOT"], below=["LIST", "ITEM"])
    assert [item.fields for item in found] == items
    assert [item.place.line for item in found] == [3 + number for number in range(len(items))]
    assert all(item["D"] == "" for item in found)
