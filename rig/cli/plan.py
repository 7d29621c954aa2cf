"""`rig plan`"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rig.cli.numbers import whole_number
from rig.cli.settings import Settings, counted, settings_of

if TYPE_CHECKING:
    from rig.catalog import PartNumber
    from rig.config import Config
    from rig.sorting.planning import Pass, Plan

# More tables than these nobody reads; all are in the file and in the picture.
_MOST_BINS = 1000
_MOST_SHOWN = 6


def plan(
    context: typer.Context,
    counts: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv", help="How many of each part to expect (default: as the ledger has them)."
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Plan for all parts that this model knows, and alike where nothing is counted.",
        ),
    ] = None,
    bins: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            parser=whole_number("--bins", least=1, most=_MOST_BINS),
            help="Bins beside the reject bin (default: those of rig.toml).",
        ),
    ] = None,
    capacity: Annotated[
        int | None,
        typer.Option(
            metavar="PARTS",
            parser=whole_number("--capacity", least=1),
            help="What a bin holds: says how often it is to be emptied.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE.toml", help="Keep the plan here, and a picture of it beside it."),
    ] = None,
) -> None:
    """Find the passes that sort more parts than there are bins, and touch as few of them as possible."""
    settings = settings_of(context)
    config = settings.load_config()
    from rig.bin_config import homes_of
    from rig.sorting.plan_file import write_plan
    from rig.sorting.plan_picture import write_picture
    from rig.sorting.planning import chunked_plan, optimal_plan

    if out is not None:
        _require_free(out)
    names = _bin_names(config, bins)
    homes = homes_of(config.bins)
    made = optimal_plan(_expected(settings, config, counts, model), names, homes)
    peer = chunked_plan(made.counts, names)
    for each in made.passes[:_MOST_SHOWN]:
        _print_pass(settings, each, capacity)
    if (more := len(made.passes) - _MOST_SHOWN) > 0:
        settings.say(f"{counted(more, 'more pass', 'more passes')}: see the file and the picture of --out.")
    _print_figures(settings, made, peer, capacity)
    picture = None
    if out is not None:
        write_plan(out, made)
        picture = write_picture(_picture_beside(out), made)
        settings.say(f"Wrote {out} and {picture}. Begin with: rig sort --plan {out} --pass 1")
    settings.print_json(
        {
            "plan": made,
            "parts": made.parts,
            "touches": made.touches,
            "touches_by_part_number": peer.touches,
            "file": out,
            "picture": picture,
        }
    )


def _require_free(out: Path) -> None:
    from rig.errors import BadInput

    if out.suffix != ".toml":
        raise BadInput(f"{out} does not end in .toml", hint=f"such as: --out {out.with_suffix('.toml')}")
    for path in (out, _picture_beside(out)):
        if path.exists():
            raise BadInput(
                f"{path} is there already", hint="heaps may be sorted by it: name another file, or delete it"
            )


def _picture_beside(out: Path) -> Path:
    return out.with_suffix(".svg")


def _expected(
    settings: Settings, config: "Config", path: Path | None, model: str | None
) -> "dict[PartNumber, int]":
    from rig.errors import BadInput
    from rig.shelf import find_bundle
    from rig.sorting.expected import counts_of_classes, read_counts, recorded_counts

    known = recorded_counts(config.ledger, config.sorting.reject_bin) if path is None else read_counts(path)
    if model is not None:
        expected = counts_of_classes(find_bundle(config.paths.models, model).card.labels, known)
        if strange := [part for part in known if part not in expected]:
            settings.say(f"{counted(len(strange), 'part')} left out that {model} does not know.")
        return expected
    if not known:
        raise BadInput(
            "the ledger has no parts yet, from which to know what to expect",
            hint="give --counts FILE.csv (part,count), or --model NAME for all that a model knows",
        )
    return known


def _bin_names(config: "Config", number: int | None) -> list[str]:
    """The bins of rig.toml, as many of them as are wanted; where there are fewer, others are thought up."""
    sorting = config.sorting
    names = [bin_.name for bin_ in config.bins if bin_.name not in (sorting.reject_bin, sorting.return_bin)]
    if number is None:
        return names
    thought_up = (f"bin-{place}" for place in range(1, number + len(names) + 1))
    names += [name for name in thought_up if name not in names]
    return names[:number]


def _print_pass(settings: Settings, each: "Pass", capacity: int | None) -> None:
    from rig.sorting.planning import shortened

    settings.print_table(
        f"Pass {each.number}: feed {each.heap} ({counted(each.parts, 'part')})",
        ("bin", "classes", "parts", "then", *(["emptied meanwhile"] if capacity else [])),
        [
            (
                content.bin_name,
                shortened(content.classes),
                str(content.parts),
                content.goes,
                *([f"{content.emptyings(capacity) or 'not'}"] if capacity else []),
            )
            for content in each.bins
        ],
    )


def _print_figures(settings: Settings, made: "Plan", peer: "Plan", capacity: int | None) -> None:
    rows = [
        ("classes, bins", *[f"{len(each.counts)}, {len(each.bins)}" for each in (made, peer)]),
        ("parts expected", *[str(each.parts) for each in (made, peer)]),
        ("touches", *[str(each.touches) for each in (made, peer)]),
        ("touches a part", *[f"{each.touches_a_part:.2f}" for each in (made, peer)]),
        ("passes", *[str(len(each.passes)) for each in (made, peer)]),
        ("heaps that wait, at most", *[str(each.most_waiting) for each in (made, peer)]),
    ]
    if capacity:
        rows.append(
            (
                f"bins emptied in the middle of a pass ({capacity} parts each)",
                *[str(each.emptyings(capacity)) for each in (made, peer)],
            )
        )
    settings.print_table("Summary", ("", "this plan", "by part number, equal bins"), rows)
