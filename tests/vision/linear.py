"""The smallest real TFLite network, made without TensorFlow: every logit is a weighted sum of the pixels."""

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray


def linear_network(weights: NDArray[np.float32], *, size_px: int, channels: int = 2) -> bytes:
    """A float32 network.

    Args:
        weights: (classes, size_px * size_px * channels).
    """
    classes = len(weights)
    content = np.frombuffer(np.ascontiguousarray(weights, np.float32).tobytes(), np.uint8)
    options = schema.BuiltinOptions.FullyConnectedOptions
    operator = schema.OperatorT(
        opcodeIndex=0,
        inputs=[0, 1, -1],
        outputs=[2],
        builtinOptionsType=options,
        builtinOptions=schema.FullyConnectedOptionsT(),
    )
    tensors = [
        _tensor("pixels", (1, size_px, size_px, channels), buffer=0),
        _tensor("weights", (classes, size_px * size_px * channels), buffer=1),
        _tensor("logits", (1, classes), buffer=0),
    ]
    code = schema.BuiltinOperator.FULLY_CONNECTED
    model = schema.ModelT(
        version=3,
        operatorCodes=[schema.OperatorCodeT(deprecatedBuiltinCode=code, builtinCode=code, version=1)],
        subgraphs=[schema.SubGraphT(tensors=tensors, inputs=[0], outputs=[2], operators=[operator])],
        buffers=[schema.BufferT(), schema.BufferT(data=content)],
    )
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _tensor(name: str, shape: tuple[int, ...], *, buffer: int) -> schema.TensorT:
    return schema.TensorT(name=name, shape=list(shape), type=schema.TensorType.FLOAT32, buffer=buffer)
