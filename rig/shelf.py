"""The folder of models: which there are, and which of them the rig takes when it is not told."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rig.errors import BadInput, ModelError
from rig.files import write_whole
from rig.model import CARD_FILE, NETWORK_FILE, Bundle, load_bundle

IN_USE_FILE = "in-use.txt"
"""Holds the name of the model in use; without it that is the newest."""

_CHOOSE = "choose a model with: rig model use NAME"


@dataclass(frozen=True)
class Shelved:
    """A model in the folder.

    Attributes:
        name: of its folder.
        bundle: None where it is damaged.
        problem: how it is damaged; empty where it is not.
        in_use: it is what `default_bundle` gives.
    """

    name: str
    bundle: Bundle | None
    problem: str
    in_use: bool


def shelved(models: Path, load: Callable[[Path], Bundle] = load_bundle) -> tuple[Shelved, ...]:
    """All models of a folder, the newest first; damaged ones too, at the end those that lost their card.

    Args:
        load: opens each, as `load_bundle` does.

    Raises:
        ModelError: the file that names the one in use is damaged.
    """
    folders = _folders(models)
    used = chosen_name(models) or (folders[0].name if folders else "")
    return tuple(
        _shelved(folder, load, in_use=folder.name == used) for folder in (*folders, *_without_card(models))
    )


def default_bundle(models: Path) -> Bundle:
    """The model in use: the one that was chosen, or the newest where none was.

    Raises:
        ModelError: there is none, or it is damaged, or the chosen one is gone.
    """
    return load_bundle(folder_in_use(models))


def folder_in_use(models: Path) -> Path:
    """Where the model in use stands.

    Raises:
        ModelError: there is none, or the chosen one is gone.
    """
    name = chosen_name(models)
    if name is None:
        return _newest_folder(models)
    if not (models / name).is_dir():
        raise ModelError(f"{models / IN_USE_FILE} names the model {name}, which is gone", hint=_CHOOSE)
    return models / name


def chosen_name(models: Path) -> str | None:
    """Of the model that somebody chose to be used; None where nobody did.

    Raises:
        ModelError: the file that says it is damaged.
    """
    path = models / IN_USE_FILE
    try:
        name = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise ModelError(f"{path} is damaged: it is no text", hint=_CHOOSE) from None
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    if not name or name.startswith(".") or Path(name).name != name or not name.isprintable():
        raise ModelError(f"{path} is damaged: {name!r} is not the name of a model", hint=_CHOOSE)
    return name


def find_bundle(models: Path, name: str) -> Bundle:
    """A model by its name, or by the path of its folder.

    Raises:
        ModelError: there is none of this name, or it is damaged.
    """
    if (models / name).is_dir():
        return load_bundle(models / name)
    if Path(name).is_dir():
        return load_bundle(Path(name))
    known = ", ".join(folder.name for folder in _folders(models))
    hint = f"there are: {known}" if known else "train one with: rig train"
    raise ModelError(f"there is no model {name} in {models}", hint=hint)


def use(models: Path, name: str) -> Bundle:
    """Make a model the one in use from now on.

    Raises:
        BadInput: it is not in the folder.
        ModelError: there is none of this name, or it is damaged.
        StorageError: the choice cannot be written.
    """
    bundle = find_bundle(models, name)
    folder = bundle.folder.resolve()
    if folder.parent != models.resolve():
        raise BadInput(f"{bundle.folder} is not in {models}", hint="copy the folder there first")
    write_whole(models / IN_USE_FILE, f"{folder.name}\n".encode())
    return bundle


def _shelved(folder: Path, load: Callable[[Path], Bundle], *, in_use: bool) -> Shelved:
    try:
        return Shelved(folder.name, load(folder), "", in_use)
    except ModelError as error:
        return Shelved(folder.name, None, error.what, in_use)


def _newest_folder(models: Path) -> Path:
    folders = _folders(models)
    if not folders:
        raise ModelError(f"there is no model in {models}", hint="train one with: rig train")
    return folders[0]


def _without_card(models: Path) -> list[Path]:
    """Folders with a network that nothing says how to use, by their names."""
    networks = _visible(models, NETWORK_FILE)
    return sorted(network.parent for network in networks if not (network.parent / CARD_FILE).exists())


def _folders(models: Path) -> list[Path]:
    """Folders with a card, the newest first."""
    cards = _visible(models, CARD_FILE)
    cards.sort(key=lambda card: (card.stat().st_mtime_ns, card), reverse=True)
    return [card.parent for card in cards]


def _visible(models: Path, file: str) -> list[Path]:
    """This file of each folder that has it; not of the drafts of running processes."""
    return [path for path in models.glob(f"*/{file}") if not path.parent.name.startswith(".")]
