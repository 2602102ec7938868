"""How severe an incident is: by rule, raised by alerts and conclusions, set by people."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from responder.model.labels import Labels
from responder.model.rule import Rule
from responder.model.severity import Scale
from responder.model.timeline import Event, SeverityRaised, SeveritySet
from responder.response import diagnosis, replies
from responder.response.draft import Draft


@dataclass(frozen=True, slots=True)
class Judged:
    """A severity with the reason for it; `trouble` is what people must see about how it came about."""

    severity: str
    why: str
    trouble: str = ""


def of_alert(rule: Rule, labels: Labels, scale: Scale) -> Judged:
    """
    Read the severity of one alert as its rule says.

    A word that no level knows takes the rule's `otherwise`. A level above the one that the word "critical" means is
    kept for rules, conclusions and people: a label that names it gets the next.
    """
    otherwise = scale.lookup(rule.severity.otherwise) or scale.levels[-1]
    if not rule.severity.label:
        return Judged(otherwise.name, f"rule {rule.name}")
    word = labels.get(rule.severity.label, "")
    told = f"label {rule.severity.label} is {word}"
    if not word:
        return Judged(otherwise.name, f"rule {rule.name}: no label {rule.severity.label}")
    level = scale.lookup(word)
    if level is None:
        trouble = (
            f'The label {rule.severity.label} says "{word}", which no severity is called: taken as {otherwise.name}'
        )
        return Judged(otherwise.name, f"rule {rule.name}", trouble)
    if _is_kept(level.name, scale):
        allowed = scale.levels[1].name
        trouble = (
            f"The label {rule.severity.label} says {word}: {level.name} is not given by labels, taken as {allowed}"
        )
        return Judged(allowed, told, trouble)
    return Judged(level.name, told)


def _is_kept(name: str, scale: Scale) -> bool:
    usual = scale.lookup("critical")
    return usual is not None and scale.rank(name) == 0 and scale.rank(usual.name) > 0


def raise_to(draft: Draft, severity: str, *, by: Literal["rule", "conclusion"], why: str) -> None:
    """Raise the severity; never lower it. Once a person has set it, only remember the suggestion."""
    scale, before = draft.brain.scale, draft.incident.severity
    level = scale.lookup(severity)
    if level is None:
        draft.trouble(f'"{severity}" is no severity of the scale ({why})')
        return
    if scale.rank(level.name) >= scale.rank(before):
        return
    if draft.incident.severity_by == "person":
        if not draft.incident.suggested or scale.rank(level.name) < scale.rank(draft.incident.suggested):
            draft.change(suggested=level.name, suggested_why=why)
        return
    draft.change(severity=level.name, severity_by=by, severity_why=why)
    diagnosis.ask_for_round(draft)
    draft.record(SeverityRaised(before, level.name, why))
    draft.replies.append(replies.raised(draft.incident, before=before, rank=draft.rank))


def take_in(draft: Draft, events: Sequence[Event]) -> None:
    """Take in what people set."""
    for event in events:
        if isinstance(event.what, SeveritySet):
            _set(draft, event.what)


def _set(draft: Draft, setting: SeveritySet) -> None:
    level = draft.brain.scale.lookup(setting.severity)
    if level is None:
        draft.trouble(f'{setting.by} set the severity "{setting.severity}", which the scale does not have')
        return
    before = draft.incident.severity
    draft.change(severity=level.name, severity_by="person", severity_why=f"set by {setting.by}")
    if draft.incident.suggested and draft.brain.scale.rank(draft.incident.suggested) >= draft.rank:
        draft.change(suggested="", suggested_why="")
    if draft.brain.scale.rank(before) > draft.rank:
        draft.record(SeverityRaised(before, level.name, f"set by {setting.by}"))
        draft.replies.append(replies.raised(draft.incident, before=before, rank=draft.rank))
