"""A real training: real networks, really converted, measured the way the rig uses them."""

import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

from rig.card import Precision
from rig.curation.audit import Problem, audit
from rig.dataset.index import indexed
from rig.dataset.reader import decode_image, read_bytes, read_dataset
from rig.errors import BadInput, DatasetError, Interrupted, ModelError, NotLearning, StorageError
from rig.model import FOLDS_FOLDER, load_bundle, write_bundle
from rig.vision.classifier import Classifier, Network
from rig.vision.evaluation import EvaluationProgress, Knowledge, evaluate
from rig.vision.preprocess import prepare
from tests.training.conftest import QUICK, RECIPE, Trained, ignore, write_shapes
from tests.vision.pictures import SHAPES, Scene, draw
from training.choices.recipe import Phase
from training.choices.request import TrainRequest
from training.events import Converting, EpochDone, Fitting, Measured, Preparing, TrainEvent
from training.pictures.data import load_crops, network_inputs
from training.pipeline import train


def _interrupt_in_epoch_2(event: TrainEvent) -> None:
    if isinstance(event, Fitting) and event.epoch == 2:
        raise Interrupted


def test_learns_the_shapes_whatever_their_colour(trained: Trained) -> None:
    scores = trained.result.bundle.card.scores
    assert scores.top1 is not None
    assert scores.top1 > 0.6  # of parts never seen; chance is a third
    assert scores.float_top1 is not None
    assert abs(scores.top1 - scores.float_top1) < 0.05
    assert scores.images == 108
    assert [row.label for row in scores.classes] == sorted(SHAPES)
    assert trained.result.not_located == 0


def test_the_bundle_loads_and_names_new_pictures(trained: Trained) -> None:
    classifier = Classifier(load_bundle(trained.result.bundle.folder))
    right = 0
    for turn in range(0, 360, 30):
        for shape in SHAPES:
            picture = draw(
                Scene(shape, colour=(60, 160, 60), turn_deg=float(turn), scale=0.15), width=640, height=480
            )
            result = classifier.classify(picture)
            assert result.box is not None
            assert float(result.probabilities.sum()) == pytest.approx(1, abs=1e-5)
            best = result.top(2)
            assert best[0].probability >= best[1].probability
            right += best[0].label == shape
    assert right >= 30  # of 36


def test_a_network_that_does_not_fit_its_card_is_named(trained: Trained, tmp_path: Path) -> None:
    bundle = trained.result.bundle
    spec = bundle.card.preprocess.model_copy(update={"size_px": 64})
    card = bundle.card.model_copy(update={"preprocess": spec, "strangers": None})
    other = write_bundle(tmp_path / "other", bundle.network_path.read_bytes(), card)
    with pytest.raises(ModelError, match=r"model\.tflite takes \(32, 32, 2\)"):
        Classifier(other)


def test_the_card_and_the_page_say_how_it_was_fitted(trained: Trained) -> None:
    bundle = trained.result.bundle
    assert bundle.card.recipe["epochs"] == "3 at 32 px"
    assert bundle.card.recipe["optimizer"] == "adamw, rate 0.003, decay 0.01"
    page = bundle.report_path.read_text()
    for words in bundle.card.recipe.items():
        assert "<td>".join(words) in page


def test_every_precision_is_kept_and_the_chosen_one_is_used(trained: Trained) -> None:
    bundle = trained.result.bundle
    conversion = bundle.card.conversion
    assert conversion is not None
    assert [variant.precision for variant in conversion.variants] == list(Precision)
    spec = bundle.card.preprocess
    pixels = prepare(draw(Scene("bar", turn_deg=40, scale=0.15)), spec)[0]
    answers = {}
    for variant in conversion.variants:
        path = bundle.folder / "variants" / f"{variant.precision}.tflite"
        assert path.stat().st_size == variant.size_bytes
        assert variant.top1 is not None
        assert variant.latency_ms > 0
        answers[variant.precision] = Network(path.read_bytes(), str(path)).logits(pixels)
        with zipfile.ZipFile(path) as archive:
            assert archive.read("labels.txt").decode().split() == list(bundle.card.labels)
    for precision, logits in answers.items():
        np.testing.assert_allclose(logits, answers[Precision.FLOAT32], atol=0.4, err_msg=precision)
    sizes = {variant.precision: variant.size_bytes for variant in conversion.variants}
    assert sizes[Precision.FLOAT32] > 1.8 * sizes[Precision.FLOAT16] > 1.8 * sizes[Precision.INT8]
    chosen = bundle.folder / "variants" / f"{conversion.chosen}.tflite"
    assert bundle.network_path.read_bytes() == chosen.read_bytes()
    assert conversion.variant.top1 == bundle.card.scores.top1
    assert conversion.variants[0].top1 == bundle.card.scores.float_top1


