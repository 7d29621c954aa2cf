"""A plan as a picture: each pass a box with a line for each bin, and what is fed again leads to its pass."""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

from rig.files import write_whole
from rig.sorting.planning import BinContent, Pass, Plan, shortened

# All lengths in px.
_WIDTH, _ROW, _HEADER = 390, 22, 30
_BESIDE, _BELOW = 90, 18
_MARGIN, _TITLE = 24, 62
# Of bin, classes and heap: what is longer is cut.
_BIN_LETTERS, _CLASS_LETTERS, _HEAP_LETTERS = 9, 30, 42

_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #222; }
.title { font-size: 22px; font-weight: 700; }
.pass, .bin { font-weight: 700; }
.faint { fill: #666; }
.box { fill: #fff; stroke: #777; stroke-width: 1.5; }
.finished { fill: #dff2e0; }
.kept { fill: #ffe9a8; }
.way { fill: none; stroke: #c89b14; stroke-width: 2; }
"""


@dataclass(frozen=True)
class _Box:
    """A pass, and where the upper left corner of its box is."""

    each: Pass
    x: int
    y: int

    @property
    def height(self) -> int:
        return _height(self.each)

    def row_y(self, place: int) -> int:
        """Where the line of the `place`-th bin begins."""
        return self.y + _HEADER + _ROW * place


def write_picture(path: Path, plan: Plan) -> Path:
    """Draw a plan as an SVG that needs no other file, and give back its path.

    Raises:
        StorageError: it cannot be written.
    """
    write_whole(path, _svg(plan).encode())
    return path


def _svg(plan: Plan) -> str:
    boxes = _boxes(plan)
    width = max(box.x for box in boxes.values()) + _WIDTH + _MARGIN
    height = max(box.y + box.height for box in boxes.values()) + _MARGIN
    ways = "".join(_way(box, boxes) for box in boxes.values())
    drawn = "\n".join(_box(box) for box in boxes.values())
    title = (
        f"{len(plan.counts)} classes in {len(plan.bins)} bins: {len(plan.passes)} passes,"
        f" {plan.touches_a_part:.2f} touches a part"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}">\n<style>{_STYLE}</style>\n'
        f'<rect width="{width}" height="{height}" fill="#fbfaf7"/>\n'
        f'<text class="title" x="{_MARGIN}" y="{_MARGIN + 16}">{title}</text>\n{ways}\n{drawn}\n</svg>\n'
    )


def _boxes(plan: Plan) -> dict[int, _Box]:
    """Where the box of each pass is: right of the one that leaves its heap, clear of its neighbours."""
    spans: dict[int, int] = {}
    for each in reversed(plan.passes):
        below = sum(spans[number] for _, number in _kept(each))
        spans[each.number] = max(_height(each) + _BELOW, below)
    boxes: dict[int, _Box] = {}
    corners = {1: (_MARGIN, _TITLE)}
    for each in plan.passes:
        x, y = corners[each.number]
        boxes[each.number] = _Box(each, x, y)
        for _, number in _kept(each):
            corners[number] = (x + _WIDTH + _BESIDE, y)
            y += spans[number]
    return boxes


def _height(each: Pass) -> int:
    return _HEADER + _ROW * len(each.bins)


def _kept(each: Pass) -> Iterator[tuple[int, int]]:
    """Place of each bin that is fed again, and the number of the pass that feeds it."""
    for place, content in enumerate(each.bins):
        if content.next_pass is not None:
            yield place, content.next_pass


def _way(box: _Box, boxes: dict[int, _Box]) -> str:
    ways = []
    for place, number in _kept(box.each):
        x, y = box.x + _WIDTH, box.row_y(place) + _ROW // 2
        target = boxes[number]
        end_y, bend = target.y + _HEADER // 2, (target.x - x) // 2
        ways.append(f"M{x} {y}C{x + bend} {y} {target.x - bend} {end_y} {target.x} {end_y}")
    return f'<path class="way" d="{"".join(ways)}"/>' if ways else ""


def _box(box: _Box) -> str:
    each = box.each
    rows = "".join(_row(box, place, content) for place, content in enumerate(each.bins))
    heap = _cut(f"{each.heap}: {each.parts} parts", _HEAP_LETTERS)
    return (
        f'<rect class="box" x="{box.x}" y="{box.y}" width="{_WIDTH}" height="{box.height}" rx="4"/>'
        f'<text class="pass" x="{box.x + 10}" y="{box.y + 20}">Pass {each.number}</text>'
        f'<text class="faint" x="{box.x + _WIDTH - 10}" y="{box.y + 20}" text-anchor="end">{heap}'
        f"</text>{rows}"
    )


def _row(box: _Box, place: int, content: BinContent) -> str:
    y = box.row_y(place)
    right = box.x + _WIDTH
    look = "finished" if content.next_pass is None else "kept"
    classes = shortened(content.classes, most=3)
    then = "" if content.next_pass is None else f"pass {content.next_pass}"
    return (
        f'<rect class="{look}" x="{box.x + 1}" y="{y}" width="{_WIDTH - 2}" height="{_ROW - 2}"/>'
        f'<text class="bin" x="{box.x + 10}" y="{y + 15}">{_cut(content.bin_name, _BIN_LETTERS)}</text>'
        f'<text x="{box.x + 84}" y="{y + 15}">{_cut(classes, _CLASS_LETTERS)}'
        f"<title>{escape(', '.join(content.classes))}</title></text>"
        f'<text x="{right - 64}" y="{y + 15}" text-anchor="end">{content.parts}</text>'
        f'<text class="faint" x="{right - 8}" y="{y + 15}" text-anchor="end">{then}</text>'
    )


def _cut(text: str, most: int) -> str:
    """Text that has room, ready for SVG."""
    return escape(text if len(text) <= most else f"{text[: most - 1]}…")
