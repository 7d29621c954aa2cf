"""`rig classify`"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rig.cli.settings import settings_of

if TYPE_CHECKING:
    from rig.camera.frame import Image


def classify(
    context: typer.Context,
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="[MODEL] IMAGE...",
            help="A model by its name or folder (default: the one in use), and pictures of one part each.",
        ),
    ],
) -> None:
    """Say which part each picture shows: the three most probable, with their probabilities."""
    settings = settings_of(context)
    config = settings.load_config()
    from rig.errors import BadInput
    from rig.shelf import default_bundle, find_bundle
    from rig.vision.classifier import Classifier
    from rig.vision.naming import name_picture
    from rig.vision.strangers import novelty_limits

    first, *rest = paths
    models = config.paths.models
    if any(first.glob("*.jpg")):
        raise BadInput(
            f"{first} is a folder of pictures", hint=f"name the pictures: rig classify {first}/*.jpg"
        )
    is_model = first.is_dir() or (models / first).is_dir()
    bundle, images = (find_bundle(models, str(first)), rest) if is_model else (default_bundle(models), paths)
    if not images:
        raise BadInput(f"there is no picture to name with {first}", hint="name the pictures behind the model")
    classifier = Classifier(bundle)
    limits = novelty_limits(bundle.card, config.sorting.false_strangers)
    results = []
    for path in images:
        named = name_picture(classifier, _picture(path), limits)
        if not settings.as_json:
            shown = "  ".join(f"{c.label} {c.probability:.1%}" for c in named.candidates)
            strange = "  (perhaps a part that it was never taught)" if named.is_stranger else ""
            lost = "" if named.box else "  (no part found: the whole picture was used)"
            typer.echo(f"{path}: {shown}{strange}{lost}")
        results.append(
            {
                "image": path,
                "found": named.box is not None,
                "stranger": named.is_stranger,
                "candidates": [c._asdict() for c in named.candidates],
            }
        )
    settings.print_json({"model": bundle.folder, "images": results})


def _picture(path: Path) -> "Image":
    """What a file shows, which may be any of the user's: nothing is said of deleting it.

    Raises:
        BadInput: it cannot be read, or is no picture.
    """
    from rig.dataset.reader import decode_image, read_bytes
    from rig.errors import BadInput, DatasetError

    try:
        return decode_image(read_bytes(path), path)
    except DatasetError as error:
        raise BadInput(
            error.what, hint="name pictures of one part each; a model comes first: rig model list"
        ) from error
