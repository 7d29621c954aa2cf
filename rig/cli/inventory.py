"""`rig inventory`"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rig.cli.numbers import positive_number
from rig.cli.settings import Settings, counted, percent, settings_of
from rig.errors import BadInput
from rig.inventory.lots import Condition, Format

if TYPE_CHECKING:
    from rig.inventory.lots import Lot
    from rig.inventory.progress import Progress

app = typer.Typer(help="See what was sorted and what is missing; exchange lists with BrickLink and others.")

Run = Annotated[
    str | None, typer.Option(metavar="RUN", help="Count this run of rig sort only (default: all of them).")
]
Wanted = Annotated[
    Path | None,
    typer.Option("--wanted", "--set", metavar="FILE", help="A wanted list, or the parts list of a set."),
]
Owned = Annotated[
    list[Path] | None, typer.Option(metavar="FILE", help="Parts that you have besides; may be repeated.")
]
Aliases = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Numbers of the same parts: columns part and alias.")
]
Target = Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")]
Kind = Annotated[
    Format, typer.Argument(metavar="FORMAT", help=f"One of: {', '.join(kind.value for kind in Format)}.")
]
State = Annotated[Condition, typer.Option(help="Of parts to sell, where it is not known.")]
Price = Annotated[
    float | None,
    typer.Option(
        metavar="PRICE",
        parser=positive_number("--price", example="0.05"),
        help="Of each part, for an upload to BrickLink.",
    ),
]

_BAR_LENGTH = 10


@app.callback(invoke_without_command=True)
def inventory(
    context: typer.Context,
    run: Run = None,
    wanted: Wanted = None,
    owned: Owned = None,
    aliases: Aliases = None,
) -> None:
    """Count what was sorted by part and colour; with --wanted or --set, say how much of that is there."""
    if context.invoked_subcommand is not None:
        if run or wanted or owned or aliases:
            raise BadInput(
                "--run, --wanted, --set, --owned and --aliases belong behind the command",
                hint=f"such as: rig inventory {context.invoked_subcommand} ... --wanted FILE",
            )
        return
    _check_aliases(aliases, wanted)
    settings = settings_of(context)
    stock = _stock(settings, run, owned or ())
    if wanted is None:
        _print_stock(settings, stock)
    else:
        _print_progress(settings, wanted, _progress(settings, wanted, stock, aliases))


@app.command("export", short_help="Write what is there, or missing, for others.")
def export(
    context: typer.Context,
    kind: Kind,
    target: Target,
    run: Run = None,
    wanted: Wanted = None,
    owned: Owned = None,
    aliases: Aliases = None,
    condition: State = Condition.USED,
    price: Price = None,
) -> None:
    """Write what was sorted in a format of others; with --wanted or --set, write what is missing of that."""
    _check_aliases(aliases, wanted)
    settings = settings_of(context)
    from rig.inventory.exporting import lots_to_export, require_fitting

    require_fitting(kind, is_of_missing=wanted is not None)
    stock = _stock(settings, run, owned or ())
    missing = None if wanted is None else _progress(settings, wanted, stock, aliases).missing()
    lots = lots_to_export(stock, missing, str(wanted))
    _write(settings, target, kind, lots, condition, price)


@app.command("convert", short_help="Write a list in another format.")
def convert(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(metavar="LIST", help="A list of parts in any of the formats.")],
    kind: Kind,
    target: Target,
    condition: State = Condition.USED,
    price: Price = None,
) -> None:
    """Read a list of parts, whatever its format, and write it in another one."""
    settings = settings_of(context)
    _write(settings, target, kind, _read(settings, source), condition, price)


def _stock(settings: Settings, run: str | None, owned: Sequence[Path]) -> "tuple[Lot, ...]":
    from rig.inventory.lots import merged
    from rig.sorting.expected import recorded_lots

    config = settings.load_config()
    lots = recorded_lots(config.ledger, config.sorting.reject_bin, run=run)
    for path in owned:
        lots += _read(settings, path)
    return merged(lots)


def _check_aliases(aliases: Path | None, wanted: Path | None) -> None:
    if aliases is not None and wanted is None:
        raise BadInput(
            "--aliases is for comparing with a list", hint="say with which, by --wanted FILE or --set FILE"
        )


def _read(settings: Settings, path: Path) -> "tuple[Lot, ...]":
    from rig.inventory.formats import read_list

    reading = read_list(path)
    for note in reading.notes:
        settings.say(f"{path}: {note}")
    return reading.lots


def _progress(settings: Settings, wanted: Path, stock: "Sequence[Lot]", aliases: Path | None) -> "Progress":
    from rig.inventory.aliases import read_aliases
    from rig.inventory.progress import progress

    return progress(_read(settings, wanted), stock, read_aliases(aliases) if aliases else None)


def _write(
    settings: Settings,
    target: Path,
    kind: Format,
    lots: "Sequence[Lot]",
    condition: Condition,
    price: float | None,
) -> None:
    from rig.inventory.formats import write_list
    from rig.inventory.lots import total

    paths, written = write_list(target, kind, lots, condition=condition, price=price)
    for note in written.notes:
        settings.say(note)
    parts, count = total(written.lots), len(written.lots)
    settings.say(f"{counted(parts, 'part')} in {counted(count, 'lot')}: {', '.join(map(str, paths))}")
    settings.print_json({"files": paths, "parts": parts, "lots": count, "notes": written.notes})


def _print_stock(settings: Settings, stock: "Sequence[Lot]") -> None:
    from rig.inventory.colours import colour_name
    from rig.inventory.exporting import WITH_NOTHING
    from rig.inventory.lots import total

    settings.print_table(
        f"{counted(total(stock), 'part')} in {counted(len(stock), 'lot')}",
        ("part", "colour", "count"),
        [(lot.part, colour_name(lot.colour), str(lot.quantity)) for lot in stock],
    )
    if not stock:
        settings.say(f"Nothing to count: {WITH_NOTHING}.")
    settings.print_json({"parts": total(stock), "lots": [_listed(lot) for lot in stock]})


def _print_progress(settings: Settings, wanted: Path, progress: "Progress") -> None:
    from rig.inventory.colours import colour_name

    unsure = ("perhaps",) if progress.perhaps else ()
    settings.print_table(
        f"{wanted}: {progress.have} of {counted(progress.wanted, 'part')}, {percent(progress.share)}",
        ("part", "colour", "wanted", "have", "missing", *unsure, ""),
        [
            (
                row.wanted.part,
                "any" if row.wanted.colour is None else colour_name(row.wanted.colour),
                str(row.wanted.quantity),
                str(row.have),
                str(row.missing or ""),
                *(str(row.perhaps or "") for _ in unsure),
                _bar(row.have / row.wanted.quantity),
            )
            for row in progress.rows
        ],
    )
    if progress.perhaps:
        settings.say(
            f"Perhaps there: {counted(progress.perhaps, 'missing part')} among those of unknown colour."
        )
    settings.print_json(
        {
            "wanted": progress.wanted,
            "have": progress.have,
            "perhaps": progress.perhaps,
            "share": progress.share,
            "lots": [
                _listed(row.wanted) | {"have": row.have, "missing": row.missing, "perhaps": row.perhaps}
                for row in progress.rows
            ],
        }
    )


def _bar(share: float) -> str:
    """A picture of a share; full only when nothing is missing."""
    full = int(share * _BAR_LENGTH)
    return "█" * full + "░" * (_BAR_LENGTH - full)


def _listed(lot: "Lot") -> dict[str, Any]:
    from rig.inventory.colours import colour_name

    return {
        "part": lot.part,
        "colour": lot.colour,
        "colour_name": None if lot.colour is None else colour_name(lot.colour),
        "quantity": lot.quantity,
        "condition": lot.condition,
    }
