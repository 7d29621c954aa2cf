"""From class folders to a model bundle: read, crop, split, fit, convert, measure, calibrate, write."""

import hashlib
import json
import shutil
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rig.card import Calibration, Card, Conversion, DataFingerprint, FoldScore, Precision, Scores, Split
from rig.files import require_room
from rig.looks import Looks
from rig.model import (
    CHECKPOINTS_FOLDER,
    FOLDS_FOLDER,
    IMAGES_FILE,
    LOGS_FOLDER,
    REPORT_FOLDER,
    VARIANTS_FOLDER,
    Bundle,
    draft_folder,
    write_bundle,
)
from rig.workers import cores
from training.backend import tf
from training.choices.names import OWN
from training.choices.recipe import Balance
from training.choices.request import TrainRequest
from training.conversion.metadata import describe_network
from training.conversion.network_files import to_variants
from training.conversion.quantize import require_convertible
from training.conversion.variants import Choice, Fitted, choose, describe_conversion, pool
from training.events import Converting, Emit, EpochDone, Measured, Noted, TrainEvent
from training.fitting.distribute import Distribution
from training.fitting.fit import fit, fresh_network, room_bytes
from training.fitting.helping import DONE, described
from training.fitting.logs import Logs
from training.fitting.side_by_side import Order, fit_side_by_side
from training.fitting.unfinished import kept_until_finished, package_versions
from training.measuring.baseline import Baseline, baseline
from training.measuring.figures import (
    calibrate,
    confusion_of,
    examples_of,
    how_measured,
    leaky_score,
    mistakes_of,
    scores_of,
)
from training.measuring.looks import fit_looks
from training.measuring.strangers import Memory, memories_of
from training.measuring.temperature import REJECT_THRESHOLD
from training.pictures.data import Crops, network_inputs
from training.pictures.split import Stage
from training.pictures.withheld import taught
from training.prepare import Prepared, prepare
from training.progress import Progress
from training.report.findings import Findings
from training.report.writing import write_report


@dataclass(frozen=True)
class TrainResult:
    """What came out.

    Attributes:
        bundle: on disk; its card has the scores.
        not_located: pictures in which no part was found.
        copies: files that were left out, since another one is the same.
        baseline: what memory alone achieves on the pictures that the model is measured on; None without any.
    """

    bundle: Bundle
    not_located: int
    copies: int
    baseline: Baseline | None


def train(
    request: TrainRequest, emit: Emit, *, resume: bool = False, distribution: Distribution | None = None
) -> TrainResult:
    """Train a model and write its bundle.

    Args:
        resume: go on where a run with the same request was killed, and end with the same model.
        distribution: who shares the work; this is the chief, and the others call `help_train`.

    Raises:
        BadInput: the folder does not exist, or the folds cannot be dealt; or there is no such network, or it
            cannot begin with such weights, or be converted; or there is no such run to go on with, or its
            pictures have changed.
        DatasetError: the data cannot be used, or contradict themselves; names the folder or images.
        StorageError: the bundle, or what is needed on the way to it, cannot be written.
        NotLearning: the training diverged, or collapsed into one class.
        WorkerLost: another process that shares the work is gone.
    """
    if request.recipe.balance is Balance.BOTH:
        emit(Noted("Classes are balanced twice, so rare ones count for more than common ones."))
    prepared = prepare(request, emit)
    if prepared.network not in OWN:  # those that are built here are known to convert
        _require_convertible(request, prepared)
    if distribution:
        distribution.require_same(described(request, prepared.crops))
    with draft_folder(request.model.parent) as scratch:
        networks = len(prepared.split.folds) + 1
        require_room(request.model.parent, networks * room_bytes(prepared.parameters))
        with kept_until_finished(request, prepared.crops, resume=resume) as kept:
            result = _Run(request, prepared, scratch, kept, emit, distribution).complete()
            if distribution:
                distribution.require_same(DONE)
            return result


