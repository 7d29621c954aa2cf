"""The board of a rig: connected, looked after while nothing runs, and told of to everybody."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from rig.errors import MarlinHalted, MarlinReset, RigError, SerialPortError
from rig.opening import Rig

LOOK_AFTER_S = 2.0
"""How often an idle board is asked whether it is still there, and a lost one looked for."""

_log = logging.getLogger(__name__)


class BoardStatus(StrEnum):
    """How the board is."""

    CONNECTING = "connecting"
    READY = "ready"
    OFFLINE = "offline"
    HALTED = "halted"
    """It was killed, and takes nothing until it is reset."""


class BoardView(BaseModel):
    """The board as everybody sees it.

    Attributes:
        reason, hint: why it is not ready, and what to do; empty where it is.
    """

    model_config = ConfigDict(frozen=True)

    status: BoardStatus = BoardStatus.CONNECTING
    reason: str = ""
    hint: str = ""
    firmware: str = ""


class Board:
    """Looked after by the thread that owns the rig; all others may look, wait, and ask for a reset.

    Args:
        rig: whose board it is.
        tell: told whenever something changed.
    """

    def __init__(self, rig: Rig, tell: Callable[[BoardView], None]) -> None:
        self._rig = rig
        self._tell = tell
        self._changed = threading.Condition()
        self._look_at_s = 0.0
        self.view = BoardView()
        """How it is."""
        self.reset_wanted = False
        """Somebody wants it to be reset and found anew."""

    @property
    def is_ready(self) -> bool:
        """Whether a job can begin."""
        return self.view.status is BoardStatus.READY

    @property
    def due_in_s(self) -> float:
        """When it has to be looked after next."""
        return 0.0 if self.reset_wanted else self._look_at_s - time.monotonic()

    def look_soon(self) -> None:
        """Have it looked after at once; also for signal handlers."""
        self._look_at_s = 0.0

    def await_known(self, timeout_s: float) -> BoardView:
        """How it is, once that is known: waits while it is being connected."""
        with self._changed:
            self._changed.wait_for(
                lambda: not self.reset_wanted and self.view.status is not BoardStatus.CONNECTING, timeout_s
            )
            return self.view

    @contextmanager
    def missing(self) -> Iterator[None]:
        """While the block runs a job waits for it; afterwards it is ready, unless the block fails."""
        reason = "it was reset or unplugged, and the job waits for it"
        self._note(BoardView(status=BoardStatus.OFFLINE, reason=reason, hint="see to its cable and supply"))
        yield
        self._note(BoardView(status=BoardStatus.READY, firmware=self._rig.firmware))

    def check(self) -> None:
        """See that it is still there.

        Raises:
            DeviceError: it is not; whoever looks after it then says more.
        """
        self._look_at_s = time.monotonic() + LOOK_AFTER_S
        self._rig.check()

    def look_after(self) -> None:
        """Connect it, where it is not connected, and see that it is still there."""
        self._look_at_s = time.monotonic() + LOOK_AFTER_S
        try:
            if self.reset_wanted:
                self._note(BoardView())
                self.reset_wanted = False
                self._connect()
            elif self.view.status in (BoardStatus.CONNECTING, BoardStatus.OFFLINE):
                self._connect()
            # Of a board that was killed that hears whether somebody has reset it.
            self._rig.check()
        except RigError as error:
            self._note(self._after(error))
        except Exception:
            self._note(
                BoardView(status=BoardStatus.OFFLINE, reason="it cannot be looked after", hint="see the log")
            )
            raise
        else:
            self._note(BoardView(status=BoardStatus.READY, firmware=self._rig.firmware))
        finally:
            # Connecting takes longer than that.
            self._look_at_s = max(self._look_at_s, time.monotonic() + LOOK_AFTER_S)

    def _connect(self) -> None:
        self._rig.connect()
        self._rig.rest()

    def _after(self, error: RigError) -> BoardView:
        if isinstance(error, MarlinHalted):
            hint = "see that all is well, then reset the board"
            return BoardView(status=BoardStatus.HALTED, reason=error.what, hint=hint)
        # Somebody has reset a board that was killed, or cut its power, or it is gone: it is looked for.
        is_dead = self._rig.is_killed and not isinstance(error, MarlinReset | SerialPortError)
        status = BoardStatus.HALTED if is_dead else BoardStatus.OFFLINE
        return BoardView(status=status, reason=error.what, hint=error.hint)

    def _note(self, view: BoardView) -> None:
        if view == self.view:
            return
        if view.status is not self.view.status:
            _log.info("board %s", ": ".join(filter(None, (view.status.value, view.reason))))
        with self._changed:
            self.view = view
            self._changed.notify_all()
        self._tell(view)
