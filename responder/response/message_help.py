"""What can be done, by whom, where to look further, and what went wrong, as part of the living message."""

import itertools
from collections.abc import Iterator, Sequence
from urllib.parse import quote

from responder.model.finding import Doubt, Proposal
from responder.model.incident import Incident, Status
from responder.model.message import Block, Code, Field, Fields, Item, Link, Listing, Note, Own, Paragraph, Text
from responder.model.place import Place
from responder.model.verdict import Undecided
from responder.response.brain import Brain
from responder.response.known import facts_of, is_waiting
from responder.response.message_actions import is_shown_here
from responder.response.wording import bold, link, listed, outside, safe

_MOST_PROPOSALS = 6
_MOST_DOUBTS = 8
_MOST_MATCHERS = 12
_LONGEST_COMMAND = 1500
_HOW = {
    "suggest": "a person runs it",
    "approve": "needs an approval",
    "auto": "runs by itself",
}


def proposals(incident: Incident) -> Iterator[Block]:
    """
    Name each action with the commands that do the same; none once it is over.

    One that people are asked about, or that is under way, stands among the actions instead.
    """
    offered = [proposal for proposal in incident.proposals if not is_shown_here(incident, proposal.name)]
    shown = offered[:_MOST_PROPOSALS]
    if not shown or incident.status is Status.RESOLVED:
        return
    yield Paragraph((bold("Proposed actions"),))
    for proposal in shown:
        yield Paragraph(_proposal(proposal))
        if proposal.forbidden:
            yield Note((bold("Not now: "), outside(proposal.forbidden)))
            continue
        if proposal.inputs:
            fields = ((name, outside(_shown(value), code=True)) for name, value in proposal.inputs.items())
            yield Fields(tuple(Field(f"{name} (suggested)", (value,)) for name, value in fields))
        if proposal.commands:
            yield Code(tuple(outside(line, limit=_LONGEST_COMMAND).text for line in proposal.commands))
    if len(offered) > len(shown):
        yield Note((Own(f"and {len(offered) - len(shown)} more"),))


def _proposal(proposal: Proposal) -> Text:
    because = f", because of {proposal.because}" if proposal.because else ""
    how = "forbidden" if proposal.forbidden else _HOW.get(proposal.mode, proposal.mode)
    where = (Own(" on "), outside(str(proposal.target), code=True)) if proposal.target.known else ()
    return (bold(proposal.name), *where, Own(f"{because} ({how})"))


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def steps(incident: Incident, brain: Brain) -> Iterator[Listing]:
    """List what only people can do; nothing once it is over."""
    if not brain.playbook.steps or incident.status is Status.RESOLVED:
        return
    facts = facts_of(incident)
    items = tuple(Item(safe(brain.evaluator.text(step.say, facts))) for step in brain.playbook.steps)
    yield Listing("Still to do by hand", items, style="numbers")


def checks(incident: Incident, brain: Brain) -> Iterator[Listing]:
    """Tick off what says that it is over."""
    reads = {check.name: check.reads for check in brain.playbook.resolved_when}
    if incident.checks:
        items = tuple(_check(incident, name, reads.get(name, ())) for name in incident.checks)
        yield Listing("Over when", items, style="checks")


def _check(incident: Incident, name: str, reads: Sequence[str]) -> Item:
    done = incident.checks[name]
    if done is not None:
        return Item((Own(name),), done)
    to_come = incident.status is not Status.RESOLVED and is_waiting(incident, reads)
    return Item((Own(name), Own(" (not known yet)" if to_come else " (could not decide)", "italic")))


# --- what went wrong on the way ---


def troubles(incident: Incident, brain: Brain) -> Iterator[Listing]:
    """List what people must see though no step asked for it."""
    items = tuple(Item((outside(what),)) for what in _all_troubles(incident, brain))
    if items:
        yield Listing("Trouble", items)


def _all_troubles(incident: Incident, brain: Brain) -> Iterator[str]:
    if not brain.cluster_known(incident.cluster):
        named = f'"{incident.cluster}"' if incident.cluster else "by no name"
        yield f"The settings know no cluster {named}: nothing is read or changed"
    if incident.left_out:
        yield _left_out(incident)
    yield from incident.troubles
    for post in incident.posts.values():
        for error in dict.fromkeys(filter(None, (post.error, post.note_error))):
            yield f"{post.receiver} could not be told: {error}"
    for paging in incident.pagings.values():
        if paging.error:
            yield f"{paging.receiver} could not be paged: {paging.error}"


def _left_out(incident: Incident) -> str:
    were = "1 alert was" if incident.left_out == 1 else f"{incident.left_out} alerts were"
    where = f" of its receiver {incident.left_out_of}" if incident.left_out_of else ""
    return f"{were} left out by Alertmanager (max_alerts): set `max_alerts: 0` in the webhook_configs{where}"


def doubts(incident: Incident) -> Iterator[Note]:
    """Say each reason once, with all that it left open; nothing once it is over."""
    if incident.status is Status.RESOLVED:
        return
    grouped: dict[str, list[str]] = {}
    unread: dict[str, list[str]] = {}
    for doubt in incident.doubts:
        name = _unread(incident, doubt)
        (unread if name else grouped).setdefault(name or doubt.why, []).append(doubt.name)
    if unread:
        names = ", ".join(dict.fromkeys(itertools.chain.from_iterable(unread.values())))
        yield _doubt(names, f"{', '.join(unread)} could not be read")
    for why, open_questions in list(grouped.items())[:_MOST_DOUBTS]:
        yield _doubt(", ".join(open_questions), why)


def _doubt(names: str, why: str) -> Note:
    return Note((Own("Could not decide "), Own(names, "bold"), Own(": "), outside(why, limit=200)))


def _unread(incident: Incident, doubt: Doubt) -> str:
    """Name the diagnostic whose failure is the reason; why it failed stands with what was looked at."""
    failed = (d for d in incident.diagnoses.values() if d.reading and d.reading.error)
    return next((d.name for d in failed if doubt.why.startswith(f"{d.name} could not be read")), "")


# --- where to look further ---


def links(incident: Incident, brain: Brain) -> Iterator[Paragraph]:
    """Link the runbook, the graph, the form of a silence, and ourselves."""
    found = [
        *_link("Runbook", _runbook(incident, brain)),
        *_link("Graph", next((e.generator_url for e in incident.firing or incident.episodes if e.generator_url), "")),
        *(() if incident.status is Status.RESOLVED else _link("Silence", _silence(incident))),
        *_link(incident.id, _ours(incident, brain)),
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


def _ours(incident: Incident, brain: Brain) -> str:
    return f"{brain.external_url.rstrip('/')}/v1/incidents/{incident.id}" if brain.external_url else ""


def _silence(incident: Incident) -> str:
    """Return the address of Alertmanager's form, filled in with the labels that all alerts share."""
    if not incident.alertmanager or not incident.labels:
        return ""
    pairs = sorted(incident.labels.items())[:_MOST_MATCHERS]
    matchers = ", ".join(f'{name}="{_escaped(value)}"' for name, value in pairs)
    return f"{incident.alertmanager.rstrip('/')}/#/silences/new?filter={quote('{' + matchers + '}', safe='')}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def identity(incident: Incident) -> Note:
    """Name the incident, its rule and who owns it."""
    team = (Own(" · team "), outside(incident.team)) if incident.team != "default" else ()
    return Note((Own(f"{incident.id} · rule "), outside(incident.rule, code=True), *team))
