"""The options of `rig train` that say how a network is fitted."""

from pathlib import Path
from typing import Annotated

import typer

from rig.cli.exclusions import Exclusion, all_but, any_of
from rig.cli.numbers import positive_number, share, whole_number
from rig.contrast import Contrast
from rig.errors import BadInput
from rig.workers import cores
from training.choices.augmentation import Strength
from training.choices.names import own_name
from training.choices.origin import Weights
from training.choices.recipe import THAWED, Balance, OptimizerName, Recipe
from training.choices.schedules import ScheduleName

AUGMENTATION_SHEET = Path("augmentation.png")
USUAL = Recipe()
# Of pictures at full size, a batch of so many is gigabytes already.
_MOST_A_STEP = 4096

AllowMixed = Annotated[
    bool, typer.Option("--allow-mixed", help="Train on simulated and real pictures together.")
]
Network = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="residual-cnn, small-cnn, plain-cnn, or one of keras.applications, such as MobileNetV2.",
    ),
]
Size = Annotated[
    int | None,
    typer.Option(
        metavar="PX",
        parser=whole_number("--size", least=32, most=1024),
        help="Side of the network's input (default: 96).",
    ),
]
ContrastOf = Annotated[
    Contrast,
    typer.Option(
        help="Grey values normalised by their neighbourhood, standardised over the crop, or as they are;"
        " or colours."
    ),
]
NoCrop = Annotated[
    bool, typer.Option("--no-crop", help="Show the network whole pictures, not the part found in them.")
]
PretrainedOn = Annotated[
    str,
    typer.Option(
        "--weights", metavar="imagenet|FILE", help="What the network begins with (default: random numbers)."
    ),
]
FreezeEpochs = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        parser=whole_number("--freeze-epochs", least=0),
        help="With --weights: epochs in which only the head is fitted (default: three eighths).",
    ),
]
Thaw = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE",
        parser=share("--thaw", example="0.3"),
        help="With --weights: share of the layers, from the last, that are fitted after that (default: 0.3).",
    ),
]
Features = Annotated[
    bool,
    typer.Option(
        "--features", help="With --weights: fit nothing but a logistic regression on them, in one go."
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
    typer.Option(
        metavar="N",
        parser=whole_number("--batch", least=1, most=_MOST_A_STEP),
        help="Pictures a step (default: 32).",
    ),
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
WeightDecay = Annotated[
    float,
    typer.Option(
        metavar="SHARE",
        parser=share("--weight-decay", example="0.01"),
        help="How far AdamW pulls weights towards 0, a step, by the learning rate.",
    ),
]
LabelSmoothing = Annotated[
    float,
    typer.Option(
        metavar="SHARE",
        parser=share("--label-smoothing", example="0.1", all_of_it=False),
        help="Of the target, spread over all parts: keeps the network from being too sure.",
    ),
]
Mixing = Annotated[
    float,
    typer.Option(
        metavar="SHARE",
        parser=share("--mixing", example="0.3"),
        help="Of the pictures that another one shines through, of whatever part.",
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
Distribute = Annotated[
    bool,
    typer.Option(
        "--distribute", help="Share the work among the GPUs here, or the hosts that TF_CONFIG names."
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        parser=whole_number("--jobs", least=1),
        help="Networks fitted at once (default: one for each core; of Keras's networks, one).",
    ),
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


# How a network is fitted, epoch by epoch.
_OF_EPOCHS = (
    "--freeze-epochs",
    "--thaw",
    "--epochs",
    "--batch",
    "--optimizer",
    "--schedule",
    "--learning-rate",
    "--weight-decay",
    "--label-smoothing",
    "--patience",
)

EXCLUSIONS = (
    Exclusion("--resume", "--resume goes on with a run as it was begun", all_but("--name")),
    Exclusion(
        "--features",
        "--features fits a logistic regression to pictures as they are, in one go",
        any_of(
            *_OF_EPOCHS,
            "--mixing",
            "--augment",
            "--no-flip",
            "--show-augmentation",
            "--find-rate",
            "--jobs",
        ),
    ),
    Exclusion(
        "--show-augmentation",
        "--show-augmentation trains nothing",
        any_of(
            "--find-rate",
            "--distribute",
            "--jobs",
            "--with-renders",
            "--name",
            "--folds",
            *_OF_EPOCHS,
            "--balance",
        ),
    ),
    Exclusion(
        "--find-rate",
        "--find-rate trains nothing and raises the rate by itself",
        any_of("--jobs", "--learning-rate", "--schedule", "--patience"),
    ),
    Exclusion(
        "--distribute",
        "--distribute shares out the epochs of a training",
        any_of("--find-rate", "--features", "--jobs"),
    ),
    Exclusion(
        "--thaw",
        "--thaw 0 leaves nothing but the head to be fitted",
        any_of("--freeze-epochs"),
        when=lambda share: share == 0,
    ),
    Exclusion(
        "--optimizer",
        "--optimizer decays weights only if it is adamw",
        any_of("--weight-decay"),
        when=lambda name: name is not OptimizerName.ADAMW,
    ),
)
"""Of the options of `rig train`."""


def usual_jobs(network: str) -> int:
    """How many networks are fitted at once. Those of Keras take gigabytes each."""
    return cores() if own_name(network) else 1


def beginning(
    recipe: Recipe, weights: str, freeze_epochs: int | None, thaw: float | None, *, features: bool
) -> Recipe:
    """The recipe for what its network begins with.

    Raises:
        BadInput: the weights cannot be read, or one of these options does not go with the others.
    """
    given = {"--features": features, "--freeze-epochs": freeze_epochs is not None, "--thaw": thaw is not None}
    chosen = [option for option, is_given in given.items() if is_given]
    if not weights:
        if chosen:
            raise BadInput(f"{chosen[0]} is of use with pretrained weights only", hint="add --weights")
        return recipe
    asked = Weights.named(weights)
    if features:
        return recipe.with_logistic_head(asked)
    if freeze_epochs is not None and freeze_epochs > recipe.epochs:
        raise BadInput(
            f"--freeze-epochs {freeze_epochs} is more than the {recipe.epochs} epochs that there are",
            hint="give fewer, or more --epochs",
        )
    if freeze_epochs == recipe.epochs and thaw:
        raise BadInput(
            f"--freeze-epochs {freeze_epochs} leaves no epoch for what --thaw names",
            hint="give fewer, or leave out --thaw",
        )
    return recipe.with_transfer(asked, frozen_epochs=freeze_epochs, thawed=THAWED if thaw is None else thaw)
