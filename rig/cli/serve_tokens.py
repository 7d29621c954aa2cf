"""`rig serve --new-token`, `--tokens` and `--revoke`"""

from pathlib import Path

import typer

from rig.cli.settings import Settings


def new_token(settings: Settings, folder: Path, name: str) -> None:
    """Make a token and show it, once.

    Args:
        settings: of this call.
        folder: of the daemon's files.
        name: to know it by.

    Raises:
        BadInput: the name cannot be used.
        ConfigError: the file of tokens is damaged.
        StorageError: it cannot be written.
    """
    from rig.daemon.tokens import FILE_NAME, TokenStore

    text = TokenStore(folder / FILE_NAME).create(name)
    settings.say(f"Token {name!r}, shown this once; a running daemon knows it at once:")
    if not settings.as_json:
        typer.echo(text)
    settings.print_json({"name": name, "token": text})


def list_tokens(settings: Settings, folder: Path) -> None:
    """List the tokens by name; their text is kept nowhere.

    Args:
        settings: of this call.
        folder: of the daemon's files.

    Raises:
        ConfigError: the file of tokens is damaged.
    """
    from rig.daemon.tokens import FILE_NAME, TokenStore

    path = folder / FILE_NAME
    tokens = TokenStore(path).all()
    rows = [(token.name, f"{token.created_at.astimezone():%Y-%m-%d %H:%M}") for token in tokens]
    settings.print_table(f"Tokens in {path}", ("token", "made"), rows)
    if not tokens:
        settings.say("Make one with: rig serve --new-token NAME")
    settings.print_json(
        {"tokens": [{"name": token.name, "created_at": token.created_at.isoformat()} for token in tokens]}
    )


def revoke_token(settings: Settings, folder: Path, name: str) -> None:
    """Have a token open nothing any more.

    Args:
        settings: of this call.
        folder: of the daemon's files.
        name: of the token.

    Raises:
        NotFound: there is none of that name.
        ConfigError: the file of tokens is damaged.
        StorageError: it cannot be written.
    """
    from rig.daemon.tokens import FILE_NAME, TokenStore

    TokenStore(folder / FILE_NAME).revoke(name)
    settings.say(f"Token {name!r} opens nothing any more; who signed in with it is signed out.")
    settings.print_json({"revoked": name})
