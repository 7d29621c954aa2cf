"""Keeps the terminal for what the rig itself says."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def native_chatter_hidden() -> Iterator[None]:
    """Keep what native libraries write to the terminal away from it while the block runs.

    TensorFlow and the TFLite runtimes report their own start on file descriptor 2, below Python's stderr and
    whatever log level is asked for. Their errors still arrive as exceptions.
    """
    sys.stderr.flush()
    with tempfile.TemporaryFile() as hidden:
        terminal = os.dup(2)
        os.dup2(hidden.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
