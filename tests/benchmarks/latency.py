"""How long the default network takes for one picture, beside the field's three-block CNN at 300 pixels.

Both hold random weights: what a convolution takes does not depend on them.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from rig.card import Precision
from rig.vision.classifier import Network
from tests.benchmarks.figure import Figure

if TYPE_CHECKING:
    from training.choices.recipe import Recipe

_LIMIT_MS = 1.0
_PROMISED_RATIO = 20.0
_REFERENCE_PX = 300
_CLASSES = 10
_REPRESENTATIVES = 8


def latencies() -> Iterator[Figure]:
    """Batch 1, one thread, medians of time on the processor; the networks in turns."""
    from training.choices.names import PLAIN_CNN
    from training.choices.recipe import Recipe
    from training.conversion.variants import median_latencies_s

    reference = Recipe().with_network(PLAIN_CNN).with_size(_REFERENCE_PX)
    asked = [
        _asked(_converted(recipe, precision))
        for recipe in (Recipe(), reference)
        for precision in (Precision.INT8, Precision.FLOAT32)
    ]
    nothing = np.empty(0, np.uint8)
    int8_ms, float_ms, reference_int8_ms, reference_ms = (
        1000 * latency_s for latency_s in median_latencies_s(asked, nothing)
    )
    yield Figure(
        f"one picture, {Recipe().network} at {Recipe().size_px} px, int8",
        f"{int8_ms:.2f} ms (float32 {float_ms:.2f} ms)",
        f"{_LIMIT_MS:.0f} ms",
        _LIMIT_MS / int8_ms,
    )
    yield Figure(
        f"the same beside the three-block CNN at {_REFERENCE_PX} px",
        f"{reference_ms / int8_ms:.0f} times faster than its {reference_ms:.1f} ms"
        f" (int8: {reference_int8_ms:.1f} ms)",
        f"{_PROMISED_RATIO:.0f} times",
        reference_ms / int8_ms / _PROMISED_RATIO,
    )


def _converted(recipe: "Recipe", precision: Precision) -> Network:
    from training.conversion.quantize import convert
    from training.networks.begin import begin

    side = recipe.size_px
    inputs = np.random.default_rng(0).integers(0, 256, (_REPRESENTATIVES, side, side, 2), np.uint8)
    content = convert(begin(recipe, _CLASSES).model, inputs, (precision,), seed=0)[precision]
    return Network(content, f"{recipe.network}, {precision}")


def _asked(network: Network) -> Callable[[object], object]:
    """The network, asked about a picture of its own size whatever it is given."""
    picture = np.full(network.input_shape, 128, np.uint8)
    return lambda _: network.logits(picture)


if __name__ == "__main__":
    for figure in latencies():
        print(figure)
