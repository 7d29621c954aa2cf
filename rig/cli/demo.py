"""`rig demo`"""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from rig.cli.numbers import whole_number
from rig.cli.settings import settings_of
from rig.cli.sort import print_summary


def demo(
    context: typer.Context,
    count: Annotated[
        int,
        typer.Option(metavar="N", parser=whole_number("--count", least=1), help="How many parts to sort."),
    ] = 30,
    folder: Annotated[Path, typer.Option(metavar="FOLDER", help="Where all of it goes; made anew.")] = Path(
        "demo"
    ),
    seed: Annotated[
        int,
        typer.Option(
            metavar="N", parser=whole_number("--seed", least=0), help="Another number shows other bricks."
        ),
    ] = 1,
) -> None:
    """See the whole loop on the simulated rig: capture a few parts, train on them, sort a mixed pile."""
    settings = settings_of(context)
    settings.say("Simulated rig (the demo always uses it).")
    from rig.cli.training import check_tensorflow, train_for_demo
    from rig.demo import PARTS, DemoCaptured, DemoFinished, DemoSorted, run_demo

    check_tensorflow()

    finished: DemoFinished | None = None
    with settings.progress() as bars:
        train = train_for_demo(bars)
        capture_bar = bars.add_task(f"Capturing {', '.join(PARTS)}", total=None)
        sort_bar = None
        with closing(run_demo(folder, count=count, seed=seed, train=train)) as events:
            for event in events:
                match event:
                    case DemoCaptured():
                        bars.update(capture_bar, completed=event.done, total=event.total)
                    case DemoSorted():
                        sort_bar = bars.add_task("Sorting") if sort_bar is None else sort_bar
                        bars.update(sort_bar, completed=event.done, total=event.total)
                    case DemoFinished():
                        finished = event
    assert finished is not None, "a demo ends with DemoFinished or an error"
    print_summary(settings, "The demo, on the simulated rig", finished.summary)
    if not settings.as_json:
        typer.echo("Look at:")
        typer.echo(f"  what was captured   {finished.contact_sheet}")
        typer.echo(f"  what was sorted     {finished.sort_report}")
        typer.echo(f"  what was learned    {finished.model / 'report' / 'index.html'}")
    settings.print_json(finished)
