"""Every network by its name, on the rig's input, and from weights that fit it or are named as others."""

import sys
import urllib.request
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rig.card import Precision
from rig.contrast import Contrast
from rig.errors import BadInput
from rig.vision.classifier import Network
from tests.training.conftest import write_weights
from training.backend import file_utils, keras, tf
from training.choices.names import OWN
from training.choices.origin import Weights, digest_of
from training.choices.recipe import Phase, Recipe
from training.conversion.quantize import convert
from training.conversion.rehearsal import rehearse
from training.networks.applications import application_named, applications
from training.networks.begin import HEAD, begin, features_of, network_name
from training.networks.thaw import thaw

RECIPE = Recipe(phases=(Phase(32, 1),))
SIZE_PX = 32


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    """Noise, with another size of the part in each."""
    pictures = np.random.default_rng(0).integers(0, 256, (4, SIZE_PX, SIZE_PX, 2)).astype(np.float32)
    pictures[..., 1] = np.array([10, 90, 170, 250])[:, np.newaxis, np.newaxis]
    return pictures


@pytest.fixture(scope="module")
def mobilenet() -> keras.Model:
    """As somebody else trained it, in colour."""
    keras.utils.set_random_seed(1)
    network = application_named("MobileNet").construct_with(size_px=SIZE_PX, weights=None, pooling="avg")
    rng = np.random.default_rng(1)
    network.set_weights([rng.normal(0.3, 0.1, w.shape) for w in network.get_weights()])
    return network


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("residual_cnn", "residual-cnn"),
        ("PlainCNN", "plain-cnn"),
        ("mobilenet-v2", "MobileNetV2"),
        ("efficientnetv2b0", "EfficientNetV2B0"),
        ("MobileNetV3-small minimalistic".replace(" ", "-"), "MobileNetV3Small-minimalistic"),
    ],
)
def test_a_name_is_found_however_it_is_spelt(asked: str, found: str) -> None:
    assert network_name(asked) == found


def test_an_unknown_name_is_told_its_neighbours() -> None:
    with pytest.raises(BadInput, match="there is no network MobilNet2") as caught:
        begin(RECIPE.with_network("MobilNet2"), 2)
    assert "MobileNetV2" in caught.value.hint


@pytest.mark.parametrize(
    "name",
    [*OWN, "MobileNetV2", "MobileNetV3Small-minimalistic", "EfficientNetV2B0", "ResNet50", "VGG16",
     "DenseNet121", "Xception"],
)  # fmt: skip
def test_each_named_network_makes_logits_of_raw_pixels(name: str) -> None:
    recipe = Recipe().with_network(name)
    keras.utils.clear_session()
    model = begin(recipe, 3).model
    pixels = np.random.default_rng(0).integers(0, 256, (1, 96, 96, 2)).astype(np.float32)
    logits = model(pixels).numpy()
    assert logits.shape == (1, 3)
    assert np.isfinite(logits).all()
    assert {phase.size_px for phase in recipe.phases} == ({64, 96} if model.input_shape[1] is None else {96})


def test_every_application_scales_by_a_line() -> None:
    """So that two pixels say all about its `preprocess_input`."""
    grey = np.full((1, 1, 1, 3), 100, np.float32)
    for application in applications().values():
        model = sys.modules[application.construct.__module__]
        scale, offset = application.scaling()
        np.testing.assert_allclose(
            model.preprocess_input(grey.copy()).ravel(),
            100 * np.array(scale) + np.array(offset),
            rtol=1e-3,
            atol=1e-3,
        )


def test_a_dense_layer_that_no_memory_holds_is_refused_before_it_is_made() -> None:
    with pytest.raises(BadInput, match="plain-cnn takes pictures of at most 512 pixels") as caught:
        begin(Recipe().with_size(520).with_network("plain-cnn"), 3)
    assert "--size" in caught.value.hint


def test_an_application_cannot_be_smaller_than_it_can_be() -> None:
    with pytest.raises(BadInput, match="Xception cannot be built for 32 pixels") as caught:
        begin(RECIPE.with_network("xception"), 2)
    assert "--size" in caught.value.hint


