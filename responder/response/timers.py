"""The moments at which an incident wants to be looked at again: they follow from the incident alone."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from responder.model.incident import Incident, Status
from responder.response import acting
from responder.response.brain import Brain
from responder.response.closing import is_held_open
from responder.response.diagnosis import is_blocked
from responder.response.notifying import is_given_up


def wanted(incident: Incident, brain: Brain, now: datetime) -> dict[str, datetime]:
    """Return every moment by the name of its timer."""
    moments: dict[str, datetime] = {}
    if incident.status is Status.MONITORING and incident.monitoring_since and not is_held_open(incident.attempts):
        moments["quiet"] = incident.monitoring_since + brain.quiet_for
    if _rounds(incident, brain) and incident.next_round_at:
        moments["refresh"] = incident.next_round_at
    if incident.stopped_until:
        moments["stop"] = incident.stopped_until
    for post in incident.posts.values():
        tries = ((post.retry_at, post.failures), (post.note_retry_at, post.note_failures))
        retries = [at for at, failures in tries if at and not is_given_up(incident, failures, now)]
        if retries:
            moments[f"notify/{post.receiver}"] = min(retries)
    for paging in incident.pagings.values():
        if paging.retry_at and not is_given_up(incident, paging.failures, now):
            moments[f"page/{paging.name}"] = paging.retry_at
    return moments | act_timers(incident)


def act_timers(incident: Incident) -> dict[str, datetime]:
    """Return when each attempt wants to be looked at again: what is asked expires, what is blocked is tried again."""
    moments = ((attempt, acting.due_at(incident, attempt)) for attempt in incident.attempts)
    return {f"attempt/{attempt.number}": at for attempt, at in moments if at is not None}


def changes(
    before: Mapping[str, datetime], after: Mapping[str, datetime], due: Sequence[str]
) -> dict[str, datetime | None]:
    """Return what has to be set or cancelled; a timer that fired has to be set again if it is still wanted."""
    changed: dict[str, datetime | None] = {name: None for name in before if name not in after and name not in due}
    changed.update({name: at for name, at in after.items() if before.get(name) != at or name in due})
    return changed


def _rounds(incident: Incident, brain: Brain) -> bool:
    known = brain.cluster_known(incident.cluster)
    return known and incident.status is not Status.RESOLVED and not is_blocked(incident, brain.playbook)
