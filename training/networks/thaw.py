"""Which layers of a network are fitted, and which stay as pretraining has left them."""

import math
from typing import Any

from training.backend import keras
from training.networks.begin import HEAD


def thaw(model: Any, share: float | None) -> None:
    """Have the head of a network (keras.Model) fitted, and the last layers before it.

    Batch normalisation stays frozen in any case, and so goes by the statistics of the many pictures that it
    was trained on instead of those of the few in a batch.

    Args:
        share: of the layers before the head that have weights, 0 to 1; None: fit everything.
    """
    weighted = [layer for layer in model.layers if layer.weights and layer.name != HEAD]
    first = 0 if share is None else len(weighted) - math.ceil(share * len(weighted))
    for place, layer in enumerate(weighted):
        is_statistic = isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = place >= first and not (is_statistic and share is not None)
