"""
Starts of actions as the store counts them, over all incidents and replicas.

Who may start something holds one lock from reading what has been started to writing what it starts itself: two replicas
can never both take the last of a budget, nor act on one target.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from responder.model.action import Attempt, Run
from responder.model.ceilings import Ceilings
from responder.model.guard import Guard, Limits
from responder.model.incident import Incident, Status
from responder.model.timeline import ActionAsked, Answered, Event
from responder.response.brain import Decision
from responder.response.guards import guards_of
from responder.store.rows import compact, maybe, micros, moment
from responder.store.store import Row, Transaction

LEAST = timedelta(days=7)
"""What is looked back at in any case."""
MOST = 20_000
"""Starts that are read: a deployment that acts every half a minute for a week."""


def may_start(incident: Incident, unseen: Sequence[Event]) -> bool:
    """Whether a turn may begin to act: then it needs to know what everybody else is at."""
    if any(attempt.state.live for attempt in incident.attempts):
        return True
    if incident.attempts and incident.status is Status.MONITORING:
        return True  # what was to last as long as the incident is taken back when that is over
    return any(isinstance(event.what, Answered | ActionAsked) for event in unseen)


async def counted(tx: Transaction, incident: Incident, ceilings: Ceilings, now: datetime) -> Sequence[Run]:
    """Read the starts that guards count and the locks that are held; nobody else starts anything until the commit."""
    await tx.fetch("acting_lock")
    since = now - max([LEAST, *_spans(incident, ceilings)])
    return [run_of(row) for row in await tx.fetch("runs_counted", micros(since), MOST)]


def write(tx: Transaction, before: Incident, decision: Decision, now: datetime) -> None:
    """Write what begins, and end what no longer holds its target."""
    tx.run_each("run_begin", [_fields(run) for run in decision.starts])
    working = {attempt.number for attempt in before.attempts if attempt.state.at_work}
    working |= {run.attempt for run in decision.starts}
    over = [each for each in decision.incident.attempts if each.number in working and not each.state.at_work]
    tx.run_each("run_end", [(before.number, each.number, micros(now), each.state.value) for each in over])


def run_of(row: Row) -> Run:
    """Read a row of `runs_counted`."""
    incident, attempt, plugin, action, lock, rule, namespace, cluster, *more = row
    started, ended, outcome, step, undo, beside, dry_run, entails = more
    return Run(
        incident=incident,
        attempt=attempt,
        plugin=plugin,
        action=action,
        lock=lock,
        rule=rule,
        namespace=namespace,
        cluster=cluster,
        started_at=moment(started),
        ended_at=maybe(ended),
        outcome=outcome,
        step=step,
        undo=bool(undo),
        beside=tuple(json.loads(beside)),
        dry_run=bool(dry_run),
        entails=tuple(json.loads(entails)),
    )


def _fields(run: Run) -> tuple[object, ...]:
    what = (run.plugin, run.action, run.lock, compact(run.beside), run.rule, run.namespace, run.cluster)
    how = (micros(run.started_at), int(run.dry_run), compact(run.entails))
    return (run.incident, run.attempt, run.step, int(run.undo), *what, *how)


def _spans(incident: Incident, ceilings: Ceilings) -> Iterator[timedelta]:
    yield from _of_limits(ceilings.at_most)
    for attempt in incident.attempts:
        for guard in _guards(attempt):
            yield from _of_limits(guard.at_most)
            if guard.cooldown:
                yield guard.cooldown


def _guards(attempt: Attempt) -> Sequence[Guard]:
    """Return its guards; none where one cannot be read, as such an attempt is refused anyway."""
    try:
        return guards_of(attempt) if attempt.state.live else ()
    except ValueError:
        return ()


def _of_limits(limits: Limits) -> Iterator[timedelta]:
    yield from (rate.span for rate in (limits.target, limits.rule, limits.namespace, limits.overall) if rate)
