"""`rig train`"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rig.catalog import own_name
from rig.cli import train_options as options
from rig.cli.exclusions import require_no_exclusion
from rig.cli.numbers import whole_number
from rig.cli.passed_over import say_what_is_passed_over
from rig.cli.pictures import Data
from rig.cli.render import rendering_on, what_is_rendered_is_kept
from rig.cli.settings import Settings, counted, percent, settings_of
from rig.cli.training import check_tensorflow, load_tensorflow, progress_on, require_beginning
from rig.contrast import Contrast
from rig.errors import BadInput, Interrupted, ModelError, RigError
from training.choices.augmentation import Strength
from training.choices.names import RESIDUAL_CNN
from training.choices.recipe import Balance, OptimizerName, Recipe
from training.choices.schedules import ScheduleName

if TYPE_CHECKING:
    from rig.card import Card
    from rig.config import Config
    from rig.dataset.reader import Sample
    from training.choices.request import TrainRequest
    from training.fitting.distribute import Distribution
    from training.measuring.baseline import Baseline
    from training.pipeline import TrainResult

_RENDERS = ".renders"
_MOST_FOLDS = 100


def train(
    context: typer.Context,
    data: Data = None,
    name: Annotated[
        str, typer.Option(metavar="NAME", help="The model's name below models/ (default: the time).")
    ] = "",
    folds: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            parser=whole_number("--folds", least=0, most=_MOST_FOLDS),
            help="Extra models, each tested on parts it has not seen; 0 for none (default: 2 where a part has"
            " fewer than ten bricks or sessions).",
        ),
    ] = None,
    network: options.Network = RESIDUAL_CNN,
    size: options.Size = None,
    contrast: options.ContrastOf = Contrast.LOCAL,
    no_crop: options.NoCrop = False,
    weights: options.PretrainedOn = "",
    freeze_epochs: options.FreezeEpochs = None,
    thaw: options.Thaw = None,
    features: options.Features = False,
    epochs: options.Epochs = None,
    batch: options.Batch = None,
    optimizer: options.Optimizer = OptimizerName.ADAMW,
    schedule: options.Schedule = ScheduleName.COSINE,
    learning_rate: options.LearningRate = None,
    weight_decay: options.WeightDecay = options.USUAL.weight_decay,
    label_smoothing: options.LabelSmoothing = options.USUAL.label_smoothing,
    mixing: options.Mixing = options.USUAL.mixing,
    balance: options.BalanceBy = Balance.SAMPLER,
    patience: options.Patience = None,
    seed: Annotated[
        int,
        typer.Option(
            metavar="N",
            parser=whole_number("--seed", least=0),
            help="The same seed makes the same model, with the same --jobs on as many cores.",
        ),
    ] = 0,
    allow_mixed: options.AllowMixed = False,
    with_renders: options.WithRenders = 0,
    augment: options.Augment = Strength.USUAL,
    no_flip: options.NoFlip = False,
    show_augmentation: options.ShowAugmentation = False,
    find_rate: options.FindRate = False,
    jobs: options.Jobs = None,
    distribute: options.Distribute = False,
    resume: options.Resume = False,
) -> None:
    """Make a model of captured pictures, and measure it on parts that it has never seen.

    Stopped or killed, `rig train --resume` goes on with it and ends with the very same model. How it goes is
    seen with: tensorboard --logdir models/.unfinished-NAME/logs
    """
    require_no_exclusion(context, options.EXCLUSIONS)
    settings = settings_of(context)
    config = settings.load_config()
    from training.choices.request import TrainRequest

    recipe = Recipe(
        optimizer=optimizer,
        schedule=schedule,
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        label_smoothing=label_smoothing,
        mixing=mixing,
        balance=balance,
        patience=patience,
        augmentation=augment.augmentation.without_flip() if no_flip else augment.augmentation,
        contrast=contrast,
        crops=not no_crop,
    )
    recipe = recipe if batch is None else replace(recipe, batch=batch)
    recipe = recipe if epochs is None else recipe.with_epochs(epochs)
    recipe = recipe if size is None else recipe.with_size(size)
    recipe = options.beginning(recipe.with_network(network), weights, freeze_epochs, thaw, features=features)
    called = own_name(name, of="a model") if name else f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    request = TrainRequest(
        data=data or config.paths.captures,
        model=config.paths.models / called,
        folds=folds,
        recipe=recipe,
        seed=seed,
        allow_mixed=allow_mixed,
        jobs=jobs or options.usual_jobs(network),
    )
    check_tensorflow()
    if show_augmentation:
        _show_augmentation(settings, request)
        return
    if resume:
        request = _begun(config.paths.models, name)
    elif with_renders:
        request = replace(request, added=_added_renders(settings, config, request, with_renders))
    if find_rate:
        _find_rate(settings, request)
        return
    distribution = _joined(settings, recipe) if distribute else None
    if distribution and not distribution.is_chief:
        _help(settings, request, distribution)
        return
    if not resume:
        _say_what_is_unfinished(settings, request.model, named=bool(name))
        if request.model.exists():
            settings.say(
                f"{request.model} is there already; the new model takes its place when it is finished."
            )
    say_what_is_passed_over(settings, request.data)
    with settings.progress() as bars:
        load_tensorflow(bars)
        from training.pipeline import train as run

        with _told_how_to_go_on(request.model):
            result = run(request, progress_on(bars), resume=resume, distribution=distribution)
    _say_result(settings, result)
    _say_what_renders_would_teach(settings, result.bundle.card)


def _say_result(settings: Settings, result: "TrainResult") -> None:
    card, model = result.bundle.card, result.bundle.folder
    _say_what_is_not_mirrored(settings, card.labels)
    settings.print_table(
        f"Measured on {card.scores.how}: top-1 {percent(card.scores.top1)}",
        ("part", "precision", "recall", "F1", "pictures"),
        [
            (row.label, percent(row.precision), percent(row.recall), percent(row.f1), str(row.support))
            for row in card.scores.classes
            if row.support
        ],
    )
    if card.scores.by_fold:
        settings.say(f"Fold by fold: {card.scores.by_fold}.")
    if card.split.untestable:
        settings.say(
            f"Of these only one brick or session was captured, so nothing honest can be said of"
            f" them: {', '.join(card.split.untestable)}."
        )
    if leaky := card.scores.leaky:
        settings.say(
            f"Of {counted(leaky.images, 'picture')} held out at random, whose neighbours trained, it names"
            f" {percent(leaky.top1)}: that is what a random split would have shown."
        )
    if result.baseline:
        _say_baseline(settings, result.baseline)
    if result.copies:
        settings.say(f"Left out: {counted(result.copies, 'picture')} that another one equals byte for byte.")
    if result.not_located:
        settings.say(
            f"In {counted(result.not_located, 'picture')} no part was found; the whole picture was used."
        )
    if not settings.as_json:
        typer.echo(f"Model:  {model}\nReport: {model / 'report' / 'index.html'}")
    _say_what_stays_in_use(settings, model)
    settings.print_json(
        {
            "model": model,
            "folds": [fold.top1 for fold in card.scores.folds],
            "not_located": result.not_located,
            "copies": result.copies,
            "baseline": result.baseline,
            "scores": card.scores.model_dump(),
        }
    )


def _added_renders(
    settings: Settings, config: "Config", request: "TrainRequest", a_class: int
) -> "tuple[Sample, ...]":
    """Of each part that the simulator has so many pictures, out of the cache beside the models."""
    from rig.dataset.reader import read_dataset
    from rig.sim.added_renders import add_renders
    from rig.workers import cores

    dataset = read_dataset(request.data, allow_mixed=request.allow_mixed)
    with settings.progress() as bars:
        require_beginning(bars, request.recipe)
        with what_is_rendered_is_kept():
            added = add_renders(
                dataset,
                a_class,
                config.sim,
                config.paths.models / _RENDERS,
                workers=cores(),
                emit=rendering_on(bars),
            )
    settings.say(f"{len(added.samples)} renders ({added.new} of them new) are in {added.folder}.")
    if added.missing:
        settings.say(f"The simulator has no part {', '.join(added.missing)}: of these, pictures alone train.")
    return added.samples


def _say_what_renders_would_teach(settings: Settings, card: "Card") -> None:
    """Photographs of a few bricks do not show a part in every shade and light."""
    from rig.dataset.reader import SIMULATED

    if SIMULATED not in card.data.sources and card.pretrained is None:
        settings.say(
            "It learnt from photographs alone. Renders of the same parts beside them usually teach it much of"
            " bricks that it has never seen: rig train --with-renders 300 --epochs 16"
        )


def _show_augmentation(settings: Settings, request: "TrainRequest") -> None:
    import cv2

    from rig.dataset.reader import read_dataset
    from rig.files import write_whole

    dataset = read_dataset(request.data, allow_mixed=request.allow_mixed)
    with settings.progress() as bars:
        load_tensorflow(bars)
        from training.pictures.augmentation_sheet import augmentation_sheet

        sheet = augmentation_sheet(dataset, request.recipe, seed=request.seed, emit=progress_on(bars))
    write_whole(options.AUGMENTATION_SHEET, cv2.imencode(".png", sheet)[1].tobytes())
    _say_what_is_not_mirrored(settings, dataset.labels)
    settings.print_json({"file": options.AUGMENTATION_SHEET, "classes": len(dataset.labels)})
    settings.say(f"Written: {options.AUGMENTATION_SHEET}.")


def _say_what_is_not_mirrored(settings: Settings, labels: Sequence[str]) -> None:
    from training.choices.mirrors import mirrored_pairs

    if pairs := mirrored_pairs(labels):
        named = ", ".join(f"{one} and {other}" for one, other in pairs)
        settings.say(f"No picture is mirrored, since some classes are each other's mirror image: {named}.")


def _say_baseline(settings: Settings, baseline: "Baseline") -> None:
    """What the score has to be compared with, and whether pictures leak between the sides of the split."""
    settings.say(
        f"A nearest neighbour names {percent(baseline.top1)} of these pictures, and"
        f" {percent(baseline.random_split_top1)} where they are split at random: by memory."
    )
    if not baseline.near_copies:
        settings.say("No picture that it was measured on is a near-copy of one that it was trained on.")
        return
    leak = baseline.near_copies[0]
    settings.say(
        f"{len(baseline.near_copies)} of {baseline.compared} pictures are near-copies of trained ones, such"
        f" as {leak.held_out} of {leak.trained}: what is said of them is memory."
    )


def _say_what_stays_in_use(settings: Settings, model: Path) -> None:
    """A model that somebody chose is not replaced by one that is merely newer."""
    from rig.shelf import chosen_name

    chosen = chosen_name(model.parent)
    if chosen not in (None, model.name):
        settings.say(f"The rig goes on with the model {chosen}; change that with: rig model use {model.name}")


def _begun(models: Path, name: str) -> "TrainRequest":
    """The request of the unfinished run of this name, or of the one begun last.

    Raises:
        BadInput: there is none, or another process is at it.
        ModelError: its record is damaged.
    """
    from training.fitting.unfinished import begun_request, require_nobody_trains, unfinished_models

    if name:
        model = models / own_name(name, of="a model")
        require_nobody_trains(model)
        return begun_request(model)
    unfinished = unfinished_models(models)
    if not unfinished:
        raise BadInput(f"there is no unfinished run in {models}", hint="begin one with: rig train")
    return begun_request(unfinished[-1])


def _say_what_is_unfinished(settings: Settings, model: Path, *, named: bool) -> None:
    """See that nothing is lost, and that what could go on is not forgotten.

    Raises:
        BadInput: there is an unfinished run of the same name, or another process is at one, or the name is
            that of a file.
    """
    from training.fitting.unfinished import (
        folder_of,
        is_unfinished,
        require_nobody_trains,
        unfinished_models,
    )

    if model.exists() and not model.is_dir():  # such as sweeps.db, which nobody wants replaced
        raise BadInput(f"{model} is a file, and no model", hint="give another --name")
    require_nobody_trains(model)
    if named and is_unfinished(model):
        raise BadInput(
            f"the run of {model} is not finished",
            hint=f"go on with: rig train --resume --name {model.name}, or delete {folder_of(model)}",
        )
    for other in unfinished_models(model.parent):
        settings.say(f"Not finished: {other}; go on with: rig train --resume --name {other.name}")


@contextmanager
def _told_how_to_go_on(model: Path) -> Iterator[None]:
    from training.fitting.unfinished import is_unfinished

    try:
        yield
    except (Interrupted, RigError) as error:
        # What is damaged, or was begun with something else, stays so: its hint alone says what to do.
        if is_unfinished(model) and not isinstance(error, (BadInput, ModelError)):
            error.add_note(f"go on with: rig train --resume --name {model.name}")
        raise


def _joined(settings: Settings, recipe: Recipe) -> "Distribution":
    """The devices or hosts that share the work; waits for the hosts.

    Raises:
        BadInput: there is nobody to share it with, or it cannot be shared out.
    """
    with settings.progress() as bars:
        load_tensorflow(bars)
        from training.fitting.distribute import open_distribution

        waiting = bars.add_task("Waiting for the other workers (Ctrl-C ends it at once)", total=None)
        distribution = open_distribution()
        distribution.share_of(recipe.batch)
        bars.remove_task(waiting)
    settings.say(
        f"{distribution.devices} devices share the work; this is worker {distribution.worker} of"
        f" {distribution.workers}{', the chief' if distribution.is_chief else ''}."
    )
    return distribution


def _help(settings: Settings, request: "TrainRequest", distribution: "Distribution") -> None:
    from training.fitting.helping import help_train

    with settings.progress() as bars:
        help_train(request, progress_on(bars), distribution)
    settings.say("Done. The model is where worker 0, the chief, runs.")
    settings.print_json({"worker": distribution.worker, "workers": distribution.workers})


def _find_rate(settings: Settings, request: "TrainRequest") -> None:
    picture = request.model.with_name(f"{request.model.name}.learning-rate.png")
    with settings.progress() as bars:
        load_tensorflow(bars)
        from training.fitting.rate_test import find_rate

        test = find_rate(request, picture, progress_on(bars))
    if not settings.as_json:
        typer.echo(f"Learning rate: {test.suggested:.2g}\nPlot:          {picture}")
    settings.print_json({"learning_rate": test.suggested, "picture": picture})
