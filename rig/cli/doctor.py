"""`rig doctor`"""

import typer

from rig.cli.settings import settings_of

_SIGNS = {"good": "ok  ", "note": "note", "bad": "BAD "}


def doctor(context: typer.Context) -> None:
    """Look at everything the rig needs, and say what to do about what is missing."""
    settings = settings_of(context)
    config = settings.load_config()
    from rig.diagnosis import diagnose

    findings = []
    for finding in diagnose(config, settings.origin(config)):
        findings.append(finding)
        if not settings.as_json:
            typer.echo(f"{_SIGNS[finding.verdict]}  {finding.subject}: {finding.found}")
            if finding.advice:
                typer.echo(f"      -> {finding.advice}")
    settings.print_json({"findings": findings})
    if any(finding.verdict == "bad" for finding in findings):
        raise typer.Exit(1)
