"""What a process does that shares the fitting of a model, and keeps nothing of it: the chief does."""

from dataclasses import replace
from pathlib import Path

from rig.files import require_room
from rig.model import draft_folder
from training.choices.request import TrainRequest
from training.events import Emit
from training.fitting.distribute import Distribution
from training.fitting.fit import fit, room_bytes
from training.fitting.unfinished import digest_of_pictures, package_versions
from training.pictures.data import Crops
from training.pictures.withheld import taught
from training.prepare import prepare
from training.progress import Progress

DONE = "the bundle is written"
"""What the processes meet on at the end."""


def help_train(request: TrainRequest, emit: Emit, distribution: Distribution) -> None:
    """Fit all networks of a run together with its chief; returns when that has written the bundle.

    Args:
        request: the same as the chief's, but for its folders.

    Raises:
        BadInput: the data cannot be used, or differ from the chief's.
        DatasetError: the data cannot be used, or contradict themselves; names the folder or images.
        NotLearning: the training diverged, or collapsed into one class.
        StorageError: there is no room for what is needed on the way.
        WorkerLost: another process is gone.
    """
    prepared = prepare(request, emit)
    crops, split = prepared.crops, prepared.split
    distribution.require_same(described(request, crops))
    progress = Progress(prepared.work(request.recipe))
    with draft_folder(request.model.parent) as scratch:
        require_room(scratch, len(split.stages) * room_bytes(prepared.parameters))
        for stage in split.stages:
            fit(
                crops,
                taught(crops, stage.partition),
                crops.in_groups(stage.partition.validated),
                request.recipe,
                stage=stage.name,
                seed=request.seed + stage.number,
                state=scratch / f"{stage.number}.state",
                checkpoint=scratch / f"{stage.number}.weights.h5",
                progress=progress,
                emit=emit,
                distribution=distribution,
            )
    distribution.require_same(DONE)


def described(request: TrainRequest, crops: Crops) -> str:
    """All that has to be the same for processes to share the work.

    Folders may have other names, and computers other cores; renders are among the pictures.
    """
    weights = request.recipe.weights
    if weights is not None and not weights.are_imagenets:
        weights = replace(weights, source="")  # the same by its digest
    recipe = replace(request.recipe, weights=weights)
    bare = replace(request, recipe=recipe, data=Path(), model=Path(), added=(), threads=1, jobs=1)
    return f"{bare} {digest_of_pictures(crops)} {package_versions()}"
