"""Stopping a rig from outside: through the process that runs it, or on the board where there is none."""

import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

from rig.at_rest import KILL_SIGNALS, STOP_SIGNALS
from rig.config import Config
from rig.errors import ConfigError, DeviceError, RigError, StorageError
from rig.marlin.codec import command
from rig.marlin.link import Link
from rig.marlin.ports import open_port
from rig.owner import Owner, await_end, last_words, owners, rig_name
from rig.remote import Daemon, find_daemon

# A quick stop takes Marlin a second, and clearing its queue another; then the rig is put at rest.
_END_TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Stopped:
    """What a stop met.

    Attributes:
        owners: the processes that ran the rig, which have put it at rest and given it up.
        daemon: has the rig, and keeps it.
        job: what the daemon did, a sentence without a full stop; None where it did nothing.
    """

    owners: Sequence[Owner] = ()
    daemon: Daemon | None = None
    job: str | None = None


def stop_rig(config: Config, *, emergency: bool, anywhere: bool = False) -> Stopped:
    """Stop all motion at once; returns when it is certain to stand, and whoever ran it has put it at rest.

    Where nobody runs it, a real board is opened and stopped, its outputs are switched off and its motors
    released; sweeper and chute stay where they are.

    Args:
        config: says which rig.
        emergency: kill the board instead: only a reset revives it.
        anywhere: that of the installed service is meant, too.

    Raises:
        DeviceError: a process does not give the rig up, or has said that it could not put it at rest; or the
            board cannot be reached, or does not confirm the stop.
        ConfigError: no serial port is configured.
        StorageError: it cannot be found out who runs a simulated rig.
    """
    if not STOP_SIGNALS:
        raise DeviceError(
            "this system has no signals to stop another process with", hint="press Ctrl-C twice there"
        )
    try:
        if (daemon := find_daemon(config, anywhere=anywhere)) is not None:
            return Stopped(daemon=daemon, job=daemon.stop(emergency=emergency))
    except StorageError:
        pass  # no daemon can have its socket there
    except RigError:
        # One that does not answer may heed a signal all the same; that it did is not to be known.
        for owner in _owners(config):
            _signal(owner, emergency=emergency)
        raise
    return Stopped(owners=_stop_owners(config, emergency=emergency))


def _stop_owners(config: Config, *, emergency: bool) -> Sequence[Owner]:
    running = _owners(config)
    for owner in running:
        _signal(owner, emergency=emergency)
    for owner in running:
        if not await_end(owner, _END_TIMEOUT_S):
            raise DeviceError(
                f"{owner.command} (process {owner.pid}) was told to stop and still runs the rig",
                hint="cut the motor power; then end that process",
            )
    for owner in running:
        if words := last_words(owner):
            raise DeviceError(
                f"{owner.command} (process {owner.pid}) was told to stop, but {'; '.join(words)}",
                hint="cut the motor power",
            )
    if not running and not config.sim.enabled:
        _stop_board(config, emergency=emergency)
    return running


def _owners(config: Config) -> Sequence[Owner]:
    try:
        return owners(rig_name(config))
    except StorageError:
        if config.sim.enabled:
            raise
        # Nobody can have left a name there; the board itself is still within reach.
        return ()


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
    """Stop a board of which nothing is known: neither what it does nor whether its firmware suits the rig."""
    if not config.serial.port:
        raise ConfigError("serial.port is empty", hint="set it in rig.toml")
    port = open_port(config.serial.port, config.serial.baud)
    with closing(Link(port, reply_timeout_s=config.serial.reply_timeout_s)) as link:
        # At once, before the board is asked anything. Opening the port has reset most boards already, and
        # those hear nothing until they have booted.
        if emergency:
            link.kill()
            link.make_sure_of_kill(config.serial.boot_timeout_s + config.serial.reply_timeout_s)
            return
        link.stop_at_once()
        link.wait_for_banner(config.serial.boot_timeout_s)
        link.settle()
        for pin in sorted(config.output_pins):
            link.command(command("M42", P=pin, S=0))
        link.command("M18")
