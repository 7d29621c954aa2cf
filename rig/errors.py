"""The tree of errors: each says what happened, to which device or file, and what to do next.

    RigError
    ├── BadInput              a number, name or file that the user gave cannot be used
    │   ├── BadField          one of several things that were said cannot be used
    │   ├── NotFound          nothing has the name that the user gave
    │   ├── AnsweredAlready   a question that is not asked any more
    │   └── ConfigError       rig.toml is missing, unreadable or contradicts itself
    ├── DatasetError          class folders or their manifest cannot be used
    ├── ModelError            a model bundle is missing, damaged or does not fit
    ├── NotLearning           training diverged, or names one class whatever it is shown
    ├── StorageError          the disk is full, read-only or gone
    ├── WorkerLost            a process that shared the work was killed
    ├── MissingPackage        an optional Python package is needed here and absent
    ├── ServiceError          a step of installing or removing the service failed
    └── DeviceError           something on the desk
        ├── CameraError       no camera, or it stopped delivering
        │   └── FrameTimeout  no frame in time (also a TimeoutError)
        ├── SerialPortError   the port is absent, busy or was unplugged
        ├── MarlinError       the firmware answered with an error
        │   ├── MarlinTimeout the firmware did not answer in time (also a TimeoutError)
        │   ├── MarlinReset   the board restarted: its position is unknown
        │   ├── MarlinHalted  the board was killed: only a reset revives it
        │   ├── MarlinStopped motion was stopped before the command was sent
        │   ├── FirmwareMismatch the firmware lacks what the rig needs
        │   └── LineRefused   the same line was refused too many times, or must not be sent at all
        ├── RigBusy           another process runs this rig
        ├── BoardNotReady     the daemon's board is offline, or was killed
        ├── CaptureStopped    a view cannot be kept, however often it is taken
        │   └── TableStalled  the table is told to turn, and what lies on it does not
        └── PositionUnknown   an absolute move was asked for before homing or zeroing

The command line prints `what` and `hint`, a line each, and exits with `exit_code`.
"""

import re
from typing import ClassVar

_OF_LIBRARIES = re.compile(r"^Value error, |(?<=: )Value error, |, unable to parse string as an? \w+")


class Interrupted(BaseException):
    """Ctrl-C or SIGTERM. No RigError, since nothing went wrong; it passes every `except Exception`."""


class RigError(Exception):
    """Base of every error that the rig raises on purpose.

    Args:
        what: one sentence that names the device or file and what happened to it.
        hint: what to do next, as an imperative; empty where nothing helps.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.what} ({self.hint})" if self.hint else self.what


class BadInput(RigError):
    """A value that the user gave cannot be used."""

    exit_code = 2


class BadField(BadInput):
    """One of several things that were said, as options or as columns of a list, cannot be used.

    Attributes:
        field: its name, such as `steps`; `what` says of its value only what is wrong with it.
    """

    def __init__(self, what: str, *, field: str, hint: str) -> None:
        super().__init__(what, hint=hint)
        self.field = field

    def __str__(self) -> str:
        return f"{self.field}: {super().__str__()}"


class NotFound(BadInput):
    """Nothing has the name that the user gave."""


class AnsweredAlready(BadInput):
    """An answer to a question that is not asked any more."""


class ConfigError(BadInput):
    """rig.toml is missing, unreadable or contradicts itself."""


class DatasetError(RigError):
    """Class folders or their manifest cannot be used as asked."""


class ModelError(RigError):
    """A model bundle is missing, damaged or does not fit its use."""


class NotLearning(RigError):
    """Training diverged or collapsed into one class: going on would not help."""


class StorageError(RigError):
    """The disk is full, read-only or gone."""


class WorkerLost(RigError):
    """A process that shared the work was killed from outside, or for want of memory."""


class MissingPackage(RigError):
    """An optional package is needed and absent, or present and broken."""


class ServiceError(RigError):
    """A step of installing or removing the service failed; the same command goes on from there."""


class DeviceError(RigError):
    """A device on the desk failed."""


class CameraError(DeviceError):
    """There is no camera, or it stopped delivering."""


class FrameTimeout(CameraError, TimeoutError):
    """The camera delivered no suitable frame in time."""


class SerialPortError(DeviceError):
    """The serial port is absent, busy or was unplugged."""


class MarlinError(DeviceError):
    """The firmware answered a command with an error."""


class MarlinTimeout(MarlinError, TimeoutError):
    """The firmware did not answer in time."""


class MarlinReset(MarlinError):
    """The board restarted by itself: its position is unknown and nothing is replayed."""


class MarlinHalted(MarlinError):
    """The board was killed (M112 or a fault): only a reset revives it."""


class MarlinStopped(MarlinError):
    """A stop came before the command: it was not sent."""


class FirmwareMismatch(MarlinError):
    """The firmware was built without something that the rig needs, or for another rig."""


class LineRefused(MarlinError):
    """A line was refused too many times, or must not be sent at all."""


class RigBusy(DeviceError):
    """Another process runs this rig: wait for it, or stop it."""


class BoardNotReady(DeviceError):
    """The board that a daemon looks after is offline, or was killed: no job can begin."""


class CaptureStopped(DeviceError):
    """A view was flawed again and again; the session can be resumed."""


class TableStalled(CaptureStopped):
    """The table was told to turn, and nothing on it has turned: no other part would fare better."""


class PositionUnknown(DeviceError):
    """An absolute move was asked for while the position is unknown: home or zero first."""


def in_plain_words(said: str) -> str:
    """What a library says of a value that cannot be used, in one line and without its words for programs."""
    return _OF_LIBRARIES.sub("", said).replace("\n\t", " ")
