"""From class folders to a model bundle: read, crop, split, fit, convert, measure, calibrate, write."""

import hashlib
import json
import shutil
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from rig.dataset.reader import read_dataset
from rig.files import require_room
from rig.model import (
    CHECKPOINTS_FOLDER,
    FOLDS_FOLDER,
    IMAGES_FILE,
    REPORT_FOLDER,
    VARIANTS_FOLDER,
    Bundle,
    Calibration,
    Card,
    Conversion,
    DataFingerprint,
    Precision,
    Preprocess,
    Scores,
    Split,
    draft_folder,
    write_bundle,
)
from training import networks
from training.calibrate import REJECT_THRESHOLD
from training.conversion import to_variants
from training.data import Crops, load_crops, network_inputs
from training.events import Converting, Emit, EpochDone, Measured, TrainEvent
from training.fit import ROOM, Progress, fit
from training.measure import calibrate, confusion_of, examples_of, how_measured, mistakes_of, scores_of
from training.metadata import describe_network
from training.recipe import Recipe
from training.report.findings import Findings
from training.report.writing import write_report
from training.split import Partition, Sizes, deal_folds, hold_out, judging_sizes, untestable
from training.variants import Choice, Fitted, choose, describe_conversion, ground_of, pool

MARGIN = 0.1
"""Around the part's box, as a share of its long side."""


@dataclass(frozen=True)
class TrainRequest:
    """What to train.

    Attributes:
        data: folder of class folders.
        model: folder that the bundle shall be; one of the same name is replaced.
        folds: at least 2: so many extra networks measure how the recipe does on unseen parts. 0: one network,
            with validation groups held out where a class has two or more. None: 2 if a class has two groups,
            else 0.
        recipe: how each network is fitted.
        seed: same seed and data, same split and pictures.
        allow_mixed: simulated and real pictures may come together.
        threads: for reading pictures.
    """

    data: Path
    model: Path
    folds: int | None = None
    recipe: Recipe = field(default_factory=Recipe)
    seed: int = 0
    allow_mixed: bool = False
    threads: int = 2


@dataclass(frozen=True)
class TrainResult:
    """What came out.

    Attributes:
        bundle: on disk; its card has the scores.
        folds: top-1 of each fold's network on its unseen parts.
        not_located: pictures in which no part was found.
    """

    bundle: Bundle
    folds: tuple[float, ...]
    not_located: int


def train(request: TrainRequest, emit: Emit) -> TrainResult:
    """Train a model and write its bundle.

    Raises:
        BadInput: the folder does not exist, or the folds cannot be dealt.
        DatasetError: the data cannot be used; names the folder or image.
        StorageError: the bundle, or what is needed on the way to it, cannot be written.
        RigError: the training diverged.
    """
    spec = Preprocess(size_px=request.recipe.size_px, margin=MARGIN)
    dataset = read_dataset(request.data, allow_mixed=request.allow_mixed)
    sizes = judging_sizes(dataset.samples)
    groups = {sample.group_key for sample in dataset.samples}
    folds = [part.with_all(groups) for part in deal_folds(sizes, _fold_count(request.folds, sizes))]
    final = hold_out(sizes, least_groups=3 if folds else 2).with_all(groups)
    crops = load_crops(dataset, spec, emit, threads=request.threads)
    with draft_folder(request.model.parent) as scratch:
        require_room(request.model.parent, ROOM * (len(folds) + 1))
        return _Run(request, spec, crops, folds, final, scratch, emit).complete()


def _fold_count(asked: int | None, sizes: Sizes) -> int:
    if asked is not None:
        return asked
    return 0 if len(untestable(sizes)) == len(sizes) else 2