def test_training_sees_exactly_what_sorting_shows(trained: Trained) -> None:
    spec = trained.result.bundle.card.preprocess
    dataset = read_dataset(trained.data)
    crops = load_crops(dataset, spec, ignore, threads=2)
    sorting = [
        prepare(decode_image(read_bytes(sample.path), sample.path), spec)[0] for sample in dataset.samples
    ]
    np.testing.assert_array_equal(network_inputs(crops.images, crops.sizes, spec.contrast), np.stack(sorting))


def test_the_card_tells_the_split(trained: Trained) -> None:
    bundle = trained.result.bundle
    groups = {sample.group_key for sample in read_dataset(trained.data).samples}
    final, folds = bundle.card.split, [fold.card.split for fold in bundle.folds()]
    assert {*final.trained, *final.validated} == groups
    assert len(folds) == 2
    assert sorted(group for fold in folds for group in fold.tested) == sorted(groups)
    for split in (final, *folds):
        assert not set(split.trained) & {*split.validated, *split.tested}
    assert bundle.card.calibration.calibrated
    assert bundle.card.data.images == 108
    assert bundle.card.data.sources == ("simulated",)


def test_the_report_and_the_best_weights_are_in_the_bundle(trained: Trained) -> None:
    folder = trained.result.bundle.folder
    page = (folder / "report" / "index.html").read_text(encoding="utf-8")
    assert f"{trained.result.bundle.card.scores.top1:.1%}" in page
    mistakes = [path.relative_to(folder) for path in folder.glob("report/mistakes/*/*/*.jpg")]
    confused = [(path.parts[2], path.parts[3]) for path in mistakes]
    scores = trained.result.bundle.card.scores
    assert scores.top1 is not None
    assert len(confused) == round(scores.images * (1 - scores.top1))
    assert all(true != named for true, named in confused)
    assert (folder / "checkpoints" / "best.weights.h5").stat().st_size > 10_000


def test_the_logs_show_every_epoch_of_every_network(trained: Trained) -> None:
    logs = trained.result.bundle.folder / "logs"
    told = [event for event in trained.events if isinstance(event, EpochDone)]
    shown = set()
    for folder in sorted(path.parent for path in logs.rglob("events.*")):
        events = EventAccumulator(str(folder)).Reload()
        for tag in events.Tags()["tensors"]:
            for tensor in events.Tensors(tag):
                name = f"{folder.relative_to(logs)}/{tag}"
                shown.add((name, tensor.step, float(make_ndarray(tensor.tensor_proto))))
    expected = set()
    for epoch in told:
        stage = epoch.stage.replace(" ", "-")
        for name, value in (
            ("train/epoch/loss", epoch.loss),
            ("train/epoch/accuracy", epoch.top1),
            ("train/learning_rate", epoch.learning_rate),
            ("train/size_px", 32.0),
            ("validation/epoch/loss", epoch.validation_loss),
            ("validation/epoch/accuracy", epoch.validation_top1),
        ):
            if value is not None:
                expected.add((f"{stage}/{name}", epoch.epoch, float(np.float32(value))))
    assert shown == expected


def test_events_tell_how_far_it_is(trained: Trained) -> None:
    events = trained.events
    assert [e.done for e in events if isinstance(e, Preparing)] == list(range(1, 109))
    fitting = [e for e in events if isinstance(e, Fitting)]
    shares = [e.share_done for e in fitting]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)
    assert fitting[-1].seconds_left == pytest.approx(0, abs=1e-6)
    stages = ["fold 1", "fold 2", "final"]
    assert [e.stage for e in events if isinstance(e, Converting)] == stages
    assert [e.stage for e in events if isinstance(e, Measured)] == stages
    for stage in stages:
        epochs = [e for e in events if isinstance(e, EpochDone) and e.stage == stage]
        assert [e.epoch for e in epochs] == [1, 2, 3]
        assert any(e.kept for e in epochs)


def test_the_card_keeps_what_further_looks_at_held_out_parts_were_worth(trained: Trained) -> None:
    """Each part of each shape was held out by one of the folds; a fold's own network keeps nothing of it."""
    bundle = trained.result.bundle
    looks = bundle.card.looks
    assert looks is not None
    assert (looks.parts, len(looks.trials), len(looks.weights)) == (9, 180, 4)
    assert bundle.card.scores.top1 is not None
    assert looks.right[:, 0].mean() == pytest.approx(bundle.card.scores.top1, abs=0.15)
    assert [fold.card.looks for fold in bundle.folds()] == [None, None]


