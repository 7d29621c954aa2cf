"""`rig dataset`"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from rig.cli.numbers import three_shares, whole_number
from rig.cli.passed_over import say_what_is_passed_over
from rig.cli.pictures import Data, Folder
from rig.cli.settings import Settings, counted, settings_of

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

    from rig.curation.audit import Finding
    from rig.curation.sheet import Drawn
    from rig.dataset.exporting import Exported
    from rig.dataset.index import Index
    from rig.dataset.journal import Change
    from rig.dataset.progress import Emit, Progress

T = TypeVar("T")

app = typer.Typer(help="Look after captured pictures.", no_args_is_help=True)

Label = Annotated[str, typer.Argument(metavar="OLD", help="The part number that the pictures carry now.")]

# Headings of `stats`, by the counts of PartStats. What the manifest never says is left out.
_COLUMNS = {
    "images": "pictures",
    "sessions": "sessions",
    "physical_parts": "bricks",
    "poses": "poses",
    "colours": "colours",
    "camera": "camera",
    "simulated": "simulated",
    "other_source": "other source",
    "without_row": "without row",
}


class Format(StrEnum):
    """How an export is packed."""

    FOLDER = "folder"
    ZIP = "zip"


@app.command("stats", short_help="How many pictures of what?")
def stats(context: typer.Context, data: Folder = None) -> None:
    """Count sessions, bricks, poses, colours and pictures of each part."""
    settings, folder = _start(context, data)
    from rig.dataset.stats import stats_of_all, stats_of_parts

    with _worked(settings, folder, lambda index, _: (stats_of_parts(index), stats_of_all(index))) as found:
        parts, total = found
    columns = [column for column in _COLUMNS if getattr(total, column)]
    settings.print_table(
        f"{counted(total.images, 'picture')} of {counted(len(parts), 'part')} in {folder}",
        ("part", *(_COLUMNS[column] for column in columns)),
        [
            (part.label or "all", *(str(getattr(part, column) or "-") for column in columns))
            for part in (*parts, total)
        ],
    )
    settings.print_json({"data": folder, "parts": parts, "total": total})


@app.command("check", short_help="What is wrong with them?")
def check(
    context: typer.Context,
    data: Folder = None,
    model: Annotated[
        Path | None,
        typer.Option(metavar="MODEL", help="A model bundle; it is asked which labels may be wrong."),
    ] = None,
) -> None:
    """Look for damage, missing rows and files, copies, wrong labels, and leaks between splits.

    Neighbouring views of one brick are expected to be alike. A model names pictures that it was trained on by
    the fold models that have not seen them. An exported folder is checked with all its splits.

    The exit code is 0 when nothing is wrong, and 1 when something is.
    """
    settings, folder = _start(context, data)
    from rig.curation.audit import Problem, audit
    from rig.model import load_bundle

    bundle = None if model is None else load_bundle(model)
    counts: dict[Problem, int] = {}
    documents = []

    def work(index: "Index", emit: "Emit") -> tuple[int, Iterator["Finding"]]:
        return index.pictures, audit(index, bundle, emit, settings.say)

    with _worked(settings, folder, work) as (pictures, findings):
        for finding in findings:
            if settings.as_json:
                kind = finding.problem.name.lower()
                documents.append({"problem": kind, "file": finding.file, "detail": finding.detail})
            else:
                _print_finding(finding, is_first=finding.problem not in counts)
            counts[finding.problem] = counts.get(finding.problem, 0) + 1
    left_out = say_what_is_passed_over(settings, folder)
    if not settings.as_json:
        summary = "; ".join(f"{problem.lower()}: {count}" for problem, count in counts.items())
        typer.echo(f"{counted(pictures, 'picture')} in {folder}: {summary or 'nothing is wrong'}.")
    settings.print_json(
        {
            "data": folder,
            "pictures": pictures,
            "right": not counts,
            "counts": {problem.name.lower(): count for problem, count in counts.items()},
            "findings": documents,
            "left_out": left_out,
        }
    )
    if counts:
        raise typer.Exit(1)


@app.command("dedupe", short_help="Take copies out.")
def dedupe(
    context: typer.Context,
    data: Folder = None,
    near: Annotated[
        bool,
        typer.Option("--near", help="Pictures of different sessions that are only nearly the same, too."),
    ] = False,
    apply: Annotated[
        bool, typer.Option("--apply", help="Do it; else it is only said what would go.")
    ] = False,
) -> None:
    """Say which pictures are copies, or take them out with --apply; `rig dataset undo` brings them back.

    Of two copies the one with a row stays, or the older one. A copy under another part's number stays too:
    only a person can say which of the two is right.
    """
    settings, folder = _start(context, data)
    from rig.curation.dedupe import find_copies, take_out
    from rig.dataset.journal import history_folder

    listed = []
    with _worked(settings, folder, lambda index, emit: find_copies(index, emit, near=near)) as copies:
        for name, stays in copies:
            if settings.as_json:
                listed.append({"file": name, "stays": stays})
            else:
                typer.echo(f"{name}  is a copy of {stays}")
        if apply and copies.removable:
            with settings.progress() as bars:
                take_out(folder, copies, _showing(bars))
    if copies.disputed:
        disputed = counted(copies.disputed, "copy is", "copies are")
        settings.say(f"{disputed} under another part's number: see rig dataset check.")
    if not settings.as_json:
        if not copies.removable:
            typer.echo(f"There are no {'other ' if copies.disputed else ''}copies in {folder}.")
        elif apply:
            typer.echo(
                f"{counted(copies.removable, 'picture was', 'pictures were')} taken out;"
                " rig dataset undo reverts that.\n"
                f"To have the room, delete {history_folder(folder)}."
            )
        else:
            typer.echo(f"{counted(copies.removable, 'picture')} would go; to have that done, say --apply.")
    settings.print_json(
        {
            "data": folder,
            "copies": listed,
            "disputed": copies.disputed,
            "applied": apply and bool(copies.removable),
        }
    )


@app.command("import", short_help="Take in pictures from elsewhere.")
def import_(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(metavar="SRC", help="Holds one folder a part number.")],
    data: Data = None,
    group_from: Annotated[
        str | None,
        typer.Option(
            metavar="RULE",
            help="Which pictures show the same brick: a regular expression with the brick in brackets, for"
            " the file name; folder, for the folder a picture lies in; or none, if nobody knows.",
        ),
    ] = None,
) -> None:
    """Copy pictures into the captured ones; what is there already is passed over.

    A model can only be tested on bricks that it was not trained on, so something has to say which pictures
    show the same brick: SRC's own metadata.jsonl, or --group-from. If every picture shows another brick, that
    is --group-from '(.+)'.
    """
    settings, folder = _start(context, data)
    from rig.dataset.importing import Unreadable, group_rule, import_folder

    unreadable = []

    def report(picture: Unreadable) -> None:
        settings.say(f"Left out: {picture.why}")
        if settings.as_json:
            unreadable.append(picture)

    rule = None if group_from is None else group_rule(group_from)
    with settings.progress() as bars:
        taken = import_folder(source, folder, rule, report, _showing(bars))
    if group_from == "none":
        settings.say(
            "Nobody said which pictures show the same brick, so all of a part are taken for one: they can"
            " train a model and cannot test it. Split by picture, its score would only say how well it"
            " remembers."
        )
    if not settings.as_json:
        typer.echo(
            f"{counted(taken.new, 'new picture is', 'new pictures are')} in {folder};"
            f" {counted(taken.known, 'was', 'were')} there already."
        )
    settings.print_json({"data": folder, "new": taken.new, "known": taken.known, "unreadable": unreadable})


@app.command("export", short_help="Hand them on, split by brick.")
def export(
    context: typer.Context,
    target: Annotated[Path, typer.Argument(metavar="DEST", help="A folder or file that is not there yet.")],
    data: Data = None,
    form: Annotated[Format, typer.Option("--format", help="What DEST shall be.")] = Format.FOLDER,
    split: Annotated[
        str, typer.Option(metavar="SHARES", help="Shares of train, validation and test.")
    ] = "0.7,0.15,0.15",
    seed: Annotated[
        int,
        typer.Option(
            metavar="N", parser=whole_number("--seed", least=0), help="The same seed makes the same split."
        ),
    ] = 0,
    allow_mixed: Annotated[
        bool, typer.Option("--allow-mixed", help="Export simulated and real pictures together.")
    ] = False,
) -> None:
    """Copy pictures into train, validation and test, never tearing a brick or a session apart.

    Hugging Face `imagefolder` loads DEST as it is; Keras and torchvision load each folder in it.
    """
    settings, folder = _start(context, data)
    from rig.dataset.exporting import export as run

    shares = three_shares(split)

    def work(index: "Index", emit: "Emit") -> "Exported":
        return run(index, target, form.value, shares, seed, allow_mixed=allow_mixed, emit=emit)

    with _worked(settings, folder, work) as exported:
        total = sum(exported.images.values())
    settings.print_table(
        f"{counted(total, 'picture is', 'pictures are')} in {target}",
        ("split", "pictures", "share", "bricks or sessions"),
        [
            (name, str(count), f"{count / total:.1%}", str(exported.groups[name]))
            for name, count in exported.images.items()
        ],
    )
    if exported.untested:
        settings.say(
            "Of these only one brick or session is known, so all of it trains and nothing is tested:"
            f" {', '.join(exported.untested)}."
        )
    if exported.left_out:
        settings.say(f"Not known in every split, so left out of the rows: {', '.join(exported.left_out)}.")
    settings.print_json({"target": target, "exported": exported})


@app.command("sheet", short_help="See many at a glance.")
def sheet(
    context: typer.Context,
    data: Data = None,
    part: Annotated[str | None, typer.Option(metavar="NUMBER", help="Pictures of this part.")] = None,
    session: Annotated[str | None, typer.Option(metavar="ID", help="Pictures of this session.")] = None,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where it goes: .jpg or .png.")] = Path(
        "sheet.jpg"
    ),
    most: Annotated[
        int,
        typer.Option(
            metavar="N", parser=whole_number("--most", least=1), help="No more pictures than these."
        ),
    ] = 144,
) -> None:
    """Draw the pictures of a part, of a session, or of everything, on one sheet."""
    settings, folder = _start(context, data)
    from rig.curation.sheet import draw_sheet

    def work(index: "Index", emit: "Emit") -> "Drawn":
        return draw_sheet(index, out, part=part, session=session, most=most, emit=emit)

    with _worked(settings, folder, work) as drawn:
        if not settings.as_json:
            typer.echo(f"{drawn.shown} of {counted(drawn.found, 'picture is', 'pictures are')} on {out}")
        settings.print_json({"sheet": out, "shown": drawn.shown, "found": drawn.found})


@app.command("rename", short_help="Mend a label that was typed wrong.")
def rename(
    context: typer.Context,
    old: Label,
    new: Annotated[str, typer.Argument(metavar="NEW", help="The right part number.")],
    data: Data = None,
) -> None:
    """Give all pictures of a part another part number; `rig dataset undo` takes it back."""
    from rig.catalog import part_number
    from rig.dataset.relabel import rename as run

    _change(context, data, lambda folder, emit: run(folder, old, part_number(new), emit))


@app.command("merge", short_help="Put a label into another one.")
def merge(
    context: typer.Context,
    old: Label,
    into: Annotated[str, typer.Argument(metavar="INTO", help="A part number that has pictures too.")],
    data: Data = None,
) -> None:
    """Put all pictures of a part into another part's; `rig dataset undo` takes it back."""
    from rig.catalog import part_number
    from rig.dataset.relabel import merge as run

    _change(context, data, lambda folder, emit: run(folder, old, part_number(into), emit))


