"""`rig evaluate`"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rig.cli.settings import Settings, counted, percent, settings_of

if TYPE_CHECKING:
    from rig.vision.evaluation import Evaluation, EvaluationProgress


def evaluate(
    context: typer.Context,
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model bundle, such as models/NAME.")],
    data: Annotated[Path, typer.Argument(metavar="DIR", help="Class folders of pictures, such as captures.")],
) -> None:
    """Measure a model on labelled pictures: top-1, and precision, recall and F1 of each part.

    Pictures that the model was trained on are never passed off as a test: they are named by the fold models
    that have not seen them, where there are any, and measured apart where there are none.
    """
    settings = settings_of(context)
    settings.load_config()
    from rig.dataset.reader import read_dataset
    from rig.model import load_bundle
    from rig.vision.evaluation import evaluate as measure

    bundle = load_bundle(model)
    dataset = read_dataset(data, least_classes=1, allow_mixed=True)
    with settings.progress() as bars:
        bar = bars.add_task(f"Evaluating {bundle.name}", total=len(dataset.samples))

        def show(progress: "EvaluationProgress") -> None:
            bars.update(bar, completed=progress.done)

        evaluation = measure(bundle, dataset, show)
    _print_tables(settings, evaluation)
    settings.print_json(
        {
            "model": model,
            "data": data,
            "labels": evaluation.labels,
            "scores": {
                knowledge.name.lower(): scores.model_dump() | {"confusion": evaluation.confusion[knowledge]}
                for knowledge, scores in evaluation.scores.items()
            },
            "folds": [fold.model_dump() for fold in evaluation.folds],
            "not_located": evaluation.not_located,
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
    if evaluation.not_located and not settings.as_json:
        unseen = counted(evaluation.not_located, "picture")
        typer.echo(f"In {unseen} no part was found; the whole picture was used.")