def test_evaluation_asks_the_fold_that_has_not_seen_the_part(trained: Trained) -> None:
    bundle = trained.result.bundle
    progress: list[EvaluationProgress] = []
    evaluation = evaluate(bundle, read_dataset(trained.data), progress.append)
    assert progress[-1] == EvaluationProgress(108, 108)
    assert set(evaluation.scores) == {Knowledge.UNSEEN}
    assert evaluation.scores[Knowledge.UNSEEN].top1 == bundle.card.scores.top1
    assert evaluation.scores[Knowledge.UNSEEN].classes == bundle.card.scores.classes
    assert evaluation.folds == trained.result.bundle.card.scores.folds
    assert sum(fold.images for fold in evaluation.folds) == 108


def test_evaluation_takes_the_final_model_for_new_parts(trained: Trained, tmp_path: Path) -> None:
    data = write_shapes(tmp_path / "new", parts=("new",), views=4, seed=5)
    evaluation = evaluate(trained.result.bundle, read_dataset(data), ignore)
    assert set(evaluation.scores) == {Knowledge.UNSEEN}
    assert evaluation.folds == ()


def test_a_part_that_several_folds_have_not_seen_is_named_by_each_of_them(
    trained: Trained, tmp_path: Path
) -> None:
    shutil.copytree(trained.result.bundle.folder, tmp_path / "model")
    folds = tmp_path / "model" / FOLDS_FOLDER
    shutil.copytree(folds / "1", folds / "3")
    evaluation = evaluate(load_bundle(tmp_path / "model"), read_dataset(trained.data), ignore)
    first, second, third = evaluation.folds
    assert (first.images, first.top1) == (third.images, third.top1)
    assert evaluation.scores[Knowledge.UNSEEN].images == first.images + second.images + third.images


def test_without_folds_what_was_seen_is_measured_apart(trained: Trained, tmp_path: Path) -> None:
    """Also without the manifest: images are known again by their bytes. And the same seed trains the same.

    Even where the run was broken off on its way.
    """
    recipe = replace(QUICK, phases=(Phase(32, 2),))
    request = TrainRequest(data=trained.data, model=tmp_path / "model", folds=0, recipe=recipe)
    with pytest.raises(Interrupted):
        train(request, _interrupt_in_epoch_2)
    bundle = train(request, ignore, resume=True).bundle
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    straight = train(replace(request, model=tmp_path / "straight"), ignore).bundle
    assert bundle.card.model_sha256 == straight.card.model_sha256
    assert bundle.card.scores.images == 36
    assert bundle.card.calibration.calibrated
    copy = shutil.copytree(trained.data, tmp_path / "copy")
    (copy / "metadata.jsonl").unlink()
    evaluation = evaluate(bundle, read_dataset(copy), ignore)
    assert {knowledge: scores.images for knowledge, scores in evaluation.scores.items()} == {
        Knowledge.SEEN: 72,
        Knowledge.VALIDATED: 36,
    }


def test_with_enough_groups_the_model_itself_is_tested_and_copies_count_once(tmp_path: Path) -> None:
    """And a picture that lies, not quite byte for byte, on both sides is told, here and by the audit."""
    data = write_shapes(tmp_path / "data", parts=("a", "b", "c", "d", "e", "f"), views=3)
    for copy in ("a_0.png", "b_0.png"):
        shutil.copy(data / "bar" / "a_1.png", data / "bar" / copy)
    for place, part in enumerate("bcdef"):
        near = data / "square" / f"{part}_0.png"
        near.write_bytes((data / "square" / "a_0.png").read_bytes() + bytes(1 + place))
    more = write_shapes(tmp_path / "more", parts=("x",), views=1, seed=1)
    added = tuple(replace(sample, group="added") for sample in read_dataset(more).samples)
    request = TrainRequest(data=data, model=tmp_path / "m", folds=0, recipe=QUICK, added=added)
    result = train(request, ignore)
    assert (result.copies, result.bundle.card.scores.folds) == (2, ())
    card = result.bundle.card
    assert card.data.images == 52 + 3
    assert {f"{shape}/added" for shape in SHAPES} <= {*card.split.trained}
    assert result.baseline is not None
    assert result.baseline.judged == card.scores.images
    assert {near.held_out for near in result.baseline.near_copies} >= {
        f"{group.replace('square-', '')}_0.png" for group in card.split.tested if group.startswith("square")
    }
    with indexed(data, ignore) as index:
        leaks = [
            found for found in audit(index, result.bundle, ignore, ignore) if found.problem is Problem.LEAK
        ]
    assert {found.file.partition("/")[0] for found in leaks} == {"square"}
    assert all("and the model was tested on one and trained on the other" in found.detail for found in leaks)
    assert len(card.split.tested) >= 3
    assert len({"bar/bar-a", "bar/bar-b"} & {*card.split.tested}) in (0, 2)
    evaluation = evaluate(result.bundle, read_dataset(data), ignore)
    unseen = evaluation.scores[Knowledge.UNSEEN]
    assert unseen.top1 == pytest.approx(card.scores.top1, abs=0.2)  # the copies are counted here
    assert unseen.images >= card.scores.images
    assert set(evaluation.scores) == set(Knowledge)


