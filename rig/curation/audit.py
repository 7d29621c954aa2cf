"""What is wrong with a dataset: damage, wrong names, copies, wrong labels, and leaks between splits."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from rig.curation.inspection import Pair, alike, identical, inspect, unreadable
from rig.curation.standstill import standstills
from rig.curation.suspects import Examiner
from rig.dataset.index import Index, below
from rig.dataset.progress import Emit, Progress
from rig.model import Bundle


class Problem(StrEnum):
    """A kind of finding, in the words of its heading."""

    UNREADABLE = "Unreadable pictures"
    EMPTY_CLASS = "Class folders without a picture"
    ROW_WITHOUT_FILE = "Rows without a file"
    FILE_WITHOUT_ROW = "Files without a row"
    SEVERAL_ROWS = "Files with several rows"
    OTHER_LABEL = "Rows that contradict their folder"
    IDENTICAL = "The same picture twice"
    ALIKE = "Nearly the same picture in different bricks, sessions or parts"
    STANDSTILL = "Sessions in which the part does not turn"
    SUSPECT = "Labels that the model disagrees with"
    LEAK = "Leaks between splits"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        problem: of what kind.
        file: path below the dataset, with forward slashes.
        detail: what exactly; may be empty.
    """

    problem: Problem
    file: str
    detail: str


def audit(index: Index, bundle: Bundle | None, emit: Emit, note: Callable[[str], None]) -> Iterator[Finding]:
    """Look at every picture; then give what was found, kind by kind. Ask once for each index.

    Args:
        bundle: to ask about labels.
        note: gets what could not be checked, a sentence each.

    Raises:
        ModelError: the bundle is damaged.
    """
    examiner = None if bundle is None else Examiner(bundle, index)
    inspect(index, emit, None if examiner is None else examiner.look)
    emit(Progress("Comparing pictures", index.pictures, None))
    kinds = list(Problem)
    # Kept in the index and not in memory: everything may be wrong with a large dataset.
    index.database.execute("CREATE TABLE finding (kind INTEGER, file TEXT, detail TEXT)")
    for found in _findings(index, bundle, examiner):
        row = (kinds.index(found.problem), found.file, found.detail)
        index.database.execute("INSERT INTO finding VALUES (?, ?, ?)", row)
    if examiner is not None and examiner.strangers:
        note(f"The model was not trained on {', '.join(examiner.strangers)}: these labels were not checked.")
    query = "SELECT kind, file, detail FROM finding ORDER BY kind, rowid"
    return (Finding(kinds[kind], file, detail) for kind, file, detail in index.database.execute(query))


def _findings(index: Index, bundle: Bundle | None, examiner: Examiner | None) -> Iterator[Finding]:
    for name, why in unreadable(index):
        yield Finding(Problem.UNREADABLE, name, why.removeprefix(f"{index.folder / name} "))
    yield from _names_and_rows(index)
    yield from _standstills(index)
    yield from _copies(index, {} if bundle is None else _roles(bundle))
    yield from _groups_in_several_splits(index)
    for suspect in examiner.suspects() if examiner else ():
        likeness = f"looks like {suspect.top} ({suspect.top_probability:.0%})"
        yield Finding(
            Problem.SUSPECT,
            suspect.name,
            f"{likeness}, like {suspect.label} by {suspect.own_probability:.0%}",
        )


def _names_and_rows(index: Index) -> Iterator[Finding]:
    queries = {
        Problem.EMPTY_CLASS: "SELECT split, label, '' FROM class WHERE NOT EXISTS"
        " (SELECT 1 FROM file WHERE file.split = class.split AND file.label = class.label)",
        Problem.ROW_WITHOUT_FILE: "SELECT split, file_name, '' FROM row WHERE NOT EXISTS"
        " (SELECT 1 FROM file WHERE file.split = row.split AND file.file_name = row.file_name)",
        Problem.FILE_WITHOUT_ROW: "SELECT split, file_name, '' FROM picture WHERE NOT has_row ORDER BY id",
        Problem.SEVERAL_ROWS: "SELECT split, file_name, times || ' rows' FROM row WHERE times > 1",
        Problem.OTHER_LABEL: "SELECT split, file_name, 'its row says ' || row_label FROM picture"
        " WHERE row_label <> label ORDER BY id",
    }
    for problem, query in queries.items():
        if problem is Problem.FILE_WITHOUT_ROW and not index.has_manifest:
            continue  # without a manifest nothing need be named
        for split, file_name, detail in index.database.execute(query):
            yield Finding(problem, below(split, file_name), detail)


def _standstills(index: Index) -> Iterator[Finding]:
    for still in standstills(index):
        detail = f"{still.views} views show the same"
        if still.from_deg is not None and still.from_deg == still.to_deg:
            detail = f"{still.views} views, and its rows say {still.from_deg:g} degrees of all"
        elif still.from_deg is not None:
            detail = f"{still.views} views show the same, from {still.from_deg:g} to {still.to_deg:g} degrees"
        yield Finding(Problem.STANDSTILL, still.first, detail)


def _copies(index: Index, roles: Mapping[str, "_Role"]) -> Iterator[Finding]:
    """Copies; those that connect what is trained on with what is tested on are leaks."""
    for problem, pairs in ((Problem.IDENTICAL, identical(index)), (Problem.ALIKE, alike(index))):
        words = "the same as" if problem is Problem.IDENTICAL else "nearly the same as"
        for pair in pairs:
            leak = _leak(pair, roles)
            detail = f"{words} {pair.first}"
            yield Finding(
                Problem.LEAK if leak else problem, pair.other, f"{detail}, {leak}" if leak else detail
            )


@dataclass(frozen=True)
class _Role:
    """What a picture did for a model: the folds, from 1, that its group tested, 0 for the model itself."""

    group: str
    tested: frozenset[int]


def _leak(pair: Pair, roles: Mapping[str, _Role]) -> str:
    """Why a pair of copies is a leak; empty if it is none."""
    if pair.splits[0] != pair.splits[1]:
        return f"which is in {pair.splits[0]}"
    one, two = (roles.get(digest) for digest in pair.digests)
    if one and two and one.group != two.group and one.tested != two.tested:
        number = min(one.tested ^ two.tested)
        who = f"fold {number} of the model" if number else "the model"
        return f"and {who} was tested on one and trained on the other"
    return ""


def _roles(bundle: Bundle) -> dict[str, _Role]:
    """By digest, of every picture that the model was made from."""
    tested_in: dict[str, set[int]] = {}
    for number, network in enumerate((bundle, *bundle.folds())):
        for group in network.card.split.tested:
            tested_in.setdefault(group, set()).add(number)
    group_of = bundle.image_groups()
    roles = {group: _Role(group, frozenset(tested_in.get(group, ()))) for group in set(group_of.values())}
    return {digest: roles[group] for digest, group in group_of.items()}


def _groups_in_several_splits(index: Index) -> Iterator[Finding]:
    query = """
        SELECT split, file_name, label, grp, group_concat(DISTINCT split), min(id) FROM picture
        GROUP BY label, grp HAVING count(DISTINCT split) > 1 ORDER BY label, grp
    """
    for split, file_name, label, group, splits, _ in index.database.execute(query):
        whose = f"brick or session {group}" if group else "of which nobody said the brick"
        detail = f"{label}, {whose}, is in {splits.replace(',', ' and ')}"
        yield Finding(Problem.LEAK, below(split, file_name), detail)
