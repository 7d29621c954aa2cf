"""What people say of parts: typed one by one, or in a table."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from rig.bin_config import BinConfig
from rig.catalog import PartNumber, part_number
from rig.errors import BadInput
from rig.review.queue import Answer, Doubtful, Reviews, Verdict
from rig.sorting.ledger import RowId
from rig.spreadsheet import column_names, read_text, rows

_HINT = "the first line names the columns id and part; part is a part number, 1 to 3, s or x"
_MOST_DIGITS = 18  # of a row's id, which SQLite holds in 64 bits
_WORDS = {"s": Verdict.SKIPPED, "x": Verdict.UNUSABLE}


@dataclass(frozen=True)
class ListedAnswer:
    """A row of the table: the part that it is about, and what is said of it."""

    part: Doubtful
    answer: Answer


def understood(text: str, part: Doubtful, known: Collection[str] = ()) -> Answer:
    """What is meant by `1` to `3` (a candidate), another part number, `s` (skip) or `x` (no single part).

    Args:
        known: part numbers that occur here, whose case is taken over.

    Raises:
        BadInput: it is none of these.
    """
    if text.casefold() in _WORDS:
        return Answer(_WORDS[text.casefold()])
    if text.isascii() and text.isdigit() and 1 <= int(text) <= len(part.candidates):
        return Answer(Verdict.NAMED, PartNumber(part.candidates[int(text) - 1].label))
    return Answer(Verdict.NAMED, as_known(text, known))


def as_known(text: str, known: Collection[str]) -> PartNumber:
    """The part number that is meant by a text; where it is known here, in the case in which it is.

    Raises:
        BadInput: it is none, or so short that it is a slip of the finger.
    """
    label = part_number(text)
    same = [name for name in known if name.casefold() == label.casefold()]
    if len(label) == 1 and not same:
        # No mould has such a number; it is a slip of the finger beside 1 to 3, s and x.
        raise BadInput(f"{text!r} is neither a candidate nor a part number", hint=_HINT)
    return PartNumber(same[0]) if same and label not in same else label


def known_here(bins: Iterable[BinConfig], classes: Iterable[str], labels: Iterable[str]) -> set[str]:
    """The part numbers that occur here.

    Args:
        classes: of the dataset.
        labels: of the model in use.
    """
    return {part for bin_ in bins for part in bin_.parts} | set(classes) | set(labels)


def similar(label: str, known: Collection[str]) -> list[str]:
    """Known part numbers that somebody may have meant, the nearest first."""
    return get_close_matches(label, sorted(known), n=3, cutoff=0.6)


def read_answers(path: Path, reviews: Reviews, known: Collection[str] = ()) -> list[ListedAnswer]:
    """Read and check a whole table of answers, with the columns `id` and `part`; others are passed over.

    A row that says again what was answered before is passed over, so that a table can be answered once more
    after it was interrupted.

    Raises:
        BadInput: the file cannot be read, or a row cannot be used; names the line.
        StorageError: the ledger cannot be read.
    """
    table = rows(read_text(path), str(path))
    _, header = next(table, (0, []))
    names = column_names(header)
    for name in ("id", "part"):
        if name not in names:
            raise BadInput(f"{path}: no column is called {name!r}", hint=_HINT)
    id_place, part_place = names.index("id"), names.index("part")
    answers: dict[RowId, ListedAnswer] = {}
    for line, values in table:
        where = f"{path}, line {line}"
        if len(values) <= max(id_place, part_place):
            raise BadInput(f"{where}: there are {len(values)} values only", hint=_HINT)
        part = _part(values[id_place], reviews, where)
        if part.id in answers:
            raise BadInput(f"{where}: part {part.id} is there twice", hint="delete one of the two lines")
        try:
            answer = understood(values[part_place], part, known)
        except BadInput as error:
            raise BadInput(f"{where}: {error.what}", hint=error.hint) from error
        before = reviews.answer_to(part.id)
        if before not in (None, answer):
            raise BadInput(
                f"{where}: part {part.id} was answered otherwise before ({before.label or before.verdict})",
                hint="delete that line; `u` in rig review takes back the latest answers",
            )
        answers[part.id] = ListedAnswer(part, answer)
    return [listed for listed in answers.values() if reviews.answer_to(listed.part.id) is None]


def _part(text: str, reviews: Reviews, where: str) -> Doubtful:
    is_id = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
    part = reviews.find(RowId(int(text))) if is_id else None
    if part is None:
        raise BadInput(f"{where}: there is no part {text[:40]!r} on record", hint="see: rig --json review")
    if not part.looks:
        raise BadInput(f"{where}: no picture of part {text} is left", hint="delete that line")
    return part
