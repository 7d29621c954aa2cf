"""`rig sweep`"""

import shlex
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rig.catalog import own_name
from rig.cli import train_options as options
from rig.cli.numbers import positive_number, whole_number
from rig.cli.passed_over import say_what_is_passed_over
from rig.cli.pictures import Data
from rig.cli.settings import Settings, counted, percent, settings_of
from rig.cli.training import check_tensorflow, load_tensorflow
from rig.errors import BadInput, MissingPackage
from training.sweep.search import Choice

if TYPE_CHECKING:
    from rich.progress import Progress
    from sqlalchemy.engine import URL

    from training.choices.request import TrainRequest
    from training.sweep.run import SweepEvent
    from training.sweep.standing import Standing, Tried

_MOST_SHOWN = 4


def _choices(text: str) -> tuple[Choice, ...]:
    """Names between commas; all of them where there is none.

    Raises:
        BadInput: a name is unknown.
    """
    if not text:
        return tuple(Choice)
    try:
        return tuple(Choice(name.strip()) for name in text.split(","))
    except ValueError:
        raise BadInput(
            f"--search {text} is not a list of what can be searched", hint=f"of: {', '.join(Choice)}"
        ) from None


def sweep(
    context: typer.Context,
    data: Data = None,
    name: Annotated[
        str, typer.Option(metavar="NAME", help="The sweep's name; the same one goes on with it.")
    ] = "sweep",
    trials: Annotated[
        int,
        typer.Option(
            metavar="N",
            parser=whole_number("--trials", least=1),
            help="Recipes to try in all, with those that are tried already.",
        ),
    ] = 40,
    minutes: Annotated[
        float | None,
        typer.Option(
            metavar="M",
            parser=positive_number("--minutes", example="90"),
            help="Begin no trial after so many minutes (default: no limit).",
        ),
    ] = None,
    search: Annotated[
        str, typer.Option(metavar="LIST", help=f"What to vary (default: {','.join(Choice)}).")
    ] = "",
    epochs: options.Epochs = None,
    seed: Annotated[
        int,
        typer.Option(
            metavar="N", parser=whole_number("--seed", least=0), help="Recipe K is fitted with seed N + K."
        ),
    ] = 0,
    allow_mixed: options.AllowMixed = False,
    storage: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help="A database for many machines: postgresql://USER@HOST/DATABASE (default: models/sweeps.db).",
        ),
    ] = "",
    show: Annotated[bool, typer.Option("--show", help="Try nothing: show what was tried.")] = False,
) -> None:
    """Search for the options of `rig train` that name unseen parts best.

    Random trials first, then narrowed to where the best ones lie; those that fall behind are given up. Only
    validation parts judge. Stopped or killed, the same command goes on.
    """
    settings = settings_of(context)
    config = settings.load_config()
    from training.choices.request import TrainRequest

    choices = _choices(search)
    _check_optuna()
    from training.sweep.picture import draw_sweep
    from training.sweep.standing import standing
    from training.sweep.studies import database_url

    recipe = options.USUAL if epochs is None else options.USUAL.with_epochs(epochs)
    base = TrainRequest(
        data=data or config.paths.captures,
        model=config.paths.models / own_name(name, of="a sweep"),
        folds=0,
        recipe=recipe,
        seed=seed,
        allow_mixed=allow_mixed,
    )
    picture = base.model.with_name(f"{base.model.name}.sweep.png")
    url = database_url(storage, config.paths.models)
    if show:
        found = standing(base.model.name, url)
        base = replace(
            base,
            data=data or Path(found.data or base.data),
            allow_mixed=allow_mixed or found.allow_mixed,
        )
    else:
        check_tensorflow()
        say_what_is_passed_over(settings, base.data)
        seconds = None if minutes is None else 60 * minutes
        found = _search(settings, base, url, choices, trials, seconds)
    draw_sweep(found, picture)
    _print(settings, found, base, picture)


def _check_optuna() -> None:
    """See that sweeping is possible.

    Raises:
        MissingPackage: Optuna is not installed.
    """
    if find_spec("optuna") is None:
        raise MissingPackage(
            "a sweep needs Optuna, which is not installed", hint="pip install 'brickrig[train]'"
        )


def _search(
    settings: Settings,
    base: "TrainRequest",
    database: "URL",
    choices: tuple[Choice, ...],
    trials: int,
    seconds: float | None,
) -> "Standing":
    with settings.progress() as bars:
        load_tensorflow(bars)
        from training.sweep.run import SweepRequest
        from training.sweep.run import sweep as run

        return run(SweepRequest(base, database, choices, trials, seconds), show_sweep_on(bars))


def show_sweep_on(bars: "Progress") -> Callable[["SweepEvent"], None]:
    """Shows a sweep as progress bars."""
    from training.events import Preparing

    preparing = bars.add_task("Preparing pictures", total=None)
    trying = bars.add_task("Trying", total=None, visible=False)

    def show(event: "SweepEvent") -> None:
        if isinstance(event, Preparing):
            bars.update(preparing, completed=event.done, total=event.total)
            return
        fitting = event.fitting
        bars.update(
            trying,
            visible=True,
            completed=round(1000 * event.share_done),
            total=1000,
            description=f"Trial {event.trial}, epoch {fitting.epoch} of {fitting.epochs}",
            seconds_left=event.seconds_left,
        )

    return show


def _print(settings: Settings, found: "Standing", base: "TrainRequest", picture: Path) -> None:
    given_up = sum(tried.given_up for tried in found.tried)
    best = found.ranked[:_MOST_SHOWN]
    if not best:
        settings.say("No recipe has been fitted to its end yet.")
    settings.print_table(
        f"Sweep {found.name}: {len(found.tried)} recipes tried, {given_up} of them given up early",
        ("", *(f"trial {tried.number}" for tried in best)),
        [
            ("top-1", *(percent(tried.top1) for tried in best)),
            *((choice, *(tried.options.get(choice, "-") for tried in best)) for choice in Choice),
        ],
    )
    if found.importance:
        ranked = sorted(found.importance.items(), key=lambda item: -item[1])
        settings.say(
            "What the score depends on: " + ", ".join(f"{name} {percent(share)}" for name, share in ranked)
        )
    if found.running:
        settings.say(f"Under way in other processes: {counted(found.running, 'trial')}.")
    command = _command(found.best, base) if found.best else None
    if not settings.as_json:
        typer.echo(f"Picture: {picture}")
        if command:
            typer.echo(f"The best again: {command}")
    settings.print_json(
        {
            "name": found.name,
            "best": found.best,
            "command": command,
            "tried": found.tried,
            "running": found.running,
            "importance": found.importance,
            "picture": picture,
        }
    )


def _command(best: "Tried", base: "TrainRequest") -> str:
    """The very command that fits the best network again."""
    words = ["rig", "train", "--data", str(base.data), "--folds", "0"]
    for option, value in best.options.items():
        words += [f"--{option}", value]
    words += ["--seed", str(best.seed)]
    return shlex.join([*words, "--allow-mixed"] if base.allow_mixed else words)