def test_a_part_that_the_model_does_not_know_is_named(trained: Trained, tmp_path: Path) -> None:
    data = write_shapes(tmp_path / "more", parts=("new",), views=1)
    (data / "square").rename(data / "pentagon")
    (data / "metadata.jsonl").unlink()
    with pytest.raises(DatasetError, match="pentagon"):
        evaluate(trained.result.bundle, read_dataset(data), ignore)


def test_one_group_a_class_trains_uncalibrated_and_says_so(tmp_path: Path) -> None:
    """And weights are kept at full size only, and a seed may have more than 32 bits."""
    recipe = replace(QUICK, phases=(Phase(32, 1), Phase(48, 1)))
    request = TrainRequest(data=tmp_path / "single", model=tmp_path / "m", recipe=recipe, seed=5_000_000_000)
    events: list[TrainEvent] = []
    write_shapes(request.data, parts=("only",), views=4)
    card = train(request, events.append).bundle.card
    epochs = [event for event in events if isinstance(event, EpochDone)]
    assert [(epoch.size_px, epoch.kept) for epoch in epochs] == [(32, False), (48, True)]
    assert card.seed == 5_000_000_000
    assert not card.calibration.calibrated
    assert card.scores.top1 is None
    assert card.split.untestable == tuple(sorted(SHAPES))


def test_a_training_that_diverges_says_so(tmp_path: Path) -> None:
    data = write_shapes(tmp_path / "single", parts=("only",), views=2)
    recipe = replace(QUICK, learning_rate=1e30)
    with pytest.raises(NotLearning, match=r"training of final diverged in epoch 1"):
        train(TrainRequest(data=data, model=tmp_path / "models" / "m", recipe=recipe), ignore)
    assert not list((tmp_path / "models").iterdir())


def test_a_disk_that_is_too_full_is_said_before_any_work(tmp_path: Path) -> None:
    data = write_shapes(tmp_path / "single", parts=("only",), views=1)
    models = tmp_path / "models"
    models.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(models)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("only root may mount the small file system that this needs")
    events: list[TrainEvent] = []
    try:
        with pytest.raises(StorageError, match="models cannot be written: No space left"):
            train(TrainRequest(data=data, model=models / "m", recipe=QUICK), events.append)
        assert not list(models.iterdir())
    finally:
        subprocess.run(["umount", str(models)], check=True)
    assert not [event for event in events if not isinstance(event, Preparing)]


def test_a_truncated_image_stops_before_anything_is_written(tmp_path: Path) -> None:
    data = write_shapes(tmp_path / "data", views=1)
    torn = data / "bar" / "red_0.png"
    torn.write_bytes(torn.read_bytes()[:-20])
    with pytest.raises(DatasetError, match=r"red_0\.png is truncated"):
        train(TrainRequest(data=data, model=tmp_path / "model", recipe=RECIPE), ignore)
    assert not (tmp_path / "model").exists()


def test_folds_need_a_second_group(tmp_path: Path) -> None:
    data = write_shapes(tmp_path / "data", parts=("only",), views=1)
    with pytest.raises(BadInput, match="single physical part"):
        train(TrainRequest(data=data, model=tmp_path / "model", folds=2, recipe=RECIPE), ignore)


def test_inference_never_loads_tensorflow(trained: Trained) -> None:
    code = (
        "import sys; from pathlib import Path; from rig.dataset.reader import read_dataset;"
        "from rig.model import load_bundle; from rig.vision.evaluation import evaluate;"
        f"evaluate(load_bundle(Path({str(trained.result.bundle.folder)!r})),"
        f" read_dataset(Path({str(trained.data)!r})), lambda _: None);"
        "sys.exit(any(name in sys.modules for name in ('tensorflow', 'keras', 'matplotlib')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


_BROKEN_RUNTIME = """
import sys
import types
from pathlib import Path
import ai_edge_litert
import ai_edge_litert.interpreter as working
ai_edge_litert.__path__ = [sys.argv[1]]
del sys.modules["ai_edge_litert.interpreter"]
sys.modules["tflite_runtime"] = types.ModuleType("tflite_runtime")
sys.modules["tflite_runtime.interpreter"] = working
from rig.model import load_bundle
from rig.vision.classifier import Classifier
Classifier(load_bundle(Path(sys.argv[2])))
"""


def test_a_runtime_made_for_another_numpy_leaves_the_work_to_the_next(
    trained: Trained, tmp_path: Path
) -> None:
    (tmp_path / "interpreter.py").write_text("raise ValueError('numpy.dtype size changed')")
    subprocess.run(
        [sys.executable, "-c", _BROKEN_RUNTIME, str(tmp_path), str(trained.result.bundle.folder)], check=True
    )
