"""`rig serve`"""

from typing import TYPE_CHECKING, Annotated

import typer

from rig.cli.serve_tokens import list_tokens, new_token, revoke_token
from rig.cli.settings import settings_of

if TYPE_CHECKING:
    from rig.daemon.serve import Serving


def serve(
    context: typer.Context,
    address: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="In place of that of [daemon] in rig.toml.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(metavar="N", min=0, max=65535, help="The same; 0 for no page.")
    ] = None,
    tls_cert: Annotated[
        str | None, typer.Option(metavar="FILE", help="A certificate, for https (PEM).")
    ] = None,
    tls_key: Annotated[str | None, typer.Option(metavar="FILE", help="Its key (PEM).")] = None,
    create: Annotated[
        str | None,
        typer.Option(
            "--new-token", metavar="NAME", help="Make a token for the page, show it once, and leave."
        ),
    ] = None,
    tokens: Annotated[bool, typer.Option("--tokens", help="List the tokens, and leave.")] = False,
    revoke: Annotated[
        str | None, typer.Option("--revoke", metavar="NAME", help="Have a token open nothing any more.")
    ] = None,
) -> None:
    """Run the daemon: it owns the rig, runs the jobs of all other commands, and shows a page.

    It serves until Ctrl-C or SIGTERM, and leaves the rig at rest. The page is for this computer alone unless
    [daemon] says otherwise; then everybody needs a token.
    """
    settings = settings_of(context)
    config = settings.load_config()
    if create is not None:
        new_token(settings, config.paths.daemon, create)
    elif revoke is not None:
        revoke_token(settings, config.paths.daemon, revoke)
    elif tokens:
        list_tokens(settings, config.paths.daemon)
    else:
        said = {"address": address, "port": port, "tls_cert": tls_cert, "tls_key": tls_key}
        changed = {key: value for key, value in said.items() if value is not None}
        config = config.model_copy(update={"daemon": config.daemon.model_copy(update=changed)})

        def told(serving: "Serving") -> None:
            settings.say(serving.who_may_come)
            if not settings.as_json:
                typer.echo(f"Page: {serving.page or 'none'}\nStop it with Ctrl-C.")
            settings.print_json({"page": serving.page, "socket": serving.socket})

        from rig.daemon.serve import serve as run

        run(config, settings.config_file, told, is_pretended=settings.force_sim)
