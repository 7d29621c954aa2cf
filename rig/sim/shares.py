"""What is asked of a rendered training set: which parts, and which share of the work."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rig.catalog import PartNumber, part_number
from rig.errors import BadInput
from rig.sim.part_library import PartLibrary
from rig.sim.sitting import Sitting

_SHARE_HINT = "such as --shard 3/16: the third of sixteen"


@dataclass(frozen=True)
class Share:
    """The `number`-th of `of` shares of the work, from 1."""

    number: int
    of: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.of:
            raise BadInput(f"there is no share {self.number}/{self.of}", hint=_SHARE_HINT)

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


def share_of(text: str) -> Share:
    """The share that a person typed, such as `3/16`.

    Raises:
        BadInput: there is no such share.
    """
    number, _, of = text.partition("/")
    try:
        return Share(int(number), int(of))
    except ValueError:
        raise BadInput(f"{text!r} is not a share", hint=_SHARE_HINT) from None


def listed_parts(text: str, library: PartLibrary) -> tuple[PartNumber, ...]:
    """The parts that a person asked for, sorted, each once.

    Args:
        text: `all` of the library, each under one number; the name of a file that lists them, one a line,
            where empty lines and what follows a `#` count for nothing; or part numbers between commas.
        library: has them.

    Raises:
        BadInput: there are none, one is no part number, the library does not have it, or its file is damaged.
    """
    if text == "all":
        # A network could not tell a part under its old number from the same under its new one.
        return tuple(library.each_once())
    names = _lines(Path(text)) if Path(text).is_file() else text.split(",")
    parts = {part_number(name.strip()) for name in names if name.strip()}
    if not parts:
        raise BadInput(f"{text!r} lists no part", hint="such as --parts 3001,3004, a file, or all")
    for part in sorted(parts):
        library.find(part)
    return tuple(sorted(parts))


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f"{path} is no readable list of parts", hint="a text file, one part number a line"
        ) from error
    return [line.partition("#")[0] for line in text.splitlines()]


def sittings_of(seed: int, parts: Sequence[PartNumber], placements: int, share: Share) -> Iterator[Sitting]:
    """The sittings of a share, part by part; the shares are of equal size, to one sitting.

    A share is a run of the whole, and not every so-manieth of it: a part costs time before its first picture,
    and so each is met by as few computers as can be.
    """
    total = len(parts) * placements
    for place in range(total * (share.number - 1) // share.of, total * share.number // share.of):
        part, number = divmod(place, placements)
        yield Sitting(seed, parts[part], number)
