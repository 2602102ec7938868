"""Several rules may share one incident: the severest leads, and the diagnostics of the others join."""

import re
from collections.abc import Sequence
from dataclasses import replace

from responder.model.origin import BUILT_IN
from responder.model.playbook import DiagnosticStep, Playbook


def merged(lead: Playbook, others: Sequence[Playbook]) -> Playbook:
    """
    Return the leading playbook with the diagnostics of the others that it lacks.

    A step is left out where its name is taken by a different one, or where it needs something that means another thing
    in the leading playbook.
    """
    joined = lead
    for other in others:
        if other.name not in joined.name.split(" + "):
            joined = _join(joined, other)
    return joined


def _join(lead: Playbook, other: Playbook) -> Playbook:
    known = {step.name: step for step in lead.diagnostics}
    usable = {step.name for step in other.diagnostics if _is_same(step, known.get(step.name))}
    clashing = {name for name, value in other.vars.items() if lead.vars.get(name, value) != value}
    added: list[DiagnosticStep] = []
    for _ in other.diagnostics:
        fitting = [step for step in other.diagnostics if step.name not in known and _fits(step, usable, clashing)]
        new = [step for step in fitting if step.name not in usable]
        added += new
        usable |= {step.name for step in new}
    return replace(
        lead,
        name=f"{lead.name} + {other.name}",
        vars={**other.vars, **lead.vars},
        diagnostics=(*lead.diagnostics, *added),
    )


def _is_same(step: DiagnosticStep, known: DiagnosticStep | None) -> bool:
    return known is not None and replace(step, origin=BUILT_IN) == replace(known, origin=BUILT_IN)


def _fits(step: DiagnosticStep, usable: set[str], clashing: set[str]) -> bool:
    written = repr((step.when, step.params, step.target))
    if any(re.search(rf"\bvars\.{re.escape(name)}\b", written) for name in clashing):
        return False
    return set(step.reads) <= usable