class _Run:
    """One training run: the fold networks first, since they cannot know the final one, then the final one."""

    def __init__(
        self,
        request: TrainRequest,
        spec: Preprocess,
        crops: Crops,
        folds: Sequence[Partition],
        final: Partition,
        scratch: Path,
        emit: Emit,
    ) -> None:
        self._request = request
        self._spec = spec
        self._crops = crops
        self._folds = folds
        self._final = final
        self._scratch = scratch
        self._emit = emit
        self._epochs: list[EpochDone] = []
        self._inputs = network_inputs(crops.images, crops.sizes)
        works = [request.recipe.work(len(crops.in_groups(part.trained))) for part in (*folds, final)]
        self._progress = Progress(sum(works))

    def complete(self) -> TrainResult:
        folds = [self._fit(f"fold {k}", part, k) for k, part in enumerate(self._folds, start=1)]
        final = self._fit("final", self._final, 0)
        crops, targets = self._crops, self._crops.targets
        choice = choose([*folds, final], targets)
        measured = {
            precision: pool([fitted.measured(precision) for fitted in folds or [final]])
            for precision in Precision
        }
        chosen = measured[choice.precision]
        how = how_measured(len(folds), len(chosen.indices))
        temperature, calibration = calibrate(chosen, crops, how)
        scores = scores_of(chosen, measured[Precision.FLOAT32], crops, how)
        conversion = describe_conversion(final, measured, choice, targets, self._inputs[0])
        network = final.content(choice.precision)
        card = self._card(final, network, temperature, calibration, scores, conversion)
        findings = Findings(
            name=self._request.model.name,
            card=card,
            epochs=self._epochs,
            confusion=confusion_of(chosen, crops),
            logits=chosen.logits,
            targets=targets[chosen.indices],
            mistakes=mistakes_of(chosen, crops, temperature),
            examples=examples_of(crops, 4),
        )

        def fill(folder: Path) -> None:
            _write_images(folder / IMAGES_FILE, crops)
            write_report(folder / REPORT_FOLDER, findings)
            (folder / CHECKPOINTS_FOLDER).mkdir()
            shutil.copy(final.checkpoint, folder / CHECKPOINTS_FOLDER / "best.weights.h5")
            (folder / VARIANTS_FOLDER).mkdir()
            for variant in final.variants.values():
                shutil.copy(variant.path, folder / VARIANTS_FOLDER)
            for number, fitted in enumerate(folds, start=1):
                self._write_fold(folder / FOLDS_FOLDER / str(number), fitted, choice, number)

        bundle = write_bundle(self._request.model, network, card, fill)
        fold_top1 = [fitted.measured(choice.precision).top1(targets) for fitted in folds]
        return TrainResult(
            bundle=bundle,
            folds=tuple(top1 for top1 in fold_top1 if top1 is not None),
            not_located=int((~crops.located).sum()),
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
            checkpoint=checkpoint,
            progress=self._progress,
            emit=self._note,
        )
        self._emit(Converting(stage))
        fitted = Fitted(
            partition=partition,
            parameters=model.count_params(),
            checkpoint=checkpoint,
            ground=ground_of(partition),
            variants=to_variants(
                model,
                self._inputs,
                crops,
                partition,
                describe_network(networks.NAME, self._spec, self._inputs.shape[-1], crops.labels),
                request.recipe,
                seed=request.seed,
                folder=self._scratch / str(number),
            ),
        )
        measured = fitted.measured(Precision.INT8)
        self._emit(Measured(stage, len(measured.indices), measured.top1(crops.targets)))
        return fitted

    def _note(self, event: TrainEvent) -> None:
        if isinstance(event, EpochDone):
            self._epochs.append(event)
        self._emit(event)

    def _card(
        self,
        fitted: Fitted,
        network: bytes,
        temperature: float,
        calibration: Calibration,
        scores: Scores,
        conversion: Conversion | None,
    ) -> Card:
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
                untestable=untestable(judging_sizes(crops.samples)),
            ),
            data=_fingerprint(crops),
            conversion=conversion,
            seed=self._request.seed,
            versions={name: version(name) for name in ("brickrig", "keras", "numpy", "tensorflow")},
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            model_sha256=hashlib.sha256(network).hexdigest(),
        )

    def _write_fold(self, folder: Path, fitted: Fitted, choice: Choice, number: int) -> None:
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
        write_bundle(folder, network, self._card(fitted, network, 1.0, calibration, scores, None))


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
