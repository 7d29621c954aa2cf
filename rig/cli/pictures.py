"""Which pictures a command is about."""

from pathlib import Path
from typing import Annotated

import typer

_HELP = "Class folders of pictures (default: what was captured)."

Folder = Annotated[Path | None, typer.Argument(metavar="[DIR]", help=_HELP)]
Data = Annotated[Path | None, typer.Option("--data", metavar="DIR", help=_HELP)]
