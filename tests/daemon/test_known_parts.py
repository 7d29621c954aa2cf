"""Part numbers are completed from what is known here, and say from where."""

from pathlib import Path
from typing import Any

from tests.daemon.served import Served
from tests.dataset.pictures import session, write_dataset
from tests.vision.single_minded import write_single_minded


def _of(served: Served, prefix: str) -> dict[str, Any]:
    return {part["part"]: part for part in served.json(f"/parts?prefix={prefix}")}


def test_parts_are_known_from_pictures_model_bins_and_simulator(served: Served, tmp_path: Path) -> None:
    write_dataset(tmp_path / "captures", session("3001", "s1", 1) | session("3001px7", "s2", 1))
    write_single_minded(tmp_path / "models" / "small", "3001", labels=("3001", "30011"))
    found = _of(served, "3001")
    assert list(found) == ["3001", "30011", "3001px7"]
    assert found["3001"] == {
        "part": "3001",
        "name": "Brick 2 x 4",
        "known_from": ["captures", "model", "bins", "simulator"],
    }
    assert found["3001px7"] == {"part": "3001px7", "name": None, "known_from": ["captures"]}
    assert found["30011"]["known_from"] == ["model"]
    assert list(_of(served, "3001PX")) == ["3001px7"]
    assert _of(served, "no-such") == {}
    assert len(served.json("/parts?limit=4")) == 4


def test_a_real_rig_has_no_simulated_parts(served: Served, tmp_path: Path) -> None:
    assert _of(served, "3701")["3701"]["known_from"] == ["bins", "simulator"]
    (tmp_path / "rig.toml").write_text('[[bins]]\nname = "reject"\nchute_deg = 0\nrest = true\n')
    served.desk.config_file = Path("rig.toml")
    served.desk.reload_config()
    assert _of(served, "3701") == {}


def test_names_are_those_of_the_table_that_rig_toml_names(served: Served, tmp_path: Path) -> None:
    (tmp_path / "rig.toml").write_text('[sim]\nenabled = true\n[sorting]\ncategories = "parts.csv"\n')
    served.desk.config_file = Path("rig.toml")
    served.desk.reload_config()
    assert _of(served, "3003")["3003"]["name"] == "Brick 2 x 2"  # there is no such table yet
    table = tmp_path / "parts.csv"
    table.write_text("part_num,name,part_cat_id\n3003,My brick,11\n")
    assert _of(served, "3003")["3003"]["name"] == "My brick"
    assert _of(served, "3001")["3001"]["name"] == "Brick 2 x 4"
    table.write_text("part_num,name,part_cat_id\n3003,My other brick,11\n")
    assert _of(served, "3003")["3003"]["name"] == "My other brick"
    table.write_text("nonsense")
    assert _of(served, "3003")["3003"]["name"] == "My other brick"  # until the table can be used again
