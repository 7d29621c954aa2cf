"""Native chatter stays off the terminal, and only while it is asked to."""

import subprocess
import sys

_SCRIPT = """
import os
from rig.chatter import native_chatter_hidden
os.write(2, b"before ")
with native_chatter_hidden():
    os.write(2, b"hidden ")
os.write(2, b"after")
"""


def test_only_the_block_is_silent() -> None:
    done = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True)
    assert done.stderr == "before after"
