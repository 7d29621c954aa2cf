"""Metadata inside a .tflite file, so that tools which know nothing of this rig can use it.

The standard has two parts (https://ai.google.dev/edge/litert/models/metadata). A FlatBuffer of the schema
metadata_schema.fbs 1.1.0 says what goes into the network and what comes out; the model names the buffer that
holds it "TFLITE_METADATA". The files that it mentions are appended to the model as a ZIP archive: readers of
models begin at the front of a file, and readers of archives at its end.

No package that lives still writes this: tflite-support (0.4.4, which reads what is written here) ended with
Python 3.11, and the wheels of mediapipe (1.2.2) miss a part of its writer. The few tables are therefore built
here. Their fields are numbered by their order in the schema.
"""

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from io import BytesIO

import flatbuffers
import numpy as np
from ai_edge_litert.schema_py_generated import BufferT, MetadataT, ModelT

from rig.card import Preprocess
from rig.model import LABELS_FILE

_NAME = "TFLITE_METADATA"
_FILE_IDENTIFIER = b"M001"
_MODEL_IDENTIFIER = b"TFL3"
_PARSER_VERSION = "1.0.0"  # what a reader must understand: nothing here is younger

# Values of the schema's enumerations and unions.
_TENSOR_AXIS_LABELS = 2
_FEATURE_PROPERTIES = 1
_NORMALIZATION_OPTIONS = 1

_Fields = Mapping[int, int]


@dataclass(frozen=True)
class Description:
    """What the metadata says.

    Attributes:
        name, text: of the network.
        version: of the package that made it.
        pixels: what the input holds, in words.
        channels: of the input.
        labels: of the outputs, in their order.
    """

    name: str
    text: str
    version: str
    pixels: str
    channels: int
    labels: tuple[str, ...]


def describe_network(
    name: str, preprocess: Preprocess, channels: int, labels: tuple[str, ...]
) -> Description:
    """What a network of the rig says of itself."""
    return Description(
        name=name,
        text=f"Names {len(labels)} LEGO parts by their part numbers.",
        version=version("brickrig"),
        pixels=f"a crop of the part as rig.vision.preprocess makes it: {preprocess.model_dump_json()}",
        channels=channels,
        labels=labels,
    )


def with_metadata(network: bytes, description: Description) -> bytes:
    """The same network with its metadata, and its labels in an archive behind it.

    Args:
        network: a .tflite file without metadata.
    """
    model = ModelT.InitFromPackedBuf(network, 0)
    model.buffers.append(BufferT(data=np.frombuffer(_metadata(description), np.uint8)))
    model.metadata = [*(model.metadata or ()), MetadataT(_NAME, len(model.buffers) - 1)]
    builder = flatbuffers.Builder(len(network) + 4096)
    builder.Finish(model.Pack(builder), _MODEL_IDENTIFIER)
    file = BytesIO(bytes(builder.Output()))
    with zipfile.ZipFile(file, "a") as archive:
        # Not its usual date, which is now: the same network shall be the same bytes.
        labels = zipfile.ZipInfo(LABELS_FILE)
        archive.writestr(labels, "".join(f"{label}\n" for label in description.labels))
    return file.getvalue()


def _metadata(description: Description) -> bytes:
    """The FlatBuffer whose root is ModelMetadata."""
    builder = flatbuffers.Builder(1024)
    pixels = _input(builder, description)
    logits = _output(builder)
    graph = _table(builder, 7, {2: _tables(builder, [pixels]), 3: _tables(builder, [logits])})
    model = {
        0: builder.CreateString(description.name),
        1: builder.CreateString(description.text),
        2: builder.CreateString(description.version),
        3: _tables(builder, [graph]),
        7: builder.CreateString(_PARSER_VERSION),
    }
    builder.Finish(_table(builder, 8, model), _FILE_IDENTIFIER)
    return bytes(builder.Output())


def _input(builder: flatbuffers.Builder, description: Description) -> int:
    """TensorMetadata of the pixels: the network itself scales them, so that they are left as they are."""
    ones = np.ones(description.channels, np.float32)
    mean, deviation = builder.CreateNumpyVector(0 * ones), builder.CreateNumpyVector(ones)
    normalization = _table(builder, 2, {0: mean, 1: deviation})
    unit = _table(builder, 2, {1: normalization}, kind=_NORMALIZATION_OPTIONS)
    most, least = builder.CreateNumpyVector(255 * ones), builder.CreateNumpyVector(0 * ones)
    tensor = {
        0: builder.CreateString("pixels"),
        1: builder.CreateString(description.pixels),
        3: _features(builder),
        4: _tables(builder, [unit]),
        5: _table(builder, 2, {0: most, 1: least}),
    }
    return _table(builder, 7, tensor)


def _output(builder: flatbuffers.Builder) -> int:
    """TensorMetadata of the logits."""
    name = builder.CreateString(LABELS_FILE)
    text = builder.CreateString("part numbers, one a line, in the order of the logits")
    builder.StartObject(4)
    builder.PrependUOffsetTRelativeSlot(0, name, 0)
    builder.PrependUOffsetTRelativeSlot(1, text, 0)
    builder.PrependInt8Slot(2, _TENSOR_AXIS_LABELS, 0)
    labels = builder.EndObject()
    tensor = {
        0: builder.CreateString("logits"),
        1: builder.CreateString(
            "one number a part, before the softmax; divide them by the temperature first"
        ),
        3: _features(builder),
        6: _tables(builder, [labels]),
    }
    return _table(builder, 7, tensor)


def _features(builder: flatbuffers.Builder) -> int:
    """Content that is no image in the schema's sense, which knows grey and RGB only."""
    return _table(builder, 3, {1: _table(builder, 0, {})}, kind=_FEATURE_PROPERTIES)


def _table(builder: flatbuffers.Builder, fields: int, values: _Fields, *, kind: int = 0) -> int:
    """A table of so many fields, some of which point to what was built before.

    Args:
        kind: the type of a union, which is field 0 where there is one.
    """
    builder.StartObject(fields)
    if kind:
        builder.PrependUint8Slot(0, kind, 0)
    for field, offset in values.items():
        builder.PrependUOffsetTRelativeSlot(field, offset, 0)
    return int(builder.EndObject())


def _tables(builder: flatbuffers.Builder, offsets: Sequence[int]) -> int:
    """A vector of tables."""
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())
