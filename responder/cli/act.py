"""`responder act`: an action outside the playbook, through the same preview, guards and approval."""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from responder.cli.actions import Incident, incident_number
from responder.cli.answering import tell
from responder.cli.asking import (
    BETWEEN_LOOKS,
    LOOKS,
    NOT_SAID,
    Attempt,
    Yes,
    action_of,
    actions_of,
    agreed,
    last_event,
    made,
    pairs,
    speak,
)
from responder.cli.running import HERE, PersonTokenFile, Server
from responder.cli.showing import attempt_lines, deciders
from responder.clients.posting import Door
from responder.errors import ConfigError, PermanentError

Plugin = Annotated[
    str,
    typer.Argument(
        help="The action; `responder explain` shows what it takes. Or its name in the playbook.", metavar="ACTION"
    ),
]
Params = Annotated[
    list[str] | None,
    typer.Argument(
        help="What it takes: replicas=5, within one limits.memory=8Gi, lists as JSON.", metavar="NAME=VALUE..."
    ),
]
On = Annotated[str, typer.Option("--target", help="As deployment/api or deploy/api; the incident's when not given.")]
Namespace = Annotated[str, typer.Option("--namespace", "-n", help="Of --target; the incident's when not given.")]
Why = Annotated[str, typer.Option("--reason", help="Why; it is shown to who approves.")]


def act(
    incident: Incident,
    action: Plugin,
    params: Params = None,
    target: On = "",
    namespace: Namespace = "",
    reason: Why = "",
    yes: Yes = False,
    server: Server = HERE,
    token_file: PersonTokenFile = None,
) -> None:
    """
    Ask for an action that nothing calls for, see what it would do, and say yes to it.

    It is one of Responder's, with parameters of yours, or one that the
    incident's playbook names, with its inputs: what runs SQL or calls an
    address is to be had by its name only.

    Without your yes it waits for others until it expires. Ends as `responder approve` does.

    Examples:

        responder act INC-17 kubernetes.scale replicas=5 --reason "the queue is full"

        responder act INC-17 kubernetes.rollout_restart --target deploy/worker -n prod

        responder act INC-17 kubernetes.patch_configmap name=features set.SEARCH=off restart=true

        responder act INC-17 kubernetes.exec 'argv=["redis-cli", "info"]'

        responder act INC-17 revoke-key key=0d6f1c1e-9f39-4d3e-9d8b-0a6c1f1b2c3d
    """
    body = {"action": action, "params": params_of(params), "reason": reason}
    if target or namespace:
        body["target"] = _target(target, namespace)
    _ask(incident_number(incident), body, yes=yes, server=server, token_file=token_file)


def _ask(number: int, body: dict[str, Any], *, yes: bool, server: str, token_file: Path | None) -> None:
    async def talk(door: Door) -> None:
        known = {one["number"] for one in await actions_of(door, number)}
        before = await last_event(door, number)
        asked = await door.say("POST", f"/v1/incidents/INC-{number}/actions", body)
        which = await made(door, number, by=asked["by"], name=asked["action"], after=before, known=known)
        shown = await _previewed(door, which)
        typer.echo("\n".join(attempt_lines(shown)))
        if shown["state"] != "proposed" or not shown["digest"]:
            told = f"{which.name} cannot be approved now: it is {shown['state']}"
            goes_on = "it is looked at again by and by; `responder reject` ends it"
            raise PermanentError(f"{told}; {goes_on}" if shown["state"] == "blocked" else told)
        if shown["people"] > 1:
            typer.echo(f"It waits for the yes of {deciders(shown)}: `responder approve {which.name}`.")
            raise typer.Exit(NOT_SAID)
        typer.echo(f"It waits for a yes: `responder approve {which.name}`, by you or others.")
        agreed("Approve this?", yes=yes)
        await tell(door, which, "approve", {"digest": shown["digest"], "why": body["reason"]})

    speak(server, token_file, talk)


async def _previewed(door: Door, which: Attempt) -> dict[str, Any]:
    """Wait until it is known what an attempt would do."""
    for _ in range(LOOKS):
        shown = await action_of(door, which)
        if shown["digest"] or shown["state"] != "proposed":
            return shown
        await asyncio.sleep(BETWEEN_LOOKS)
    raise PermanentError(f"{which.name} is still being looked at: `responder approve {which.name}` shows it")


def params_of(given: list[str] | None) -> dict[str, Any]:
    """
    Read `name=value` pairs: `set.KEY=text` goes into `set`; an object or list is JSON. The rest is text, typed there.

    Raises: ConfigError.
    """
    found: dict[str, Any] = {}
    for name, value in pairs(given, "parameters").items():
        outer, dot, inner = name.partition(".")
        if not dot:
            found[outer] = _plain(value)
        elif not outer or not inner or not isinstance(found.setdefault(outer, {}), dict):
            raise ConfigError(f"{name!r}: write it as NAME.KEY=value, and no {outer or 'NAME'}=value beside it")
        else:
            found[outer][inner] = value
    return found


def _plain(value: str) -> Any:
    """Take a value that is a JSON object or list as such; PromQL in braces, say, stays text."""
    try:
        return json.loads(value) if value.startswith(("{", "[")) else value
    except (ValueError, RecursionError):
        return value


def _target(target: str, namespace: str) -> dict[str, str]:
    if not target:
        raise ConfigError("--namespace is that of --target: write that too, as deployment/api")
    kind, mark, name = target.partition("/")
    if not mark or not kind or not name:
        raise ConfigError("write --target as kind/name, such as deployment/api")
    return {"kind": kind, "name": name, "namespace": namespace}
