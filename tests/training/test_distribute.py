"""A model that two processes fit together, and a network that two devices fit as one would."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rig.errors import BadInput
from rig.model import load_bundle
from tests.training.conftest import write_shapes
from training.fitting.distribute import open_distribution

_TWO_DEVICES = """
import json
import numpy as np
from training.backend import keras, tf

(processor,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)

from training.fitting.distribute import open_distribution, SharedFit
distribution = open_distribution({})
BATCHES, SHARE, CLASSES = 3, 4, 3

class Pictures(keras.utils.PyDataset):
    "The shares of some devices, as they are drawn by one seed each."

    def __init__(self, devices, epoch=0):
        super().__init__()
        self.devices, self.epoch = devices, epoch

    def __len__(self):
        return BATCHES * 2 // len(self.devices)

    def __getitem__(self, index):
        drawn = []
        for device in self.devices:
            rng = np.random.default_rng((device, self.epoch + 1, index))
            targets = rng.integers(0, CLASSES, SHARE)
            pictures = rng.normal(0, 1, (SHARE, 8, 8, 2)) + targets[:, None, None, None]
            drawn.append((pictures.astype(np.float32), np.eye(CLASSES, dtype=np.float32)[targets]))
        return tuple(np.concatenate(arrays) for arrays in zip(*drawn))

    def on_epoch_end(self):
        self.epoch += 1

def network():
    keras.utils.set_random_seed(3)
    pixels = keras.Input((8, 8, 2))
    plane = keras.layers.Conv2D(4, 3, activation="relu")(pixels)
    logits = keras.layers.Dense(CLASSES)(keras.layers.GlobalAveragePooling2D()(plane))
    model = keras.Model(pixels, logits)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
    model.compile(optimizer=keras.optimizers.AdamW(0.01), loss=loss, metrics=["accuracy"])
    return model

class Kept(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.epochs = []

    def on_epoch_end(self, epoch, logs=None):
        names = ("loss", "accuracy", "val_loss", "val_accuracy")
        self.epochs.append([float(logs[name]) for name in names])

validation = [np.concatenate(arrays) for arrays in zip(*(Pictures((7, 8, 9))[i] for i in range(6)))]
how = {
    "initial_epoch": 0,
    "epochs": 3,
    "validation_data": (validation[0][:-3], validation[1][:-3]),
    "class_weight": {0: 0.5, 1: 1.0, 2: 1.5},
}
shared, alone = Kept(), Kept()
with distribution.strategy.scope():
    model = network()
SharedFit(distribution, model).run(lambda device: Pictures((device,)), callbacks=[shared], **how)
one = network()
pictures = Pictures((0, 1), epoch=-1)  # Keras ends an epoch before it begins the first
one.fit(pictures, callbacks=[alone], shuffle=False, verbose=0, **how)
off = max(float(np.abs(a.numpy() - b.numpy()).max()) for a, b in zip(model.variables, one.variables))
print(json.dumps([distribution.devices, shared.epochs, alone.epochs, off]))
"""


def test_two_devices_fit_what_one_would_with_the_whole_batch() -> None:
    """Without batch normalisation, whose statistics are of a share: to the last digits."""
    done = subprocess.run([sys.executable, "-c", _TWO_DEVICES], check=True, stdout=subprocess.PIPE)
    devices, shared, alone, off = json.loads(done.stdout)
    assert devices == 2
    assert shared[0] != shared[-1]
    np.testing.assert_allclose(shared, alone, rtol=1e-5)
    assert off < 1e-5


_WORKER = """
import os, signal, sys
from pathlib import Path
from rig.errors import BadInput, WorkerLost
from tests.training.conftest import QUICK
from training.fitting.distribute import open_distribution
from training.events import EpochDone, Fitting
from training.choices.request import TrainRequest

distribution = open_distribution()
try:
    distribution.require_same(f"worker {distribution.worker}")
except BadInput as error:
    print(error.what)

from training.fitting.helping import help_train
from training.pipeline import train

# Computers have more or fewer cores.
request = TrainRequest(
    data=Path(sys.argv[1]), model=Path(sys.argv[2]) / "m", folds=0, recipe=QUICK, jobs=1 + distribution.worker
)
epochs = []

def note(event):
    if isinstance(event, EpochDone):
        print(event)

def kill(event):
    if isinstance(event, Fitting):
        os.kill(os.getpid(), signal.SIGKILL)

if distribution.is_chief:
    train(request, note, distribution=distribution)
else:
    help_train(request, note, distribution)
    help_train(request, kill, distribution)
try:
    train(request, lambda _: None, distribution=distribution)
except WorkerLost as error:
    print(error.what)
"""


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports


def test_two_workers_make_one_model(tmp_path: Path) -> None:
    data = write_shapes(tmp_path / "data", parts=("red", "dark"), views=2)
    addresses = [f"127.0.0.1:{port}" for port in _free_ports(2)]
    workers = []
    for index in range(2):
        config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        workers.append(
            subprocess.Popen(
                [sys.executable, "-c", _WORKER, str(data), str(tmp_path / str(index))],
                env={**os.environ, "TF_CONFIG": json.dumps(config)},
                stdout=subprocess.PIPE,
                text=True,
            )
        )
    chief, helper = (worker.communicate()[0].splitlines() for worker in workers)
    assert [worker.returncode for worker in workers] == [0, -signal.SIGKILL]
    assert chief[0] == helper[0] == "the workers do not have the same pictures, options or packages"
    assert chief[1].startswith("EpochDone(stage='final'")
    assert chief[1] == helper[1]
    assert chief[2].startswith("another worker is gone: ")
    assert load_bundle(tmp_path / "0" / "m").card.labels
    assert sorted(path.name for path in (tmp_path / "0").iterdir()) == [".unfinished-m", "m"]


def _config(worker: list[str], **task: object) -> str:
    return json.dumps({"cluster": {"worker": worker}, "task": {"type": "worker", "index": 0, **task}})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", r"TF_CONFIG cannot be used: Invalid JSON"),
        ("[]", r"TF_CONFIG cannot be used: "),
        ('{"cluster": {}}', r"TF_CONFIG cannot be used: task: Field required"),
        (_config(["host"]), r"TF_CONFIG cannot be used: cluster\.worker\.0: "),
        (_config(["host:1"], type="ps"), r"TF_CONFIG cannot be used: task\.type: "),
        (_config(["host:1"], index=1), r"TF_CONFIG says that this is worker 1, and names 1 of that type"),
        (_config(["host:1"], type="chief"), r"TF_CONFIG says that this is chief 0, and names 0 of that"),
    ],
)
def test_a_description_of_hosts_that_cannot_be_used_is_named(text: str, said: str) -> None:
    with pytest.raises(BadInput, match=rf"^{said}") as caught:
        open_distribution({"TF_CONFIG": text})
    assert "\n" not in str(caught.value)
