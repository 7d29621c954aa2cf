"""`rig evaluate`"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rig.cli.settings import Settings, counted, percent, settings_of

if TYPE_CHECKING:
    from rig.vision.evaluation import Evaluation, EvaluationProgress, Rejections


def evaluate(
    context: typer.Context,
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model, by its name or folder.")],
    data: Annotated[Path, typer.Argument(metavar="DIR", help="Class folders of pictures, such as captures.")],
) -> None:
    """Measure a model on labelled pictures: top-1, and precision, recall and F1 of each part.

    Pictures that the model was trained on are never passed off as a test: they are named by the fold models
    that have not seen them, where there are any, and measured apart where there are none. Of parts that the
    model was never taught, it says how many would be rejected.
    """
    settings = settings_of(context)
    config = settings.load_config()
    from rig.dataset.reader import read_dataset
    from rig.shelf import find_bundle
    from rig.vision.evaluation import evaluate as measure
    from rig.vision.strangers import novelty_limits

    bundle = find_bundle(config.paths.models, str(model))
    dataset = read_dataset(data, least_classes=1, allow_mixed=True)
    with settings.progress() as bars:
        bar = bars.add_task(f"Evaluating {bundle.name}", total=len(dataset.samples))

        def show(progress: "EvaluationProgress") -> None:
            bars.update(bar, completed=progress.done)

        limits = novelty_limits(bundle.card, config.sorting.false_strangers)
        evaluation = measure(bundle, dataset, show, novelty_limits=limits)
    _print_tables(settings, evaluation)
    settings.print_json(
        {
            "model": bundle.folder,
            "data": data,
            "labels": evaluation.labels,
            "scores": {
                knowledge.name.lower(): scores.model_dump() | {"confusion": evaluation.confusion[knowledge]}
                for knowledge, scores in evaluation.scores.items()
            },
            "folds": [fold.model_dump() for fold in evaluation.folds],
            "not_located": evaluation.not_located,
            "rejected": {"known": evaluation.known, "unknown": evaluation.unknown},
        }
    )


def _print_tables(settings: Settings, evaluation: "Evaluation") -> None:
    for knowledge, scores in evaluation.scores.items():
        settings.print_table(
            f"{counted(scores.images, 'picture')} ({knowledge.value}): top-1 {percent(scores.top1)}",
            ("part", "precision", "recall", "F1", "pictures"),
            [
                (row.label, percent(row.precision), percent(row.recall), percent(row.f1), str(row.support))
                for row in scores.classes
                if row.support
            ],
        )
    if evaluation.folds:
        settings.print_table(
            "Fold by fold, each model on parts it has never seen",
            ("fold", "pictures", "top-1"),
            [(str(fold.fold), str(fold.images), percent(fold.top1)) for fold in evaluation.folds],
        )
    for which, rejections in (("taught", evaluation.known), ("never taught", evaluation.unknown)):
        if rejections.images and not settings.as_json:
            typer.echo(_what_is_rejected(which, rejections))
    if evaluation.not_located and not settings.as_json:
        unseen = counted(evaluation.not_located, "picture")
        typer.echo(f"In {unseen} no part was found; the whole picture was used.")


def _what_is_rejected(which: str, rejections: "Rejections") -> str:
    images = rejections.images
    either, unsure, strange = (
        percent(count / images) for count in (rejections.either, rejections.unsure, rejections.strange)
    )
    return (
        f"Of {counted(images, 'picture')} of parts that it was {which}, {either} are rejected:"
        f" {unsure} as unsure, {strange} as strange."
    )
