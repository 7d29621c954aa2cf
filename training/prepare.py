"""What a request comes to: its distinct pictures in memory, and which of them train and which judge."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rig.card import Preprocess, Pretrained
from rig.dataset.reader import read_dataset
from training.choices.recipe import Recipe
from training.choices.request import TrainRequest
from training.events import Emit
from training.networks.begin import begin
from training.pictures.copies import without_copies
from training.pictures.data import Crops, load_crops, preprocess_of
from training.pictures.split import Plan, may_judge, plan
from training.pictures.withheld import taught


@dataclass(frozen=True)
class Prepared:
    """What is there before a network is fitted.

    Attributes:
        network: name of the architecture.
        pretrained: what its weights begin with.
        parameters: number of its weights.
        judges: (n,) bool, whether a network may be judged by each of the crops.
        copies: files that were left out, since another one is the same.
    """

    network: str
    pretrained: Pretrained | None
    parameters: int
    spec: Preprocess
    crops: Crops
    split: Plan
    judges: NDArray[np.bool_]
    copies: int

    def work(self, recipe: Recipe) -> float:
        """Of fitting all networks, in the units of `Recipe.work`."""
        return sum(recipe.work(len(taught(self.crops, stage.partition))) for stage in self.split.stages)


def prepare(request: TrainRequest, emit: Emit) -> Prepared:
    """Read what is asked for, with the renders that are added to it.

    Raises:
        BadInput: the folder does not exist, or the folds cannot be dealt; or there is no such network, or it
            cannot begin with such weights.
        DatasetError: the data cannot be used, or contradict themselves; names the folder or images.
    """
    recipe = request.recipe
    dataset = read_dataset(request.data, allow_mixed=request.allow_mixed)
    start = begin(recipe, len(dataset.labels))  # what it cannot be is said before pictures are read
    spec = preprocess_of(recipe)
    distinct = without_copies(dataset)
    own = distinct.dataset.samples
    split = plan(own, request.folds, distinct.unit_of, added=request.added)
    everything = replace(distinct.dataset, samples=(*own, *request.added))
    return Prepared(
        network=start.name,
        pretrained=start.pretrained,
        parameters=start.model.count_params(),
        spec=spec,
        crops=load_crops(everything, spec, emit, threads=request.threads),
        split=split,
        judges=np.array([*may_judge(own), *(False for _ in request.added)]),
        copies=distinct.left_out,
    )
