"""Where the fitting of a network stands, in one file that is whole or absent.

Keras's own BackupAndRestore overwrites an HDF5 file in place and forgets the best weights, and on a full disk
HDF5 ends the whole process.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from rig.errors import ModelError
from rig.files import write_whole
from training.events import EpochDone

Arrays = tuple[NDArray[Any], ...]

_EPOCHS = TypeAdapter(tuple[EpochDone, ...])
_DIGEST_BYTES = 32


@dataclass(frozen=True)
class Snapshot:
    """All that the next epoch depends on, beside the data and the recipe.

    Attributes:
        epochs: those that are done, in order.
        network: its variables: weights, statistics, and the states of its random generators.
        optimizer: its variables.
        best: the network's variables after the best epoch; none while no epoch was kept.
    """

    epochs: tuple[EpochDone, ...]
    network: Arrays
    optimizer: Arrays
    best: Arrays

    @classmethod
    def of(cls, model: Any, epochs: tuple[EpochDone, ...], best: Arrays) -> "Snapshot":
        """Of a compiled keras.Model between two epochs."""
        return cls(epochs, values_of(model.variables), values_of(model.optimizer.variables), best)

    def restore(self, model: Any) -> None:
        """Put a compiled keras.Model of the same kind into this state."""
        model.optimizer.build(model.trainable_variables)
        assign(model.variables, self.network)
        assign(model.optimizer.variables, self.optimizer)


def values_of(variables: Sequence[Any]) -> Arrays:
    """Copies of Keras variables."""
    return tuple(np.array(variable.numpy()) for variable in variables)


def assign(variables: Sequence[Any], values: Arrays) -> None:
    """Give Keras variables the values that `values_of` took from them."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def write_snapshot(path: Path, snapshot: Snapshot) -> None:
    """Put it in the place of the one before: SHA-256, then the arrays in NumPy's npz.

    Raises:
        StorageError: the disk is full or read-only; the one before is still there.
    """
    arrays = {"epochs": np.frombuffer(_EPOCHS.dump_json(snapshot.epochs), np.uint8)}
    for kind in ("network", "optimizer", "best"):
        arrays |= {f"{kind}/{place}": value for place, value in enumerate(getattr(snapshot, kind))}
    buffer = BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    content = buffer.getvalue()
    write_whole(path, hashlib.sha256(content).digest() + content)


def read_snapshot(path: Path) -> Snapshot | None:
    """The latest one; None where none was written.

    Raises:
        ModelError: the file is damaged, or cannot be read.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(path, f"cannot be read: {error.strerror}") from error
    if hashlib.sha256(content[_DIGEST_BYTES:]).digest() != content[:_DIGEST_BYTES]:
        raise _unusable(path, "is damaged")
    with np.load(BytesIO(content[_DIGEST_BYTES:]), allow_pickle=False) as arrays:

        def numbered(kind: str) -> Arrays:
            count = sum(name.startswith(f"{kind}/") for name in arrays.files)
            return tuple(arrays[f"{kind}/{place}"] for place in range(count))

        return Snapshot(
            epochs=_EPOCHS.validate_json(arrays["epochs"].tobytes()),
            network=numbered("network"),
            optimizer=numbered("optimizer"),
            best=numbered("best"),
        )


def _unusable(path: Path, how: str) -> ModelError:
    return ModelError(
        f"the checkpoint {path} {how}", hint=f"delete {path.parent} and train anew, without --resume"
    )
