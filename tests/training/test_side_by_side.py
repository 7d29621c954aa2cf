"""Networks fitted by processes of their own: the same ones, and nothing is left running or lost."""

from dataclasses import replace
from multiprocessing import active_children
from pathlib import Path

import numpy as np
import pytest

from rig.errors import NotLearning, WorkerLost
from tests.training.conftest import crops_of, ignore, write_shapes
from training.choices.names import SMALL_CNN
from training.choices.recipe import Phase, Recipe
from training.events import Emit, EpochDone, Fitting, TrainEvent
from training.fitting.fit import fit
from training.fitting.side_by_side import Order, fit_side_by_side
from training.fitting.snapshot import Arrays, values_of
from training.pictures.data import Crops
from training.pictures.split import Partition, Stage
from training.progress import Progress

RECIPE = Recipe(network=SMALL_CNN, phases=(Phase(16, 3),), batch=8, least_images=24)


@pytest.fixture(scope="module")
def crops(tmp_path_factory: pytest.TempPathFactory) -> Crops:
    """Three shapes, each as two parts."""
    return crops_of(write_shapes(tmp_path_factory.mktemp("data"), parts=("red", "dark"), views=3), 24)


def order(crops: Crops, folder: Path, recipe: Recipe, number: int) -> Order:
    """To fit a network to all red parts."""
    red = tuple(sorted({group for group in crops.groups.tolist() if "red" in group}))
    return Order(
        Stage(number, Partition(trained=red, validated=(), tested=())),
        recipe,
        seed=number,
        state=folder / f"{number}.state",
        checkpoint=folder / f"{number}.weights.h5",
        threads=1,
    )


def test_after_a_kill_the_next_run_goes_on_and_leaves_the_network_that_one_process_makes(
    crops: Crops, tmp_path: Path
) -> None:
    def kill(event: TrainEvent) -> None:
        if isinstance(event, EpochDone) and event.epoch == 2:
            for child in active_children():
                child.kill()

    given = order(crops, tmp_path, RECIPE, 1)
    with pytest.raises(WorkerLost, match="killed") as caught:
        fit_side_by_side(crops, [given], 2, Progress(RECIPE.work(9)), kill)
    assert "train anew with --jobs 1" in caught.value.hint  # --resume takes no --jobs

    events: list[TrainEvent] = []
    progress = Progress(RECIPE.work(9))
    fit_side_by_side(crops, [given], 2, progress, events.append)
    assert progress.share_done == pytest.approx(1)
    assert [event.epoch for event in events if isinstance(event, EpochDone)] == [1, 2, 3]
    fitted = [event for event in events if isinstance(event, Fitting)]
    assert {event.epoch for event in fitted} <= {2, 3}
    assert all(event.share_done > 1 / 3 for event in fitted)

    taken_over: list[TrainEvent] = []
    weights = _fit_here(crops, given, given.state, taken_over.append)
    assert not [event for event in taken_over if isinstance(event, Fitting)]
    for one, other in zip(weights, _fit_here(crops, given, tmp_path / "alone.state"), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


def _fit_here(crops: Crops, given: Order, state: Path, emit: Emit = ignore) -> Arrays:
    model = fit(
        crops,
        crops.in_groups(given.stage.partition.trained),
        crops.in_groups(()),
        given.recipe,
        stage=given.stage.name,
        seed=given.seed,
        state=state,
        checkpoint=state.with_suffix(".weights.h5"),
        progress=Progress(1.0),
        emit=emit,
    )
    return values_of(model.variables)


def test_what_one_process_meets_ends_all(crops: Crops, tmp_path: Path) -> None:
    collapsing = replace(RECIPE, phases=(Phase(16, 6),), weight_decay=300.0)
    endless = replace(RECIPE, phases=(Phase(16, 9999),))
    heard: set[str] = set()

    def hear(event: TrainEvent) -> None:
        if isinstance(event, Fitting):
            heard.add(event.stage)

    with pytest.raises(NotLearning, match="fold 7 has collapsed") as caught:
        fit_side_by_side(
            crops,
            [order(crops, tmp_path, collapsing, 7), order(crops, tmp_path, endless, 8)],
            2,
            Progress(1.0),
            hear,
        )
    assert "--learning-rate" in caught.value.hint
    assert "fold 7" in heard
    assert not active_children()
