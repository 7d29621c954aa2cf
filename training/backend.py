"""The one door to TensorFlow and Keras: quiet, and with a clear word when they are absent."""

import os

from rig.chatter import native_chatter_hidden
from rig.errors import MissingPackage

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only

try:
    with native_chatter_hidden():
        import keras
        import tensorflow as tf
        from keras.src.utils import file_utils
        from tensorflow.lite.python.convert_phase import ConverterError
        from tensorflow.python.framework.convert_to_constants import (
            convert_variables_to_constants_v2 as freeze,
        )

        tf.get_logger().setLevel("ERROR")  # it warns of every phase, since each is traced anew
        tf.config.list_physical_devices()  # looks for GPUs now, while nobody hears its complaints
except ImportError as error:
    raise MissingPackage(
        f"training needs TensorFlow, which is not installed ({error})", hint="pip install 'brickrig[train]'"
    ) from error

keras.config.disable_interactive_logging()  # what a download says would stand between lines of JSON

__all__ = ["ConverterError", "file_utils", "freeze", "keras", "tf"]
