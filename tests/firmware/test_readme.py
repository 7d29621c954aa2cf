"""What firmware/README.md tells a maker agrees with the files beside it and with rig.toml's defaults."""

import re
from itertools import product
from xml.etree import ElementTree

import pytest

from rig.config import AxisConfig, LightConfig, ServoGateConfig
from rig.marlin.requirements import steps_per_unit
from rig.sim.firmware_commands import PROTECTED_PINS
from tests.firmware.ini import BASE, FIRMWARE, GEARED, VARIANTS, options, rig, stated_gear_ratio

README = (FIRMWARE / "README.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of the tables under a heading, without their first rows."""
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = re.findall(r"^\| (.+) \|$", section, re.MULTILINE)
    return [[cell.strip() for cell in line.split(" | ")] for line in lines]


def row(heading: str, first: str) -> list[str]:
    [found] = [cells for cells in rows(heading) if cells[0] == first]
    return found


def told_options() -> dict[str, str]:
    told: dict[str, str] = {}
    for names_cell, values_cell, _ in rows("Why each option is set")[1:]:
        names, values = re.findall(r"`(.+?)`", names_cell), re.findall(r"`(.+?)`", values_cell)
        told.update(zip(names, values if len(values) > 1 else values * len(names), strict=True))
    return told


def test_the_table_of_options_tells_all_of_the_base_in_its_order() -> None:
    assert list(told_options().items()) == list(options(BASE).items())


def test_the_table_of_variants_names_every_file() -> None:
    assert sorted(cells[0].strip("`") for cells in rows("Variants")[1:]) == sorted([BASE, *VARIANTS])


@pytest.mark.parametrize("name", GEARED)
def test_the_table_of_variants_tells_the_gear_ratio(name: str) -> None:
    assert f"`gear_ratio = {stated_gear_ratio(name)}`" in row("Variants", f"`{name}`")[2]


def test_the_lamp_is_where_rig_toml_has_it() -> None:
    assert row("2. Wire", "lamp")[1:] == [f"D{LightConfig().pin}", str(LightConfig().pin)]


@pytest.mark.parametrize(
    ("what", "servo"),
    [("chute servo", ServoGateConfig().chute_servo), ("sweeper servo", ServoGateConfig().sweeper_servo)],
)
def test_the_servos_are_where_rig_toml_has_them(what: str, servo: int) -> None:
    # The servo header of a RAMPS 1.4, from Marlin's pins_RAMPS.h.
    pin = (11, 6, 5, 4)[servo]
    _, place, told = row("2. Wire", what)
    assert f"row D{pin}," in place
    assert told == f"{pin} (servo {servo})"


def test_valves_hang_on_pins_that_marlin_lets_go_of() -> None:
    pins = {int(pin) for pin in re.findall(r"\bD(\d+)", README.split("**Air valves:**")[1].split("\n## ")[0])}
    assert {10, 8, 6, 5, 4} <= pins
    assert not pins & PROTECTED_PINS


def test_vref_is_computed_from_current_and_resistor() -> None:
    head, *lines = rows("3. Set the motor current")[:4]
    resistors_ohm = [int(name.removeprefix("R")) / 1000 for name in head[1:]]
    assert resistors_ohm == [0.05, 0.068, 0.1]
    for line, place in product(lines, range(3)):
        current_a = float(re.findall(r"[\d.]+", line[0])[0])
        vref = float(line[1 + place].strip("*").removesuffix(" V"))
        assert vref == pytest.approx(current_a * 8 * resistors_ohm[place], abs=0.005)


def test_steps_per_degree_of_each_driver() -> None:
    lines = rows("3. Set the motor current")[5:]
    told = {int(line[1]): line[2] for line in lines}
    assert told == {
        microsteps: steps_per_unit(AxisConfig(microsteps_per_step=microsteps).microsteps_per_turn)
        for microsteps in (16, 8, 32)
    }


def test_the_lookout_for_the_machine_name_is_for_the_name_that_is_set() -> None:
    assert f"has to answer `{rig()['CUSTOM_MACHINE_NAME']}`" in README


def test_another_gear_ratio_is_computed_from_the_microsteps_of_a_turn() -> None:
    assert f"your ratio × {AxisConfig().microsteps_per_turn} / 360" in README


def test_the_diagram_names_the_same_sockets() -> None:
    drawing = ElementTree.parse(FIRMWARE / "wiring.svg")
    words = {word for element in drawing.iter() for word in re.findall(r"\w+", element.text or "")}
    assert {"D8", "D10", "D9", "D11", "D6", "X", "Y", "USB"} <= words
    assert "(wiring.svg)" in README


def test_links_lead_to_headings() -> None:
    headings = {
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^## (.+)$", README, re.MULTILINE)
    }
    links = set(re.findall(r"\]\(#(.+?)\)", README))
    assert links
    assert links <= headings
