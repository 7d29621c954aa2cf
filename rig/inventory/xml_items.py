"""Reads and writes lists in XML: flat items inside a known root, each with the number of its line.

Files come from strangers. Nothing is fetched or expanded: a file that declares entities is refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import NoReturn
from xml.parsers import expat

from rig.errors import BadInput
from rig.inventory.fields import Place, shown

_CHUNK = 65_536
_NO_ENTITIES = "entities have no place in a list of parts: have the file written anew"


@dataclass
class Item:
    """One item of a list, and the texts of its fields by their names, without spaces around them."""

    place: Place
    fields: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        """What a field says, the empty text for one that is absent."""
        return self.fields.get(name, "")


def root_name(text: str, source: str) -> str:
    """The name of the outermost element.

    Raises:
        BadInput: the text is no XML up to there, or declares entities; names the line.
    """
    found: list[str] = []
    parser = _parser(source)

    def start(name: str, attributes: dict[str, str]) -> None:
        found.append(name)

    parser.StartElementHandler = start
    for begin in range(0, len(text), _CHUNK):
        _parse(parser, text[begin : begin + _CHUNK], source, is_all=begin + _CHUNK >= len(text))
        if found:
            break
    return found[0]


def read_items(text: str, source: str, *, roots: Sequence[str], below: Sequence[str]) -> list[Item]:
    """All items of a list, in order.

    Args:
        roots: the names that the outermost element may have.
        below: the names of the elements from there to an item, such as Inventory, Item.

    Raises:
        BadInput: the text is no XML, has another root, declares entities, or has a field of an item twice;
            names the line.
    """
    reader = _ItemReader(source, roots, below)
    _parse(reader.parser, text, source, is_all=True)
    return reader.items


def write_items(around: Sequence[str], items: Sequence[str], *, declaration: str = "") -> str:
    """A whole document of items as `write_item` writes them.

    Args:
        around: the elements that they stand in, from the root inwards.
    """
    opening = "".join(f"<{name}>\n" for name in around)
    closing = "".join(f"</{name}>\n" for name in reversed(around))
    return f"{declaration}{opening}{''.join(items)}{closing}"


def write_item(name: str, fields: dict[str, object]) -> str:
    """One item on a line of its own; fields that are None are left out."""
    inside = "".join(
        f"<{tag}>{escape(str(value), quote=False)}</{tag}>"
        for tag, value in fields.items()
        if value is not None
    )
    return f"<{name}>{inside}</{name}>\n"


class _ItemReader:
    """Follows how deep in the tree the parser is, and how far its way there is the way to an item."""

    def __init__(self, source: str, roots: Sequence[str], below: Sequence[str]) -> None:
        self.items: list[Item] = []
        self.parser = _parser(source)
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self._source = source
        self._roots = roots
        self._way = [roots, *([name] for name in below)]
        self._depth = 0
        self._followed = 0
        self._pieces: list[str] = []

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if self._depth == 0 and name not in self._roots:
            raise self._place.refusal(
                f"the outermost element is {shown(name)}", hint=f"it should be {' or '.join(self._roots)}"
            )
        if self._followed == self._depth < len(self._way) and name in self._way[self._depth]:
            self._followed += 1
            if self._followed == len(self._way):
                self.items.append(Item(self._place))
        self._depth += 1
        if self._is_in_field:
            self._pieces = []

    def _text(self, piece: str) -> None:
        if self._is_in_field:
            self._pieces.append(piece)

    def _end(self, name: str) -> None:
        if self._is_in_field:
            fields = self.items[-1].fields
            if name in fields:
                raise self._place.refusal(f"{name} stands twice in one item", hint="delete one of the two")
            fields[name] = "".join(self._pieces).strip()
        self._depth -= 1
        self._followed = min(self._followed, self._depth)

    @property
    def _is_in_field(self) -> bool:
        return self._depth == len(self._way) + 1 == self._followed + 1

    @property
    def _place(self) -> Place:
        return Place(self._source, self.parser.CurrentLineNumber)


def _parser(source: str) -> expat.XMLParserType:
    parser = expat.ParserCreate()

    def refuse_entity(name: str, *rest: object) -> NoReturn:
        place = Place(source, parser.CurrentLineNumber)
        raise place.refusal(f"the file declares an entity, {shown(name)}", hint=_NO_ENTITIES)

    # A mere <!DOCTYPE BrickStoreXML>, as BrickStore wrote it for years, does no harm.
    parser.EntityDeclHandler = refuse_entity
    return parser


def _parse(parser: expat.XMLParserType, text: str, source: str, *, is_all: bool) -> None:
    try:
        parser.Parse(text, is_all)
    except expat.ExpatError as error:
        what = expat.ErrorString(error.code)
        raise BadInput(
            f"{source}, line {error.lineno}: no XML can be read there: {what}",
            hint="have the file written anew, or mend that line",
        ) from error