@pytest.mark.parametrize("file_name", ["notop.h5", "notop.weights.h5", "notop.keras"])
def test_a_file_of_weights_fills_an_application(
    mobilenet: keras.Model, pictures: np.ndarray, tmp_path: Path, file_name: str
) -> None:
    path = tmp_path / file_name
    write_weights(mobilenet, path)
    recipe = RECIPE.with_network("MobileNet").with_logistic_head(Weights.named(str(path)))
    start = begin(recipe, 5)
    features = features_of(start.model)(pictures).numpy()
    grey = np.repeat(pictures[..., :1], 3, axis=-1)
    theirs = mobilenet(keras.applications.mobilenet.preprocess_input(grey)).numpy()
    np.testing.assert_allclose(features[:, :-1], theirs, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(features[:, -1], np.array([10, 90, 170, 250]) / 255, rtol=1e-5)
    assert start.pretrained is not None
    assert start.pretrained.sha256 == digest_of(path)


@pytest.mark.parametrize(
    "name",
    [
        "MobileNet",
        "MobileNetV3Small-minimalistic",
        "EfficientNetB0",
        "EfficientNetV2B0",
        "VGG16",
        "DenseNet121",
    ],
)
def test_an_application_with_weights_sees_what_keras_would_show_it(
    name: str, pictures: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keras builds it for ImageNet's weights, and has other ones put in their place."""
    application = application_named(name)
    keras.utils.set_random_seed(1)
    with monkeypatch.context() as patch:
        patch.setattr(file_utils, "get_file", lambda *_, **__: tmp_path / "absent.h5")
        patch.setattr(keras.Model, "load_weights", lambda *_, **__: None)
        theirs = application.construct_with(size_px=SIZE_PX, weights="imagenet", pooling="avg")
    for layer in theirs.layers:
        if isinstance(layer, keras.layers.Normalization) and layer.input_mean is None:
            layer.set_weights([np.array([0.4, 0.5, 0.6]), np.array([0.2, 0.3, 0.1]), np.array(0)])
    base = application.base(SIZE_PX, Contrast.LOCAL.planes)
    base.set_weights(theirs.get_weights())
    grey = np.repeat(pictures[..., :1], 3, axis=-1)
    wanted = theirs(sys.modules[application.construct.__module__].preprocess_input(grey)).numpy()
    assert np.ptp(wanted, axis=0).max() > 0
    np.testing.assert_allclose(base(pictures).numpy()[:, :-1], wanted, rtol=0, atol=1e-3 * np.ptp(wanted))


def test_an_application_sees_colours_in_the_order_that_keras_has_them(
    mobilenet: keras.Model, tmp_path: Path
) -> None:
    weights = Weights.named(str(write_weights(mobilenet, tmp_path / "notop.h5")))
    in_colour = replace(RECIPE, contrast=Contrast.COLOUR).with_network("MobileNet")
    features = features_of(begin(in_colour.with_logistic_head(weights), 5).model)
    pixels = np.random.default_rng(0).integers(0, 256, (4, SIZE_PX, SIZE_PX, 4)).astype(np.float32)
    red_green_blue = pixels[..., 2::-1].copy()
    theirs = mobilenet(keras.applications.mobilenet.preprocess_input(red_green_blue)).numpy()
    np.testing.assert_allclose(features(pixels).numpy()[:, :-1], theirs, rtol=1e-3, atol=1e-3)


def test_weights_of_our_own_serve_another_number_of_classes(pictures: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "best.weights.h5"
    keras.utils.set_random_seed(4)
    renders = begin(RECIPE, 7).model
    write_weights(renders, path)
    recipe = RECIPE.with_transfer(Weights.named(str(path)))
    photos = begin(recipe, 3).model
    np.testing.assert_array_equal(features_of(photos)(pictures), features_of(renders)(pictures))
    with pytest.raises(BadInput, match=r"best\.weights\.h5 cannot be loaded into small-cnn") as caught:
        begin(recipe.with_network("small-cnn"), 3)
    assert "--network" in caught.value.hint
    assert "\n" not in caught.value.what
    with pytest.raises(BadInput, match=r"best\.weights\.h5 cannot be loaded into") as caught:
        begin(replace(recipe, contrast=Contrast.COLOUR), 3)  # four planes for two
    assert "--contrast" in caught.value.hint

    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(BadInput, match="has changed since the run was begun"):
        begin(recipe, 3)


@pytest.mark.parametrize("name", ["torn.weights.h5", "torn.h5", "torn.keras"])
def test_a_damaged_file_of_weights_is_told_from_another_network_s(name: str, tmp_path: Path) -> None:
    path = write_weights(begin(RECIPE, 3).model, tmp_path / name)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(BadInput, match=r"torn[.\w]* is damaged: ") as caught:
        begin(RECIPE.with_transfer(Weights.named(str(path))), 3)
    assert "--network" not in caught.value.hint
    assert "\n" not in caught.value.what


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_whole_archive_with_a_damaged_file_inside_is_damaged(compression: int, tmp_path: Path) -> None:
    whole = write_weights(begin(RECIPE, 3).model, tmp_path / "whole.keras")
    path = tmp_path / "rotten.keras"
    with zipfile.ZipFile(whole) as given, zipfile.ZipFile(path, "w", compression) as packed:
        for name in given.namelist():
            packed.writestr(name, given.read(name))
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 200] = bytes(200)
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"rotten\.keras is damaged: ") as caught:
        begin(RECIPE.with_transfer(Weights.named(str(path))), 3)
    assert "--network" not in caught.value.hint


def test_what_is_no_file_of_weights_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"the weights .*gone\.h5 cannot be read: No such file"):
        Weights.named(str(tmp_path / "gone.h5"))
    with pytest.raises(BadInput, match=r"notes\.txt is no file of Keras weights"):
        Weights.named(str(tmp_path / "notes.txt"))


