"""What sorting meets with: told as an event, put on record, and gone on from."""

from collections.abc import Generator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TypeVar

from rig.camera.frame import Image
from rig.files import write_whole
from rig.sorting.ledger import Ledger, RunId
from rig.vision.jpeg import encode_jpeg

_Found = TypeVar("_Found")


class TroubleKind(Enum):
    """What is the matter; the value is what the ledger has."""

    BOARD = "board"
    CAMERA = "camera"
    LIGHT = "light"
    JAM = "jam"
    FULL_BIN = "full bin"
    TABLE = "table"


@dataclass(frozen=True)
class Trouble:
    """What sorting waits for, or goes on in spite of; it does so when the next event is asked for.

    Attributes:
        what: what happened, a sentence without a full stop.
        hint: what to do, or what is being done, a clause.
        wants_a_person: somebody has to see to it before the next event is asked for. A machine whose operator
            can be asked asks then.
        picture: of the table; None where that would tell nothing.
    """

    kind: TroubleKind
    what: str
    hint: str
    wants_a_person: bool
    picture: Path | None

    def __str__(self) -> str:
        return f"{self.what}: {self.hint}" + (f" (picture: {self.picture})" if self.picture else "")


@dataclass(frozen=True)
class TroubleOver:
    """Sorting goes on."""

    kind: TroubleKind

    def __str__(self) -> str:
        return f"{_OVER[self.kind]}; sorting goes on"


_OVER = {
    TroubleKind.BOARD: "The board is back",
    TroubleKind.CAMERA: "The camera is back",
    TroubleKind.LIGHT: "There is light again",
    TroubleKind.JAM: "The way is free",
    TroubleKind.FULL_BIN: "The bin is empty",
    TroubleKind.TABLE: "The table turns",
}


Waits = Generator[Trouble | TroubleOver, None, _Found]
"""Something that is found in the end, with the troubles that are met on the way."""


class Troubles:
    """The troubles of a run, on record in its ledger."""

    def __init__(self, ledger: Ledger, run: RunId) -> None:
        self._ledger = ledger
        self._run = run
        self._count = 0

    def begin(
        self,
        kind: TroubleKind,
        what: str,
        hint: str,
        *,
        wants_a_person: bool = False,
        image: Image | None = None,
    ) -> Trouble:
        """Put a trouble on record; whoever waits for it yields what this returns.

        Args:
            image: (height, width, 3) uint8, BGR; kept as `troubles/<run>/<number>.jpg` beside the ledger.

        Raises:
            StorageError: it could not be written.
        """
        self._count += 1
        name: str | None = None
        if image is not None:
            name = f"troubles/{self._run}/{self._count:03d}.jpg"
            write_whole(self._ledger.folder / name, encode_jpeg(image))
        self._ledger.keep_trouble(self._run, kind.value, what, name)
        return Trouble(kind, what, hint, wants_a_person, self._ledger.folder / name if name else None)
