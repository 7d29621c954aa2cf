"""What a request comes to: its distinct pictures in memory, and which of them train and which judge."""

from dataclasses import dataclass, replace

from rig.dataset.reader import read_dataset
from rig.model import Preprocess
from training.copies import without_copies
from training.data import MARGIN, Crops, load_crops
from training.events import Emit
from training.request import TrainRequest
from training.split import Plan, plan


@dataclass(frozen=True)
class Prepared:
    """Attributes: the crops, how they are split, and how many copies of files were left out."""

    spec: Preprocess
    crops: Crops
    split: Plan
    copies: int


def prepare(request: TrainRequest, emit: Emit) -> Prepared:
    """Read what is asked for, with the renders that are added to it.

    Raises:
        BadInput: the folder does not exist, or the folds cannot be dealt.
        DatasetError: the data cannot be used, or contradict themselves; names the folder or images.
    """
    recipe = request.recipe
    spec = Preprocess(size_px=recipe.size_px, margin=MARGIN, contrast=recipe.contrast)
    distinct = without_copies(read_dataset(request.data, allow_mixed=request.allow_mixed))
    own = distinct.dataset.samples
    split = plan(own, request.folds, distinct.unit_of, added=request.added)
    everything = replace(distinct.dataset, samples=(*own, *request.added))
    return Prepared(
        spec, load_crops(everything, spec, emit, threads=request.threads), split, distinct.left_out
    )
