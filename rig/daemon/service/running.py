"""Whether the daemon runs what was installed."""

import time
from dataclasses import dataclass

from rig.daemon.service.layout import CONFIG, CURRENT, SERVICE, UNIT, Layout
from rig.daemon.service.steps import Step, run
from rig.errors import ServiceError

_STARTED = "ExecMainStartTimestampMonotonic"


@dataclass(frozen=True)
class Running(Step):
    """The daemon of the unit, started after the last change to unit, environment and rig.toml."""

    follows = True

    layout: Layout

    @property
    def does(self) -> str:
        return "Start the daemon, anew if it runs: a job under way is cancelled, and the rig left at rest"

    @property
    def undoes(self) -> str:
        return "Stop the daemon: a job under way is cancelled, and the rig left at rest"

    def is_done(self) -> bool:
        state = _state()
        if state["ActiveState"] != "active" or state["NeedDaemonReload"] == "yes":
            return False
        started_s = int(state[_STARTED]) / 1e6 - time.monotonic() + time.time()
        files = [path for path in map(self.layout.at, (UNIT, CURRENT, CONFIG)) if path.exists()]
        return all(path.lstat().st_mtime < started_s for path in files)

    def is_undone(self) -> bool:
        return _state()["ActiveState"] in ("inactive", "failed")

    def do(self) -> None:
        if _state()["ActiveState"] == "failed":
            # After five failures in a minute systemd would refuse.
            run(["systemctl", "reset-failed", SERVICE])
        try:
            run(["systemctl", "restart", SERVICE])
        except ServiceError as error:
            raise ServiceError(
                "the daemon does not start", hint=f"see why with: journalctl -u {SERVICE} -n 30"
            ) from error

    def undo(self) -> None:
        run(["systemctl", "stop", SERVICE])


def _state() -> dict[str, str]:
    said = run(["systemctl", "show", f"--property=ActiveState,NeedDaemonReload,{_STARTED}", SERVICE])
    return dict(line.split("=", 1) for line in said.splitlines())
