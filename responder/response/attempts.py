"""Attempts of an incident: found, changed, moved on; every move stands on the timeline."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256

from responder.model.action import ActionState, Attempt, Step
from responder.model.command import Look
from responder.model.secrecy import holding, plain
from responder.model.target import Target
from responder.model.timeline import ActionMoved
from responder.model.verdict import Json
from responder.response import weights
from responder.response.draft import Draft

BY_ITSELF = ""
"""Who moved an attempt when no person did."""
_BACKOFF = (timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=5))
_EVERY = timedelta(minutes=10)


def find(draft: Draft, number: int) -> Attempt | None:
    """Find an attempt by its number."""
    return next((attempt for attempt in draft.incident.attempts if attempt.number == number), None)


def put(draft: Draft, attempt: Attempt) -> Attempt:
    """Keep an attempt as it is now; a new one comes last."""
    kept = draft.incident.attempts
    if any(each.number == attempt.number for each in kept):
        draft.change(attempts=tuple(attempt if each.number == attempt.number else each for each in kept))
    else:
        draft.change(attempts=(*kept, attempt))
    return attempt


def propose(draft: Draft, attempt: Attempt, why: str, *, by: str = BY_ITSELF) -> Attempt:
    """Keep a new attempt, write down who wanted it and why, and look at what it would do."""
    draft.record(ActionMoved(attempt.number, attempt.name, "", attempt.state.value, why, by))
    return look(draft, put(draft, attempt))


def move(
    draft: Draft,
    attempt: Attempt,
    state: ActionState,
    why: str = "",
    *,
    by: str = BY_ITSELF,
    guards: Sequence[str] = (),
) -> Attempt:
    """
    Move an attempt on and write that down; an end takes away everything that it still waited for.

    `guards` are the names of those that stand against it.
    """
    against = tuple(dict.fromkeys(guards))
    draft.record(ActionMoved(attempt.number, attempt.name, attempt.state.value, state.value, why, by, against))
    if state.live:
        return put(draft, replace(attempt, state=state))
    over = replace(attempt, pending="", retry_at=None, expires_at=None, blocks=())
    return put(draft, replace(over, state=state, why=why, ended_at=draft.now))


def look(draft: Draft, attempt: Attempt) -> Attempt:
    """Ask what its steps would do now; what is approved asks who holds its secrets."""
    if attempt.wants:  # nobody can, before a person gives its inputs
        return put(draft, replace(attempt, digest="", expires_at=None, retry_at=None))
    held_by, tickets = holding(attempt.inputs if attempt.state is ActionState.APPROVED else {})
    bare = tuple(_bare(step) for step in attempt.steps)
    command = Look(attempt.number, attempt.looks + 1, bare, held_by, tickets)
    draft.plan(command, priority=draft.priority())
    return put(draft, replace(attempt, looks=command.look, pending=command.key, retry_at=None))


def look_between(draft: Draft, attempt: Attempt, *, due_at: datetime | None = None) -> Attempt:
    """Ask what the step whose turn it is would do now, after those before it."""
    place = attempt.at_step
    step = replace(attempt.steps[place], began_at=attempt.steps[place].began_at or draft.now)
    command = Look(attempt.number, attempt.looks + 1, (_bare(step),), first=place)
    draft.plan(command, priority=draft.priority(), due_at=due_at)
    steps = (*attempt.steps[:place], step, *attempt.steps[place + 1 :])
    return put(draft, replace(attempt, steps=steps, looks=command.look, pending=command.key))


def back_off(attempt: Attempt) -> timedelta:
    """Return how long to wait before what blocks is looked at again."""
    return _BACKOFF[attempt.looks - 1] if 0 < attempt.looks <= len(_BACKOFF) else _EVERY


def digest_of(attempt: Attempt) -> str:
    """Digest what people are asked to agree to, secrets left out: 16 hexadecimal digits."""
    told = [attempt.name, [_told(step) for step in attempt.steps], plain(attempt.inputs)]
    text = json.dumps(told, sort_keys=True, default=str, ensure_ascii=False)
    return sha256(text.encode()).hexdigest()[:16]


def is_same(steps: Sequence[Step], others: Sequence[Step]) -> bool:
    """Whether two lists of steps would do the same to the same objects."""
    return [_essence(step) for step in steps] == [_essence(step) for step in others]


def objects_of(step: Step) -> tuple[str, ...]:
    """Name all that a step changes, for "one at a time"; at least one."""
    locks = step.preview.locks if step.preview is not None else ()
    return locks or (_object(step.plugin, step.target),)


def named(lock: str) -> str:
    """Say for people what a lock stands for: `deployment/api in prod`."""
    _, _, what = lock.partition("/")
    kind, *where = what.split("/")
    if len(where) != 2:
        return what
    return f"{kind}/{where[1]}" + (f" in {where[0]}" if where[0] else "")


def namespace_of(step: Step) -> str:
    """Return the namespace that a step is counted in, as its preview found it."""
    told = step.preview.namespace if step.preview is not None else ""
    return told or step.target.namespace


def is_harmless(draft: Draft, attempt: Attempt) -> bool:
    """Whether it only reads and keeps."""
    return all(weights.is_harmless(draft.brain, step) for step in attempt.steps)


def next_number(draft: Draft) -> int:
    """Return the number of the next attempt."""
    return max((attempt.number for attempt in draft.incident.attempts), default=0) + 1


def title(step: Step) -> str:
    """Say what a step does to what, in a few words."""
    return f"{step.plugin} on {step.target}" if step.target.known else step.plugin


def clock(moment: datetime, now: datetime) -> str:
    """Write a moment for a reason: the hour, and the day where that is another one."""
    form = "%H:%M UTC" if moment.date() == now.date() else "%Y-%m-%d %H:%M UTC"
    return moment.strftime(form)


def _bare(step: Step) -> Step:
    """Leave out what a look does not need."""
    return replace(step, preview=None, outcome=None, undone=None, progress=None)


def _essence(step: Step) -> tuple[object, ...]:
    return step.plugin, step.target, json.dumps(dict(step.params), sort_keys=True, default=str)


def _object(plugin: str, target: Target) -> str:
    if not target.known:
        return f"{target.cluster}/{plugin}"
    return "/".join((target.cluster, target.kind.lower(), target.namespace, target.name))


def _told(step: Step) -> list[Json]:
    preview = step.preview
    shown: Mapping[str, Json] = {}
    if preview is not None:
        changes = [[change.what, change.before, change.after] for change in preview.changes]
        shown = {"summary": preview.summary, "changes": changes, "basis": dict(preview.basis)}
        shown |= {"among": list(preview.among)} if preview.among else {}
    return [step.plugin, dict(step.params), str(step.target), step.target.cluster, step.target.container, shown]