@app.command("undo", short_help="Take the last change back.")
def undo(context: typer.Context, data: Data = None) -> None:
    """Take back the last rename, merge or dedupe that was not taken back yet."""
    from rig.dataset.journal import undo as run

    _change(context, data, run)


def _start(context: typer.Context, data: Path | None) -> tuple[Settings, Path]:
    """The folder that a command is about. Without one, rig.toml says where pictures are captured to."""
    settings = settings_of(context)
    if data is not None:
        return settings, data
    return settings, settings.load_config().paths.captures


@contextmanager
def _worked(settings: Settings, folder: Path, work: Callable[["Index", "Emit"], T]) -> Iterator[T]:
    """List a dataset and do the work under a bar. In the block the bar is gone and the list still there."""
    from rig.dataset.index import indexed

    with ExitStack() as stack:
        with settings.progress() as bars:
            emit = _showing(bars)
            index = stack.enter_context(indexed(folder, emit))
            result = work(index, emit)
        yield result


def _showing(bars: "Bars") -> "Emit":
    """Shows progress as one bar, whatever stage it is in."""
    bar = bars.add_task("Listing pictures", total=None)
    stage = ""

    def show(progress: "Progress") -> None:
        nonlocal stage
        if progress.stage != stage:
            stage = progress.stage
            bars.reset(bar, description=stage, total=progress.total)  # the time left is that of this stage
        bars.update(bar, completed=progress.done, total=progress.total)

    return show


def _change(context: typer.Context, data: Path | None, run: Callable[[Path, "Emit"], "Change"]) -> None:
    settings, folder = _start(context, data)
    with settings.progress() as bars:
        changed = run(folder, _showing(bars))
    if not settings.as_json:
        undone = "Undone" if changed.state == "undoing" else "Done"
        size = f"{counted(changed.files, 'file')}, {counted(changed.rows, 'row')}"
        typer.echo(f"{undone}: {changed.what} ({size}).")
    settings.print_json({"data": folder, "what": changed.what, "files": changed.files, "rows": changed.rows})


def _print_finding(finding: "Finding", *, is_first: bool) -> None:
    if is_first:
        typer.echo(f"{finding.problem}:")
    typer.echo(f"  {finding.file}  {finding.detail}".rstrip())
