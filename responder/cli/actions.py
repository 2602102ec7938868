"""`responder actions`: what was offered, is waiting, or was done in an incident."""

import json
from typing import Annotated

import typer

from responder.cli.asking import speak
from responder.cli.running import HERE, PersonTokenFile, Server
from responder.cli.showing import attempt_lines, stop_lines
from responder.clients.posting import Door
from responder.errors import ConfigError
from responder.model.incident import number_of

Which = Annotated[str, typer.Argument(help="As INC-17 or 17; all incidents when not given.", metavar="[INCIDENT]")]
Incident = Annotated[str, typer.Argument(help="As INC-17 or 17.", metavar="INCIDENT")]
AsJson = Annotated[bool, typer.Option("--json", help="Write the API's document.")]


def actions(
    incident: Which = "", as_json: AsJson = False, server: Server = HERE, token_file: PersonTokenFile = None
) -> None:
    """
    List the actions of an incident, each with what it would do, before and after.

    Without an incident: what is not over, and what stands for a while only,
    of all incidents, also of those that are resolved.

    Examples:

        responder actions

        responder actions INC-17

        responder actions INC-17 --json --server https://responder.example --token-file token
    """
    number = incident_number(incident) if incident else None

    async def talk(door: Door) -> None:
        shown = await door.say("GET", "/v1/actions" if number is None else f"/v1/incidents/INC-{number}/actions")
        if as_json:
            typer.echo(json.dumps(shown, indent=2))
            return
        for line in stop_lines(shown["automation"]):
            typer.echo(line)
        for place, action in enumerate(shown["actions"]):
            typer.echo("\n".join(([""] if place else []) + list(attempt_lines(action))))
        if not shown["actions"]:
            nothing = "No action waits, is at work, or stands for a while only."
            typer.echo(nothing if number is None else f"INC-{number} has no actions.")

    speak(server, token_file, talk)


def incident_number(text: str) -> int:
    """Read INC-17 or 17. Raises: ConfigError."""
    number = number_of(text)
    if number is None:
        raise ConfigError(f"{text!r} is no incident: write INC-17 or 17")
    return number
