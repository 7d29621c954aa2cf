"""A plan on disk comes back as it was; one that is damaged or does not come out even is one clear error."""

from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.catalog import PartNumber
from rig.errors import BadInput
from rig.sorting.plan_file import parse_plan, read_plan_text, write_plan
from rig.sorting.plan_picture import write_picture
from rig.sorting.planning import Plan, optimal_plan

_PART = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,6}[A-Za-z0-9])?", fullmatch=True).map(PartNumber)
_BINS = st.lists(st.text(min_size=1, max_size=8), min_size=2, max_size=4, unique=True)


def _read(path: Path) -> Plan:
    return parse_plan(read_plan_text(path), str(path))


@given(st.dictionaries(_PART, st.integers(0, 10**6), min_size=1, max_size=12), _BINS)
def test_a_plan_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, counts: dict[PartNumber, int], bins: list[str]
) -> None:
    path = tmp_path_factory.mktemp("plan") / "plan.toml"
    plan = optimal_plan(counts, bins)
    write_plan(path, plan)
    assert _read(path) == plan


_PLAN = """\
bins = ["a", "b"]
[counts]
3001 = 5
3002 = 1
3003 = 2
[[passes]]
[passes.bins]
a = ["3001"]
b = ["3002", "3003"]
[[passes]]
from_pass = 1
from_bin = "b"
[passes.bins]
a = ["3002"]
b = ["3003"]
"""


def test_a_plan_that_somebody_wrote_is_read(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(_PLAN)
    plan = _read(path)
    assert (plan.touches, plan.passes[0].bins[1].next_pass) == (11, 2)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("3002 = 1", "3002 = -1", "is no plan: counts.3002"),
        ("3002 = 1", '"../up" = 1', "is no plan: counts"),
        ("[counts]", "[count]", "is no plan"),
        ("bins = [", "bins = ", "is not valid TOML"),
        (
            'a = ["3002"]',
            'a = ["3002", "3003"]',
            "pass 2 does not drop each class that it feeds into one bin",
        ),
        ('b = ["3003"]', "b = []", "is no plan: passes.1.bins.b"),
        ('a = ["3002"]', 'c = ["3002"]', "pass 2 uses a bin 'c', which is not among its bins"),
        ('from_bin = "b"', 'from_bin = "a"', "pass 2 feeds what no earlier pass leaves"),
        ("from_pass = 1", "from_pass = 2", "pass 2 feeds what no earlier pass leaves"),
        (_PLAN[_PLAN.rindex("[[passes]]") :], "", "no pass feeds bin 'b' of pass 1"),
        (_PLAN[_PLAN.index("[[passes]]") :], "passes = []", "is no plan: counts.passes"),
        ("bins = [", "passes = []\nbins = [", "is not valid TOML"),
    ],
)
def test_what_does_not_come_out_even_is_one_clear_error(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    path = tmp_path / "plan.toml"
    assert old in _PLAN
    path.write_text(_PLAN.replace(old, new, 1))
    with pytest.raises(BadInput) as caught:
        _read(path)
    assert str(path) in caught.value.what
    assert said in caught.value.what
    assert "rig plan" in caught.value.hint


def test_a_plan_without_passes_leaves_the_pile(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text('bins = ["a"]\npasses = []\n[counts]\n3001 = 1\n')
    with pytest.raises(BadInput, match="no pass feeds the whole pile"):
        _read(path)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_plan_that_is_not_there_or_no_text_is_one_clear_error(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "plan.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadInput, match=r"plan\.toml") as caught:
        _read(path)
    assert "rig plan" in caught.value.hint


def test_the_picture_shows_every_pass_and_where_heaps_go(tmp_path: Path) -> None:
    counts = {PartNumber(f"{3001 + place}"): 3 for place in range(9)}
    plan = optimal_plan(counts, ["<left>", "middle", "right"])
    drawn = ElementTree.parse(write_picture(tmp_path / "plan.svg", plan)).getroot()
    svg = "{http://www.w3.org/2000/svg}"
    said = [text.text for text in drawn.iter(f"{svg}text")]
    assert "9 classes in 3 bins: 4 passes, 2.00 touches a part" in said
    assert [text for text in said if text and text.startswith("Pass ")] == [f"Pass {n}" for n in (1, 2, 3, 4)]
    assert said.count("<left>") == 4
    assert {"pass 2", "pass 3", "pass 4"} < set(said)
    # No two boxes overlap.
    boxes = [box for box in drawn.iter(f"{svg}rect") if box.get("class") == "box"]
    columns: dict[str | None, list[tuple[int, int]]] = {}
    for box in boxes:
        top = int(box.get("y", ""))
        columns.setdefault(box.get("x"), []).append((top, top + int(box.get("height", ""))))
    assert [len(column) for column in columns.values()] == [1, 3]
    for column in columns.values():
        assert all(above[1] < below[0] for above, below in pairwise(column))
