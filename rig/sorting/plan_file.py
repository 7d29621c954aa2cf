"""A plan on disk: TOML that a person can read, and change; read back, it is checked to come out even."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import tomlkit
from pydantic import Field, ValidationError

from rig.catalog import PartNumber
from rig.catalog_fields import AnyPart
from rig.errors import BadInput, in_plain_words
from rig.files import write_whole
from rig.inventory.lots import MOST_PARTS
from rig.section import Section
from rig.sorting.planning import Feed, Plan, Source, plan_of

_HINT = "mend it, or plan again with: rig plan --out FILE"


class _WrittenPass(Section):
    """`[[passes]]`: which bin of an earlier pass it feeds, none for the whole pile, and where that goes."""

    from_pass: int | None = None
    from_bin: str | None = None
    bins: dict[str, Annotated[tuple[AnyPart, ...], Field(min_length=1)]]


class _WrittenPlan(Section):
    """The whole file."""

    bins: tuple[str, ...]
    counts: dict[AnyPart, Annotated[int, Field(ge=0, le=MOST_PARTS)]]
    passes: tuple[_WrittenPass, ...]


def write_plan(path: Path, plan: Plan) -> None:
    """Write a plan, whole or not at all.

    Raises:
        StorageError: the disk is full or read-only; what was at `path` is as it was.
    """
    document = tomlkit.document()
    document.add(tomlkit.comment(f"{len(plan.counts)} classes, {len(plan.passes)} passes; made by: rig plan"))
    document.add(tomlkit.comment("Pass 1 feeds the whole pile, each later one what a bin was left with."))
    document["bins"] = list(plan.bins)
    document["counts"] = dict(plan.counts)
    passes = tomlkit.aot()
    for each in plan.passes:
        table = tomlkit.table()
        if each.source is not None:
            table["from_pass"], table["from_bin"] = each.source.pass_number, each.source.bin_name
        table["bins"] = {content.bin_name: list(content.classes) for content in each.bins}
        table.comment(f"pass {each.number}")
        passes.append(table)
    document["passes"] = passes
    write_whole(path, tomlkit.dumps(document).encode())


def read_plan_text(path: Path) -> str:
    """What stands in the file of a plan.

    Raises:
        BadInput: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadInput(f"there is no plan {path}", hint="make one with: rig plan --out FILE") from None
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}", hint="name a file of rig plan") from error
    except ValueError as error:
        raise BadInput(f"{path} is not valid TOML: {error}", hint=_HINT) from error


def parse_plan(text: str, path: str) -> Plan:
    """A plan from the text of the file `path`.

    Raises:
        BadInput: it is no plan, or does not leave each class alone in a bin; names the file.
    """
    try:
        written = _WrittenPlan.model_validate(tomllib.loads(text))
    except ValidationError as error:
        raise BadInput(f"{path} is no plan: {_first_problem(error)}", hint=_HINT) from error
    except ValueError as error:
        raise BadInput(f"{path} is not valid TOML: {error}", hint=_HINT) from error
    feeds = [Feed(_source(each), each.bins) for each in written.passes]
    plan = plan_of(written.counts, written.bins, feeds)
    for problem in _problems(plan):
        raise BadInput(f"{path} does not come out even: {problem}", hint=_HINT)
    return plan


def _source(each: _WrittenPass) -> Source | None:
    if each.from_pass is None and each.from_bin is None:
        return None
    return Source(each.from_pass or 0, each.from_bin or "")


def _problems(plan: Plan) -> Iterator[str]:
    """Feed heap after heap, and tell what does not fit; nothing where each class ends alone in a bin."""
    heaps: dict[Source | None, frozenset[PartNumber]] = {None: frozenset(plan.counts)}
    for each in plan.passes:
        if each.source not in heaps:
            yield f"pass {each.number} feeds what no earlier pass leaves, or what was fed before"
            return
        fed = heaps.pop(each.source)
        dropped = [part for content in each.bins for part in content.classes]
        if sorted(dropped) != sorted(fed):
            yield f"pass {each.number} does not drop each class that it feeds into one bin"
        for content in each.bins:
            if content.bin_name not in plan.bins:
                yield f"pass {each.number} uses a bin {content.bin_name!r}, which is not among its bins"
            if len(content.classes) > 1:
                heaps[Source(each.number, content.bin_name)] = frozenset(content.classes)
    for source in heaps:
        left = "the whole pile" if source is None else f"bin {source.bin_name!r} of pass {source.pass_number}"
        yield f"no pass feeds {left}"


def _first_problem(error: ValidationError) -> str:
    problem = error.errors()[0]
    key = ".".join(str(step) for step in problem["loc"])
    message = in_plain_words(problem["msg"])
    return f"{key}: {message}" if key else message
