"""From class folders to a model bundle: read, crop, split, fit, convert, measure, calibrate, write."""

import hashlib
import json
import shutil
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from rig.files import require_room
from rig.model import (
    CHECKPOINTS_FOLDER,
    FOLDS_FOLDER,
    IMAGES_FILE,
    LOGS_FOLDER,
    REPORT_FOLDER,
    Bundle,
    Calibration,
    Card,
    DataFingerprint,
    Scores,
    Split,
    draft_folder,
    write_bundle,
)
from rig.vision.classifier import Network
from training import networks
from training.baseline import Baseline, baseline
from training.calibrate import REJECT_THRESHOLD
from training.data import Crops, network_inputs
from training.events import Converting, Emit, EpochDone, Measured, Noted, TrainEvent
from training.fit import ROOM, fit
from training.logs import Logs
from training.measure import (
    Fitted,
    calibrate,
    confusion_of,
    float_right,
    how_measured,
    mistakes_of,
    scores_of,
    top1,
)
from training.prepare import Prepared, prepare
from training.progress import Progress
from training.quantize import to_integers
from training.recipe import Balance
from training.report import write_report
from training.request import TrainRequest
from training.split import Partition
from training.unfinished import kept_until_finished, package_versions


@dataclass(frozen=True)
class TrainResult:
    """What came out.

    Attributes:
        bundle: on disk; its card has the scores.
        folds: top-1 of each fold's network on its unseen parts.
        not_located: pictures in which no part was found.
        copies: files that were left out, since another one is the same.
        baseline: what memory alone achieves on the pictures that the model is measured on; None without any.
    """

    bundle: Bundle
    folds: tuple[float, ...]
    not_located: int
    copies: int
    baseline: Baseline | None


def train(request: TrainRequest, emit: Emit, *, resume: bool = False) -> TrainResult:
    """Train a model and write its bundle.

    Args:
        resume: go on where a run with the same request was killed, and end with the same model.

    Raises:
        BadInput: the folder does not exist, or the folds cannot be dealt; or there is no such run to go on
            with, or its pictures have changed.
        DatasetError: the data cannot be used, or contradict themselves; names the folder or images.
        StorageError: the bundle, or what is needed on the way to it, cannot be written.
        NotLearning: the training diverged, or collapsed into one class.
    """
    if request.recipe.balance is Balance.BOTH:
        emit(Noted("Classes are balanced twice, so rare ones count for more than common ones."))
    prepared = prepare(request, emit)
    with draft_folder(request.model.parent) as scratch:
        require_room(request.model.parent, ROOM * (len(prepared.split.folds) + 1))
        with kept_until_finished(request, prepared.crops, resume=resume) as kept:
            return _Run(request, prepared, scratch, kept, emit).complete()


