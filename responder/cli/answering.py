"""`responder approve`, `reject`, `undo`, `settle`, `break-glass`: a person's word on one attempt."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from responder.cli.asking import (
    Attempt,
    Reason,
    Which,
    Yes,
    action_of,
    actions_of,
    agreed,
    asked,
    attempt_named,
    became,
    last_event,
    made,
    pairs,
    speak,
)
from responder.cli.running import HERE, PersonTokenFile, Server
from responder.cli.secret_inputs import with_secrets
from responder.cli.showing import attempt_lines
from responder.clients.posting import Door
from responder.clients.render_values import one_line
from responder.errors import PermanentError
from responder.model.press import ANSWERS, SHORTEST_DIGEST, Word
from responder.model.secrecy import SECRET
from responder.response.answerable import RENEWABLE

Digest = Annotated[str, typer.Option("--digest", help="Of the preview that you saw: refused if it is another by now.")]
Inputs = Annotated[
    list[str] | None, typer.Option("--input", "-i", help="As name=value, a secret as name=@FILE; again for more.")
]
WrittenReason = Annotated[str, typer.Option("--reason", help="Why the guards do not count now, in writing.")]
Happened = Annotated[
    Literal["happened", "not-happened"], typer.Argument(help="happened, or not-happened.", metavar="WHAT")
]


def approve(
    attempt: Which,
    digest: Digest = "",
    inputs: Inputs = None,
    reason: Reason = "",
    yes: Yes = False,
    server: Server = HERE,
    token_file: PersonTokenFile = None,
) -> None:
    """
    Say yes to an action as it is previewed now; ask again for one that was turned down or has expired.

    Ends with 0 when the yes counts, or waits for others; 1 when it was refused; 2 for a wrong call or token; 4 when the
    server does not answer; 5 when no yes was typed.

    Examples:

        responder approve INC-17/3

        responder approve INC-17/3 --digest 1a2b3c4d --input replicas=4 --yes

        responder approve INC-17/3 --input token=@new-token.txt
    """
    which, given = attempt_named(attempt), pairs(inputs, "--input")

    async def talk(door: Door) -> None:
        action = await seen(door, which, digest)
        if action["state"] in RENEWABLE:
            agreed(f"It is {action['state']}. Ask for it again?", yes=yes)
            await _again(door, which, action, reason)
            return
        known = with_secrets(action, given, yes=yes)
        body = {
            "why": reason,
            "digest": action["digest"],
            "inputs": known if yes else {**known, **_missing(action, known)},
        }
        agreed("Approve this?", yes=yes)
        await tell(door, which, "approve", body)

    speak(server, token_file, talk)


def reject(attempt: Which, reason: Reason = "", server: Server = HERE, token_file: PersonTokenFile = None) -> None:
    """
    Say no to an action: it is not done, and not proposed again while the facts stay the same.

    Examples:

        responder reject INC-17/3 --reason "we roll forward"
    """
    _said(attempt, "reject", {"why": reason}, server=server, token_file=token_file)


def undo(
    attempt: Which, reason: Reason = "", yes: Yes = False, server: Server = HERE, token_file: PersonTokenFile = None
) -> None:
    """
    Undo what an action did, its steps in reverse.

    Examples:

        responder undo INC-17/3 --reason "it made it worse"
    """
    which = attempt_named(attempt)

    async def talk(door: Door) -> None:
        await seen(door, which, "")
        agreed("Undo it?", yes=yes)
        await tell(door, which, "undo", {"why": reason})

    speak(server, token_file, talk)


def settle(
    attempt: Which, what: Happened, reason: Reason = "", server: Server = HERE, token_file: PersonTokenFile = None
) -> None:
    """
    Say whether an action in doubt happened; nobody could tell by asking the system.

    Before you say that it did not: a replica that only stands still (frozen,
    paused, cut off) may yet do it when it goes on. The doubt says which one was
    at it, and since when: see that it runs or is gone.

    Examples:

        responder settle INC-17/3 happened

        responder settle INC-17/3 not-happened --reason "the connections are still there"
    """
    _said(attempt, what, {"why": reason}, server=server, token_file=token_file)


def break_glass(
    attempt: Which,
    reason: WrittenReason,
    digest: Digest = "",
    inputs: Inputs = None,
    yes: Yes = False,
    server: Server = HERE,
    token_file: PersonTokenFile = None,
) -> None:
    """
    Say yes past cooldowns, budgets, windows and evidence, as an admin; everybody is told, with the reason.

    Never past what is forbidden, the lists of what is never touched, a stop of all automation, or another action at
    work on the same target.

    Examples:

        responder break-glass INC-17/3 --reason "the cooldown is for another fault"
    """
    which, given = attempt_named(attempt), pairs(inputs, "--input")

    async def talk(door: Door) -> None:
        action = await seen(door, which, digest)
        body = {"why": reason, "digest": action["digest"], "inputs": with_secrets(action, given, yes=yes)}
        agreed("BREAK THE GLASS for this?", yes=yes)
        await tell(door, which, "break-glass", body)

    speak(server, token_file, talk)


async def seen(door: Door, which: Attempt, digest: str) -> dict[str, Any]:
    """Show what an attempt would do, and return it. Raises: PermanentError when the digest is another by now."""
    action = await action_of(door, which)
    typer.echo("\n".join(attempt_lines(action)))
    if digest and (len(digest) < SHORTEST_DIGEST or not action["digest"].startswith(digest)):
        shown = action["digest"] or "none yet"
        raise PermanentError(
            f"{which.name} is not what {digest} showed: above is what it would do now (digest {shown})"
        )
    return action


async def tell(door: Door, which: Attempt, word: Word, body: dict[str, Any]) -> None:
    """Say it, and show what becomes of it. Raises: PermanentError when it does not count."""
    before = await last_event(door, which.incident)
    taken = await door.say("POST", f"{which.path}/{word}", body)
    then = await became(door, which, before, by=taken["by"], answer=ANSWERS[word])
    later = f"`responder actions INC-{which.incident}` shows what becomes of it"
    typer.echo(f"{taken['by']} said {word} to {which.name}; {then or later}")


async def _again(door: Door, which: Attempt, action: dict[str, Any], reason: str) -> None:
    """Ask for what was turned down, and say what was made of it. Raises: PermanentError when nothing was."""
    known = {one["number"] for one in await actions_of(door, which.incident)}
    before = await last_event(door, which.incident)
    taken = await door.say("POST", f"{which.path}/approve", {"why": reason})
    new = await made(door, which.incident, by=taken["by"], name=action["name"], after=before, known=known)
    typer.echo(f"{taken['by']} asked for {which.name} again: it is {new.name} now; `responder approve {new.name}`")


def _said(attempt: str, word: Word, body: dict[str, Any], *, server: str, token_file: Path | None) -> None:
    which = attempt_named(attempt)

    async def talk(door: Door) -> None:
        await tell(door, which, word, body)

    speak(server, token_file, talk)


def _missing(action: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Ask for the inputs that nobody has given yet."""
    missing = [one for one in action["asks"] if one["name"] not in {**action["inputs"], **given}]
    wanted = [one for one in missing if one["type"] != SECRET]
    return {one["name"]: asked(one_line(f"{one['name']} ({one['type']}) {one['describe']}")) for one in wanted}
