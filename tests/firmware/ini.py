"""The files of `firmware/`, read as Marlin's configuration.py reads them."""

import re
from configparser import ConfigParser
from pathlib import Path

FIRMWARE = Path(__file__).parents[2] / "firmware"
BASE = "rig.ini"
GEARED = ("rig-geared-3.ini", "rig-geared-9.ini")
VARIANTS = sorted(path.name for path in FIRMWARE.glob("rig-*.ini"))


def options(name: str) -> dict[str, str]:
    """What one file sets, value by option.

    Of a file that is named alone, Marlin applies the section `config:base` and no other.
    """
    parser = ConfigParser()
    # Marlin 2.1.2 reads these files in the encoding of the computer, whatever that is.
    with (FIRMWARE / name).open(encoding="ascii") as file:
        parser.read_file(file)
    assert parser.sections() == ["config:base"]
    return {option.upper(): value for option, value in parser.items("config:base")}


def rig(*variants: str) -> dict[str, str]:
    """What the base and some variants on top of it set."""
    return {option: value for name in (BASE, *variants) for option, value in options(name).items()}


def numbers(value: str) -> list[str]:
    """The elements of a C initializer, `{ 1, 2 }`."""
    elements = re.fullmatch(r"\{ (.+) \}", value)
    assert elements, value
    return elements[1].split(", ")


def choices() -> list[list[str]]:
    """The lists of files that config.ini offers, the active one first."""
    text = (FIRMWARE / "config.ini").read_text(encoding="ascii")
    offered = re.findall(r"^(?:# )?ini_use_config = (.+)$", text, re.MULTILINE)
    return [files.split(", ") for files in offered]


def stated_gear_ratio(name: str) -> float:
    """The gear ratio that a file tells its reader to put into rig.toml; 1 where it tells none."""
    stated = re.search(r"gear_ratio = ([\d.]+)", (FIRMWARE / name).read_text(encoding="ascii"))
    return float(stated[1]) if stated else 1.0
