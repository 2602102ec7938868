"""What operators can read of incidents in the log: of all that happens to one, what they may have to act on."""

from collections.abc import Sequence
from typing import Any

import structlog

from responder.model.action import ActionState
from responder.model.command import Act, Command, Diagnose, Notify, Page
from responder.model.finding import DiagnosticStatus
from responder.model.incident import Incident
from responder.model.timeline import (
    Acted,
    ActionAsked,
    ActionMoved,
    Answered,
    AnswerRefused,
    Diagnosed,
    Event,
    Followed,
    Input,
    NotifyFailed,
    Opened,
    PageFailed,
    Previewed,
    SeverityRaised,
    StatusChanged,
)

_log = structlog.get_logger()

_ALARMING = frozenset(
    {ActionState.FAILED, ActionState.IN_DOUBT, ActionState.INEFFECTIVE, ActionState.REVERTED, ActionState.ESCALATED}
)


def decided(incident: Incident, records: Sequence[Event]) -> None:
    """Log what a turn decided, once it is committed."""
    log = _log.bind(incident=incident.id)
    for record in records:
        match record.what:
            case Opened(rule=rule, severity=severity, why=why):
                where = {"cluster": incident.cluster, "target": str(incident.target)}
                log.info("incident.opened", rule=rule, severity=severity, why=why, **where)
            case SeverityRaised(before=before, after=after, why=why):
                log.info("incident.severity_raised", before=before, after=after, why=why)
            case StatusChanged(before=before, after=after, why=why):
                log.info("incident.status_changed", before=before, after=after, why=why)
            case ActionMoved() as moved:
                _moved(log, moved)
            case AnswerRefused(attempt=attempt, by=by, answer=answer, why=why):
                log.warning("answer.refused", attempt=attempt, by=by, answer=answer, why=why)


def _moved(log: Any, moved: ActionMoved) -> None:
    tell = log.warning if moved.after in _ALARMING else log.info
    who = {"by": moved.by} if moved.by else {}
    tell(
        "action.moved",
        attempt=moved.attempt,
        action=moved.name,
        before=moved.before,
        after=moved.after,
        why=moved.why,
        **who,
    )


def ended(number: int, command: Command, outcome: Input) -> None:
    """Log a command that ended without success, and every try at an action."""
    log = _log.bind(incident=f"INC-{number}")
    match outcome:
        case NotifyFailed(receiver=receiver, why=why):
            log.warning("notify.refused", receiver=receiver, why=why)
        case PageFailed(receiver=receiver, event=event, why=why):
            log.warning("page.refused", receiver=receiver, asked=event, why=why)
        case Diagnosed(reading=reading) if reading.status is DiagnosticStatus.FAILED and isinstance(command, Diagnose):
            log.info("diagnostic.failed", plugin=command.plugin, name=command.name, why=reading.error)
        case Acted(attempt=attempt, step=step, outcome=result, undo=undo) if isinstance(command, Act):
            tell = log.info if result.status == "done" else log.warning
            what = {"attempt": attempt, "step": step, "plugin": command.what.plugin, "undo": undo}
            tell("action.tried", **what, status=result.status, say=result.say)
        case Followed(attempt=attempt, step=step, progress=progress):
            log.info("action.followed", attempt=attempt, step=step, say=progress.say)
        case Previewed(attempt=attempt, look=look, previews=previews):
            refusals = [preview.refusal for preview in previews if preview.refusal]
            log.info("action.previewed", attempt=attempt, look=look, refusals=refusals)


def said(number: int, what: ActionAsked | Answered) -> None:
    """Log what a person said of actions."""
    log = _log.bind(incident=f"INC-{number}", by=what.by, via=what.via)
    match what:
        case ActionAsked(plugin=plugin, reason=reason):
            log.info("action.asked", plugin=plugin, why=reason)
        case Answered(attempt=attempt, answer=answer, why=why):
            log.info("action.answered", attempt=attempt, answer=answer, why=why)


def again(number: int, command: Command, why: str, *, attempt: int) -> None:
    """Log a command that is tried again; `attempt` counts from 1."""
    log = _log.bind(incident=f"INC-{number}", attempt=attempt, why=why)
    match command:
        case Notify(receiver=receiver):
            log.info("notify.again", receiver=receiver)
        case Page(receiver=receiver):
            log.warning("page.again", receiver=receiver)
        case Diagnose(plugin=plugin):
            log.info("diagnostic.again", plugin=plugin)
        case Act(attempt=number, what=step):
            log.warning("action.again", action=number, plugin=step.plugin)
