"""A few pictures of bricks that a network learns from, kept from it: what a random split would test it on.

Their neighbours, taken a few degrees on, are among its training pictures, so that what it scores on them is
mostly memory. It stands beside the score on bricks that it has never seen, and says by how much the usual way
of testing flatters. Only networks that are tested are asked; one that merely is kept learns from all.
"""

import numpy as np
from numpy.typing import NDArray

from training.pictures.data import Crops
from training.pictures.split import Partition, may_judge

# One picture of so many: few enough to be missed by nobody.
_ONE_OF = 20
# Of a smaller group each picture counts.
_LEAST_PICTURES = 10


def taught(crops: Crops, partition: Partition) -> NDArray[np.int64]:
    """Indices of the pictures that the network of a partition is fitted to."""
    return np.setdiff1d(crops.in_groups(partition.trained), withheld(crops, partition), assume_unique=True)


def withheld(crops: Crops, partition: Partition) -> NDArray[np.int64]:
    """Indices of the pictures of trained groups that it is not fitted to: the same ones whoever asks.

    A picture's own digest decides, which is as good as chance. Renders beside photographs stay.
    """
    if not partition.tested:
        return np.empty(0, np.int64)
    trained = crops.in_groups(partition.trained)
    _, of_group, pictures = np.unique(crops.groups[trained], return_inverse=True, return_counts=True)
    judges = may_judge(crops.samples)
    chosen = [
        judges[index] and size >= _LEAST_PICTURES and int(crops.digests[index], 16) % _ONE_OF == 0
        for index, size in zip(trained, pictures[of_group], strict=True)
    ]
    return trained[np.array(chosen, np.bool_)]
