"""The options of `rig train` that say how a network is fitted."""

from pathlib import Path
from typing import Annotated

import typer

from rig.cli.numbers import positive_number, whole_number
from rig.model import Contrast
from training.augmentation import Strength
from training.recipe import Balance, OptimizerName
from training.schedules import ScheduleName

AUGMENTATION_SHEET = Path("augmentation.png")

ContrastOf = Annotated[
    Contrast,
    typer.Option(
        help="Grey values normalised by their neighbourhood, standardised over the crop, or as they are."
    ),
]
Epochs = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        parser=whole_number("--epochs", least=1),
        help="How often each picture is shown (default: 8).",
    ),
]
Batch = Annotated[
    int | None,
    typer.Option(metavar="N", parser=whole_number("--batch", least=1), help="Pictures a step (default: 32)."),
]
Optimizer = Annotated[OptimizerName, typer.Option(help="What turns gradients into steps.")]
Schedule = Annotated[ScheduleName, typer.Option(help="How the learning rate goes from first to last step.")]
LearningRate = Annotated[
    float | None,
    typer.Option(
        metavar="RATE",
        parser=positive_number("--learning-rate", example="0.003"),
        help="At its peak (default: what is usual for the optimizer).",
    ),
]
BalanceBy = Annotated[
    Balance,
    typer.Option(help="Show rare classes as often as common ones, or count them for more in the loss."),
]
Patience = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        parser=whole_number("--patience", least=1),
        help="End once the validation loss has not fallen for N epochs at full size (default: never).",
    ),
]
FindRate = Annotated[
    bool,
    typer.Option("--find-rate", help="Train nothing: try learning rates, draw a plot, and suggest one."),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on with the run that was stopped or killed last, or with --name.")
]
WithRenders = Annotated[
    int,
    typer.Option(
        metavar="N",
        parser=whole_number("--with-renders", least=0),
        help="Renders of each part that train beside the pictures, and judge nothing.",
    ),
]
Augment = Annotated[Strength, typer.Option(help="How far the training pictures are varied.")]
NoFlip = Annotated[
    bool,
    typer.Option("--no-flip", help="Never mirror a picture (never done where two parts are mirror images)."),
]
ShowAugmentation = Annotated[
    bool,
    typer.Option(
        "--show-augmentation", help=f"Draw what the network would see into {AUGMENTATION_SHEET}, and end."
    ),
]
