"""Waking people: independent of chat, and never behind it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from responder.model.command import Page
from responder.model.incident import Paging, Status
from responder.model.receiver import Receiver
from responder.model.timeline import Event, Paged, PageFailed
from responder.response.draft import Draft
from responder.response.notifying import is_given_up, pause, receivers

_URGENT = 0


def take_in(draft: Draft, events: Sequence[Event]) -> None:
    """Take in what became of earlier pagings; an answer that is not waited for is old."""
    for event in events:
        match event.what:
            case Paged() as told:
                if paging := _waited_for(draft, told):
                    _put(draft, replace(paging, in_flight=False, error="", failures=0, retry_at=None))
            case PageFailed() as told:
                if paging := _waited_for(draft, told):
                    _put(draft, _broken(draft, paging, told.why))


def page(draft: Draft) -> None:
    """Ask for every paging that is due: one at a time for each pager, so that none overtakes another."""
    pagers = [receiver for receiver in receivers(draft.incident, draft.brain) if draft.brain.pages(receiver)]
    for pager in pagers:
        needed = (Paging(pager.name), *(_waking(draft, pager, about, say) for about, say in draft.wakings.items()))
        for paging in needed:
            if paging.name not in draft.incident.pagings:
                _put(draft, paging)
    for paging in draft.incident.pagings.values():
        if paging.in_flight or (paging.retry_at and paging.retry_at > draft.now):
            continue
        wanted = _wanted(draft, paging)
        if wanted:
            _ask(draft, paging, wanted)
        elif paging.retry_at:
            _put(draft, replace(paging, retry_at=None))


def _wanted(draft: Draft, paging: Paging) -> Literal["", "trigger", "acknowledge", "resolve"]:
    """Say what the pager has to be told next: what failed again, or what it does not know yet."""
    known = _known(paging)
    if paging.about and draft.incident.status is not Status.RESOLVED:
        seen = draft.incident.acknowledged_by not in ("", paging.seen_by)
        return "trigger" if known == "" else "acknowledge" if known == "trigger" and seen else ""
    match draft.incident.status:
        case Status.RESOLVED:
            told = known != "resolve" and (known != "" or paging.sequence > 1)
            return "resolve" if told and not is_given_up(draft.incident, paging.failures, draft.now) else ""
        case Status.ACKNOWLEDGED:
            return "acknowledge" if known == "trigger" else "trigger" if known == "" else ""
        case Status.OPEN:
            return "" if known == "trigger" else "trigger"
        case Status.MONITORING:
            return ""


def _known(paging: Paging) -> str:
    """Return the last event that the pager took; after a failure that is the one before."""
    if not paging.error:
        return paging.asked
    return {"resolve": "trigger", "acknowledge": "trigger"}.get(paging.asked, "")


def _ask(draft: Draft, paging: Paging, wanted: Literal["trigger", "acknowledge", "resolve"]) -> None:
    sequence = paging.sequence + 1
    command = Page(paging.receiver, wanted, sequence, paging.about, paging.say)
    draft.plan(command, priority=_URGENT)
    _put(draft, replace(paging, asked=wanted, sequence=sequence, in_flight=True, retry_at=None))


def _waking(draft: Draft, pager: Receiver, about: str, say: str) -> Paging:
    return Paging(pager.name, about=about, say=say, seen_by=draft.incident.acknowledged_by)


def _waited_for(draft: Draft, told: Paged | PageFailed) -> Paging | None:
    paging = draft.incident.pagings.get(Paging(told.receiver, about=told.about).name)
    if paging is None or not paging.in_flight or (paging.asked, paging.sequence) != (told.event, told.sequence):
        return None
    return paging


def _broken(draft: Draft, paging: Paging, why: str) -> Paging:
    failures = paging.failures + 1
    return replace(paging, in_flight=False, error=why, failures=failures, retry_at=draft.now + pause(failures))


def _put(draft: Draft, paging: Paging) -> None:
    draft.change(pagings={**draft.incident.pagings, paging.name: paging})
