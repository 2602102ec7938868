"""`responder stop-automation` and `resume-automation`: nothing is begun anywhere, until somebody lets it go on."""

from typing import Annotated, Any
from urllib.parse import quote

import typer

from responder.cli.asking import Reason, Yes, agreed, speak
from responder.cli.running import HERE, PersonTokenFile, Server
from responder.cli.showing import stop_lines
from responder.clients.posting import Door

STOP = "/v1/automation/stop"

For = Annotated[str, typer.Option("--for", help="How long, such as 2h; until somebody resumes when not given.")]


def stop_automation(
    lasts: For = "", reason: Reason = "", server: Server = HERE, token_file: PersonTokenFile = None
) -> None:
    """
    Stop all automation at once on every replica: no action begins, whoever approves it. What runs goes on to its end.
    Of two stops the longer one stands.

    Examples:

        responder stop-automation --for 2h --reason "restarts that nobody asked for"
    """
    body = {"why": reason, **({"for": lasts} if lasts else {})}

    async def talk(door: Door) -> None:
        _tell(await door.say("POST", STOP, body))

    speak(server, token_file, talk)


def resume_automation(
    reason: Reason = "", yes: Yes = False, server: Server = HERE, token_file: PersonTokenFile = None
) -> None:
    """
    Let automation go on.

    Examples:

        responder resume-automation --reason "it was the cron job"
    """

    async def talk(door: Door) -> None:
        stop = await door.say("GET", STOP)
        _tell(stop)
        if not stop["stopped"]:
            return
        agreed("Let automation go on?", yes=yes)
        _tell(await door.say("DELETE", f"{STOP}?why={quote(reason)}"))

    speak(server, token_file, talk)


def _tell(stop: dict[str, Any]) -> None:
    typer.echo("\n".join(stop_lines(stop)) or "Automation is not stopped.")
