"""Several rules may share one incident: the severest leads, and the diagnostics of the others join."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from responder.model.finding import Diagnosis
from responder.model.incident import Incident
from responder.model.origin import BUILT_IN
from responder.model.playbook import DiagnosticStep, Playbook
from responder.model.rule import Rule
from responder.model.timeline import AlertFired, Event
from responder.response import severity
from responder.response.brain import Brain


def joined(
    incident: Incident, events: Sequence[Event], brain: Brain, playbook_of: Callable[[Rule], Playbook]
) -> Playbook | None:
    """
    Return the playbook to go on with when alerts of other rules have joined; None when it stays what it is.

    The severer one leads; of two as severe, and where severity is a person's, the one that led before.
    """
    playbook, level = brain.playbook, incident.severity
    for rule, fired in _newcomers(incident, events, brain):
        other = playbook_of(rule)
        if not other.diagnostics or other.name in _names(playbook):
            continue
        judged = severity.of_alert(rule, fired.labels, brain.scale).severity
        severer = brain.scale.rank(judged) < brain.scale.rank(level) and incident.severity_by != "person"
        if severer or not playbook.diagnostics:
            playbook, level = merged(other, [playbook]), brain.scale.severest(judged, level)
        else:
            playbook = merged(playbook, [other])
    return None if playbook is brain.playbook else playbook


def adopt(incident: Incident, before: Playbook, after: Playbook) -> Incident:
    """Forget what steps read that another playbook calls by the same name: those run in the next round."""
    steps = {step.name: step for step in before.diagnostics}
    changed = {step.name for step in after.diagnostics if step.name in steps and not _is_same(step, steps[step.name])}
    forgotten = {name: Diagnosis(name, round=incident.round) for name in changed & incident.diagnoses.keys()}
    return replace(incident, diagnoses={**incident.diagnoses, **forgotten})


def _newcomers(incident: Incident, events: Sequence[Event], brain: Brain) -> Iterator[tuple[Rule, AlertFired]]:
    for event in events:
        if isinstance(event.what, AlertFired) and event.what.rule not in incident.rules:
            rule = brain.rule_of(event.what.rule)
            if rule is not None:
                yield rule, event.what


def _names(playbook: Playbook) -> list[str]:
    return playbook.name.split(" + ")


def merged(lead: Playbook, others: Sequence[Playbook]) -> Playbook:
    """
    Return the leading playbook with the diagnostics of the others that it lacks.

    A step is left out where its name is taken by a different one, or where it needs something that means another thing
    in the leading playbook.
    """
    whole = lead
    for other in others:
        if other.name not in _names(whole):
            whole = _join(whole, other)
    return whole


def _join(lead: Playbook, other: Playbook) -> Playbook:
    known = {step.name: step for step in lead.diagnostics}
    usable = {step.name for step in other.diagnostics if _is_same(step, known.get(step.name))}
    clashing = {name for name, value in other.vars.items() if lead.vars.get(name, value) != value}
    added: list[DiagnosticStep] = []
    for _ in other.diagnostics:
        fitting = [step for step in other.diagnostics if step.name not in known and _fits(step, usable, clashing)]
        new = [step for step in fitting if step.name not in usable]
        added += [replace(step, target=step.target or other.target) for step in new]
        usable |= {step.name for step in new}
    return replace(
        lead,
        name=f"{lead.name} + {other.name}",
        vars={**other.vars, **lead.vars},
        diagnostics=(*lead.diagnostics, *added),
        forbid=tuple(dict.fromkeys((*lead.forbid, *other.forbid))),
    )


def _is_same(step: DiagnosticStep, known: DiagnosticStep | None) -> bool:
    return known is not None and replace(step, origin=BUILT_IN) == replace(known, origin=BUILT_IN)


def _fits(step: DiagnosticStep, usable: set[str], clashing: set[str]) -> bool:
    written = repr((step.when, step.params, step.target))
    if any(re.search(rf"\bvars\.{re.escape(name)}\b", written) for name in clashing):
        return False
    return set(step.reads) <= usable
