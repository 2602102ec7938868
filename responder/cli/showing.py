"""Attempts as people read them in a terminal, whatever a server says in them."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from responder.clients.render_values import one_line
from responder.model.secrecy import HIDDEN, held_of

_SHOWN_DIGEST = 8
_MOST_CHANGES = 50


def attempt_lines(action: dict[str, Any]) -> Iterator[str]:
    """Write one attempt: what it would do, before and after, and who has said what."""
    dry = " · DRY RUN" if action["dry_run"] else ""
    digest = f" · digest {action['digest'][:_SHOWN_DIGEST]}" if action["digest"] else ""
    yield one_line(f"{action['id']} {action['name']} · {action['state']}{digest}{dry}")
    by = f"asked for by {action['proposed_by']}" if action["proposed_by"] else ""
    yield from _named("", (by,))
    yield from _named("because: ", (action["because"],))
    yield from _named("reason: ", (action["reason"],))
    for step in action["steps"]:
        yield from _step(step, action["blocks"])
    yield from _named("cannot go on: ", action["blocks"])
    for name, value in action["inputs"].items():
        yield one_line(f"  input {name} = {HIDDEN if held_of(value) else _value(value)}")
    for want in action["asks"]:
        if want["name"] not in action["inputs"]:
            yield one_line(f"  asks for {want['name']} ({want['type']}): {want['describe']}")
    for approval in action["approvals"]:
        glass = " (broke the glass)" if approval["broke_glass"] else ""
        why = f": {approval['why']}" if approval["why"] else ""
        yield one_line(f"  {'yes' if approval['yes'] else 'no'} by {approval['by']}{glass}{why}")
    if action["expires_at"] and action["state"] == "proposed":
        yield one_line(f"  takes the yes of {deciders(action)}, until {moment(action['expires_at'])}")
    if action["verification"]:
        yield one_line(f"  does it help: {_verified(action['verification'])}")
    yield from _named("ended: ", (action["why"],))
    if action["stands_for_now"]:
        until = f": to be undone at {moment(action['temporary_until'])}" if action["temporary_until"] else ""
        yield one_line(f"  TEMPORARY, and it still stands{until}: responder undo {action['id']}")


def _step(step: dict[str, Any], blocks: Sequence[str]) -> Iterator[str]:
    yield one_line(f"  {step['action']} on {step['target']}")
    preview = step["preview"]
    if preview is None:
        yield "    it is being looked at what it would do"
    else:
        yield from _named("  ", (preview["summary"],))
        for change in preview["changes"][:_MOST_CHANGES]:
            values = (
                f": {change['before'] or '–'} → {change['after'] or '–'}" if change["before"] or change["after"] else ""
            )
            yield one_line(f"    {change['what']}{values}")
        if preview["pods"] is None:
            yield "    how many pods it disturbs is not known"
        elif preview["pods"]:
            pods = "1 pod" if preview["pods"] == 1 else f"{preview['pods']} pods"
            yield one_line(f"    disturbs {pods}; {preview['ready']} of {preview['replicas']} are ready")
        yield from _named("  disruption: ", (preview["disruption"],))
        yield from _named("  budget: ", preview["budgets"])
        if preview["owner"]:
            yield one_line(f"    {preview['owner']} keeps it as it is: {preview['owner_way'] or 'it may be reverted'}")
        yield from _named("  warning: ", preview["warnings"])
        yield from _named("  cannot be done: ", () if preview["refusal"] in blocks else (preview["refusal"],))
        if not preview["dry_run"] and not preview["refusal"]:
            yield "    (no dry run: nobody can try it without doing it)"
    for command in step["commands"]:
        yield one_line(f"    $ {command}")
    if step["outcome"]:
        yield one_line(f"    {step['outcome']}: {step['said']}")
    elif step["said"]:
        yield one_line(f"    {step['said']}")


def stop_lines(stop: dict[str, Any]) -> Iterator[str]:
    """Say who stopped all automation, and until when; nothing while it goes on."""
    if stop["by_settings"]:
        yield "Automation is STOPPED by the settings (automation.stopped): that is lifted there."
    if stop["stopped"] and stop["by"]:
        until = f"until {moment(stop['until'])}" if stop["until"] else "until somebody resumes it"
        why = f": {stop['why']}" if stop["why"] else ""
        if stop.get("note"):
            yield one_line(f"NOT as you asked: {stop['note']}.")
        yield one_line(f"Automation is STOPPED by {stop['by']} since {moment(stop['at'])}, {until}{why}")


def _verified(verification: dict[str, Any]) -> str:
    figures = (f"{one['name']} {one['before']} → {one['after'] or '…'}" for one in verification["figures"])
    return "; ".join((verification["until"], *figures, *filter(None, (verification["why"],))))


def deciders(action: dict[str, Any]) -> str:
    """Say how many people have to say yes, in which role, and who of them is not asked."""
    several, by = action["people"] > 1, action["proposed_by"]
    people = f"{action['people']} people{f' other than {by}' if by else ''}" if several else "1 person"
    roles = ", and with ".join(" or ".join(group) for group in action["roles"])
    return f"{people} with the role {roles}" if roles else people


def moment(text: str) -> str:
    """Write a moment of the API to the minute: the clock of the person may be in another zone."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    except ValueError:
        return text


def _value(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _named(name: str, texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        if text:
            yield one_line(f"  {name}{text}")
