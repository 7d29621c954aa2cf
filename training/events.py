"""What training says while it runs, for progress bars, logs and the report."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Preparing:
    """Pictures are being located and cropped: so many of so many are done."""

    done: int
    total: int


@dataclass(frozen=True)
class Fitting:
    """A batch is done.

    Attributes:
        stage: which network, e.g. "fold 1" or "final".
        epoch, epochs: the current one, from 1, and how many this network gets.
        batch, batches: within the epoch, from 1.
        loss: mean of the epoch so far; NaN while features are computed for a logistic head.
        share_done: of all fitting in this run, folds and final network together, 0 to 1.
        seconds_left: estimated, for the same; None while there is nothing to estimate it from.
    """

    stage: str
    epoch: int
    epochs: int
    batch: int
    batches: int
    loss: float
    share_done: float
    seconds_left: float | None


@dataclass(frozen=True)
class EpochDone:
    """An epoch is done; those before a kill are told again when the run goes on.

    Attributes:
        loss, top1: on the augmented training pictures.
        validation_loss, validation_top1: on the validation pictures; None without any.
        kept: its weights are the best so far.
        learning_rate: of its last step; 0 for a logistic head, which has none.
        one_class: the network names one and the same class whatever it is shown.
    """

    stage: str
    epoch: int
    epochs: int
    size_px: int
    loss: float
    top1: float
    validation_loss: float | None
    validation_top1: float | None
    kept: bool
    learning_rate: float
    one_class: bool


@dataclass(frozen=True)
class Converting:
    """A network is being converted to integers."""

    stage: str


@dataclass(frozen=True)
class Measured:
    """A converted network was measured on pictures it was not fitted to; None when there are none."""

    stage: str
    images: int
    top1: float | None


@dataclass(frozen=True)
class Noted:
    """Something that whoever trains should know, as a sentence."""

    text: str


TrainEvent = Preparing | Fitting | EpochDone | Converting | Measured | Noted
Emit = Callable[[TrainEvent], None]