def _require_convertible(request: TrainRequest, prepared: Prepared) -> None:
    spec = prepared.spec
    network = fresh_network(prepared.crops, request.recipe, request.seed)
    require_convertible(network, prepared.network, (spec.size_px, spec.size_px, spec.contrast.planes))


class _Run:
    """One training run: the fold networks first, since they cannot know the final one, then the final one."""

    def __init__(
        self,
        request: TrainRequest,
        prepared: Prepared,
        scratch: Path,
        kept: Path,
        emit: Emit,
        distribution: Distribution | None,
    ) -> None:
        self._request = request
        self._distribution = distribution
        self._prepared = prepared
        self._spec = prepared.spec
        self._crops = crops = prepared.crops
        self._split = prepared.split
        self._scratch = scratch
        self._kept = kept
        self._logs = Logs(kept / LOGS_FOLDER)
        self._emit = emit
        self._epochs: list[EpochDone] = []
        self._inputs = network_inputs(crops.images, crops.sizes, self._spec.contrast)
        self._progress = Progress(prepared.work(request.recipe))

    def complete(self) -> TrainResult:
        if self._jobs > 1:
            self._fit_ahead()
        *folds, final = (self._fit(stage) for stage in self._split.stages)
        crops, targets = self._crops, self._crops.targets
        choice = choose([*folds, final])
        measured = {
            precision: pool([fitted.measured(precision) for fitted in folds or [final]])
            for precision in Precision
        }
        chosen = measured[choice.precision]
        how = how_measured(len(folds), len(final.partition.tested), len(chosen.indices))
        temperature, calibration = calibrate(chosen, crops, how)
        answers = [fitted.measured(choice.precision) for fitted in folds or [final]]
        looks = fit_looks(answers, crops, temperature, self._request.seed)
        *fold_memories, memory = memories_of(folds, final, choice.precision, self._inputs, crops, how)
        fold_scores = tuple(_score_of_fold(k, fitted, choice, targets) for k, fitted in enumerate(folds, 1))
        scores = scores_of(chosen, measured[Precision.FLOAT32], crops, how)
        leaky = leaky_score(folds or [final], choice.precision, self._inputs, crops)
        scores = scores.model_copy(update={"folds": fold_scores, "leaky": leaky})
        conversion = describe_conversion(final, measured, choice, targets, self._inputs[0])
        network = final.content(choice.precision)
        card = self._card(final, network, temperature, calibration, scores, conversion, looks, memory)
        nearest = baseline(
            crops,
            self._split.folds or (self._split.final,),
            self._prepared.judges,
            seed=self._request.seed,
        )
        findings = Findings(
            name=self._request.model.name,
            card=card,
            epochs=self._epochs,
            confusion=confusion_of(chosen, crops),
            logits=chosen.logits,
            targets=targets[chosen.indices],
            mistakes=mistakes_of(chosen, crops, temperature),
            examples=examples_of(crops, 4),
            baseline=nearest,
        )

        def fill(folder: Path) -> None:
            _write_images(folder / IMAGES_FILE, crops)
            memory.write(folder)
            write_report(folder / REPORT_FOLDER, findings)
            self._logs.copy_to(folder / LOGS_FOLDER)
            (folder / CHECKPOINTS_FOLDER).mkdir()
            shutil.copy(self._checkpoint(0), folder / CHECKPOINTS_FOLDER / "best.weights.h5")
            (folder / VARIANTS_FOLDER).mkdir()
            for variant in final.variants.values():
                shutil.copy(variant.path, folder / VARIANTS_FOLDER)
            for number, (fitted, its_own) in enumerate(zip(folds, fold_memories, strict=True), start=1):
                self._write_fold(folder / FOLDS_FOLDER / str(number), fitted, its_own, choice, number)

        bundle = write_bundle(self._request.model, network, card, fill)
        return TrainResult(
            bundle=bundle,
            not_located=int((~crops.located).sum()),
            copies=self._prepared.copies,
            baseline=nearest,
        )

    @property
    def _jobs(self) -> int:
        """How many networks are fitted at once. Those on a GPU would take its memory from each other."""
        alone = self._distribution or self._request.recipe.logistic or tf.config.list_physical_devices("GPU")
        return 1 if alone else min(self._request.jobs, len(self._split.stages))

    def _fit_ahead(self) -> None:
        """Have other processes fit all networks; `_fit` finds nothing left to do but to take them over."""
        orders = [
            Order(
                stage,
                self._request.recipe,
                self._seed(stage),
                self._state(stage),
                self._checkpoint(stage.number),
                threads=max(1, cores() // self._jobs),
            )
            for stage in self._split.stages
        ]
        fit_side_by_side(self._crops, orders, self._jobs, self._progress, self._note)

    def _seed(self, stage: Stage) -> int:
        return self._request.seed + stage.number

    def _state(self, stage: Stage) -> Path:
        return self._kept / f"{stage.number}.state"

    def _fit(self, stage: Stage) -> Fitted:
        crops, request = self._crops, self._request
        model = fit(
            crops,
            taught(crops, stage.partition),
            crops.in_groups(stage.partition.validated),
            request.recipe,
            stage=stage.name,
            seed=self._seed(stage),
            state=self._state(stage),
            checkpoint=self._checkpoint(stage.number),
            progress=self._progress,
            # What was fitted ahead has been told.
            emit=self._note if self._jobs == 1 else _say_nothing,
            distribution=self._distribution,
        )
        self._emit(Converting(stage.name))
        fitted = to_variants(
            model,
            self._inputs,
            crops,
            stage.partition,
            describe_network(self._prepared.network, self._spec, self._inputs.shape[-1], crops.labels),
            request.recipe,
            seed=request.seed,
            folder=self._scratch / str(stage.number),
        )
        measured = fitted.measured(Precision.INT8)
        self._emit(Measured(stage.name, len(measured.indices), measured.top1(crops.targets)))
        return fitted

    def _checkpoint(self, number: int) -> Path:
        return self._scratch / f"{number}.weights.h5"

    def _note(self, event: TrainEvent) -> None:
        if isinstance(event, EpochDone):
            self._epochs.append(event)
            self._logs.note(event)
        self._emit(event)

    def _card(
        self,
        fitted: Fitted,
        network: bytes,
        temperature: float,
        calibration: Calibration,
        scores: Scores,
        conversion: Conversion | None,
        looks: Looks | None,
        memory: Memory,
    ) -> Card:
        crops = self._crops
        return Card(
            labels=crops.labels,
            preprocess=self._spec,
            network=self._prepared.network,
            pretrained=self._prepared.pretrained,
            recipe=self._request.recipe.in_words(crops.labels),
            parameters=fitted.parameters,
            temperature=temperature,
            reject_threshold=REJECT_THRESHOLD,
            looks=looks,
            strangers=memory.strangers,
            calibration=calibration,
            scores=scores,
            split=Split(
                trained=fitted.partition.trained,
                validated=fitted.partition.validated,
                tested=fitted.partition.tested,
                untestable=self._split.untestable,
            ),
            data=_fingerprint(crops),
            conversion=conversion,
            seed=self._request.seed,
            versions=package_versions(),
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            model_sha256=hashlib.sha256(network).hexdigest(),
        )

    def _write_fold(self, folder: Path, fitted: Fitted, memory: Memory, choice: Choice, number: int) -> None:
        calibration = Calibration(
            calibrated=False, how="not calibrated: a fold's network only serves to measure"
        )
        scores = scores_of(
            fitted.measured(choice.precision),
            fitted.measured(Precision.FLOAT32),
            self._crops,
            f"the parts that fold {number} has never seen",
        )
        network = fitted.content(choice.precision)
        card = self._card(fitted, network, 1.0, calibration, scores, None, None, memory)
        write_bundle(folder, network, card, memory.write)


def _say_nothing(event: TrainEvent) -> None:
    """Hears events that were told before."""


def _score_of_fold(number: int, fitted: Fitted, choice: Choice, targets: NDArray[np.int64]) -> FoldScore:
    right = fitted.measured(choice.precision).right(targets)
    return FoldScore(fold=number, images=len(right), top1=float(right.mean()))


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
