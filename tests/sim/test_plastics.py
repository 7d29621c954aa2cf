from pathlib import Path

import pytest

from rig.catalog import COLOURS, ColourCode
from rig.errors import BadInput
from rig.sim.plastics import PLASTICS, Finish, Plastics, read_ldconfig

LDCONFIG = """\
0 LDraw.org Configuration File
0                              // LEGOID  21 - Bright Red
0 !COLOUR Red                CODE   4   VALUE #B40000   EDGE #333333
0 !COLOUR Trans_Red          CODE  36   VALUE #C91A09   EDGE #660D05   ALPHA 128
0 !COLOUR Pearl_Gold         CODE 297   VALUE #AA7F2E   EDGE #333333   PEARLESCENT
0 !COLOUR Chrome_Silver      CODE 383   VALUE #CECECE   EDGE #9C9C9C   CHROME
0 !COLOUR Metallic_Silver    CODE  80   VALUE #767676   EDGE #333333   METAL
0 !COLOUR Rubber_Trans_Red   CODE  67   VALUE #F5F5F5   EDGE #333333   ALPHA 128  RUBBER
0 !COLOUR Glitter_Trans_Pink CODE 114 VALUE #DF6695 EDGE #B9275F ALPHA 128 MATERIAL GLITTER VALUE #B92790
0 !COLOUR Speckle_Copper     CODE  75 VALUE #000000 EDGE #AB6038 MATERIAL SPECKLE VALUE #AB6038 FRACTION 0.4
"""


def read(folder: Path, text: str) -> Plastics:
    path = folder / "LDConfig.ldr"
    path.write_text(text, newline="\r\n")
    return read_ldconfig(path)


def test_colours_come_with_their_finish(tmp_path: Path) -> None:
    plastics = read(tmp_path, LDCONFIG)
    assert {code: plastic.finish for code, plastic in plastics.items()} == {
        4: Finish.SOLID,
        36: Finish.TRANSPARENT,
        297: Finish.PEARL,
        383: Finish.CHROME,
        80: Finish.METAL,
        67: Finish.RUBBER,
        114: Finish.TRANSPARENT,
        75: Finish.SOLID,
    }
    trans_red = plastics[ColourCode(36)]
    assert (trans_red.name, trans_red.rgb, trans_red.edge_rgb) == (
        "Trans Red",
        (0xC9, 0x1A, 0x09),
        (0x66, 0x0D, 0x05),
    )
    assert trans_red.alpha == pytest.approx(0.5, abs=0.01)
    assert plastics[ColourCode(67)].alpha == pytest.approx(0.5, abs=0.01)
    # What is said of the grains is not said of the plastic.
    assert plastics[ColourCode(114)].rgb == (0xDF, 0x66, 0x95)
    assert plastics[ColourCode(75)].rgb == (0, 0, 0)


def test_direct_colours_need_no_table(tmp_path: Path) -> None:
    plastics = read(tmp_path, LDCONFIG)
    opaque, clear = plastics.of(ColourCode(0x2FF8000)), plastics.of(ColourCode(0x3FF8000))
    assert (opaque.rgb, opaque.alpha, opaque.finish) == ((255, 128, 0), 1.0, Finish.SOLID)
    assert (clear.rgb, clear.finish) == ((255, 128, 0), Finish.TRANSPARENT)
    assert clear.alpha < 1
    assert plastics.edge_of(ColourCode(36)) == 0x2660D05


def test_an_unknown_colour_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"LDConfig\.ldr has no colour 9999"):
        read(tmp_path, LDCONFIG).of(ColourCode(9999))


@pytest.mark.parametrize("words", ["CODE 4 EDGE #333333", "CODE x VALUE #B40000", "CODE 4 VALUE #B4"])
def test_a_damaged_line_is_named(tmp_path: Path, words: str) -> None:
    with pytest.raises(BadInput, match=r"LDConfig\.ldr, line 2: Red is no colour"):
        read(tmp_path, f"0 Colours\n0 !COLOUR Red {words}\n")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"LDConfig\.ldr cannot be read"):
        read_ldconfig(tmp_path / "LDConfig.ldr")


def test_the_simulator_has_the_common_colours_and_every_finish_without_a_file() -> None:
    assert all(PLASTICS[code].rgb == colour.rgb for code, colour in COLOURS.items())
    assert {plastic.finish for plastic in PLASTICS.values()} == set(Finish)
