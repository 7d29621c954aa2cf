"""Whatever is asked is answered as the OpenAPI schema says, and never by an error of the server."""

import os
import subprocess
import sys
from pathlib import Path

from tests.daemon.filled import fill
from tests.daemon.served import serving

_HERE = Path(__file__).parent
_EXAMPLES = 8


def test_every_operation_keeps_to_its_description(tmp_path: Path) -> None:
    """Schemathesis asks each operation what it must take and what it must refuse, with all of its checks."""
    station = tmp_path / "station"
    station.mkdir()
    with serving(fill(station)) as served:
        operations = sum(len(methods) for methods in served.app.openapi()["paths"].values())
        done = subprocess.run(
            [
                Path(sys.executable).with_name("st"),
                f"--config-file={_HERE / 'schemathesis.toml'}",
                "run",
                f"{served.url}/openapi.json",
                "--checks=all",
                f"--max-examples={_EXAMPLES}",
                "--generation-deterministic",
                "--continue-on-failure",
                "--no-color",
            ],
            env=os.environ
            | {"SCHEMATHESIS_HOOKS": "tests.daemon.media_types", "PYTHONPATH": str(_HERE.parents[1])},
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=540,
        )
    assert done.returncode == 0, done.stdout
    assert f"{operations} selected / {operations} total" in done.stdout
