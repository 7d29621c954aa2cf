"""Around the steps of a fit: sets the rate, tells how it goes, keeps its state, sees when to end."""

import math
from pathlib import Path

from rig.errors import NotLearning
from training.backend import keras
from training.choices.recipe import Phase, Recipe
from training.choices.schedules import SCHEDULES
from training.events import Emit, EpochDone, Fitting, Noted
from training.fitting.history import collapse_epochs, has_collapsed, is_best, is_out_of_patience
from training.fitting.snapshot import Arrays, Snapshot, read_snapshot, values_of, write_snapshot
from training.progress import Progress

_LEARNT = 0.2
"""Of the way from naming one class only to naming all pictures rightly: a network that got so far learns."""


class ScheduledRate(keras.callbacks.Callback):  # type: ignore[misc]
    """Sets the learning rate before each step.

    As a callback, because a schedule inside the optimizer is traced anew for each variable.

    Args:
        batches: in an epoch.
    """

    def __init__(self, recipe: Recipe, batches: int) -> None:
        super().__init__()
        self._schedule = SCHEDULES[recipe.schedule]
        self._recipe = recipe
        self._peak = recipe.peak_rate
        self._batches = batches
        self._steps = recipe.epochs * batches
        self._first_step = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._first_step = epoch * self._batches
        self._peak = self._recipe.peak_rate * self._recipe.phase_of(epoch + 1).rate

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        share = self._schedule(self._first_step + batch, self._steps)
        self.model.optimizer.learning_rate = self._peak * share


class Watch(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps the state of one fit on disk, its best weights in memory, and ends it when going on is no use.

    Args:
        stage: what events call this network.
        state: file for the state after each epoch.
        batches: in an epoch.
        validates: whether validation pictures can show that only one class is named; else training ones do.
        chooses: whether they are enough to tell the best epoch by; else it is the last one.
        one_class_top1: what naming one class only would score on the training pictures.

    Attributes:
        epochs: those that are done.
        best: the network's variables after the best of them.
    """

    def __init__(
        self,
        stage: str,
        recipe: Recipe,
        state: Path,
        progress: Progress,
        emit: Emit,
        *,
        batches: int,
        validates: bool,
        chooses: bool,
        one_class_top1: float,
    ) -> None:
        super().__init__()
        self._stage = stage
        self._recipe = recipe
        self._state = state
        self._progress = progress
        self._emit = emit
        self._batches = batches
        self._commonest = "val_commonest" if validates else "commonest"
        self._chooses = chooses
        self._one_class_top1 = one_class_top1
        self._size_px = recipe.phases[0].size_px
        self.epochs: tuple[EpochDone, ...] = ()
        self.best: Arrays = ()

    @property
    def is_over(self) -> bool:
        """Whether no epoch is left, or patience for none."""
        return len(self.epochs) == self._recipe.epochs or is_out_of_patience(
            self.epochs, self._recipe.patience
        )

    def resume(self) -> Snapshot | None:
        """Go on where the state on disk says, if there is one; its epochs are told again.

        Raises:
            ModelError: it is damaged.
        """
        snapshot = read_snapshot(self._state)
        if snapshot is not None:
            self.epochs, self.best = snapshot.epochs, snapshot.best
            for epoch in self.epochs:
                self._progress.skip(self._work(epoch.size_px))
                self._emit(epoch)
        return snapshot

    def enter(self, phase: Phase) -> None:
        """The next phase begins."""
        self._size_px = phase.size_px

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        loss = float((logs or {})["loss"])
        self._require_number(loss)
        self._progress.advance(self._work(self._size_px) / self._batches)
        self._emit(
            Fitting(
                stage=self._stage,
                epoch=len(self.epochs) + 1,
                epochs=self._recipe.epochs,
                batch=batch + 1,
                batches=self._batches,
                loss=loss,
                share_done=self._progress.share_done,
                seconds_left=self._progress.seconds_left,
            )
        )

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        done = self._epoch_done(epoch + 1, logs or {})
        if done.kept:
            self.best = values_of(self.model.variables)
        self.epochs = (*self.epochs, done)
        self._require_learning()
        write_snapshot(self._state, Snapshot.of(self.model, self.epochs, self.best))
        self._emit(done)
        if self.is_over:
            self._end_early()

    def _epoch_done(self, number: int, logs: dict[str, float]) -> EpochDone:
        validation_loss = logs.get("val_loss")
        self._require_number(validation_loss or 0.0)
        return EpochDone(
            stage=self._stage,
            epoch=number,
            epochs=self._recipe.epochs,
            size_px=self._size_px,
            loss=float(logs["loss"]),
            top1=float(logs["accuracy"]),
            validation_loss=validation_loss,
            validation_top1=logs.get("val_accuracy"),
            kept=self._recipe.is_in_last_phase(number)
            and is_best(self.epochs, validation_loss if self._chooses else None),
            learning_rate=float(self.model.optimizer.learning_rate.numpy()),
            one_class=self._names_one_class(logs),
        )

    def _names_one_class(self, logs: dict[str, float]) -> bool:
        """Whether it seems so, and the training pictures are not told apart either.

        In training, batch normalisation goes by the batch; elsewhere by running means, which lag so far
        behind at first that a network which learns well names one class only.
        """
        learnt = (logs["accuracy"] - self._one_class_top1) / (1 - self._one_class_top1)
        return logs[self._commonest] == 1 and learnt < _LEARNT

    def _end_early(self) -> None:
        left = self._recipe.epochs - len(self.epochs)
        if left:
            self.model.stop_training = True
            self._progress.skip(left * self._work(self._size_px))
            self._emit(
                Noted(
                    f"Training of {self._stage} ends after epoch {len(self.epochs)} of {self._recipe.epochs}:"
                    f" the validation loss has not fallen for {self._recipe.patience}."
                )
            )

    def _require_number(self, loss: float) -> None:
        if not math.isfinite(loss):
            raise NotLearning(
                f"training of {self._stage} diverged in epoch {len(self.epochs) + 1}: the loss is {loss}",
                hint="look for odd pictures among the training data, or try a lower --learning-rate",
            )

    def _require_learning(self) -> None:
        if has_collapsed(self.epochs, self._recipe):
            raise NotLearning(
                f"training of {self._stage} has collapsed: for {collapse_epochs(self._recipe)} epochs, up to"
                f" epoch {len(self.epochs)}, every picture was named as the same class",
                hint="try another --learning-rate (rig train --find-rate suggests one) or another --seed",
            )

    def _work(self, size_px: int) -> float:
        """Of an epoch."""
        return float(size_px**2 * self._batches)
