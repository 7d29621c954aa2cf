"""`rig init`"""

from pathlib import Path
from typing import Annotated

import typer

from rig.cli.settings import settings_of


def init(
    context: typer.Context,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a rig.toml that is there.")] = False,
) -> None:
    """Write a commented rig.toml for the rig on your desk."""
    settings = settings_of(context)
    from rig.config import DEFAULT_PATH
    from rig.config_template import TEMPLATE
    from rig.errors import BadInput
    from rig.files import write_whole

    path: Path = settings.config_path or DEFAULT_PATH
    if path.exists() and not force:
        raise BadInput(f"{path} is there already", hint="rig init --force overwrites it")
    write_whole(path, TEMPLATE.encode())
    if not settings.as_json:
        typer.echo(f"Wrote {path}. Next: set serial.port in it, then see what is found with: rig doctor")
    settings.print_json({"written": path})
