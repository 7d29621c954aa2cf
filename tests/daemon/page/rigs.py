"""A real `rig serve` with a simulated rig in a folder of its own, for a browser to look at."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.acceptance.conftest import RIG

_BINS = """
[[bins]]
name = "bricks"
chute_deg = 20
parts = [3001, 3004]
capacity = 40
[[bins]]
name = "slopes"
chute_deg = 60
parts = [3039]
capacity = 20
[[bins]]
name = "reject"
chute_deg = 100
"""


@dataclass
class ServedRig:
    """A rig that is served, and can be killed and served again.

    Attributes:
        folder: where it works.
        port: of the page; the same after each start.
    """

    folder: Path
    port: int
    arguments: tuple[str, ...] = ()
    process: subprocess.Popen[str] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Of the page."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Serve; returns once the page is there."""
        with (self.folder / "serve.log").open("a") as log:
            process = subprocess.Popen(
                [RIG, "serve", "--port", str(self.port), *self.arguments],
                cwd=self.folder,
                env=os.environ | {"PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.process = process
        assert process.stdout is not None
        with process.stdout as said:
            assert any(line.startswith("Page: ") for line in said), self._log()

    def end(self, number: int = signal.SIGTERM) -> None:
        """End it: as a service is ended, or as the power cut does."""
        assert self.process is not None
        self.process.send_signal(number)
        self.process.wait(60)

    def _log(self) -> str:
        return (self.folder / "serve.log").read_text()


@contextmanager
def served_rig(
    folder: Path,
    like: Path | None = None,
    *,
    real_time: bool = False,
    more: str = "",
    arguments: tuple[str, ...] = (),
) -> Iterator[ServedRig]:
    """Serve a simulated rig until the block ends.

    Args:
        folder: an empty one.
        like: a folder whose dataset and models it begins with.
        real_time: it takes its time; otherwise its waits are skipped.
        more: further tables of rig.toml.
        arguments: of `rig serve`.
    """
    for name in ("captures", "models") if like is not None else ():
        assert like is not None
        shutil.copytree(like / name, folder / name)
    sim = f"[sim]\nenabled = true\nseed = 7\nreal_time = {str(real_time).lower()}\n"
    (folder / "rig.toml").write_text(f"{sim}{more}{_BINS}")
    rig = ServedRig(folder, _free_port(), arguments)
    rig.start()
    try:
        yield rig
    finally:
        if rig.process is not None and rig.process.poll() is None:
            rig.end()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port
