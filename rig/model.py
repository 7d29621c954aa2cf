"""The model bundle: what training hands to the machine, and nothing else does.

models/<name>/
  model.tflite    the network: raw pixels in, logits out; the smallest of the variants that is as good as any
  model.json      the card: how to use the network, and what is known of it
  labels.txt      one label a line, in the order of the outputs
  images.json     digests of the images it was made from, by group
  familiar.npy    logits of some of these images, if it can tell what is none of its parts
  folds/<k>/      models of the same recipe that have not seen the k-th part of the data; bundles themselves
  variants/       the network at each precision, as it came out of conversion: float32.tflite, ...
  report/         index.html: curves, confusion matrix and more; mistakes/: misclassified pictures
  checkpoints/    the best float weights
  logs/           how the fitting went, for TensorBoard
"""

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from rig.card import Card
from rig.errors import ModelError
from rig.files import is_running, storage_errors, sync_folder

NETWORK_FILE = "model.tflite"
CARD_FILE = "model.json"
LABELS_FILE = "labels.txt"
IMAGES_FILE = "images.json"
FAMILIAR_FILE = "familiar.npy"
FOLDS_FOLDER = "folds"
REPORT_FOLDER = "report"
REPORT_FILE = "index.html"
VARIANTS_FOLDER = "variants"
CHECKPOINTS_FOLDER = "checkpoints"
LOGS_FOLDER = "logs"

_DRAFT = re.compile(r"\.draft-(?P<process>\d+)-.+")  # as `draft_folder` names them
_REPLACED = "replaced"
_TRAIN_AGAIN = "train it again with: rig train"


@dataclass(frozen=True)
class Bundle:
    """A bundle on disk whose files have been checked."""

    folder: Path
    card: Card

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def network_path(self) -> Path:
        """Where model.tflite is."""
        return self.folder / NETWORK_FILE

    @property
    def familiar_path(self) -> Path:
        """Where familiar.npy is; a bundle whose card does not speak of strangers has none."""
        return self.folder / FAMILIAR_FILE

    @property
    def report_path(self) -> Path:
        """Where the report is; fold models have none."""
        return self.folder / REPORT_FOLDER / REPORT_FILE

    def folds(self) -> tuple["Bundle", ...]:
        """The fold models, in order; none when it was trained without.

        Raises:
            ModelError: one of them is damaged.
        """
        folder = self.folder / FOLDS_FOLDER
        if not folder.is_dir():
            return ()
        numbered = ((int(fold.name), fold) for fold in folder.iterdir() if fold.name.isdecimal())
        return tuple(load_bundle(fold) for _, fold in sorted(numbered))

    def image_groups(self) -> dict[str, str]:
        """The group (`label/group`) of every image it was made from, by `image_digest`.

        Raises:
            ModelError: images.json is missing or damaged.
        """
        path = self.folder / IMAGES_FILE
        try:
            groups = TypeAdapter(dict[str, list[str]]).validate_json(_read(path))
        except ValidationError as error:
            raise ModelError(f"{path} is damaged: {_first_problem(error)}", hint=_TRAIN_AGAIN) from error
        return {digest: group for group, digests in groups.items() for digest in digests}


