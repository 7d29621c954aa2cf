"""Other tools find the metadata where the standard puts it, and the network is still the same."""

import zipfile
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.schema_py_generated import Model
from flatbuffers import number_types
from flatbuffers.table import Table
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.card import Preprocess
from rig.vision.classifier import Network
from tests.vision.linear import linear_network
from training.conversion.metadata import Description, describe_network, with_metadata

SIZE_PX = 16
WEIGHTS = np.random.default_rng(0).normal(0, 1, (3, SIZE_PX * SIZE_PX * 2)).astype(np.float32)
PLAIN = linear_network(WEIGHTS, size_px=SIZE_PX)
DESCRIPTION = describe_network("linear", Preprocess(size_px=SIZE_PX, margin=0.1), 2, ("3001", "3003", "3039"))


class Reader:
    """A table of a FlatBuffer, read by the numbers of its fields in metadata_schema.fbs."""

    def __init__(self, buffer: bytes, place: int) -> None:
        self._table = Table(buffer, place)

    def _field(self, number: int) -> int:
        offset = self._table.Offset(4 + 2 * number)
        assert offset, f"field {number} is not there"
        return int(offset)

    def text(self, number: int) -> str:
        return bytes(self._table.String(self._table.Pos + self._field(number))).decode()

    def byte(self, number: int) -> int:
        return int(self._table.Get(number_types.Uint8Flags, self._table.Pos + self._field(number)))

    def table(self, number: int) -> "Reader":
        place = self._table.Indirect(self._table.Pos + self._field(number))
        return Reader(self._table.Bytes, place)

    def tables(self, number: int) -> list["Reader"]:
        start = self._table.Vector(self._field(number))
        places = [start + 4 * k for k in range(self._table.VectorLen(self._field(number)))]
        return [Reader(self._table.Bytes, self._table.Indirect(place)) for place in places]

    def floats(self, number: int) -> list[float]:
        field = self._field(number)
        numbers: Any = self._table.GetVectorAsNumpy(number_types.Float32Flags, field)
        return [float(value) for value in numbers]


def _metadata(network: bytes) -> Reader:
    model = Model.GetRootAs(network, 0)
    (entry,) = [model.Metadata(k) for k in range(model.MetadataLength())]
    assert entry.Name() == b"TFLITE_METADATA"
    buffer = model.Buffers(entry.Buffer()).DataAsNumpy().tobytes()
    assert buffer[4:8] == b"M001"
    return Reader(buffer, int.from_bytes(buffer[:4], "little"))


def test_the_tables_say_what_goes_in_and_what_comes_out() -> None:
    model = _metadata(with_metadata(PLAIN, DESCRIPTION))
    assert (model.text(0), model.text(2), model.text(7)) == ("linear", DESCRIPTION.version, "1.0.0")
    (graph,) = model.tables(3)
    (pixels,), (logits,) = graph.tables(2), graph.tables(3)
    assert '"size_px":16' in pixels.text(1)
    (unit,) = pixels.tables(4)
    assert unit.byte(0) == 1  # NormalizationOptions
    assert (unit.table(1).floats(0), unit.table(1).floats(1)) == ([0, 0], [1, 1])
    assert (pixels.table(5).floats(0), pixels.table(5).floats(1)) == ([255, 255], [0, 0])
    (labels,) = logits.tables(6)
    assert (labels.text(0), labels.byte(2)) == ("labels.txt", 2)  # TENSOR_AXIS_LABELS
    for tensor in (pixels, logits):
        assert tensor.table(3).byte(0) == 1  # FeatureProperties


def test_the_network_answers_as_before() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (SIZE_PX, SIZE_PX, 2), dtype=np.uint8)
    described = Network(with_metadata(PLAIN, DESCRIPTION), "described")
    np.testing.assert_array_equal(described.logits(pixels), Network(PLAIN, "plain").logits(pixels))
    # A float network takes the bytes as they are. Such large sums depend on their order.
    np.testing.assert_allclose(described.logits(pixels), WEIGHTS @ pixels.ravel(), rtol=1e-4, atol=0.05)


def test_the_same_network_is_the_same_bytes() -> None:
    assert with_metadata(PLAIN, DESCRIPTION) == with_metadata(PLAIN, DESCRIPTION)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.from_regex(r"[0-9]{1,5}[a-z]{0,2}", fullmatch=True), min_size=2, max_size=40))
def test_the_labels_are_a_file_in_an_archive(labels: list[str]) -> None:
    network = with_metadata(PLAIN, Description("n", "t", "1", "p", 2, tuple(labels)))
    with zipfile.ZipFile(BytesIO(network)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["labels.txt"]
        assert archive.read("labels.txt").decode().split() == labels


def test_a_plain_network_has_no_archive() -> None:
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(BytesIO(PLAIN))