@pytest.fixture
def keras_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where Keras looks for files, with nothing in it and no way out."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setattr(urllib.request, "_opener", None)
    return tmp_path


def test_without_internet_it_is_said_where_the_file_has_to_be(
    keras_home: Path, mobilenet: keras.Model, pictures: np.ndarray
) -> None:
    """And once it is there, it is taken."""
    recipe = RECIPE.with_network("MobileNet").with_transfer(Weights.named("imagenet"))
    with pytest.raises(BadInput, match="the ImageNet weights of MobileNet cannot be downloaded") as caught:
        begin(recipe, 2)
    place = keras_home / "models" / "mobilenet_1_0_224_tf_no_top.h5"
    assert str(place) in caught.value.hint
    assert "--weights FILE" in caught.value.hint
    assert "\n" not in str(caught.value)
    write_weights(mobilenet, place)
    start = begin(recipe, 2)
    assert start.pretrained is not None
    assert (start.pretrained.source, start.pretrained.sha256) == ("imagenet", digest_of(place))
    for mine, theirs in zip(features_of(start.model).get_weights(), mobilenet.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_there_are_no_imagenet_weights_of_our_own_networks() -> None:
    with pytest.raises(BadInput, match="there are no ImageNet weights of small-cnn"):
        begin(RECIPE.with_network("small-cnn").with_transfer(Weights.named("imagenet")), 2)


def test_the_last_layers_thaw_but_no_batch_normalisation() -> None:
    model = begin(RECIPE.with_network("small-cnn"), 2).model
    convolutions = [layer.name for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]

    def trained() -> set[str]:
        return {layer.name for layer in model.layers if layer.trainable_weights}

    thaw(model, 0.0)
    assert trained() == {HEAD}
    thaw(model, 0.5)
    assert trained() == {HEAD, *convolutions[2:]}
    thaw(model, 1.0)
    assert trained() == {HEAD, *convolutions}
    thaw(model, None)
    assert len(trained()) == 9


@pytest.mark.parametrize(
    ("name", "contrast"),
    [
        pytest.param("MobileNet", Contrast.LOCAL, id="from -1 to 1"),
        pytest.param("DenseNet121", Contrast.LOCAL, id="by mean and deviation"),
        pytest.param("VGG16", Contrast.LOCAL, id="less a mean"),
        pytest.param("VGG16", Contrast.COLOUR, id="less a mean, in colour"),
        pytest.param("ConvNeXtTiny", Contrast.LOCAL, id="inside the network"),
    ],
)
def test_however_an_application_scales_its_input_int8_takes_raw_pixels(name: str, contrast: Contrast) -> None:
    """Its first convolution shows it, and says the same as before: conversion of all of it takes long."""
    base = application_named(name).base(SIZE_PX, contrast.planes)
    first = next(layer for layer in base.layers if isinstance(layer, (keras.layers.Conv2D, keras.Sequential)))
    model = keras.Model(base.input, keras.layers.GlobalAveragePooling2D()(first.output))
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (8, SIZE_PX, SIZE_PX, contrast.planes), dtype=np.uint8)
    pixels[:4] //= 2
    network = Network(convert(model, pixels, (Precision.INT8,), seed=0)[Precision.INT8], name)
    wanted = model(pixels.astype(np.float32)).numpy()
    answered = np.stack([network.logits(picture) for picture in pixels])
    np.testing.assert_allclose(answered, wanted, rtol=0, atol=0.03 * np.ptp(wanted))


class OneBatch(keras.utils.PyDataset):  # type: ignore[misc]  # Keras has no types
    """All there is in a step."""

    def __init__(self, inputs: np.ndarray, targets: np.ndarray) -> None:
        super().__init__()
        self._batch = inputs, targets

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        return self._batch


@pytest.mark.filterwarnings("ignore:Even though the")  # tf.data traces all the same
def test_a_network_that_was_frozen_rehearses_for_int8(pictures: np.ndarray) -> None:
    """All of it: kernels of every kind are rounded and nudged."""
    model = begin(RECIPE.with_network("MobileNetV3Small-minimalistic"), 2).model
    thaw(model, 0.0)
    targets = np.eye(2, dtype=np.float32)[[0, 1, 0, 1]]
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    tf.config.run_functions_eagerly(True)  # tracing a single step would take ten times as long
    try:
        nudged = rehearse(model, OneBatch(pictures, targets), epochs=1, learning_rate=1e-3, loss=loss)
    finally:
        tf.config.run_functions_eagerly(False)
    changed = {
        variable.name
        for variable, other in zip(model.weights, nudged.get_weights(), strict=True)
        if not np.array_equal(variable, other)
    }
    assert changed == {"kernel", "bias"}  # and no statistics
