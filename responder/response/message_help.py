"""The second part of the living message: what can be done, by whom, and where to look further."""

from collections.abc import Iterator
from urllib.parse import quote

from responder.model.finding import Doubt, Proposal
from responder.model.incident import Incident, Status
from responder.model.message import Block, Code, Field, Fields, Item, Link, Listing, Note, Own, Paragraph, Text
from responder.model.place import Place
from responder.model.verdict import Undecided
from responder.response.brain import Brain
from responder.response.known import facts_of
from responder.response.wording import bold, link, listed, outside, safe

_MOST_PROPOSALS = 6
_MOST_DOUBTS = 8
_MOST_MATCHERS = 12
_LONGEST_COMMAND = 1500
_HOW = {
    "suggest": "a person runs it",
    "approve": "would need an approval",
    "auto": "could run by itself",
}


def blocks(incident: Incident, brain: Brain) -> tuple[Block, ...]:
    """Build the blocks in order of weight."""
    is_over = incident.status is Status.RESOLVED
    return (
        *(() if is_over else _proposals(incident)),
        *_links(incident, brain),
        *(() if is_over else _steps(incident, brain)),
        *_checks(incident),
        *(() if is_over else _doubts(incident)),
        _identity(incident),
    )


def _proposals(incident: Incident) -> Iterator[Block]:
    shown = incident.proposals[:_MOST_PROPOSALS]
    if not shown:
        return
    yield Paragraph((bold("Proposed"),))
    for proposal in shown:
        yield Paragraph(_proposal(proposal))
        if proposal.inputs:
            fields = ((name, outside(_shown(value), code=True)) for name, value in proposal.inputs.items())
            yield Fields(tuple(Field(f"{name} (suggested)", (value,)) for name, value in fields))
        if proposal.commands:
            yield Code(tuple(outside(line, limit=_LONGEST_COMMAND).text for line in proposal.commands))
    if len(incident.proposals) > len(shown):
        yield Note((Own(f"and {len(incident.proposals) - len(shown)} more"),))


def _proposal(proposal: Proposal) -> Text:
    because = f", because of {proposal.because}" if proposal.because else ""
    how = _HOW.get(proposal.mode, proposal.mode)
    where = (Own(" on "), outside(str(proposal.target), code=True)) if proposal.target.known else ()
    return (bold(proposal.name), *where, Own(f"{because} ({how})"))


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _steps(incident: Incident, brain: Brain) -> Iterator[Listing]:
    if not brain.playbook.steps:
        return
    facts = facts_of(incident)
    items = tuple(Item(safe(brain.evaluator.text(step.say, facts))) for step in brain.playbook.steps)
    yield Listing("Left for people", items, style="numbers")


def _checks(incident: Incident) -> Iterator[Listing]:
    if incident.checks:
        items = tuple(_check(name, done) for name, done in incident.checks.items())
        yield Listing("Over when", items, style="checks")


def _check(name: str, done: bool | None) -> Item:
    return Item((Own(name),) if done is not None else (Own(name), Own(" (could not decide)", "italic")), done)


def _doubts(incident: Incident) -> Iterator[Note]:
    """Say each reason once, with all that it left open."""
    grouped: dict[str, list[Doubt]] = {}
    for doubt in incident.doubts:
        grouped.setdefault(doubt.why, []).append(doubt)
    for why, doubts in list(grouped.items())[:_MOST_DOUBTS]:
        names = ", ".join(doubt.name for doubt in doubts)
        yield Note((Own("Could not decide "), Own(names, "bold"), Own(": "), outside(why, limit=200)))


# --- where to look further ---


def _links(incident: Incident, brain: Brain) -> Iterator[Paragraph]:
    found = [
        *_link("Runbook", _runbook(incident, brain)),
        *_link("Graph", next((e.generator_url for e in incident.firing or incident.episodes if e.generator_url), "")),
        *(() if incident.status is Status.RESOLVED else _link("Silence", _silence(incident))),
        *_link(incident.id, f"{brain.external_url.rstrip('/')}/incidents/{incident.id}" if brain.external_url else ""),
    ]
    if found:
        yield Paragraph(listed(found, " · "))


def _link(label: str, url: str) -> list[Link]:
    return [link(label, url)] if url.startswith(("http://", "https://")) else []


def _runbook(incident: Incident, brain: Brain) -> str:
    if brain.playbook.runbook:
        url = brain.evaluator.string(brain.playbook.runbook, facts_of(incident), Place.URL)
        if not isinstance(url, Undecided):
            return url
    alerts = incident.firing or incident.episodes
    return next((e.annotations["runbook_url"] for e in alerts if e.annotations.get("runbook_url")), "")


def _silence(incident: Incident) -> str:
    """Return the address of Alertmanager's form, filled in with the labels that all alerts share."""
    if not incident.alertmanager or not incident.labels:
        return ""
    pairs = sorted(incident.labels.items())[:_MOST_MATCHERS]
    matchers = ", ".join(f'{name}="{_escaped(value)}"' for name, value in pairs)
    return f"{incident.alertmanager.rstrip('/')}/#/silences/new?filter={quote('{' + matchers + '}', safe='')}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _identity(incident: Incident) -> Note:
    team = (Own(" · team "), outside(incident.team)) if incident.team != "default" else ()
    return Note((Own(f"{incident.id} · rule "), outside(incident.rule, code=True), *team))
