"""`rig doctor`"""

from typing import Annotated

import typer

from rig.cli.settings import settings_of

_SIGNS = {"good": "ok  ", "note": "note", "bad": "BAD "}


def doctor(
    context: typer.Context,
    motion: Annotated[
        bool,
        typer.Option(
            "--motion", help="Check the firmware, then move table, lamp and actuator once: watch them."
        ),
    ] = False,
) -> None:
    """Look at everything the rig needs, and say what to do about what is missing."""
    settings = settings_of(context)
    config = settings.read_config()
    from rig.diagnosis.motion import exercise
    from rig.diagnosis.survey import diagnose

    if motion:
        settings.say_if_simulated(config)
        settings.say("The table will turn: keep your fingers away from it.")
    findings = []
    looks = diagnose(config, settings.origin(config), anywhere=settings.any_rig_is_meant)
    for finding in exercise(config) if motion else looks:
        findings.append(finding)
        if not settings.as_json:
            typer.echo(f"{_SIGNS[finding.verdict]}  {finding.subject}: {finding.found}")
            if finding.advice:
                typer.echo(f"      -> {finding.advice}")
    settings.print_json({"findings": findings})
    if any(finding.verdict == "bad" for finding in findings):
        raise typer.Exit(1)
