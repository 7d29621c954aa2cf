"""Stopping a rig from outside: through the process that runs it, or on the board where there is none."""

import os
from collections.abc import Sequence
from contextlib import closing

from rig.at_rest import KILL_SIGNALS, STOP_SIGNALS
from rig.config import Config
from rig.errors import ConfigError, DeviceError
from rig.owner import Owner, await_end, owners, rig_name

# A quick stop takes Marlin a second, and clearing its queue another; then the rig is put at rest.
_END_TIMEOUT_S = 20.0


def stop_rig(config: Config, *, emergency: bool) -> Sequence[Owner]:
    """Stop all motion at once; returns when whoever ran the rig has put it at rest and given it up.

    Args:
        config: says which rig.
        emergency: kill the board instead: only a reset revives it.

    Returns:
        The processes that ran the rig. Where there were none, a real board was opened and stopped, its
        outputs switched off and its motors released; sweeper and chute stay where they are.

    Raises:
        DeviceError: a process does not give the rig up, or the board cannot be reached.
        ConfigError: no serial port is configured.
    """
    if not STOP_SIGNALS:
        raise DeviceError(
            "this system has no signals to stop another process with", hint="press Ctrl-C twice there"
        )
    running = owners(rig_name(config))
    for owner in running:
        _signal(owner, emergency=emergency)
    for owner in running:
        if not await_end(owner, _END_TIMEOUT_S):
            raise DeviceError(
                f"{owner.command} (process {owner.pid}) was told to stop and still runs the rig",
                hint="cut the motor power; then end that process",
            )
    if not running and not config.sim.enabled:
        _stop_board(config, emergency=emergency)
    return running


def _signal(owner: Owner, *, emergency: bool) -> None:
    (number,) = KILL_SIGNALS if emergency else STOP_SIGNALS
    try:
        os.kill(owner.pid, number)
    except ProcessLookupError:
        return  # it has just ended
    except PermissionError as error:
        raise DeviceError(
            f"{owner.command} (process {owner.pid}) belongs to another user", hint="have that user stop it"
        ) from error


def _stop_board(config: Config, *, emergency: bool) -> None:
    # Most stops find a process to tell, and must not wait for a camera's packages to be loaded.
    from rig.clock import SystemClock
    from rig.machine import wiring_of
    from rig.marlin.controller import Marlin
    from rig.marlin.ports import open_port

    if not config.serial.port:
        raise ConfigError("serial.port is empty", hint="set it in rig.toml")
    # At once, before the board is asked anything; opening the port has reset most boards already.
    with closing(open_port(config.serial.port, config.serial.baud)) as port:
        port.write(b"\nM112\n" if emergency else b"\nM410\n")
        port.flush()
    marlin = Marlin.connect(config.serial.port, config.serial, wiring=wiring_of(config), clock=SystemClock())
    try:
        if emergency:
            marlin.emergency_stop()
            return
        marlin.quick_stop()
        marlin.motors_off()
    finally:
        marlin.close()