def image_digest(content: bytes) -> str:
    """What an image file is recognised by: SHA-256 of its bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def load_bundle(folder: Path) -> Bundle:
    """Open a bundle and check that its files are whole and belong together.

    Raises:
        ModelError: the folder or a file is missing, damaged, or does not fit the others; names the file.
    """
    if not folder.is_dir():
        raise ModelError(f"there is no model {folder}", hint="train one with: rig train")
    path = folder / CARD_FILE
    try:
        card = Card.model_validate_json(_read(path))
    except ValidationError as error:
        raise ModelError(f"{path} is damaged: {_first_problem(error)}", hint=_TRAIN_AGAIN) from error
    if len(set(card.labels)) != len(card.labels):
        raise ModelError(f"{path} is damaged: a label occurs twice", hint=_TRAIN_AGAIN)
    _check_labels(folder / LABELS_FILE, card)
    _check_digest(folder / NETWORK_FILE, card.model_sha256)
    if card.strangers is not None:
        _check_digest(folder / FAMILIAR_FILE, card.strangers.familiar_sha256)
    return Bundle(folder, card)


def write_bundle(
    folder: Path, network: bytes, card: Card, fill: Callable[[Path], None] | None = None
) -> Bundle:
    """Write a bundle whole or not at all, in place of one of the same name.

    Args:
        folder: where it shall stand; its parents are made.
        network: content of model.tflite.
        card: its `model_sha256` must be that of `network`.
        fill: writes everything else (report, folds, ...) into the folder that it is given.

    Raises:
        StorageError: the disk is full or read-only; then `folder` is as it was.
    """
    with draft_folder(folder.parent) as scratch, storage_errors(folder):
        draft, aside = scratch / "draft", scratch / _REPLACED
        for made in (draft, aside):
            made.mkdir()
        (draft / NETWORK_FILE).write_bytes(network)
        (draft / LABELS_FILE).write_text("".join(f"{label}\n" for label in card.labels), encoding="utf-8")
        (draft / CARD_FILE).write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
        if fill is not None:
            fill(draft)
        _sync_tree(draft)
        _swap(draft, folder, aside / folder.name)
        sync_folder(folder.parent)
    return load_bundle(folder)


@contextmanager
def draft_folder(models: Path) -> Iterator[Path]:
    """An empty hidden folder below `models`, deleted when the block ends; what killed ones left goes first.

    Large things are drafted here and not in the system's /tmp, which is often small and another disk.

    Raises:
        StorageError: the disk is full or read-only.
    """
    with storage_errors(models):
        models.mkdir(parents=True, exist_ok=True)
        _clear_drafts(models)
        draft = tempfile.TemporaryDirectory(prefix=f".draft-{os.getpid()}-", dir=models)
    with draft as name:
        yield Path(name)


def _clear_drafts(models: Path) -> None:
    """Delete the drafts of processes that are gone; a model that stepped aside in one comes back."""
    for draft in models.glob(".draft-*"):
        match = _DRAFT.fullmatch(draft.name)
        if not match or is_running(int(match["process"])):
            continue
        for replaced in (draft / _REPLACED).glob("*"):
            if not (models / replaced.name).exists():
                replaced.rename(models / replaced.name)
        shutil.rmtree(draft)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ModelError(f"{path} is missing", hint=_TRAIN_AGAIN) from None
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error


def _check_labels(path: Path, card: Card) -> None:
    if tuple(_read(path).decode("utf-8", "replace").splitlines()) != card.labels:
        raise ModelError(f"{path} does not name the labels of {CARD_FILE}", hint=_TRAIN_AGAIN)


def _check_digest(path: Path, sha256: str) -> None:
    if hashlib.sha256(_read(path)).hexdigest() != sha256:
        raise ModelError(f"{path} is damaged: its SHA-256 is not the one in {CARD_FILE}", hint=_TRAIN_AGAIN)


def _first_problem(error: ValidationError) -> str:
    problem = error.errors()[0]
    key = ".".join(str(step) for step in problem["loc"])
    return f"{key}: {problem['msg']}" if key else problem["msg"]


def _sync_tree(folder: Path) -> None:
    """Have everything below `folder` on the disk before the folder gets its name."""
    for path in (folder, *folder.rglob("*")):
        if path.is_dir():
            sync_folder(path)
        else:
            with path.open("rb+") as file:
                os.fsync(file.fileno())


def _swap(draft: Path, folder: Path, aside: Path) -> None:
    """Rename; a folder of the same name steps aside first, and comes back if the rename fails."""
    try:
        if folder.exists():
            folder.rename(aside)
        draft.rename(folder)
    except BaseException:
        if aside.exists() and not folder.exists():
            aside.rename(folder)
        raise
