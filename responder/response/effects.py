"""Asking for effects: one step at a time, in somebody's name."""

from dataclasses import replace

from responder.model.action import Attempt
from responder.model.command import Act
from responder.model.secrecy import holding
from responder.response import attempts
from responder.response.draft import Draft


def begin(draft: Draft, attempt: Attempt) -> Attempt:
    """Ask for the step whose turn it is."""
    place = attempt.at_step
    step = replace(attempt.steps[place], began_at=draft.now)
    held_by, tickets = holding(attempt.inputs)
    command = Act(
        attempt.number,
        place,
        step,
        reason(draft, attempt),
        dry_run=attempt.dry_run,
        held_by=held_by,
        tickets=tickets,
        again=attempt.handed_back,
        last=place == len(attempt.steps) - 1,
    )
    draft.plan(command, priority=draft.priority())
    steps = (*attempt.steps[:place], step, *attempt.steps[place + 1 :])
    return attempts.put(draft, replace(attempt, steps=steps, pending=command.key))


def take_back(draft: Draft, attempt: Attempt, place: int) -> Attempt:
    """Ask for a step to be taken back."""
    step = attempt.steps[place]
    if step.undone is not None:
        step = replace(step, undone=None, retaken=step.retaken + 1)
    why = f"{draft.incident.id}, undoing what was {'tried' if attempt.dry_run else 'done'}"
    command = Act(attempt.number, place, step, why, undo=True, dry_run=attempt.dry_run, again=step.retaken)
    draft.plan(command, priority=draft.priority())
    steps = (*attempt.steps[:place], step, *attempt.steps[place + 1 :])
    return attempts.put(draft, replace(attempt, steps=steps, at_step=place, pending=command.key))


def reason(draft: Draft, attempt: Attempt) -> str:
    """Say in whose name something is done, as the world is told."""
    people = ", ".join(attempt.approved_by)
    glass = next((approval for approval in attempt.approvals if approval.broke_glass), None)
    if glass is not None:
        return f"{draft.incident.id}, {glass.by} broke the glass: {glass.why}"
    return f"{draft.incident.id}, approved by {people}" if people else f"{draft.incident.id}, by itself (mode auto)"
