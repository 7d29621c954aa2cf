"""The one door to TensorFlow and Keras: quiet, and with a clear word when they are absent."""

import os

from rig.errors import MissingPackage

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only: the rest speaks of GPUs that nobody missed

try:
    import keras
    import tensorflow as tf
except ImportError as error:
    raise MissingPackage(
        f"training needs TensorFlow, which is not installed ({error})", hint="pip install 'brickrig[train]'"
    ) from error

__all__ = ["keras", "tf"]
