"""The first part of the living message: what is wrong, since when, what was found."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from responder.model.alert import Episode
from responder.model.duration import format_duration
from responder.model.finding import Diagnosis, DiagnosticStatus, Finding, Reading, Weight
from responder.model.incident import Incident, Status
from responder.model.labels import common
from responder.model.message import (
    Block,
    Code,
    Field,
    Fields,
    Instant,
    Item,
    Listing,
    Note,
    Own,
    Paragraph,
    Part,
    Text,
)
from responder.response.brain import Brain
from responder.response.diagnosis import UNDECIDED, steps_of
from responder.response.wording import as_of, bold, count, listed, outside

_MOST_ALERTS = 8
_MOST_LINES = 5
_MOST_NAMES = 12
_WEIGHTS = {Weight.TROUBLE: 0, Weight.NOTABLE: 1, Weight.NORMAL: 2}
_SAID = ("summary", "message", "description")
"""Annotations that people write for people, the shortest first."""


def blocks(incident: Incident, brain: Brain) -> tuple[Block, ...]:
    """Build the blocks in order of weight."""
    return (
        _overview(incident),
        *_progress(incident, brain),
        *_cause(incident),
        *_troubles(incident, brain),
        *_findings(incident),
        *_alerts(incident),
        *_readings(incident),
        *_lines(incident),
    )


# --- at a glance ---


def _overview(incident: Incident) -> Fields:
    fields = [*_when(incident), Field("Where", _where(incident)), Field("Alerts", _counted(incident))]
    if figure := _impact(incident):
        fields.append(Field("Impact", figure))
    if incident.severity_why:
        fields.append(Field("Severity", (bold(incident.severity), Own(": "), outside(incident.severity_why))))
    if incident.suggested:
        text = (bold(incident.suggested), Own(": "), outside(incident.suggested_why))
        fields.append(Field("Suggested severity", text))
    if incident.acknowledged_by:
        fields.append(Field("Acknowledged by", (outside(incident.acknowledged_by),)))
    if silenced := _silenced(incident):
        fields.append(Field("Silenced", silenced))
    if incident.refires:
        fields.append(Field("Fired again", (Own(count(incident.refires, "time")),)))
    return Fields(tuple(fields))


def _when(incident: Incident) -> list[Field]:
    began = Instant(incident.started_at, "datetime")
    match incident.status:
        case Status.RESOLVED:
            return [Field("Fired", (began, Own(f", for {_lasted(incident)}"))), Field("Resolved", _at(incident))]
        case Status.MONITORING:
            return [Field("Fired", (began, Own(f", for {_lasted(incident)}"))), Field("Quiet since", _at(incident))]
        case _:
            return [Field("Firing since", (began,))]


def _at(incident: Incident) -> Text:
    moment = incident.resolved_at or incident.monitoring_since
    return (Instant(moment, "datetime"),) if moment else ()


def _lasted(incident: Incident) -> str:
    ended = max((e.ended_at for e in incident.episodes if e.ended_at), default=incident.started_at)
    return format_duration(ended - incident.started_at)


def _where(incident: Incident) -> Text:
    target = incident.target
    shown: list[Part] = [outside(str(target), code=target.known)] if str(target) else []
    if incident.cluster and incident.cluster != "default":
        shown.append(outside(f"cluster {incident.cluster}"))
    return listed(shown)


def _counted(incident: Incident) -> Text:
    firing = len(incident.firing)
    ended = len({e.fingerprint for e in incident.episodes} - {e.fingerprint for e in incident.firing})
    parts = [f"{firing} firing"] if firing else ["none firing"]
    if ended:
        parts.append(f"{ended} ended")
    return (Own(", ".join(parts)),)


def _impact(incident: Incident) -> Text:
    """Take the first figure that was measured."""
    for diagnosis in incident.diagnoses.values():
        reading = diagnosis.reading
        if reading and reading.has_data and reading.headline and ("value" in reading.result or reading.chart):
            return (outside(reading.headline, limit=150), *as_of(diagnosis.as_of))
    return ()


def _silenced(incident: Incident) -> Text:
    covered = sum(1 for episode in incident.firing if episode.silenced_by)
    if not covered:
        return ()
    return (Own("all that fires" if incident.silenced else f"{covered} of {count(len(incident.firing), 'alert')}"),)


def _progress(incident: Incident, brain: Brain) -> Iterator[Note]:
    steps = steps_of(brain.playbook)
    if not brain.cluster_known(incident.cluster):
        return
    if not steps:
        yield Note((Own("No diagnostics in this playbook."),))
        return
    if incident.round != 1 or incident.status is Status.RESOLVED:
        return
    looking = [step.name for step in steps if not _is_done(incident.diagnoses.get(step.name))]
    if looking:
        done = f" … {len(steps) - len(looking)} of {len(steps)} done"
        names = listed(outside(name) for name in looking[:_MOST_NAMES])
        yield Note((Own("Looking: "), *names, Own(done)))


def _is_done(diagnosis: Diagnosis | None) -> bool:
    return diagnosis is not None and not diagnosis.running and diagnosis.round > 0


# --- what it comes from ---


def _cause(incident: Incident) -> Iterator[Block]:
    causes = [finding for finding in incident.findings if finding.cause]
    if not causes:
        return
    first = causes[0]
    yield Paragraph((bold(f"Likely cause: {first.cause}"), Own(" — "), *first.say, *as_of(first.as_of)))
    others = list(dict.fromkeys(finding.cause for finding in causes[1:] if finding.cause != first.cause))
    if others:
        yield Note((Own(f"Also possible: {', '.join(others)}"),))


def _troubles(incident: Incident, brain: Brain) -> Iterator[Listing]:
    items = tuple(Item((outside(what),)) for what in _all_troubles(incident, brain))
    if items:
        yield Listing("Trouble", items)


def _all_troubles(incident: Incident, brain: Brain) -> Iterator[str]:
    if not brain.cluster_known(incident.cluster):
        named = f'"{incident.cluster}"' if incident.cluster else "by no name"
        yield f"The settings know no cluster {named}: nothing is read or changed"
    yield from incident.troubles
    for post in incident.posts.values():
        if post.error:
            yield f"{post.receiver} could not be told: {post.error}"
    for paging in incident.pagings.values():
        if paging.error:
            yield f"{paging.receiver} could not be paged: {paging.error}"


def _findings(incident: Incident) -> Iterator[Listing]:
    first = next((finding for finding in incident.findings if finding.cause), None)
    items = tuple(_finding(finding) for finding in incident.findings if finding is not first)
    if items:
        yield Listing("Findings", items)


def _finding(finding: Finding) -> Item:
    cause = (bold(finding.cause), Own(": ")) if finding.cause else ()
    return Item((*cause, *finding.say, *as_of(finding.as_of)))


# --- what the alerts say ---


def _alerts(incident: Incident) -> Iterator[Block]:
    shown = incident.firing or incident.episodes[-_MOST_ALERTS:]
    if len(shown) == 1:
        yield from _alone(shown[0], incident.title)
        return
    shared = common(episode.labels for episode in shown)
    items = [_alert(episode, shared) for episode in shown[:_MOST_ALERTS]]
    if len(shown) > _MOST_ALERTS:
        items.append(Item((Own(f"and {len(shown) - _MOST_ALERTS} more"),)))
    if items:
        yield Listing("Firing" if incident.firing else "Alerts", tuple(items))


def _alone(episode: Episode, title: str) -> Iterator[Block]:
    said = [text for name in _SAID if (text := episode.annotations.get(name, "").strip()) and text != title]
    name = episode.labels.get("alertname", "")
    if said:
        heading = (outside(name, code=True), Own(": ")) if name else ()
        yield Paragraph((*heading, *listed((outside(text) for text in dict.fromkeys(said)), "\n")))
    elif name and name != title:
        yield Paragraph((outside(name, code=True), Own(" fires") if episode.firing else Own(" has ended")))


def _alert(episode: Episode, shared: Mapping[str, str]) -> Item:
    name = episode.labels.get("alertname", "alert")
    text: list[Part] = [outside(name, code=True)]
    differing = {k: v for k, v in episode.labels.items() if k not in shared and k != "alertname"}
    if differing:
        pairs = (outside(f"{k}={v}", code=True, limit=80) for k, v in sorted(differing.items())[:4])
        text += [Own(" "), *listed(pairs, " ")]
    if summary := next((episode.annotations[k] for k in _SAID if episode.annotations.get(k, "").strip()), ""):
        text += [Own(" "), outside(summary, limit=200)]
    text += [Own(" since ") if episode.firing else Own(" until "), Instant(_moment(episode))]
    if episode.silenced_by:
        text.append(Own(" (silenced)", "italic"))
    return Item(tuple(text))


def _moment(episode: Episode) -> datetime:
    return episode.ended_at or episode.started_at


# --- what the diagnostics read ---


def _readings(incident: Incident) -> Iterator[Listing]:
    read = [(d, d.reading) for d in incident.diagnoses.values() if d.reading is not None]
    ordered = sorted(read, key=lambda pair: _weight(pair[1]))
    items = tuple(item for diagnosis, reading in ordered if (item := _reading(diagnosis, reading)))
    if items:
        yield Listing("Looked at", items)
    skipped = [d for d in incident.diagnoses.values() if d.status is DiagnosticStatus.SKIPPED]
    undecided = tuple(_skipped(d) for d in skipped if d.why.startswith(UNDECIDED))
    if undecided:
        yield Listing("Not looked at", undecided)


def _weight(reading: Reading) -> float:
    return 1.5 if reading.status is DiagnosticStatus.FAILED else _WEIGHTS[reading.weight]


def _reading(diagnosis: Diagnosis, reading: Reading) -> Item | None:
    name = (bold(diagnosis.name), Own(": "))
    if reading.status is DiagnosticStatus.FAILED:
        return Item((*name, Own("could not look: "), outside(reading.error, limit=200), *as_of(diagnosis.as_of)))
    if reading.headline:
        return Item((*name, outside(reading.headline, limit=200), *as_of(diagnosis.as_of)))
    return None if reading.has_data else Item((*name, Own("no data"), *as_of(diagnosis.as_of)))


def _skipped(diagnosis: Diagnosis) -> Item:
    return Item((bold(diagnosis.name), Own(": "), outside(diagnosis.why, limit=200)))


def _lines(incident: Incident) -> Iterator[Code]:
    """Show the most frequent lines of whatever diagnostic counted some."""
    counted: dict[str, int] = {}
    for diagnosis in incident.diagnoses.values():
        for number, line in _top(diagnosis.reading.result if diagnosis.reading else {}):
            counted[line] = max(number, counted.get(line, 0))
    shown = sorted(counted.items(), key=lambda entry: -entry[1])[:_MOST_LINES]
    if shown:
        width = len(f"{shown[0][1]}")
        lines = tuple(f"{number:>{width}}× {outside(line, limit=200).text}" for line, number in shown)
        yield Code(lines, title="Most frequent lines")


def _top(result: Mapping[str, object]) -> Iterator[tuple[int, str]]:
    entries = result.get("top")
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        return
    for entry in entries:
        if isinstance(entry, Mapping) and isinstance(entry.get("count"), int):
            line = entry.get("example") or entry.get("pattern") or ""
            yield entry["count"], " ".join(str(line).split())
