"""How far simulated pictures are from photographs, and what each ingredient of a scene has to do with it.

`python -m tests.benchmarks.realism [FOLDER]` prints a table; the folder holds photographs of single parts in
class folders. Nothing is trained: pictures are compared by what a few statistics of them are spread over.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import fmean

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from rig.camera.frame import Image
from rig.scene_config import SceneConfig
from rig.sim.drop import drop
from rig.sim.part_library import EMBEDDED
from rig.sim.parts import PARTS
from rig.sim.pile import draw_colour
from rig.sim.scene import draw_scene
from rig.sim.shot import Shot, take
from rig.vision.jpeg import encode_jpeg
from rig.vision.locate import locate
from tests.benchmarks.figure import Figure

PHOTOGRAPHS = Path("../shared/data/photos")
_PICTURES = 300
# The photographs are squares of 300 pixels.
_SIZE_PX = 300
_PERCENTS = np.linspace(2, 98, 49)

# What holds for every session where an ingredient is left out.
INGREDIENTS: Mapping[str, Mapping[str, float]] = {
    "colour cast": {"pinkness": 0.5, "red_tint": 0.0, "blue_tint": 0.0},
    "second lamp, of another colour": {"fill_share": 0.0},
    "lamps of some size (soft shadows)": {"key_radius_deg": 1.0, "fill_radius_deg": 1.0},
    "low lamps (uneven light)": {"lamp_height_mm": 10_000.0},
    "bright line at the foot": {"caustic": 0.0},
    "rounded edges": {"bevel_mm": 0.0},
    "depth of field": {"defocus_px_per_dioptre": 0.0},
    "distortion": {"distortion": 0.0},
    "vignette": {"vignette": 0.0},
    "dirt and seams": {"dirt": 0.0, "seams": 0.0},
    "cluttered background": {"clutter": 0.0},
    "noise": {"noise": 0.0},
}


def statistics(image: Image) -> dict[str, float]:
    """What is compared of a picture of one part; empty where none is found."""
    box = locate(image)
    if box is None:
        return {}
    height, width = image.shape[:2]
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.float32)
    part = grey[box.y : box.y + box.height, box.x : box.x + box.width]
    top, left = max(0, box.y - height // 20), max(0, box.x - width // 20)
    around = grey[top : box.y + box.height + height // 20, left : box.x + box.width + width // 20].copy()
    around[box.y - top : box.y - top + box.height, box.x - left : box.x - left + box.width] = np.nan
    below = np.s_[int(0.82 * height) :]
    level = float(np.median(grey[below]))
    foot, beside = box.y + box.height, np.s_[box.x : box.x + box.width]
    at_foot = grey[foot - height // 50 : foot + height // 30, beside]
    first = min(foot + height // 15, height - height // 20)
    off_foot = grey[first : first + height // 20, beside]
    blue, green, red = ((image[below] / 255.0) ** 2.2).mean(axis=(0, 1))
    smooth = cv2.GaussianBlur(grey, (0, 0), 2.0)
    slope = np.hypot(cv2.Sobel(part, cv2.CV_32F, 1, 0), cv2.Sobel(part, cv2.CV_32F, 0, 1)) / 8
    tiles = cv2.resize(image, (6, 6), interpolation=cv2.INTER_AREA).astype(float) + 1
    right, left_, upper = tiles[4:, 5].mean(axis=0), tiles[4:, 0].mean(axis=0), tiles[1, 1:5].mean(axis=0)
    return {
        "part: darkest twentieth": float(np.percentile(part, 5)),
        "part: median": float(np.median(part)),
        "part: spread": float(part.std()),
        "part: mean slope": float(slope.mean()),
        "part: detail": float(np.log(cv2.Laplacian(part, cv2.CV_32F).var())),
        "around: darkest": float(np.nanpercentile(around, 5)) / level,
        "around: brightest": float(np.nanpercentile(around, 99)) / level,
        "below: brightest": float(np.percentile(at_foot, 95) / np.median(off_foot)),
        "table: level": level,
        "table: red over green": red / green,
        "table: blue over green": blue / green,
        "table: right to left": float(np.log(right.mean() / left_.mean())),
        "table: reddening": float(np.log(right[2] / right[0] * left_[0] / left_[2])),
        "table: front to back": float(np.log(tiles[5].mean() / upper.mean())),
        "table: noise": float((grey - smooth)[below].std()),
        "beyond the table": float(grey[: height // 40].mean()),
    }


def renders(**held: float) -> Iterator[Image]:
    """Pictures of the ten parts, each in a session of its own, as JPEG leaves them."""
    ranges = SceneConfig.model_validate(held)
    for number in range(_PICTURES):
        rng = np.random.default_rng(number)
        part = sorted(PARTS)[number % len(PARTS)]
        poses = EMBEDDED.poses(part)
        lying = drop(part, draw_colour(rng), rng, poses, range(len(poses)))
        shot = Shot(draw_scene(rng, ranges), lying, 0.0, _SIZE_PX, _SIZE_PX, number)
        yield _decoded(encode_jpeg(take(shot).image))


def photographs(folder: Path) -> Iterator[Image]:
    """Photographs picked at random from the class folders of `folder`."""
    paths = sorted(folder.glob("*/*.jpg"))
    for place in np.random.default_rng(0).permutation(len(paths))[:_PICTURES]:
        yield _decoded(paths[place].read_bytes())


def distances(real: Iterator[Image], simulated: Iterator[Image]) -> dict[str, float]:
    """How far two sets of pictures are apart in each statistic, in standard deviations of the real ones.

    The mean difference of the quantiles: the earth mover's distance in one dimension.
    """
    (names, true), (_, drawn) = _table(real), _table(simulated)
    apart = np.abs(np.percentile(true, _PERCENTS, axis=0) - np.percentile(drawn, _PERCENTS, axis=0))
    return dict(zip(names, apart.mean(axis=0) / true.std(axis=0), strict=True))


def realism() -> Iterator[Figure]:
    """The mean distance of simulated pictures from photographs, beside that of photographs of other sorts."""
    if not PHOTOGRAPHS.is_dir():
        yield Figure("simulated pictures against photographs", "skipped", f"no {PHOTOGRAPHS} here", 1.0)
        return
    apart = fmean(distances(photographs(PHOTOGRAPHS), renders()).values())
    yield Figure("simulated pictures against photographs", f"{apart:.2f} sigma", "0.5 sigma", 0.5 / apart)


def main() -> None:
    """Print how far pictures are apart with everything, and without each ingredient."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else PHOTOGRAPHS
    real = list(photographs(folder))
    if not real:
        sys.exit(f"there are no photographs in {folder}: name a folder of class folders")
    whole = distances(iter(real), renders())
    table = Table("statistic", "distance", title="With everything")
    for name, distance in whole.items():
        table.add_row(name, f"{distance:.2f}")
    Console().print(table)
    table = Table("without", "mean distance", "what it changes most", title="Ingredients")
    table.add_row("(with everything)", f"{fmean(whole.values()):.3f}", "")
    for ingredient, held in INGREDIENTS.items():
        apart = distances(iter(real), renders(**held))
        most = max(apart, key=lambda name: abs(apart[name] - whole[name]))
        table.add_row(
            ingredient,
            f"{fmean(apart.values()):.3f}",
            f"{most}: {whole[most]:.2f} -> {apart[most]:.2f}",
        )
    Console().print(table)


def _table(pictures: Iterator[Image]) -> tuple[list[str], np.ndarray]:
    rows = [row for picture in pictures if (row := statistics(picture))]
    return list(rows[0]), np.array([list(row.values()) for row in rows])


def _decoded(data: bytes) -> Image:
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), dtype=np.uint8)


if __name__ == "__main__":
    main()
