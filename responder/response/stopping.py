"""The stop of all automation as an incident tells of it: to everybody when it comes and goes, and on all between."""

from collections.abc import Iterator
from dataclasses import replace

from responder.model.action import ActionState, Stop
from responder.model.message import Block, Instant, Mention, Message, Own, Paragraph, Text
from responder.model.timeline import AutomationChanged
from responder.response import attempts, replies
from responder.response.brain import Brain
from responder.response.draft import Call, Draft
from responder.response.guards import stop_of
from responder.response.wording import bold, outside

_HERE = Mention("here")
_LIFT = "responder resume-automation"


def banner(brain: Brain) -> Iterator[Block]:
    """Say who stopped all automation, and until when; nothing while it goes on."""
    if brain.stop is not None:
        yield Paragraph(_stopped(brain.stop))


def changed(draft: Draft, told: AutomationChanged) -> None:
    """Tell whoever follows an action that all of it is stopped, or goes on again by a person's word."""
    if told.stopped:
        waits = (_HERE, Own(" Nothing is started, approved or undone until it is lifted: "), Own(_LIFT, "code"))
        _call(draft, (bold("All automation is stopped"),), waits, summary="all automation is stopped")
    else:
        draft.incident = replace(draft.incident, stopped_until=None)
        why = (Own(": "), outside(told.why)) if told.why else ()
        _go_on(draft, (Own("Lifted by "), outside(told.by or "nobody that is known"), *why, Own(".")))


def advance(draft: Draft) -> None:
    """Notice that the time of a stop has run out, which nobody says; remember until when one stands."""
    before, stop = draft.incident.stopped_until, stop_of(draft)
    until = stop.until if stop is not None else None
    if before is not None and before <= draft.now and stop is None:
        _go_on(draft, (Own("The time of the stop ran out."),))
    if until != before:
        draft.incident = replace(draft.incident, stopped_until=until)


def _go_on(draft: Draft, why: Text) -> None:
    for attempt in draft.incident.attempts:
        if attempt.state is ActionState.BLOCKED and not attempt.pending:
            attempts.put(draft, replace(attempt, retry_at=draft.now))
    body = (*why, Own(" What waits is looked at again."))
    _call(draft, (bold("Automation goes on"),), body, summary="automation goes on")


def _call(draft: Draft, title: Text, body: Text, *, summary: str) -> None:
    """Put it beside the living messages where an action lives: elsewhere an edit says it, and nobody waits for one."""
    if any(attempt.state.live for attempt in draft.incident.attempts):
        about = f"{draft.incident.id}: {summary}"
        draft.calls.append(Call(_note(draft, title, body, about)))


def _note(draft: Draft, title: Text, body: Text, summary: str) -> Message:
    return replies.note(draft.incident, title, body, summary=summary, rank=draft.rank, broadcast=True)


def _stopped(stop: Stop) -> Text:
    until = (Own(" until "), Instant(stop.until, "datetime")) if stop.until else (Own(" until somebody lifts it"),)
    why = (Own(": "), outside(stop.why)) if stop.why else ()
    by = (Own(" by "), outside(stop.by)) if stop.by else ()
    return (bold("AUTOMATION IS STOPPED"), *by, Own(" since "), Instant(stop.at, "datetime"), *until, *why)
