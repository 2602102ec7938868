"""The documents of the API about actions."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from pydantic import Field

from responder.model.action import ActionState, Approval, Attempt, Kept, Mode, Step, Stop, Verification
from responder.model.press import Answer
from responder.model.redaction import redact, redact_json
from responder.model.verdict import Json
from responder.model.wanted import Wanted
from responder.response.answerable import stands_for_now
from responder.response.approvals import people, roles
from responder.web.document import Document


class ChangeView(Document):
    """One thing that will be different."""

    what: str
    before: str
    after: str


class PreviewView(Document):
    """What a step would do, as it was seen last."""

    summary: str
    changes: list[ChangeView]
    refusal: str = Field(description="Why it cannot be done as things are; empty when it can.")
    touches: list[str] = Field(description="Pods or other objects that it disturbs, some of them.")
    pods: int | None = Field(description="How many pods it disturbs; null when nobody knows.")
    ready: int = Field(description="How many pods of the target are ready.")
    replicas: int = Field(description="How many pods the target wants.")
    disruption: str
    budgets: list[str] = Field(description="PodDisruptionBudgets that concern it.")
    owner: str = Field(description="The program that keeps the object as it is; empty for none.")
    owner_way: str = Field(description="How it would be done there.")
    warnings: list[str]
    dry_run: bool = Field(description="Whether the server took the very request as a dry run.")


class KeptView(Document):
    """A piece of evidence."""

    name: str
    sha256: str
    size: int = Field(description="Bytes.")
    place: str = Field(description="Where it is kept.")
    cut: bool = Field(description="Whether it is only the beginning.")


class FigureView(Document):
    """What a diagnostic said before an action and after it."""

    name: str
    before: str
    after: str


class VerificationView(Document):
    """Whether it helped, as far as that is known."""

    until: str = Field(description="The condition that has to hold.")
    deadline: datetime
    held_since: datetime | None
    why: str = Field(description="What is missing yet, or what it ended with.")
    figures: list[FigureView]


class StepView(Document):
    """One effect."""

    name: str
    action: str = Field(description="The plugin that does it.")
    target: str
    params: dict[str, Any]
    commands: list[str] = Field(description="What a person would type instead, one command each.")
    preview: PreviewView | None
    outcome: str = Field(description="What became of it: done, not_done, failed, in_doubt; empty before.")
    said: str = Field(description="What it said at its end, or how far it is.")
    details: list[str]
    evidence: list[KeptView] = Field(description="What it kept.")
    undone: str = Field(description="What became of undoing it, likewise; empty where nobody tried.")
    began_at: datetime | None
    ended_at: datetime | None


class ApprovalView(Document):
    """A person's yes or no."""

    by: str
    at: datetime
    yes: bool
    why: str
    broke_glass: bool


class InputView(Document):
    """What a person is asked for when approving."""

    name: str
    type: str
    describe: str
    pattern: str = Field(description="RE2 that the whole value has to match; empty for any.")


class AttemptView(Document):
    """One attempt at one action, from its proposal to its end."""

    id: str = Field(examples=["INC-17/3"])
    number: int
    name: str
    state: ActionState
    mode: Mode
    digest: str = Field(description="Of what people are asked to agree to; empty while it is being looked at.")
    because: str = Field(description="The finding that proposed it.")
    proposed_at: datetime
    proposed_by: str = Field(description="Empty when the playbook did.")
    reason: str
    expires_at: datetime | None = Field(description="When nobody can say yes any more.")
    inputs: dict[str, Any] = Field(description="As they stand; a person can give others when approving.")
    approvals: list[ApprovalView]
    blocks: list[str] = Field(description="Why it cannot go on now.")
    steps: list[StepView]
    why: str = Field(description="How it ended.")
    started_at: datetime | None
    ended_at: datetime | None
    verification: VerificationView | None
    temporary_until: datetime | None = Field(description="When people are reminded that it still stands.")
    stands_for_now: bool = Field(description="Whether it was meant for a while only, and stands.")
    dry_run: bool


class ActionView(AttemptView):
    """One attempt with what a person is asked for when approving it."""

    asks: list[InputView]
    people: int = Field(description="How many must say yes.")
    roles: list[list[str]] = Field(description="Each of them has to have one role of every list; empty: anybody may.")


class AnswerTaken(Document):
    """What was written; whether it counts is decided in the incident's next turn and stands on the timeline."""

    incident: str = Field(examples=["INC-17"])
    attempt: int
    answer: Answer
    by: str
    digest: str
    inputs: dict[str, Any]
    why: str


class AskTaken(Document):
    """What was written; the attempt made of it appears among the incident's actions, or the timeline says why not."""

    incident: str = Field(examples=["INC-17"])
    action: str
    params: dict[str, Any]
    target: str = Field(description="Empty for the target of the incident.")
    by: str
    reason: str


class StopView(Document):
    """Whether automation is stopped."""

    stopped: bool
    by: str
    at: datetime | None
    until: datetime | None = Field(description="Null until somebody lifts it.")
    why: str
    by_settings: bool = Field(description="automation.stopped is set: that is lifted there only.")
    note: str = Field("", description="Why it is not until when it was asked for; empty when it is.")


