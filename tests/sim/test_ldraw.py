"""The loader of LDraw parts, on small files of our own. Volumes tell whether every face looks outwards."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from rig.catalog import PartNumber
from rig.errors import BadInput
from rig.sim.geometry import Mesh
from rig.sim.ldraw.drawing import Faces, read_drawing
from rig.sim.ldraw.library import LDrawLibrary
from rig.sim.ldraw.quads import halves_of_quads
from rig.sim.ldraw.smoothing import smooth_normals
from tests.sim.ldraw_files import BOX, BOX_FACES, BOX_MM, CERTIFIED, PLACED_BOX, write_library

BOX_VOLUME = float(np.prod(BOX_MM))


def mesh_of(folder: Path, text: str) -> Mesh:
    return LDrawLibrary(write_library(folder, part=text)).mesh(PartNumber("part"))


def volume_of(mesh: Mesh) -> float:
    """Positive where faces look outwards, negative for a cavity."""
    a, b, c = mesh.corners[:, 0], mesh.corners[:, 1], mesh.corners[:, 2]
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


def test_a_part_is_put_together_of_its_sub_files_and_stands_studs_up_on_the_table(tmp_path: Path) -> None:
    mesh = mesh_of(tmp_path, CERTIFIED + PLACED_BOX)
    assert np.ptp(mesh.corners, axis=(0, 1)) == pytest.approx(BOX_MM)
    assert mesh.corners.min(axis=(0, 1)) == pytest.approx([-8, -4, 0])
    assert volume_of(mesh) == pytest.approx(BOX_VOLUME)
    assert len(mesh.corners) == 12


def test_what_is_up_in_ldraw_is_up_here(tmp_path: Path) -> None:
    """A knob at negative y, towards positive z."""
    mesh = mesh_of(tmp_path, f"{CERTIFIED}{PLACED_BOX}1 16 0 -2 8 2 0 0 0 2 0 0 0 2 box.dat\n")
    top = mesh.corners.reshape(-1, 3)[mesh.corners[..., 2].ravel() > 3.3]
    assert top[:, 2].max() == pytest.approx(4.8)
    assert (top[:, 1].min() + top[:, 1].max()) / 2 == pytest.approx(3.2)


@pytest.mark.parametrize(
    ("text", "share"),
    [
        # Mirrored, and mirrored twice.
        (CERTIFIED + "1 16 0 0 0 -20 0 0 0 4 0 0 0 10 box.dat", 1),
        (CERTIFIED + "1 16 0 0 0 -20 0 0 0 -4 0 0 0 10 box.dat", 1),
        (CERTIFIED + "0 BFC INVERTNEXT\n" + PLACED_BOX, -1),
        (CERTIFIED + "0 BFC INVERTNEXT\n1 16 0 0 0 -20 0 0 0 4 0 0 0 10 box.dat", -1),
        # It inverts the next sub-file only.
        (CERTIFIED + "0 BFC INVERTNEXT\n" + 2 * PLACED_BOX, 0),
        (CERTIFIED + "1 16 0 4 0 20 0 0 0 4 0 0 0 10 clockwise.dat", 1),
    ],
)
def test_faces_look_outwards(tmp_path: Path, text: str, share: float) -> None:
    # The same box, every face wound the other way round.
    clockwise = BOX_FACES.splitlines()
    corners = [line.split()[2:] for line in clockwise]
    turned = "\n".join("4 16 " + " ".join(c[9:] + c[6:9] + c[3:6] + c[:3]) for c in corners)
    write_library(tmp_path, clockwise=f"0 Box\n0 BFC CERTIFY CW\n{turned}\n")
    mesh = mesh_of(tmp_path, text)
    assert len(mesh.corners) in (12, 24)
    assert volume_of(mesh) == pytest.approx(share * BOX_VOLUME, abs=1e-6)


@pytest.mark.parametrize(
    "text",
    [
        "0 Part\n" + PLACED_BOX,
        "0 Part\n0 BFC NOCERTIFY\n" + PLACED_BOX,
        CERTIFIED + "0 BFC NOCLIP\n" + PLACED_BOX,
        CERTIFIED + "1 16 0 4 0 20 0 0 0 4 0 0 0 10 uncertified.dat",
    ],
)
def test_faces_that_may_look_anywhere_are_seen_from_both_sides(tmp_path: Path, text: str) -> None:
    write_library(tmp_path, uncertified=f"0 Box\n{BOX_FACES}")
    mesh = mesh_of(tmp_path, text)
    assert len(mesh.corners) == 24
    assert volume_of(mesh) == pytest.approx(0, abs=1e-6)


def test_clip_ends_noclip(tmp_path: Path) -> None:
    text = f"{CERTIFIED}0 BFC NOCLIP\n0 BFC CLIP\n{PLACED_BOX}"
    assert volume_of(mesh_of(tmp_path, text)) == pytest.approx(BOX_VOLUME)


def test_names_are_found_in_any_case_with_any_slash_and_in_sub_folders(tmp_path: Path) -> None:
    write_library(tmp_path, s_Inner=CERTIFIED + PLACED_BOX)
    (tmp_path / "p" / "48").mkdir()
    (tmp_path / "p" / "48" / "Fine Box.DAT").write_text(BOX)
    text = (
        f"{CERTIFIED}1 16 0 0 0 1 0 0 0 1 0 0 0 1 S\\INNER.dat\n"
        "1 16 100 4 0 20 0 0 0 4 0 0 0 10 48\\fine box.dat\n"
    )
    write_library(tmp_path, part=text)
    (tmp_path / "p").rename(tmp_path / "P")
    mesh = LDrawLibrary(tmp_path).mesh(PartNumber("PART"))
    assert volume_of(mesh) == pytest.approx(2 * BOX_VOLUME)


def test_only_parts_are_part_numbers(tmp_path: Path) -> None:
    library = LDrawLibrary(write_library(tmp_path, B=CERTIFIED, a=CERTIFIED, s_c=CERTIFIED))
    assert library.part_numbers() == ["a", "b"]


def test_a_renamed_part_is_loaded_and_says_its_new_number(tmp_path: Path) -> None:
    folder = write_library(
        tmp_path,
        old="0 ~Moved to new\n0 BFC CERTIFY CCW\n1 16 0 0 0 1 0 0 0 1 0 0 0 1 new.dat\n",
        new="0 Plate 1 x 2\n0 BFC CERTIFY CCW\n" + PLACED_BOX,
    )
    library = LDrawLibrary(folder)
    old, new = library.part(PartNumber("old")), library.part(PartNumber("new"))
    assert (old.moved_to, old.title) == ("new", "Plate 1 x 2")
    assert (new.moved_to, new.title) == (None, "Plate 1 x 2")
    assert volume_of(old.mesh) == pytest.approx(BOX_VOLUME)


def test_a_missing_file_is_named_with_the_one_that_needs_it(tmp_path: Path) -> None:
    write_library(tmp_path, s_inner=CERTIFIED + "1 16 0 0 0 1 0 0 0 1 0 0 0 1 s\\lost.dat")
    with pytest.raises(BadInput, match=r"inner\.dat needs s/lost\.dat, which .* does not have"):
        mesh_of(tmp_path, CERTIFIED + "1 16 0 0 0 1 0 0 0 1 0 0 0 1 s\\inner.dat")


def test_a_circle_of_files_is_named(tmp_path: Path) -> None:
    write_library(tmp_path, s_inner=CERTIFIED + "1 16 0 0 0 1 0 0 0 1 0 0 0 1 s\\part2.dat")
    write_library(tmp_path, s_part2=CERTIFIED + "1 16 0 0 0 1 0 0 0 1 0 0 0 1 s\\inner.dat")
    with pytest.raises(BadInput, match=r"circle: s/inner\.dat -> s/part2\.dat -> s/inner\.dat"):
        mesh_of(tmp_path, CERTIFIED + "1 16 0 0 0 1 0 0 0 1 0 0 0 1 s\\inner.dat")


def test_a_file_that_is_used_twice_is_no_circle(tmp_path: Path) -> None:
    text = CERTIFIED + 2 * "1 16 0 0 0 1 0 0 0 1 0 0 0 1 s\\inner.dat\n"
    write_library(tmp_path, s_inner=CERTIFIED + PLACED_BOX)
    assert volume_of(mesh_of(tmp_path, text)) == pytest.approx(2 * BOX_VOLUME)


@pytest.mark.parametrize(
    "line",
    [
        "3 16 1 2 3",
        "4 red 0 0 0 1 0 0 1 1 0 0 1 0",
        "1 16 0 0 0 1 0 0 0 1 0 0 0 1",
        "3 16" + 9 * " nan",
        "4 16" + 12 * " 1e300",
    ],
)
def test_a_damaged_line_is_named(tmp_path: Path, line: str) -> None:
    with pytest.raises(BadInput, match=r"part\.dat, line 3 is damaged"):
        mesh_of(tmp_path, CERTIFIED + line)


def test_a_part_without_faces_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no faces"):
        mesh_of(tmp_path, CERTIFIED + "2 24 0 0 0 1 0 0\n3 16 0 0 0 1 0 0 2 0 0\n")


@pytest.mark.parametrize(("scale", "length"), [(1e-3, "0.016 mm"), (1e4, r"1.6e\+05 mm")])
def test_a_size_that_no_part_has_is_refused(tmp_path: Path, scale: float, length: str) -> None:
    write_library(tmp_path, s_inner=CERTIFIED + PLACED_BOX)
    with pytest.raises(BadInput, match=f"is {length} long"):
        mesh_of(tmp_path, f"{CERTIFIED}1 16 0 0 0 {scale} 0 0 0 {scale} 0 0 0 {scale} s\\inner.dat")


def test_a_folder_that_is_no_library_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(BadInput, match="no LDraw library"):
            LDrawLibrary(folder)


def test_a_texture_is_left_out_and_told(tmp_path: Path) -> None:
    text = (
        f"{CERTIFIED}0 !TEXMAP START PLANAR 0 0 0 1 0 0 0 1 0 face.png\n"
        "0 !: 4 16 -90 0 0 90 0 0 90 90 0 -90 90 0\n"
        f"0 !TEXMAP FALLBACK\n{PLACED_BOX}0 !TEXMAP END\n"
    )
    library = LDrawLibrary(write_library(tmp_path, part=text, plain=CERTIFIED + PLACED_BOX))
    part = library.part(PartNumber("part"))
    assert part.textured
    assert np.ptp(part.mesh.corners, axis=(0, 1)) == pytest.approx(BOX_MM)
    assert not library.part(PartNumber("plain")).textured


def test_colours_are_inherited_through_sub_files(tmp_path: Path) -> None:
    triangles = "".join(f"3 {colour} 0 0 0 1 0 0 0 1 0\n" for colour in ("16", "24", "4", "0x2FF8000"))
    write_library(tmp_path, s_three=CERTIFIED + triangles)
    place = " 0 0 0 1 0 0 0 1 0 0 0 1 s\\three.dat\n"
    mesh = mesh_of(tmp_path, f"{CERTIFIED}1 16{place}1 36{place}1 24{place}")
    orange, edge_of_trans_red = 0x2FF8000, 0x2660D05
    assert mesh.colours.reshape(3, 4).tolist() == [
        [16, 24, 4, orange],
        [36, edge_of_trans_red, 4, orange],
        [24, 24, 4, orange],
    ]


SQUARE = np.array([(0, 0, 0), (2, 0, 0), (2, 2, 0), (0, 2, 0)], dtype=float)
ARROW = np.array([(0, 0, 0), (4, 0, 0), (1, 1, 0), (0, 4, 0)], dtype=float)


@pytest.mark.parametrize("turn", range(4))
@pytest.mark.parametrize(("outline", "area"), [(SQUARE, 4.0), (ARROW, 4.0)])
def test_flat_quads_are_covered_once_wherever_they_begin(outline: np.ndarray, area: float, turn: int) -> None:
    halves, crossed = halves_of_quads(np.roll(outline, turn, axis=0)[None])
    facings = np.cross(halves[0, :, 1] - halves[0, :, 0], halves[0, :, 2] - halves[0, :, 0]) / 2
    assert not crossed[0]
    assert facings[:, 2].min() >= 0
    assert facings[:, 2].sum() == pytest.approx(area)


@pytest.mark.parametrize("order", [(0, 2, 1, 3), (0, 1, 3, 2)])
def test_a_bow_tie_is_straightened(order: tuple[int, ...]) -> None:
    halves, crossed = halves_of_quads(SQUARE[list(order)][None])
    facings = np.cross(halves[0, :, 1] - halves[0, :, 0], halves[0, :, 2] - halves[0, :, 0]) / 2
    assert crossed[0]
    assert abs(facings[:, 2].sum()) == pytest.approx(4.0)


def test_a_bow_tie_is_seen_from_both_sides(tmp_path: Path) -> None:
    mesh = mesh_of(tmp_path, CERTIFIED + "4 16 0 0 0 10 0 10 10 0 0 0 0 10\n")
    assert len(mesh.corners) == 4
    assert volume_of(mesh) == pytest.approx(0)


def test_a_warped_quad_is_covered() -> None:
    warped = SQUARE + np.array([(0, 0, 0), (0, 0, 0.4), (0, 0, 0), (0, 0, 0.4)])
    halves, crossed = halves_of_quads(warped[None])
    assert not crossed[0]
    assert halves[..., :2].reshape(-1, 2).max() == 2
    assert len({tuple(corner) for corner in halves.reshape(-1, 3)}) == 4


def tube(sides: int, lines: str = "") -> Faces:
    angles = np.arange(sides + 1) * 2 * np.pi / sides
    rim = [(10 * np.cos(a), 10 * np.sin(a)) for a in angles]
    text = CERTIFIED
    for (x, z), (x2, z2) in pairwise(rim):
        text += f"4 16 {x:.4f} 0 {z:.4f} {x:.4f} 20 {z:.4f} {x2:.4f} 20 {z2:.4f} {x2:.4f} 0 {z2:.4f}\n"
        text += lines.format(line=f"{x:.4f} 0 {z:.4f} {x:.4f} 20 {z:.4f}")
    return read_drawing(text, "tube.dat").faces


def is_round(faces: Faces) -> bool:
    """Whether normals at the corners of a tube point away from its axis, not along its sides' own."""
    normals = smooth_normals(faces)
    assert np.linalg.norm(normals, axis=2) == pytest.approx(1)
    outwards = faces.corners * [1, 0, 1] / 10
    alignment = np.abs((normals * outwards).sum(axis=2))
    return bool(alignment.min() > 0.9999)


def test_a_tube_is_shaded_round_unless_edge_lines_crease_it() -> None:
    assert is_round(tube(16))
    assert not is_round(tube(16, "2 24 {line}\n"))


def test_a_coarse_tube_is_round_where_conditional_lines_say_so() -> None:
    assert not is_round(tube(8))
    assert is_round(tube(8, "5 24 {line} 0 0 0 1 1 1\n"))


def test_a_box_is_shaded_flat(tmp_path: Path) -> None:
    mesh = mesh_of(tmp_path, CERTIFIED + PLACED_BOX)
    assert np.abs(mesh.normals).max(axis=2) == pytest.approx(1)
    facings = np.cross(mesh.corners[:, 1] - mesh.corners[:, 0], mesh.corners[:, 2] - mesh.corners[:, 0])
    assert ((mesh.normals * facings[:, None]).sum(axis=2) > 0).all()
