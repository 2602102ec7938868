"""Secrets that people give at approval: what is still missing, and asking again when nobody holds one any more."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from responder.model.action import ActionState, Attempt
from responder.model.secrecy import Held, plain, secrets_in
from responder.model.verdict import Json
from responder.model.wanted import wanted_of
from responder.response import attempts, proposals
from responder.response.draft import Draft

_AT_LEAST = timedelta(minutes=1)
"""That a secret must still be held when an action is approved: it is looked at once more before it starts."""


def asked_for(draft: Draft, attempt: Attempt) -> tuple[str, ...]:
    """Return the names of the secrets that an attempt takes."""
    declared = {} if attempt.proposed_by else proposals.declared(draft, attempt.name)
    return tuple(name for name, written in declared.items() if _is_secret(written))


def entrusted(inputs: Mapping[str, Json], given: Mapping[str, Held]) -> dict[str, Json]:
    """Put secrets among the inputs; those that another process holds have to be given again, beside these."""
    owners = {held.held_by for held in given.values()}
    kept = {name: held for name, held in secrets_in(inputs).items() if not owners or held.held_by in owners}
    return {**plain(inputs), **{name: held.mark for name, held in {**kept, **given}.items()}}


def lacking(draft: Draft, attempt: Attempt, inputs: Mapping[str, Json]) -> str:
    """Say which secrets have to be given before it can go on; "" when none has to be."""
    held = secrets_in(inputs)
    soon = draft.now + _AT_LEAST
    names = [name for name in asked_for(draft, attempt) if name not in held or held[name].until <= soon]
    if not names:
        return ""
    how = " ".join(f"--input {name}=@FILE" for name in names)
    which = "the secret" if len(names) == 1 else "the secrets"
    return f"nobody has given {which} {', '.join(names)}: responder approve {draft.incident.id}/{attempt.number} {how}"


def ask_again(draft: Draft, attempt: Attempt, lacks: tuple[str, ...]) -> Attempt:
    """Ask people once more for an approved attempt of which nothing was done: its secrets are gone."""
    which = "the secret was" if len(lacks) == 1 else "the secrets were"
    why = f"{which} held by a process that ended, or for too long: give {', '.join(lacks)} again"
    bare = tuple(replace(step, preview=None, outcome=None, began_at=None, ended_at=None) for step in attempt.steps)
    attempt = replace(
        attempt,
        steps=bare,
        inputs=plain(attempt.inputs),
        approvals=(),
        digest="",
        blocks=(),
        expires_at=None,
        retry_at=None,
        at_step=0,
        started_at=None,
        verification=None,
        handed_back=attempt.handed_back + 1,
    )
    return attempts.look(draft, attempts.move(draft, attempt, ActionState.PROPOSED, why))


def _is_secret(written: Json) -> bool:
    try:
        return wanted_of(written).secret
    except ValueError:
        return False
