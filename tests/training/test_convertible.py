"""A network that cannot be converted is named before anybody waits for it to be fitted."""

from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, cast

import pytest

from rig.errors import BadInput
from tests.training.conftest import QUICK, write_shapes
from training.backend import keras
from training.choices.request import TrainRequest
from training.conversion.quantize import require_convertible
from training.events import Fitting, TrainEvent
from training.networks.applications import Application, applications
from training.pipeline import train


def preprocess_input(pixels: Any) -> Any:
    """As the modules of keras.applications have one."""
    return pixels


def _beyond_int8(*, input_tensor: Any, **_: object) -> keras.Model:
    """TFLite has no inverse of the error function."""
    bent = keras.ops.erfinv(input_tensor / 256)
    pixels = keras.utils.get_source_inputs(input_tensor)
    return keras.Model(pixels, keras.layers.GlobalAveragePooling2D()(bent))


def test_training_says_at_once_that_a_network_cannot_be_converted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = cast(MutableMapping[str, Application], applications())
    monkeypatch.setitem(known, "BeyondInt8", Application("BeyondInt8", _beyond_int8))
    models = tmp_path / "models"
    request = TrainRequest(
        data=write_shapes(tmp_path / "shapes", views=2),
        model=models / "shapes",
        folds=0,
        recipe=QUICK.with_network("BeyondInt8"),
    )
    events: list[TrainEvent] = []
    with pytest.raises(BadInput, match=r"BeyondInt8 cannot be converted to int8: 'tf\.Erfinv") as caught:
        train(request, events.append)
    assert "--network" in caught.value.hint
    assert "\n" not in str(caught.value)
    assert not any(isinstance(event, Fitting) for event in events)
    assert not list(models.glob("*"))


def test_a_network_that_would_not_take_raw_pixels_cannot_be_converted() -> None:
    """An offset that is added to joined planes counts into the range of the input."""
    pixels = keras.Input((8, 8, 2))
    joined = keras.layers.Concatenate()([pixels[..., :1]] * 3)
    less_a_mean = keras.layers.Rescaling(1, [-103.0, -116.0, -123.0])(joined)
    features = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(less_a_mean))
    with pytest.raises(BadInput, match=r"Joined cannot be converted .* does not take raw pixels"):
        require_convertible(keras.Model(pixels, features), "Joined", (8, 8, 2))