class _Run:
    """One training run: the fold networks first, since they cannot know the final one, then the final one."""

    def __init__(
        self,
        request: TrainRequest,
        prepared: Prepared,
        scratch: Path,
        kept: Path,
        emit: Emit,
    ) -> None:
        self._request = request
        self._spec = prepared.spec
        self._crops = crops = prepared.crops
        self._split = split = prepared.split
        self._copies = prepared.copies
        self._scratch = scratch
        self._kept = kept
        self._logs = Logs(kept / LOGS_FOLDER)
        self._emit = emit
        self._epochs: list[EpochDone] = []
        self._inputs = network_inputs(crops.images, crops.sizes)
        works = [
            request.recipe.work(len(crops.in_groups(part.trained))) for part in (*split.folds, split.final)
        ]
        self._progress = Progress(sum(works))

    def complete(self) -> TrainResult:
        folds = [self._fit(f"fold {k}", part, k) for k, part in enumerate(self._split.folds, start=1)]
        final = self._fit("final", self._split.final, 0)
        measured = folds or [final]
        how = how_measured(len(folds), len(final.partition.tested), len(final.held_out))
        temperature, calibration = calibrate(measured, self._crops, how)
        confusion = confusion_of(measured, self._crops)
        card = self._card(final, temperature, calibration, scores_of(measured, self._crops, how))
        mistakes = mistakes_of(measured, self._crops, temperature)

        def fill(folder: Path) -> None:
            _write_images(folder / IMAGES_FILE, self._crops)
            write_report(folder / REPORT_FOLDER, card, self._epochs, confusion, mistakes)
            self._logs.copy_to(folder / LOGS_FOLDER)
            (folder / CHECKPOINTS_FOLDER).mkdir()
            shutil.copy(final.checkpoint, folder / CHECKPOINTS_FOLDER / "best.weights.h5")
            for number, fitted in enumerate(folds, start=1):
                self._write_fold(folder / FOLDS_FOLDER / str(number), fitted, number)

        bundle = write_bundle(self._request.model, final.network, card, fill)
        return TrainResult(
            bundle=bundle,
            folds=tuple(top1(fitted.logits, self._crops.targets[fitted.held_out]) for fitted in folds),
            not_located=int((~self._crops.located).sum()),
            copies=self._copies,
            baseline=baseline(
                self._crops, self._split.folds or (self._split.final,), seed=self._request.seed
            ),
        )

    def _fit(self, stage: str, partition: Partition, number: int) -> Fitted:
        crops, request = self._crops, self._request
        train, validation = crops.in_groups(partition.trained), crops.in_groups(partition.validated)
        checkpoint = self._scratch / f"{number}.weights.h5"
        model = fit(
            crops,
            train,
            validation,
            request.recipe,
            stage=stage,
            seed=request.seed + number,
            state=self._kept / f"{number}.state",
            checkpoint=checkpoint,
            progress=self._progress,
            emit=self._note,
        )
        self._emit(Converting(stage))
        content = to_integers(
            model, self._inputs[train], seed=request.seed, scratch=self._scratch / str(number)
        )
        held_out = crops.in_groups(partition.tested) if partition.tested else validation
        network = Network(content, f"the network of {stage}")
        logits = np.array([network.logits(self._inputs[i]) for i in held_out], np.float32)
        logits = logits.reshape(len(held_out), len(crops.labels))
        right = top1(logits, crops.targets[held_out]) if len(held_out) else None
        self._emit(Measured(stage, len(held_out), right))
        return Fitted(
            partition=partition,
            network=content,
            parameters=model.count_params(),
            checkpoint=checkpoint,
            held_out=held_out,
            logits=logits,
            float_right=float_right(model, self._inputs, crops.targets, held_out),
        )

    def _note(self, event: TrainEvent) -> None:
        if isinstance(event, EpochDone):
            self._epochs.append(event)
            self._logs.note(event)
        self._emit(event)

    def _card(self, fitted: Fitted, temperature: float, calibration: Calibration, scores: Scores) -> Card:
        crops = self._crops
        return Card(
            labels=crops.labels,
            preprocess=self._spec,
            network=networks.NAME,
            parameters=fitted.parameters,
            temperature=temperature,
            reject_threshold=REJECT_THRESHOLD,
            calibration=calibration,
            scores=scores,
            split=Split(
                trained=fitted.partition.trained,
                validated=fitted.partition.validated,
                tested=fitted.partition.tested,
                untestable=self._split.untestable,
            ),
            data=_fingerprint(crops),
            seed=self._request.seed,
            versions=package_versions(),
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            model_sha256=hashlib.sha256(fitted.network).hexdigest(),
        )

    def _write_fold(self, folder: Path, fitted: Fitted, number: int) -> None:
        calibration = Calibration(
            calibrated=False, how="not calibrated: a fold's network only serves to measure"
        )
        scores = scores_of([fitted], self._crops, f"the parts that fold {number} has never seen")
        card = self._card(fitted, 1.0, calibration, scores)
        write_bundle(folder, fitted.network, card)


def _fingerprint(crops: Crops) -> DataFingerprint:
    return DataFingerprint(
        sha256=hashlib.sha256("\n".join(sorted(crops.digests)).encode()).hexdigest(),
        images=len(crops),
        classes=len(crops.labels),
        sources=tuple(sorted({sample.source for sample in crops.samples})),
    )


def _write_images(path: Path, crops: Crops) -> None:
    digests: dict[str, list[str]] = defaultdict(list)
    for group, digest in zip(crops.groups.tolist(), crops.digests, strict=True):
        digests[group].append(digest)
    path.write_text(json.dumps(digests, indent=1) + "\n", encoding="utf-8")
