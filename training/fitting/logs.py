"""What TensorBoard shows: loss, accuracy and learning rate of each network, epoch by epoch."""

import shutil
from pathlib import Path
from typing import Any

from rig.errors import StorageError
from rig.files import storage_errors
from training.backend import tf
from training.events import EpochDone


class Logs:
    """Writes `<stage>/train` and `<stage>/validation` below a folder, which it empties first.

    Whoever goes on with a run tells its earlier epochs again, so nothing is shown twice.

    Raises:
        StorageError: the disk is full or read-only.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writers: dict[Path, Any] = {}
        with storage_errors(folder):
            if folder.exists():
                shutil.rmtree(folder)
            folder.mkdir(parents=True)

    def note(self, epoch: EpochDone) -> None:
        """Write what is known of an epoch."""
        stage = self._folder / epoch.stage.replace(" ", "-")
        self._write(
            stage / "train",
            epoch.epoch,
            {
                "epoch/loss": epoch.loss,
                "epoch/accuracy": epoch.top1,
                "learning_rate": epoch.learning_rate,
                "size_px": float(epoch.size_px),
            },
        )
        if epoch.validation_loss is not None and epoch.validation_top1 is not None:
            judged = {"epoch/loss": epoch.validation_loss, "epoch/accuracy": epoch.validation_top1}
            self._write(stage / "validation", epoch.epoch, judged)

    def copy_to(self, folder: Path) -> None:
        """Have all that was written in another folder as well, which does not exist yet."""
        shutil.copytree(self._folder, folder)

    def _write(self, folder: Path, step: int, scalars: dict[str, float]) -> None:
        try:
            if folder not in self._writers:
                self._writers[folder] = tf.summary.create_file_writer(str(folder))
            with self._writers[folder].as_default(step=step):
                for name, value in scalars.items():
                    tf.summary.scalar(name, value)
            self._writers[folder].flush()
        except tf.errors.OpError as error:
            raise StorageError(
                f"{folder} cannot be written: {error.message}",
                hint="free some space, then go on where it stopped",
            ) from error
