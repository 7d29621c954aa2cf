"""Runs a job for a command: through the daemon that has the rig, or here where there is none."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from rig.cli.settings import Settings

if TYPE_CHECKING:
    from rig.config import Config
    from rig.jobs.requests import JobRequest
    from rig.jobs.run import JobEvent


@contextmanager
def following(settings: Settings, config: "Config", request: "JobRequest") -> Iterator[Iterator["JobEvent"]]:
    """The events of the job that `request` asks for; what ends it early says how to go on.

    Raises:
        RigError, Interrupted: as the job, with notes on what is kept.
    """
    from rig.remote import find_daemon

    daemon = find_daemon(config, anywhere=settings.any_rig_is_meant)
    settings.say_if_simulated(config, daemon)
    if daemon is not None:
        settings.say(f"Through {daemon}.")
    with (
        _here(settings, config, request) if daemon is None else daemon.following(request, settings) as events
    ):
        yield events


@contextmanager
def _here(settings: Settings, config: "Config", request: "JobRequest") -> Iterator[Iterator["JobEvent"]]:
    from rig.errors import Interrupted, RigError
    from rig.jobs.run import Beginning, Workplace, run, what_is_kept

    begun: Beginning | None = None

    def remembered(events: Iterator["JobEvent"]) -> Iterator["JobEvent"]:
        nonlocal begun
        for event in events:
            if isinstance(event, Beginning):
                begun = event
            yield event

    # What was found on the simulated rig has no place in the rig.toml of a real one.
    place = Workplace(config, None if settings.force_sim else settings.config_file)
    try:
        with closing(run(request, place, settings)) as events:
            yield remembered(events)
    except (RigError, Interrupted) as stop:
        if begun is not None and (kept := what_is_kept(begun, config)) is not None:
            stop.add_note(kept)
        raise
