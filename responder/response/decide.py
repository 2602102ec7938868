"""Decides what is next for one incident: pure, so that it can be replayed and tested by feeding it recorded events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from responder.model.alert import Alert, Episode
from responder.model.facts import Facts, IncidentFacts
from responder.model.incident import Incident
from responder.model.message import plain
from responder.model.rule import Rule
from responder.model.target import Target
from responder.model.timeline import Event
from responder.model.verdict import Undecided
from responder.response import acting, diagnosis, findings, lifecycle, notifying, paging, proposals, severity, timers
from responder.response.brain import Brain, Decision
from responder.response.draft import Draft
from responder.response.targets import derive, named
from responder.response.wording import one_line


@dataclass(frozen=True, slots=True)
class Sighting:
    """
    The alert that opens an incident, and what the engine found for it.

    `key` is the correlation key, `team` the name of the owning team, `at` when we took it in, `playbook` the digest
    under which the playbook is kept, `alertmanager` the address of the user interface of the one that told us.
    """

    number: int
    alert: Alert
    rule: Rule
    key: str
    cluster: str
    team: str
    at: datetime
    playbook: str = ""
    alertmanager: str = ""


def opening(sighting: Sighting, brain: Brain) -> Incident:
    """
    Make the incident that an alert opens; its first `AlertFired` is then taken in by `decide` like any other.

    It has no episodes yet, and nobody has been told.
    """
    alert, rule = sighting.alert, sighting.rule
    judged = severity.of_alert(rule, alert.labels, brain.scale)
    target, trouble = _target(sighting, brain, judged.severity)
    return Incident(
        number=sighting.number,
        rule=rule.name,
        key=sighting.key,
        cluster=sighting.cluster,
        target=target,
        severity=judged.severity,
        title=_title(sighting, brain, judged.severity, target),
        opened_at=sighting.at,
        started_at=alert.starts_at,
        playbook=sighting.playbook,
        rules=(rule.name,),
        team=sighting.team,
        severity_why=judged.why,
        troubles=tuple(filter(None, (judged.trouble, trouble))),
        alertmanager=sighting.alertmanager,
    )


def decide(incident: Incident, events: Sequence[Event], due: Sequence[str], now: datetime, brain: Brain) -> Decision:
    """
    Take in new events and due timers, and say what changes.

    `events` are the unseen ones in the order in which they were written; `due` the names of the timers that fired.
    """
    draft = Draft(incident, now, brain)
    for room in (lifecycle, severity, diagnosis, notifying, paging):
        room.take_in(draft, events)
    lifecycle.settle(draft, events)
    diagnosis.advance(draft)
    findings.draw(draft)
    diagnosis.advance(draft)  # a conclusion may have raised the severity, which lets the diagnostics run again
    proposals.offer(draft)
    acting.take_in(draft, events)
    acting.advance(draft, incident)
    paging.page(draft)
    notifying.tell(draft)
    before, after = timers.wanted(incident, brain, now), timers.wanted(draft.incident, brain, now)
    return Decision(
        incident=draft.incident,
        records=tuple(draft.records),
        commands=tuple(sorted(draft.commands, key=lambda planned: planned.priority)),
        timers=timers.changes(before, after, due),
        starts=tuple(draft.starts),
    )


def _target(sighting: Sighting, brain: Brain, level: str) -> tuple[Target, str]:
    derived = derive(sighting.alert.labels, sighting.cluster)
    if brain.playbook.target is None:
        return derived, ""
    facts = _first_facts(sighting, derived, level, "")
    target = named(brain.playbook.target, derived, brain.evaluator, facts)
    if isinstance(target, Undecided):
        unknown = Target(derived.cluster, namespace=derived.namespace)
        return unknown, f"The playbook's target could not be told: {target.why}"
    return target, ""


def _title(sighting: Sighting, brain: Brain, level: str, target: Target) -> str:
    alert = sighting.alert
    told = alert.annotations.get("summary") or alert.labels.get("alertname") or sighting.rule.name
    if brain.playbook.title:
        facts = _first_facts(sighting, target, level, told)
        told = plain(brain.evaluator.text(brain.playbook.title, facts))
    return one_line(told) or one_line(sighting.rule.name)


def _first_facts(sighting: Sighting, target: Target, level: str, title: str) -> Facts:
    alert = sighting.alert
    episode = Episode(alert.fingerprint, alert.starts_at, None, alert.labels, alert.annotations, alert.generator_url)
    return Facts(
        labels=alert.labels,
        alerts=(episode,),
        target=target,
        incident=IncidentFacts(
            id=f"INC-{sighting.number}",
            severity=level,
            status="open",
            title=title,
            rule=sighting.rule.name,
            cluster=sighting.cluster,
            team=sighting.team,
            started_at=alert.starts_at,
            opened_at=sighting.at,
        ),
    )
