"""What is no network, or runs nowhere, is said in one line. (Networks that work: tests/training.)"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rig.errors import ModelError
from rig.model import write_bundle
from rig.vision.classifier import Classification, Classifier, softmax
from tests.test_model import NETWORK, make_card


def test_what_is_no_network_is_named(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "odd", NETWORK, make_card())
    with pytest.raises(ModelError, match=r"odd/model\.tflite is not a TFLite network"):
        Classifier(bundle)


def test_without_a_runtime_the_package_is_named(tmp_path: Path) -> None:
    write_bundle(tmp_path / "model", NETWORK, make_card())
    code = (
        "import sys; from pathlib import Path\n"
        "sys.modules['ai_edge_litert'] = sys.modules['tflite_runtime'] = None  # as if not installed\n"
        "from rig.errors import MissingPackage\n"
        "from rig.model import load_bundle\n"
        "from rig.vision.classifier import Classifier\n"
        "try: Classifier(load_bundle(Path('model')))\n"
        "except MissingPackage as error: print(error.hint)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "pip install ai-edge-litert" in done.stdout


def test_top_is_sorted() -> None:
    probabilities = np.array([0.2, 0.5, 0.3], np.float32)
    top = Classification(None, ("a", "b", "c"), probabilities, 1.0).top(2)
    assert [candidate.label for candidate in top] == ["b", "c"]
    assert top[0].probability == 0.5


def test_temperature_flattens_but_keeps_the_order() -> None:
    logits = np.array([[1.0, 3.0, -400.0], [800.0, 0.0, 1.0]], np.float32)
    sharp, flat = softmax(logits, 1.0), softmax(logits, 10.0)
    for probabilities in (sharp, flat):
        assert probabilities.dtype == np.float32
        assert np.allclose(probabilities.sum(axis=1), 1)
    assert (sharp.argmax(axis=1) == flat.argmax(axis=1)).all()
    assert flat[0].max() < sharp[0].max()
