"""Lists of parts on disk: recognised by what is in them, written by the name of their format."""

import re
from collections.abc import Iterable
from pathlib import Path

from rig.errors import BadInput
from rig.files import write_whole
from rig.inventory import bricklink, brickstore, plain, rebrickable
from rig.inventory.fields import shown
from rig.inventory.lots import Condition, Format, Lot, Reading, Writing, in_condition
from rig.inventory.xml_items import root_name
from rig.spreadsheet import column_names, decode, rows

MOST_BYTES = 64 * 2**20
"""A list is refused above this size: a shop with 100,000 lots fills a third of it."""

_HINT = (
    "lists are read from BrickLink XML, BrickStore files, Rebrickable's CSV (Part, Color, Quantity)"
    " and plain CSV (part, ldraw_colour, quantity)"
)
# Those that such files were ever seen in; others might be slow or strange.
_ENCODINGS = {"iso-8859-1", "iso-8859-15", "us-ascii", "windows-1252"}
_DECLARED = re.compile(rb"""\s*<\?xml[^>]*?\sencoding=["']([A-Za-z0-9._-]{1,40})["']""")


def read_list(path: Path) -> Reading:
    """Read a list of parts in any of the formats.

    Raises:
        BadInput: the file cannot be read, is of no known format, lists nothing, or has an item that cannot
            be used; names the line where there is one.
    """
    return read_content(_content(path), str(path))


def read_content(content: bytes, source: str) -> Reading:
    """The same of a list that was read already.

    Args:
        source: what it is from, for errors.

    Raises:
        BadInput: as `read_list`.
    """
    text = _text(content, source)
    reading = _read_xml(text, source) if text.lstrip().startswith("<") else _read_table(text, source)
    if not reading.lots and not reading.notes:
        raise BadInput(f"{source} lists no parts", hint=_HINT)
    return reading


def write_list(
    path: Path,
    format_: Format,
    lots: Iterable[Lot],
    *,
    condition: Condition = Condition.USED,
    price: float | None = None,
) -> tuple[list[Path], Writing]:
    """Write lots; where a service takes only so much at once, in several files beside each other.

    Args:
        path: of the first file; the others get a number behind the name.
        condition: of lots whose own is not known, in formats that are about things to sell.
        price: of each part, for an upload to BrickLink.

    Returns:
        The files, and what is in them.

    Raises:
        BadInput: a file exists already, there is no price where one is needed, or nothing can be written.
        StorageError: a file cannot be written.
    """
    writing = written_as(format_, lots, condition=condition, price=price)
    paths = [path.with_name(name) for name in names_of_files(path.name, len(writing.texts))]
    for target in paths:
        if target.exists():
            raise BadInput(f"{target} exists already", hint="choose another name, or delete it first")
    for target, text in zip(paths, writing.texts, strict=True):
        write_whole(target, text.encode())
    return paths, writing


def names_of_files(first: str, count: int) -> list[str]:
    """The first file's name, and those of the others, which have a number behind it."""
    path = Path(first)
    return [first, *(path.with_stem(f"{path.stem}-{number}").name for number in range(2, count + 1))]


def written_as(
    format_: Format,
    lots: Iterable[Lot],
    *,
    condition: Condition = Condition.USED,
    price: float | None = None,
) -> Writing:
    """What lots come to in a format; arguments as for `write_list`.

    Raises:
        BadInput: there is no price where one is needed, or nothing can be written.
    """
    match format_:
        case Format.BRICKLINK_UPLOAD:
            if price is None or price < bricklink.LEAST_PRICE:
                raise BadInput(
                    f"BrickLink needs a price of at least {bricklink.LEAST_PRICE} for each part",
                    hint="give one for all of them, such as: --price 0.05",
                )
            return bricklink.write_upload(in_condition(lots, condition), price)
        case Format.BRICKLINK_WANTED:
            return bricklink.write_wanted(lots)
        case Format.REBRICKABLE:
            return rebrickable.write(lots)
        case Format.BRICKSTORE:
            return brickstore.write(in_condition(lots, condition))
        case Format.CSV:
            return plain.write(lots)


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadInput(
                f"{path} has more than {MOST_BYTES // 2**20} MiB",
                hint="a list of parts is much smaller: divide it",
            )
        return path.read_bytes()
    except FileNotFoundError:
        raise BadInput(
            f"there is no file {path}",
            hint="name the file of a list of parts; that of a set is downloaded from Rebrickable, say",
        ) from None
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}", hint="name a list of parts") from error


def _text(content: bytes, source: str) -> str:
    declared = _DECLARED.match(content)
    encoding = declared[1].decode().lower() if declared else ""
    return decode(content, source, encoding if encoding in _ENCODINGS else "utf-8-sig")


def _read_xml(text: str, source: str) -> Reading:
    root = root_name(text, source)
    if root == bricklink.ROOT:
        return bricklink.read(text, source)
    if root in brickstore.ROOTS:
        return brickstore.read(text, source)
    raise BadInput(f"{source} is no list of parts: its outermost element is {shown(root)}", hint=_HINT)


def _read_table(text: str, source: str) -> Reading:
    _, header = next(rows(text, source), (1, []))
    columns = set(column_names(header))
    if any(known <= columns for known in rebrickable.COLUMNS):
        return rebrickable.read(text, source)
    if columns >= plain.COLUMNS:
        return plain.read(text, source)
    said = f"its first line is {shown(','.join(header))}" if header else "it is empty"
    raise BadInput(f"{source} is no list of parts: {said}", hint=_HINT)
