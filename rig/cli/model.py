"""`rig model`"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rig.cli.settings import Settings, percent, settings_of

if TYPE_CHECKING:
    from rig.card import Card, Variant
    from rig.dataset.reader import Dataset
    from rig.looks import Looks
    from rig.model import Bundle
    from rig.shelf import Shelved
    from rig.vision.comparison import Comparison
    from rig.vision.evaluation import EvaluationProgress

app = typer.Typer(help="Look after trained models.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="A model in models/, or the path of one.")]

_MOST_SHOWN = 20


@app.command("list", short_help="Which models are there?")
def list_models(context: typer.Context) -> None:
    """List the models, the newest first, and which of them `rig sort` uses."""
    settings = settings_of(context)
    config = settings.load_config()
    from rig.shelf import shelved

    models = shelved(config.paths.models)
    settings.print_table(
        f"Models in {config.paths.models}",
        ("model", "in use", "made", "parts", "top-1", "measured on"),
        [_row(model) for model in models],
    )
    for model in models:
        if model.problem:
            settings.say(f"{model.name}: {model.problem}")
    if not models:
        settings.say("Train one with: rig train")
    settings.print_json({"models": [_listed(model) for model in models]})


@app.command("show", short_help="What is known of a model?")
def show(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            metavar="[NAME]", help="A model in models/, or the path of one (default: the one in use)."
        ),
    ] = "",
) -> None:
    """Say what a model is, how good it is and on what, and where its report is."""
    settings = settings_of(context)
    config = settings.load_config()
    from rig.shelf import default_bundle, find_bundle

    models = config.paths.models
    bundle = find_bundle(models, name) if name else default_bundle(models)
    card = bundle.card
    settings.print_table(f"Model {bundle.name}", ("", ""), _facts(bundle))
    settings.print_table(
        f"Top-1 {percent(card.scores.top1)} on {card.scores.how}",
        ("part", "precision", "recall", "F1", "pictures"),
        [
            (row.label, percent(row.precision), percent(row.recall), percent(row.f1), str(row.support))
            for row in card.scores.classes
            if row.support
        ],
    )
    if card.conversion is not None:
        settings.print_table(
            f"One network at several precisions, timed on {card.conversion.timed_on}",
            ("precision", "used", "size", "top-1", "one picture"),
            [
                (
                    variant.precision,
                    "yes" if variant.precision is card.conversion.chosen else "",
                    _size(variant),
                    percent(variant.top1),
                    _latency(variant),
                )
                for variant in card.conversion.variants
            ],
        )
    settings.print_json({"model": bundle.folder, "report": bundle.report_path, "card": card.model_dump()})


@app.command("use", short_help="Take this model from now on.")
def use(context: typer.Context, name: Name) -> None:
    """Have `rig sort` and `rig classify` take this model from now on when they are not told which."""
    settings = settings_of(context)
    config = settings.load_config()
    from rig.shelf import use as take

    bundle = take(config.paths.models, name)
    settings.say(f"{bundle.name} is in use now.")
    settings.print_json({"model": bundle.folder})


@app.command("compare", short_help="Which of two models is better?")
def compare(
    context: typer.Context,
    first: Annotated[str, typer.Argument(metavar="A", help="A model in models/, or the path of one.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Another one.")],
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Ask both about these pictures, as far as neither has seen them."),
    ] = None,
) -> None:
    """Put two models side by side: parts that one of them does not know, and recall part by part.

    Without --data the figures are those of each model's training, on pictures of its own.
    """
    settings = settings_of(context)
    config = settings.load_config()
    from rig.shelf import find_bundle

    bundles = tuple(find_bundle(config.paths.models, name) for name in (first, second))
    a, b = bundles
    cards = a.card, b.card
    lost = [label for label in cards[0].labels if label not in cards[1].labels]
    gained = [label for label in cards[1].labels if label not in cards[0].labels]
    settings.print_table(f"{a.name} and {b.name}", ("", f"A: {a.name}", f"B: {b.name}"), _side_by_side(cards))
    if not settings.as_json:
        typer.echo(f"Only A knows: {', '.join(lost) or 'nothing'}")
        typer.echo(f"Only B knows: {', '.join(gained) or 'nothing'}")
    comparison = None
    if data is not None:
        from rig.dataset.reader import read_dataset

        dataset = read_dataset(data, least_classes=1, allow_mixed=True)
        comparison = _compare_on(settings, a, b, dataset)
        _print_comparison(settings, comparison)
    else:
        _print_recalls(settings, cards)
    settings.print_json(
        {
            "models": [
                {"model": bundle.folder, "scores": bundle.card.scores.model_dump()} for bundle in bundles
            ],
            "only_first": lost,
            "only_second": gained,
            "comparison": comparison,
        }
    )


def _compare_on(settings: Settings, a: "Bundle", b: "Bundle", dataset: "Dataset") -> "Comparison":
    from rig.vision.comparison import compare as compare_on

    with settings.progress() as bars:
        bar = bars.add_task(f"Asking {a.name} and {b.name}", total=len(dataset.samples))

        def show_progress(progress: "EvaluationProgress") -> None:
            bars.update(bar, completed=progress.done)

        return compare_on(a, b, dataset, show_progress)


def _print_comparison(settings: Settings, comparison: "Comparison") -> None:
    settings.print_table(
        f"Recall on {comparison.images} pictures that neither has seen",
        ("part", "A", "B", "pictures"),
        [
            ("all", percent(comparison.first_top1), percent(comparison.second_top1), str(comparison.images)),
            *(
                (row.label, percent(row.first), percent(row.second), str(row.images))
                for row in comparison.classes
            ),
        ],
    )
    shown = comparison.disagreements[:_MOST_SHOWN]
    settings.print_table(
        f"They disagree on {len(comparison.disagreements)}",
        ("picture", "really", "A says", "B says"),
        [(answer.file_name, answer.true, answer.first, answer.second) for answer in shown],
    )
    if len(shown) < len(comparison.disagreements):
        settings.say(f"{len(comparison.disagreements) - len(shown)} more are in the document of --json.")
    if comparison.seen:
        settings.say(f"{comparison.seen} pictures were left out: a model was trained or chosen on them.")
    if comparison.strange:
        settings.say(f"{comparison.strange} pictures were left out: a model does not know their parts.")


def _print_recalls(settings: Settings, cards: Sequence["Card"]) -> None:
    recalls = [{row.label: row.recall for row in card.scores.classes if row.support} for card in cards]
    labels = sorted(recalls[0].keys() | recalls[1].keys())
    settings.print_table(
        "Recall as each was measured, on pictures of its own (the same ones: --data DIR)",
        ("part", "A", "B"),
        [(label, *(percent(recall.get(label)) for recall in recalls)) for label in labels],
    )


def _side_by_side(cards: Sequence["Card"]) -> list[tuple[str, ...]]:
    return [
        ("top-1", *(percent(card.scores.top1) for card in cards)),
        ("measured on", *(card.scores.how for card in cards)),
        ("pictures for that", *(str(card.scores.images) for card in cards)),
        ("parts", *(str(len(card.labels)) for card in cards)),
        ("network", *(card.network for card in cards)),
        ("size", *(_size(_variant(card)) for card in cards)),
        ("one picture", *(_latency(_variant(card)) for card in cards)),
    ]


def _facts(bundle: "Bundle") -> list[tuple[str, str]]:
    card = bundle.card
    accepted = card.calibration.accepted
    facts = [
        ("made", card.created_at),
        ("network", f"{card.network}, {card.parameters} weights, {card.preprocess.size_px} px"),
        ("began with", card.began_with),
        *card.recipe.items(),
        ("contrast", card.preprocess.contrast.value),
        ("parts", f"{len(card.labels)}: {', '.join(card.labels)}"),
        ("pictures", f"{card.data.images} ({', '.join(card.data.sources)}), those held out included"),
        ("top-1", f"{percent(card.scores.top1)} of {card.scores.images} pictures"),
        *((("fold by fold", card.scores.by_fold),) if card.scores.by_fold else ()),
        ("probabilities", f"{card.calibration.how}; temperature {card.temperature:.2f}"),
        ("unsure below", f"{card.reject_threshold:.0%}"),
        (
            "sure of",
            f"{percent(accepted)}, and right about {percent(card.calibration.accepted_top1)} of them",
        ),
        *((("further looks", _looks(card.looks)),) if card.looks else ()),
        ("other parts", "told" if card.strangers else "not told: it keeps nothing to tell them by"),
        ("report", str(bundle.report_path)),
    ]
    if card.split.untestable:
        facts.append(("cannot be tested", ", ".join(card.split.untestable)))
    return facts


def _looks(looks: "Looks") -> str:
    weights = ", ".join(f"{weight:g}" for weight in looks.weights)
    return f"weighed {weights} by what {looks.parts} held-out parts showed"


def _row(model: "Shelved") -> tuple[str, ...]:
    used = "yes" if model.in_use else ""
    if model.bundle is None:
        return (model.name, used, "damaged", "", "", "")
    card = model.bundle.card
    return (
        model.name,
        used,
        card.created_at[:10],
        str(len(card.labels)),
        percent(card.scores.top1),
        _measured_on(model.bundle),
    )


def _measured_on(bundle: "Bundle") -> str:
    """The card's own words are too long for a column."""
    images = bundle.card.scores.images
    if not images:
        return "nothing"
    is_unseen = bundle.card.scores.folds or bundle.card.split.tested
    return f"{images} {'unseen' if is_unseen else 'to validate'}"


def _listed(model: "Shelved") -> dict[str, Any]:
    listed: dict[str, Any] = {"name": model.name, "in_use": model.in_use, "problem": model.problem}
    if model.bundle is not None:
        card = model.bundle.card
        listed |= {
            "created_at": card.created_at,
            "labels": card.labels,
            "scores": card.scores.model_dump(),
            "conversion": card.conversion and card.conversion.model_dump(),
        }
    return listed


def _variant(card: "Card") -> "Variant | None":
    return None if card.conversion is None else card.conversion.variant


def _size(variant: "Variant | None") -> str:
    return "-" if variant is None else f"{variant.size_bytes / 1e6:.2f} MB"


def _latency(variant: "Variant | None") -> str:
    return "-" if variant is None else f"{variant.latency_ms:.2f} ms"
