"""What the commands through which people act have in common: speaking to the server, showing, asking for a yes."""

import asyncio
import re
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from responder.cli.running import VARIABLE, address, token_of
from responder.clients.posting import Door, NotKnown
from responder.clients.render_values import one_line
from responder.errors import ConfigError, PermanentError, TransientError
from responder.response.answerable import ASKED, WAITING

T = TypeVar("T")

NOT_SAID = 5
"""Exit status: the person did not say yes."""
SERVER_AWAY = 4
"""Exit status: the server does not answer; nothing was said."""
LOOKS = 40
"""So often it is looked what became of an answer."""
BETWEEN_LOOKS = 0.25
"""Seconds."""
_ATTEMPT = re.compile(r"(?:INC-)?([0-9]{1,18})/([0-9]{1,9})", re.IGNORECASE | re.ASCII)
_MOST_PAGES = 100
_ON_ITS_WAY = WAITING - ASKED
"""Looked at once more before it starts, which may still refuse it."""

Which = Annotated[str, typer.Argument(help="The attempt, as INC-17/3.", metavar="ATTEMPT")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, for scripts: the preview is taken as seen.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it stands on the timeline.")]


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a person named: attempt `number` of the incident."""

    incident: int
    number: int

    @property
    def name(self) -> str:
        """As people write it."""
        return f"INC-{self.incident}/{self.number}"

    @property
    def path(self) -> str:
        """Where the API has it."""
        return f"/v1/incidents/INC-{self.incident}/actions/{self.number}"


def attempt_named(text: str) -> Attempt:
    """Read INC-17/3. Raises: ConfigError."""
    found = _ATTEMPT.fullmatch(text.strip())
    if found is None:
        raise ConfigError(f"{text!r} is no attempt: write it as INC-17/3; `responder actions INC-17` lists them")
    return Attempt(int(found[1]), int(found[2]))


def speak(server: str, token_file: Path | None, talk: Callable[[Door], Awaitable[T]]) -> T:
    """
    Speak to the server as a person.

    Raises: ConfigError when the server does not know the token, typer.Exit when it does not answer, PermanentError.
    """
    token, url = token_of(token_file), address(server)
    if not token:
        raise ConfigError(f"who are you? give your own token (people.NAME.token) with --token-file or {VARIABLE}")

    async def session() -> T:
        async with Door(url, token) as door:
            return await talk(door)

    try:
        return asyncio.run(session())
    except NotKnown as error:
        raise ConfigError(f"{error}\ngive your own token with --token-file or {VARIABLE}") from error
    except TransientError as error:
        typer.echo(
            f"responder: {error}\nresponder: is --server (or RESPONDER_SERVER) right, and does it run?", err=True
        )
        raise typer.Exit(SERVER_AWAY) from None


async def actions_of(door: Door, incident: int) -> list[dict[str, Any]]:
    """Load the attempts of an incident, oldest first."""
    shown = await door.say("GET", f"/v1/incidents/INC-{incident}/actions")
    found: list[dict[str, Any]] = shown["actions"]
    return found


async def action_of(door: Door, attempt: Attempt) -> dict[str, Any]:
    """Load one attempt. Raises: PermanentError when there is none."""
    actions = await actions_of(door, attempt.incident)
    found = next((one for one in actions if one["number"] == attempt.number), None)
    if found is None:
        known = ", ".join(one["id"] for one in actions[-3:]) or "none yet"
        raise PermanentError(f"there is no attempt {attempt.name}; the last are: {known}")
    return found


async def events_after(door: Door, incident: int, after: int) -> list[dict[str, Any]]:
    """Load what happened after an event of the timeline, in its order."""
    events: list[dict[str, Any]] = []
    for _ in range(_MOST_PAGES):
        shown = await door.say("GET", f"/v1/incidents/INC-{incident}?limit=10000&timeline_after={after}")
        events.extend(shown["timeline"])
        if shown["timeline_next"] is None:
            break
        after = shown["timeline_next"]
    return events


async def last_event(door: Door, incident: int) -> int:
    """Return the id of the newest event of the timeline."""
    return max((event["id"] for event in await events_after(door, incident, 0)), default=0)


async def became(door: Door, attempt: Attempt, after: int, *, by: str, answer: str) -> str:
    """
    Wait a little for what the incident's next turn makes of an answer, and say it; "" while nothing is known.

    Raises: PermanentError, saying why, when the answer did not count.
    """
    said, told = False, ""
    for _ in range(LOOKS):
        for event in await events_after(door, attempt.incident, after):
            what, after = event["what"], event["id"]
            if what.get("attempt") != attempt.number:
                continue
            said = said or (what["kind"] == "answered" and (what["by"], what["answer"]) == (by, answer))
            if said and what["kind"] == "answer.refused" and (what["by"], what["answer"]) == (by, answer):
                raise PermanentError(f"it does not count: {one_line(what['why'])}")
            if said and what["kind"] == "action.moved":
                why = f": {one_line(what['why'])}" if what["why"] else ""
                told = f"it is {what['after']} now{why}"
                if what["after"] == "refused":
                    raise PermanentError(told)
                if what["after"] not in _ON_ITS_WAY:
                    return told
        if answer == "yes" and (waiting := _waits(await action_of(door, attempt), by)):
            return waiting
        await asyncio.sleep(BETWEEN_LOOKS)
    return told


async def made(door: Door, incident: int, *, by: str, name: str, after: int, known: set[int]) -> Attempt:
    """
    Wait for the attempt that is made of what somebody asked for; `known` are those of before.

    Raises: PermanentError, saying why there is none.
    """
    for _ in range(LOOKS):
        for event in await events_after(door, incident, after):
            what, after = event["what"], event["id"]
            if what["kind"] == "answer.refused" and what["by"] == by:
                raise PermanentError(one_line(what["why"]))
        for one in await actions_of(door, incident):
            if one["number"] not in known and one["name"] == name:
                return Attempt(incident, one["number"])
        await asyncio.sleep(BETWEEN_LOOKS)
    raise PermanentError(f"it was asked for, and not taken up yet: `responder actions INC-{incident}` shows it")


def _waits(action: dict[str, Any], by: str) -> str:
    """Say what an attempt waits for that has this person's yes; "" when it has not."""
    if action["state"] != "proposed" or not any(one["by"] == by and one["yes"] for one in action["approvals"]):
        return ""
    if not action["digest"]:
        return "it is being looked at once more with these inputs, then your yes counts"
    return "it waits for the yes of others"


def agreed(question: str, *, yes: bool) -> None:
    """Ask for a typed yes, unless `yes`. Raises: typer.Exit for anything else."""
    if yes:
        return
    typer.echo(f"{question} Type yes: ", nl=False)
    said = sys.stdin.readline().strip()
    if said.lower() != "yes":
        typer.echo("" if said else "(nothing typed; --yes is for scripts)")
        typer.echo("Nothing was said.")
        raise typer.Exit(NOT_SAID)


def asked(question: str) -> str:
    """Ask for a value; "" when none is typed."""
    typer.echo(f"{question}: ", nl=False)
    return sys.stdin.readline().strip()


def pairs(given: list[str] | None, option: str) -> dict[str, Any]:
    """Read `name=value` pairs. Raises: ConfigError."""
    found: dict[str, Any] = {}
    for pair in given or ():
        name, mark, value = pair.partition("=")
        if not mark or not name.strip():
            raise ConfigError(f"{pair!r}: write {option} as name=value")
        found[name.strip()] = value
    return found