class ActionList(Document):
    """All attempts of an incident, oldest first, and whether any can go on."""

    incident: str = Field(examples=["INC-17"])
    actions: list[ActionView]
    automation: StopView


class ActionsEverywhere(Document):
    """The attempts of all incidents that are not over, or stand for a while, newest incident first."""

    actions: list[ActionView]
    automation: StopView


def action(attempt: Attempt, incident: str, *, asks: Mapping[str, Wanted], own: Callable[[str], int]) -> ActionView:
    """Show an attempt with what it asks for; `own` says how many people an action wants where its rules do not."""
    inputs = [InputView(name=n, type=w.type, describe=w.describe, pattern=w.pattern) for n, w in asks.items()]
    wanted, named = _deciders(attempt, own)
    return ActionView(**_fields(attempt, incident), asks=inputs, people=wanted, roles=named)


def _deciders(attempt: Attempt, own: Callable[[str], int]) -> tuple[int, list[list[str]]]:
    try:
        return people(attempt, own), [list(group) for group in dict.fromkeys(roles(attempt))]
    except ValueError:
        return 1, []


def attempted(attempt: Attempt, incident: str) -> AttemptView:
    """Show an attempt."""
    return AttemptView(**_fields(attempt, incident))


def _fields(attempt: Attempt, incident: str) -> dict[str, Any]:
    return {
        "id": f"{incident}/{attempt.number}",
        "number": attempt.number,
        "name": attempt.name,
        "state": attempt.state,
        "mode": attempt.mode,
        "digest": "" if attempt.pending and attempt.state is ActionState.PROPOSED else attempt.digest,
        "because": attempt.because,
        "proposed_at": attempt.proposed_at,
        "proposed_by": attempt.proposed_by,
        "reason": attempt.reason,
        "expires_at": attempt.expires_at,
        "inputs": _safe(attempt.inputs),
        "approvals": [_approval(one) for one in attempt.approvals],
        "blocks": list(dict.fromkeys(filter(None, (attempt.forbidden, *attempt.blocks)))),
        "steps": [_step(replace(step, commands=()) if attempt.forbidden else step) for step in attempt.steps],
        "why": attempt.why,
        "started_at": attempt.started_at,
        "ended_at": attempt.ended_at,
        "verification": attempt.verification and _verification(attempt.verification),
        "temporary_until": attempt.temporary_until,
        "stands_for_now": stands_for_now(attempt),
        "dry_run": attempt.dry_run,
    }


def stopped(stop: Stop, *, asked: datetime | None, by_settings: bool) -> StopView:
    """Show the stop that stands after somebody asked for one until a moment, which may have been earlier."""
    view = stopping(stop, by_settings=by_settings)
    if stop.until == asked:
        return view
    note = f"{stop.by} had stopped it for longer already, and that stands: to shorten it, resume and stop again"
    return view.model_copy(update={"note": note})


def stopping(stop: Stop | None, *, by_settings: bool) -> StopView:
    """Show the stop, or that there is none."""
    if stop is None:
        return StopView(stopped=by_settings, by="", at=None, until=None, why="", by_settings=by_settings)
    return StopView(stopped=True, by=stop.by, at=stop.at, until=stop.until, why=stop.why, by_settings=by_settings)


def _approval(one: Approval) -> ApprovalView:
    return ApprovalView(by=one.by, at=one.at, yes=one.yes, why=one.why, broke_glass=one.broke_glass)


def _safe(values: Mapping[str, Json]) -> dict[str, Any]:
    return {name: redact_json(value, name=name) for name, value in values.items()}


def _verification(one: Verification) -> VerificationView:
    return VerificationView(
        until=one.until,
        deadline=one.deadline,
        held_since=one.held_since,
        why=one.why,
        figures=[FigureView(name=f.name, before=f.before, after=f.after) for f in one.figures],
    )


def _kept(one: Kept) -> KeptView:
    return KeptView(name=one.name, sha256=one.sha256, size=one.size, place=one.place, cut=one.cut)


def _step(step: Step) -> StepView:
    outcome = step.outcome
    preview = step.preview and PreviewView(
        summary=step.preview.summary,
        changes=[ChangeView(what=c.what, before=c.before, after=c.after) for c in step.preview.changes],
        refusal=step.preview.refusal,
        touches=list(step.preview.touches),
        pods=step.preview.pods,
        ready=step.preview.ready,
        replicas=step.preview.replicas,
        disruption=step.preview.disruption,
        budgets=list(step.preview.budgets),
        owner=step.preview.owner,
        owner_way=step.preview.owner_way,
        warnings=list(step.preview.warnings),
        dry_run=step.preview.dry_run,
    )
    return StepView(
        name=step.name,
        action=step.plugin,
        target=str(step.target),
        params=_safe(step.params),
        commands=[redact(command) for command in step.commands],
        preview=preview,
        outcome=outcome.status if outcome else "",
        said=outcome.say if outcome else step.progress.say if step.progress else "",
        details=list(outcome.details) if outcome else [],
        evidence=[_kept(one) for one in outcome.kept] if outcome else [],
        undone=f"{step.undone.status}: {step.undone.say}" if step.undone else "",
        began_at=step.began_at,
        ended_at=step.ended_at,
    )
