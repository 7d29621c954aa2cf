"""A pass of a plan as routing, and what the ledger counts of parts that pass the rig more than once."""

from pathlib import Path

import pytest

from rig.bin_config import BinConfig
from rig.catalog import ColourCode, PartNumber
from rig.devices.operator import Truth
from rig.errors import BadInput, ConfigError
from rig.sorting.evidence import Decision
from rig.sorting.expected import counts_of_classes, read_counts, recorded_counts
from rig.sorting.following import FollowedPass, PassRouting, follow
from rig.sorting.ledger import Ledger, RunId
from rig.sorting.planning import optimal_plan
from rig.vision.classifier import Candidate

_CLASSES = ("3001", "3002", "3003", "3004")
_BINS = (
    BinConfig(name="reject", chute_deg=0),
    BinConfig(name="left", chute_deg=20, parts=(PartNumber("3004"),)),
    BinConfig(name="right", chute_deg=40),
)


def _followed(number: int) -> FollowedPass:
    plan = optimal_plan({PartNumber(label): 1 for label in _CLASSES}, ["left", "right"])
    return follow(Path("plan.toml"), plan, number)


def test_a_pass_routes_by_the_plan_and_not_by_rig_toml() -> None:
    routing = PassRouting(_BINS, "reject", _followed(1))
    routing.check([*_CLASSES, "98138"])
    bins = {label: routing.bin_for(PartNumber(label)).name for label in _CLASSES}
    assert bins == {"3001": "left", "3002": "left", "3003": "right", "3004": "right"}


def test_what_a_pass_does_not_feed_goes_to_the_reject_bin() -> None:
    routing = PassRouting(_BINS, "reject", _followed(2))
    assert routing.bin_for(PartNumber("3001")).name == "left"
    for stray in (PartNumber("3004"), PartNumber("98138"), None):
        assert routing.bin_for(stray).name == "reject"
    assert routing.right_bin_for(Truth("3002", "damaged"), ColourCode(4)).name == "right"
    assert routing.right_bin_for(Truth("3004", "sound"), ColourCode(4)).name == "reject"


def test_each_pass_knows_the_next() -> None:
    assert (_followed(1).next, _followed(3).next) == (_followed(2).this, None)
    assert _followed(3).fed == {"3003", "3004"}
    assert _followed(1).unplanned(["3001", "98138"]) == ["98138"]


@pytest.mark.parametrize("number", [0, 4])
def test_a_pass_that_does_not_exist_is_one_clear_error(number: int) -> None:
    with pytest.raises(BadInput, match=f"has no pass {number}: its last is pass 3"):
        _followed(number)


def test_a_model_that_lacks_classes_of_the_plan_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"plan\.toml .* does not know: 3002, 3004") as caught:
        PassRouting(_BINS, "reject", _followed(1)).check(["3001", "3003"])
    assert "rig plan --model" in caught.value.hint


@pytest.mark.parametrize("reject_bin", ["reject", "right"])
def test_a_bin_that_rig_toml_lacks_or_has_for_rejects_is_refused(reject_bin: str) -> None:
    bins = [bin_ for bin_ in _BINS if bin_.name != "right" or reject_bin == "right"]
    with pytest.raises(ConfigError, match="right") as caught:
        PassRouting(bins, reject_bin, _followed(1))
    assert "[[bins]]" in caught.value.hint


def test_parts_that_are_fed_again_count_once(tmp_path: Path) -> None:
    assert recorded_counts(tmp_path / "ledger", "reject") == {}
    with Ledger(tmp_path / "ledger") as ledger:
        for run, number in (("unplanned", None), ("first", 1), ("second", 2)):
            if number is not None:
                ledger.keep_pass(RunId(run), Path("plan.toml"), number)
            for part in ("3001", "3001", "3002", None):
                _drop(ledger, RunId(run), part)
    assert recorded_counts(tmp_path / "ledger", "reject") == {"3001": 4, "3002": 2}


def _drop(ledger: Ledger, run: RunId, part: str | None) -> None:
    decision = Decision(PartNumber(part) if part else None, 0.9, (Candidate("3001", 0.9),))
    ledger.dropped(ledger.record(run, "model", decision, bin_name="left", picture=None, truth=None))


def test_classes_of_a_model_take_what_is_known() -> None:
    known = {PartNumber("3001"): 7, PartNumber("98138"): 2}
    assert counts_of_classes(["3001", "3002"], known) == {"3001": 7, "3002": 0}
    assert counts_of_classes(["3001", "3002"], {}) == {"3001": 1, "3002": 1}


@pytest.mark.parametrize(
    "text",
    [
        "part,count\n3001,5\n3002,0\n3001,2\n",
        "\ufeffPart; Quantity\r\n3001;7\r\n\r\n3002;0\r\n",
        'Part,Color,Quantity,Is Spare\n"3001",4,3,False\n3001,1,4,True\n3002,1,0,False\n',
    ],
)
def test_counts_are_read_as_people_and_rebrickable_write_them(tmp_path: Path, text: str) -> None:
    path = tmp_path / "counts.csv"
    path.write_bytes(text.encode())
    assert read_counts(path) == {"3001": 7, "3002": 0}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no column is called 'part'"),
        ("part,colour\n3001,4\n", "no column is called 'count'"),
        ("part,count\n", "lists no parts"),
        ("part,count\n3001,5\n3002\n", "line 3: there are 1 values only"),
        ("part,count\n3001,-5\n", "line 2: the quantity '-5' is out of range"),
        ("part,count\n3001,1.5\n", "line 2: the quantity '1.5' is not a whole number"),
        ("part,count\n../3001,5\n", "line 2: '../3001' is not a part number"),
    ],
)
def test_counts_that_cannot_be_used_are_one_clear_error(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "counts.csv"
    path.write_text(text)
    with pytest.raises(BadInput) as caught:
        read_counts(path)
    assert said in caught.value.what
    assert caught.value.hint


def test_a_file_of_counts_that_is_absent_or_no_text_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no file"):
        read_counts(tmp_path / "counts.csv")
    (tmp_path / "counts.csv").write_bytes(b"part,count\n3001\xff,4\n")
    with pytest.raises(BadInput, match="not UTF-8"):
        read_counts(tmp_path / "counts.csv")
