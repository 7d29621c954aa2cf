"""`rig classify`"""

from pathlib import Path
from typing import Annotated

import typer

from rig.cli.settings import settings_of


def classify(
    context: typer.Context,
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model bundle, such as models/NAME.")],
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Pictures of one part each.")],
) -> None:
    """Say which part each picture shows: the three most probable, with their probabilities."""
    settings = settings_of(context)
    settings.load_config()
    from rig.dataset.reader import decode_image, read_bytes
    from rig.model import load_bundle
    from rig.vision.classifier import Classifier

    classifier = Classifier(load_bundle(model))
    results = []
    for path in images:
        result = classifier.classify(decode_image(read_bytes(path), path))
        best = result.top(3)
        if not settings.as_json:
            shown = "  ".join(f"{c.label} {c.probability:.1%}" for c in best)
            typer.echo(
                f"{path}: {shown}{'' if result.box else '  (no part found: the whole picture was used)'}"
            )
        results.append(
            {"image": path, "found": result.box is not None, "candidates": [c._asdict() for c in best]}
        )
    settings.print_json({"model": model, "images": results})
