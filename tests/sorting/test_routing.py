"""Bins by part, category, colour and wanted list: who gets a part, and which rules contradict each other."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rig.bin_config import DEFAULT_BINS, BinConfig, homes_of
from rig.catalog import ColourCode, PartNumber
from rig.config import Config
from rig.devices.operator import Truth
from rig.errors import BadInput, ConfigError
from rig.inventory.lots import Lot, merged
from rig.inventory.progress import progress
from rig.sorting.routing import Routing, read_routing
from rig.sorting.wanted import WantedList

RED, BLUE, WHITE = ColourCode(4), ColourCode(1), ColourCode(15)
BRICK, SMALL, SLOPE = PartNumber("3001"), PartNumber("3003"), PartNumber("3039")
REJECT = {"name": "reject"}


def config_of(*bins: dict[str, Any]) -> tuple[BinConfig, ...]:
    """The bins, checked as those of a rig.toml are."""
    return Config.model_validate({"bins": [{"chute_deg": 0, **bin_} for bin_ in (REJECT, *bins)]}).bins


def routing_of(*bins: dict[str, Any], stock: tuple[Lot, ...] = ()) -> Routing:
    routing, _ = read_routing(config_of(*bins), "reject", None, None, lambda left_out: stock)
    return routing


def test_parts_go_to_their_bin_and_unsure_ones_to_the_reject_bin() -> None:
    routing = Routing(DEFAULT_BINS, "reject")
    assert routing.bin_for(BRICK).name == "3001"
    assert routing.bin_for(None, RED).name == "reject"


def test_the_bin_that_says_most_closely_what_it_takes_has_the_part(tmp_path: Path) -> None:
    (tmp_path / "wanted.csv").write_text("Part,Color,Quantity\n3039,1,1\n")
    routing = routing_of(
        {"name": "others", "rest": True},
        {"name": "slopes", "categories": ["bricks sloped"]},
        {"name": "red", "colours": ["red"]},
        {"name": "red slopes", "categories": ["Bricks Sloped"], "colours": [4]},
        {"name": "bricks", "parts": [3001, "3003"]},
        {"name": "red bricks", "parts": ["3001"], "colours": ["Red", "Dark Red"]},
        {"name": "set", "wanted": tmp_path / "wanted.csv"},
    )
    routing.check(["3001", "3003", "3039", "32064"])
    assert routing.bin_for(SMALL, RED).name == "bricks"
    assert routing.bin_for(BRICK, RED).name == "red bricks"
    assert routing.bin_for(BRICK, BLUE).name == "bricks"
    assert routing.bin_for(BRICK, None).name == "bricks", "nobody is sure of its colour"
    assert routing.bin_for(SLOPE, RED).name == "red slopes"
    assert routing.bin_for(SLOPE, WHITE).name == "slopes"
    assert routing.bin_for(SLOPE, BLUE).name == "set"
    assert routing.bin_for(PartNumber("32064"), RED).name == "red"
    assert routing.bin_for(PartNumber("32064"), None).name == "others"


def test_a_priority_of_ones_own_comes_first() -> None:
    red = {"name": "red", "colours": ["red"], "priority": 35}
    routing = routing_of(red, {"name": "bricks", "parts": ["3001"]})
    assert routing.bin_for(BRICK, RED).name == "red"
    assert routing.bin_for(BRICK, BLUE).name == "bricks"


def test_the_next_bin_with_the_same_rule_is_filled_when_the_first_is_full() -> None:
    routing = routing_of(
        {"name": "a", "parts": ["3001"], "capacity": 2},
        {"name": "b", "parts": ["3001"], "capacity": 2},
        {"name": "others", "rest": True},
    )
    assert routing.bin_for(BRICK).name == "a"
    assert routing.bin_for(BRICK, full={"a"}).name == "b"
    assert routing.bin_for(BRICK, full={"a", "b"}).name == "b", "whoever asks sees that it is full, and waits"


def test_a_part_is_wanted_as_long_as_some_are_missing(tmp_path: Path) -> None:
    (tmp_path / "wanted.csv").write_text("Part,Color,Quantity\n3001,4,3\n3003,9999,1\n")
    stock = (Lot(BRICK, RED, 1), Lot(BRICK, BLUE, 5))
    routing = routing_of(
        {"name": "set", "wanted": tmp_path / "wanted.csv"}, {"name": "others", "rest": True}, stock=stock
    )
    routing.check(["3001", "3003"])
    sorted_to = []
    for part, colour in [(BRICK, RED), (BRICK, BLUE), (BRICK, None), (SMALL, None), (SMALL, RED)] + [
        (BRICK, RED)
    ] * 2:
        target = routing.bin_for(part, colour)
        routing.took(part, colour, target)
        sorted_to.append(target.name)
    assert sorted_to == ["set", "others", "others", "set", "others", "set", "others"]
    [remark] = routing.remarks(["3001"])
    assert remark.endswith("wanted.csv: 3003.")


def test_two_lists_that_want_the_same_part_get_one_each(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.csv").write_text("Part,Color,Quantity\n3001,9999,1\n")
    bins = config_of(
        {"name": "one", "wanted": tmp_path / "one.csv"},
        {"name": "two", "wanted": tmp_path / "two.csv"},
        {"name": "others", "rest": True},
    )
    lies: dict[str, list[Lot]] = {"one": [], "two": [], "others": []}

    def stock(left_out: frozenset[str]) -> list[Lot]:
        return [lot for name, lots in lies.items() if name not in left_out for lot in lots]

    went: list[str] = []
    for starts_anew in (False, True, False):
        if starts_anew or not went:
            routing, _ = read_routing(bins, "reject", None, None, stock)
        target = routing.bin_for(BRICK, RED)
        routing.took(BRICK, RED, target)
        lies[target.name].append(Lot(BRICK, RED, 1))
        went.append(target.name)
    assert went == ["one", "two", "others"]


def test_what_nobody_could_name_is_still_wanted(tmp_path: Path) -> None:
    (tmp_path / "wanted.csv").write_text("Part,Color,Quantity\n3001,9999,1\n")
    routing = routing_of({"name": "set", "wanted": tmp_path / "wanted.csv"})
    routing.took(None, RED, routing.bin_for(None))
    assert routing.bin_for(BRICK, RED).name == "set"


COLOURS = st.sampled_from([None, RED, BLUE])
LOTS = st.builds(Lot, st.sampled_from([BRICK, SMALL]), COLOURS, st.integers(1, 3))


@given(wanted=st.lists(LOTS, max_size=5), stock=st.lists(LOTS, max_size=5), part=LOTS)
def test_a_part_is_missing_exactly_when_it_brings_the_list_forward(
    wanted: list[Lot], stock: list[Lot], part: Lot
) -> None:
    """Against `rig inventory`, which counts the whole list anew."""
    one = Lot(part.part, part.colour, 1)
    before, after = progress(wanted, stock), progress(wanted, merged([*stock, one]))
    listed = WantedList(wanted, stock)
    assert listed.misses(one.part, one.colour) == (after.have > before.have)
    listed.found(one.part, one.colour)
    counted = WantedList(wanted, [*stock, one])
    for colour in (None, RED, BLUE):
        assert listed.misses(one.part, colour) == counted.misses(one.part, colour)


PARTS = st.sampled_from([BRICK, SMALL, SLOPE])
RULES = st.fixed_dictionaries(
    {},
    optional={
        "parts": st.lists(PARTS, min_size=1, max_size=2, unique=True),
        "categories": st.lists(st.sampled_from(["Bricks", "Bricks Sloped"]), min_size=1, max_size=1),
        "colours": st.lists(st.sampled_from([4, 1]), min_size=1, max_size=2, unique=True),
        "capacity": st.integers(1, 3),
        "priority": st.integers(0, 3),
    },
)


@given(rules=st.lists(RULES, max_size=6), part=PARTS, colour=COLOURS, full=st.sets(st.integers(0, 5)))
def test_whatever_the_rules_a_part_lies_where_its_conditions_are_met(
    rules: list[dict[str, Any]], part: PartNumber, colour: ColourCode | None, full: set[int]
) -> None:
    named = [{"name": str(place), **rule} for place, rule in enumerate(rules)]
    try:
        bins = config_of(*named, {"name": "others", "rest": True, "priority": 0})
    except ValidationError:
        return
    routing = Routing(bins, "reject")
    routing.check([part])
    target = routing.bin_for(part, colour, {str(place) for place in full})
    rule = target.rule
    assert not rule.parts or part in rule.parts
    assert not rule.colours or colour in rule.colours
    category = "bricks sloped" if part == SLOPE else "bricks"
    assert not rule.categories or category in rule.categories
    if colour is not None and target.name not in {str(place) for place in full}:
        assert routing.right_bin_for(Truth(part, "sound"), colour, target.name) == target


def test_a_piece_belongs_in_the_bin_of_the_part_that_it_is(tmp_path: Path) -> None:
    (tmp_path / "wanted.csv").write_text("Part,Color,Quantity\n3001,4,3\n")
    routing = routing_of(
        {"name": "set", "wanted": tmp_path / "wanted.csv"},
        {"name": "a", "parts": ["3001"], "capacity": 1},
        {"name": "b", "parts": ["3001"]},
        {"name": "red", "colours": ["red"]},
        {"name": "others", "rest": True},
    )

    def right(truth: Truth, colour: ColourCode, lies_in: str | None = None) -> str:
        return routing.right_bin_for(truth, colour, lies_in).name

    sound = Truth("3001", "sound")
    assert right(sound, BLUE) == right(Truth("3001", "damaged"), BLUE) == "a"
    assert [right(sound, BLUE, name) for name in ("b", "red", "set")] == ["b", "a", "a"]
    assert [right(sound, RED, name) for name in (None, "set", "a", "b", "red")] == [
        "set",
        "set",
        "a",
        "b",
        "set",
    ]
    assert right(Truth("3003", "sound"), RED) == "red"
    assert right(Truth("3001", "foreign"), RED, "a") == right(Truth("3001+3003", "stuck"), RED) == "reject"


def test_a_model_that_names_a_part_without_a_bin_is_refused(tmp_path: Path) -> None:
    (tmp_path / "wanted.csv").write_text("Part,Color,Quantity\n3003,9999,1\n")
    routing = routing_of(
        {"name": "red", "colours": ["red"]},
        {"name": "blue bricks", "parts": ["3001"], "colours": ["blue"]},
        {"name": "set", "wanted": tmp_path / "wanted.csv"},
        {"name": "slopes", "categories": ["Bricks Sloped"]},
    )
    with pytest.raises(ConfigError, match=r"no bin: 3001, 3003 \(") as caught:
        routing.check(["3001", "3003", "3039"])
    assert "rest = true" in caught.value.hint
    routing_of({"name": "others", "rest": True}).check(["3001", "3003"])


@pytest.mark.parametrize(
    ("bins", "why"),
    [
        (
            [{"name": "a", "parts": ["3001", "3003"]}, {"name": "b", "parts": ["3001"]}],
            "part 3001 is in 'a' and in 'b': give one of them a priority",
        ),
        (
            [{"name": "a", "parts": ["3001"]}, {"name": "b", "parts": ["3001"], "capacity": 5}],
            "part 3001 is in 'a' and in 'b': give the first a capacity",
        ),
        (
            [{"name": "a", "colours": ["red", 1]}, {"name": "b", "colours": [4]}],
            "colour 4 is in 'a' and in 'b'",
        ),
        (
            [
                {"name": "a", "parts": ["3001"], "colours": [1, 4]},
                {"name": "b", "parts": ["3001", "3003"], "colours": ["blue"]},
            ],
            "part 3001 in colour 1 is in 'a' and in 'b'",
        ),
        (
            [{"name": "a", "rest": True}, {"name": "b", "rest": True}],
            "the rest is in 'a' and in 'b': give the first a capacity",
        ),
        ([{"name": "a", "rest": True, "parts": ["3001"]}], "'a' takes the rest: leave out"),
        ([{"name": "a", "colours": ["pinkish"]}], "'pinkish' is no LDraw colour"),
        ([{"name": "a", "capacity": 0}], "capacity"),
    ],
)
def test_rules_that_contradict_each_other_are_named(bins: list[dict[str, Any]], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        config_of(*bins)


@pytest.mark.parametrize(
    "bins",
    [
        [{"name": "a", "parts": ["3001", "3003"], "priority": 1}, {"name": "b", "parts": ["3001"]}],
        [{"name": "a", "parts": ["3001"]}, {"name": "b", "colours": ["red"], "priority": 30}],
        [{"name": "a", "parts": ["3001"], "colours": [1]}, {"name": "b", "parts": ["3001"], "colours": [4]}],
    ],
)
def test_rules_that_differ_in_priority_kind_or_colour_are_not_in_dispute(bins: list[dict[str, Any]]) -> None:
    assert len(config_of(*bins)) == len(bins) + 1


def test_only_a_bin_for_every_part_of_a_number_is_its_home_in_a_plan() -> None:
    bins = config_of(
        {"name": "red", "parts": ["3001"], "colours": ["red"]},
        {"name": "a", "parts": ["3001", "3003"], "capacity": 1},
        {"name": "b", "parts": ["3001", "3003"]},
        {"name": "others", "rest": True},
    )
    assert homes_of(bins) == {"3001": "a", "3003": "a"}


def test_a_category_that_no_part_is_in_is_refused() -> None:
    with pytest.raises(
        ConfigError, match="no part is in the category 'Brick', which bin 'a' takes"
    ) as caught:
        routing_of({"name": "a", "categories": ["Brick"]})
    assert "did you mean Bricks" in caught.value.hint


def test_a_wanted_list_that_is_not_there_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"the wanted list of bin 'a': there is no file .*gone\.csv"):
        routing_of({"name": "a", "wanted": tmp_path / "gone.csv"})


def test_what_a_wanted_list_has_besides_is_told(tmp_path: Path) -> None:
    path = tmp_path / "set.csv"
    path.write_text("Part,Color,Quantity,Is Spare\n3001,4,1,False\n3003,4,2,True\n")
    bins = config_of({"name": "a", "wanted": path}, {"name": "b", "rest": True})
    assert read_routing(bins, "reject", None, None, lambda left_out: ())[1] == [
        f"{path}: Spare parts are left out: 2."
    ]


def test_a_bin_for_a_colour_that_is_never_seen_is_told() -> None:
    routing = routing_of({"name": "a", "colours": ["red", 36]}, {"name": "b", "rest": True})
    assert routing.remarks(["3001"]) == [
        "No part is ever seen to be Trans Red: only solid colours are told apart."
    ]


def test_categories_are_read_from_a_table_of_ones_own_and_from_rebrickables(tmp_path: Path) -> None:
    own, theirs = tmp_path / "own.csv", tmp_path / "parts.csv"
    own.write_text("part,category\n3001,Basic\n3039,Slopes\n")
    theirs.write_text(
        "part_num,name,part_cat_id,part_material\n3001,Brick 2 x 4,11,Plastic\n3039,Slope,3,Plastic\n"
    )
    (tmp_path / "part_categories.csv").write_text("id,name\n3,Slopes\n11,Basic\n")
    bins = config_of({"name": "a", "categories": ["basic"]}, {"name": "b", "categories": ["Slopes"]})
    for path in (own, theirs):
        routing, _ = read_routing(bins, "reject", None, path, lambda left_out: ())
        routing.check(["3001", "3039"])
        found = Counter({part: routing.bin_for(part).name for part in (BRICK, SLOPE)})
        assert found == {"3001": "a", "3039": "b"}
