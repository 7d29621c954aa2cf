"""Name a part: the TFLite network behind a function from picture to probabilities.

TensorFlow is never loaded for it: the interpreter is ai-edge-litert, or tflite-runtime where only that works.
"""

import importlib
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rig.camera.frame import Image
from rig.chatter import native_chatter_hidden
from rig.errors import MissingPackage, ModelError
from rig.model import Bundle
from rig.vision.locate import Box
from rig.vision.preprocess import prepare
from rig.vision.strangers import novelty_of, read_familiar

Probabilities = NDArray[np.float32]

_RAW_PIXELS = ((np.uint8, 1.0, 0), (np.float32, 0.0, 0))  # dtype, scale and zero point of an input
_RUNTIMES = ("ai_edge_litert.interpreter", "tflite_runtime.interpreter")


class Candidate(NamedTuple):
    """A class that a picture may show, and its calibrated probability, 0 to 1."""

    label: str
    probability: float


@dataclass(frozen=True)
class Classification:
    """What the network says of one picture.

    Attributes:
        box: where the part is; None when none was found, and then the probabilities say nothing.
        labels: the classes.
        probabilities: (classes,) float32, sums to 1; after division of the logits by the card's temperature.
        novelty: how far the logits are from those of known parts, see `rig.vision.strangers`; 0 of a model
            whose card does not speak of strangers.
    """

    box: Box | None
    labels: tuple[str, ...]
    probabilities: Probabilities
    novelty: float

    def top(self, count: int) -> tuple[Candidate, ...]:
        """The most probable classes, best first."""
        best = np.argsort(-self.probabilities, kind="stable")[:count]
        return tuple(Candidate(self.labels[index], float(self.probabilities[index])) for index in best)


class Classifier:
    """A loaded network. Not to be shared between threads.

    Raises:
        MissingPackage: no TFLite interpreter works here.
        ModelError: the network cannot be loaded, or does not fit its card.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.card = bundle.card
        self._network = Network(bundle.network_path.read_bytes(), str(bundle.network_path))
        size_px = self.card.preprocess.size_px
        wanted = (size_px, size_px, self.card.preprocess.contrast.planes)
        if self._network.input_shape != wanted or self._network.classes != len(self.card.labels):
            raise ModelError(
                f"{bundle.network_path} takes {self._network.input_shape} and gives {self._network.classes}"
                f" classes, but its card says {wanted} and {len(self.card.labels)}",
                hint="train it again with: rig train",
            )
        self._familiar = None if self.card.strangers is None else read_familiar(bundle)

    def classify(self, image: Image) -> Classification:
        """Find the part in a picture and name it.

        Args:
            image: (height, width, 3) uint8, BGR, of any size.
        """
        pixels, box = prepare(image, self.card.preprocess)
        logits = self._network.logits(pixels)
        probabilities = softmax(logits, self.card.temperature)
        novelty = 0.0 if self._familiar is None else novelty_of(logits, self._familiar)
        return Classification(box, self.card.labels, probabilities, novelty)


class Network:
    """A TFLite network of any precision: raw pixels in, logits out.

    Raises:
        MissingPackage: no TFLite interpreter works here.
        ModelError: it cannot be loaded, or takes something other than pixels.
    """

    def __init__(self, content: bytes, name: str) -> None:
        self._interpreter = _interpreter(content, name)
        self._input = self._interpreter.get_input_details()[0]
        self._output = self._interpreter.get_output_details()[0]
        # A pixel is its own quantised value, or its own float: whoever scaled it would feed it twice scaled.
        if (self._input["dtype"], *self._input["quantization"]) not in _RAW_PIXELS:
            raise ModelError(f"{name} does not take raw pixels", hint="train it again with: rig train")

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Height, width, channels."""
        _, height, width, channels = (int(side) for side in self._input["shape"])
        return height, width, channels

    @property
    def classes(self) -> int:
        """Length of the logits."""
        return int(self._output["shape"][-1])

    def logits(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Run the network once.

        Args:
            pixels: (height, width, channels) uint8.

        Returns:
            (classes,) float32.
        """
        self._interpreter.set_tensor(self._input["index"], pixels[np.newaxis].astype(self._input["dtype"]))
        self._interpreter.invoke()
        raw = self._interpreter.get_tensor(self._output["index"])[0]
        if raw.dtype == np.float32:
            return np.asarray(raw)
        scale, zero_point = self._output["quantization"]
        return np.asarray((raw.astype(np.float32) - zero_point) * scale, np.float32)


def softmax(logits: NDArray[np.float32], temperature: float) -> Probabilities:
    """Probabilities along the last axis, float32, of the logits divided by a temperature above 0."""
    powers = np.exp((logits - logits.max(axis=-1, keepdims=True)) / np.float32(temperature))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float32)


def _interpreter(content: bytes, name: str) -> Any:
    """From the first runtime that can construct one."""
    failures = []
    for runtime in _RUNTIMES:
        try:
            return _construct(runtime, content)
        except MissingPackage as error:
            failures.append(error.what)
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"{name} is not a TFLite network: {error}", hint="train it again") from error
    raise MissingPackage(
        f"no TFLite interpreter works here ({'; '.join(failures)})",
        hint="install one with: pip install ai-edge-litert",
    )


def _construct(runtime: str, content: bytes) -> Any:
    """An interpreter that is ready to run.

    Raises:
        MissingPackage: the runtime is absent or broken. One built for another NumPy fails on import, with a
            ValueError too, or imports and then fails here, as tflite-runtime does with NumPy 2.
        ValueError, RuntimeError: the content is no network.
    """
    with native_chatter_hidden():
        try:
            construct = importlib.import_module(runtime).Interpreter
        except (ImportError, SystemError, AttributeError, ValueError, RuntimeError, OSError) as error:
            raise MissingPackage(f"{runtime}: {error}") from error
        try:
            interpreter = construct(model_content=content, num_threads=1)
            interpreter.allocate_tensors()
        except (ImportError, SystemError, AttributeError) as error:
            raise MissingPackage(f"{runtime}: {error}") from error
        return interpreter
