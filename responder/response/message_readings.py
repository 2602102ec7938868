"""What the diagnostics read, as part of the living message."""

from collections.abc import Iterator, Mapping, Sequence

from responder.model.finding import Diagnosis, DiagnosticStatus, Reading, Weight
from responder.model.incident import Incident, Status
from responder.model.message import Code, Item, Listing, Note, Own, Text
from responder.response.brain import Brain
from responder.response.diagnosis import UNDECIDED, steps_of
from responder.response.wording import as_of, bold, listed, outside, shared_minute

_MOST_LINES = 5
_MOST_NAMES = 12
_WEIGHTS = {Weight.TROUBLE: 0, Weight.NOTABLE: 1, Weight.NORMAL: 2}


def readings(incident: Incident) -> Iterator[Listing]:
    """List what was looked at, the most troubling first, and what could not be."""
    read = [(d, d.reading, said) for d in incident.diagnoses.values() if d.reading and (said := _said(d.reading))]
    section = shared_minute(diagnosis.as_of for diagnosis, _, _ in read)
    ordered = sorted(read, key=lambda each: _weight(each[1]))
    items = tuple(Item((bold(d.name), Own(": "), *said, *as_of(d.as_of, section))) for d, _, said in ordered)
    blind = tuple(_blind(incident))
    if items or blind:
        yield Listing("Looked at", (*items, *blind), as_of=section)
    skipped = [d for d in incident.diagnoses.values() if d.status is DiagnosticStatus.SKIPPED]
    undecided = tuple(_skipped(d) for d in skipped if d.why.startswith(UNDECIDED))
    if undecided:
        yield Listing("Not looked at", undecided)


def lines(incident: Incident) -> Iterator[Code]:
    """Show the most frequent lines of whatever diagnostic counted some."""
    counted: dict[str, int] = {}
    for diagnosis in incident.diagnoses.values():
        for number, line in _top(diagnosis.reading.result if diagnosis.reading else {}):
            counted[line] = max(number, counted.get(line, 0))
    shown = sorted(counted.items(), key=lambda entry: -entry[1])[:_MOST_LINES]
    if shown:
        width = len(f"{shown[0][1]}")
        texts = tuple(f"{number:>{width}}× {outside(line, limit=200).text}" for line, number in shown)
        yield Code(texts, title="Most frequent lines")


def progress(incident: Incident, brain: Brain) -> Iterator[Note]:
    """Say what is still being looked at for the first time."""
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
        names = listed(outside(name) for name in looking[:_MOST_NAMES])
        done = f" ({len(steps) - len(looking)} of {len(steps)} done)"
        yield Note((Own("Still looking at: "), *names, Own(done)))


def _is_done(diagnosis: Diagnosis | None) -> bool:
    return diagnosis is not None and not diagnosis.running and diagnosis.round > 0


def _blind(incident: Incident) -> Iterator[Item]:
    """Say each reason why nothing could be seen once, with all that it hid."""
    hidden: dict[str, list[str]] = {}
    for diagnosis in incident.diagnoses.values():
        if diagnosis.reading and diagnosis.reading.status is DiagnosticStatus.FAILED:
            hidden.setdefault(diagnosis.reading.error, []).append(diagnosis.name)
    for why, names in hidden.items():
        yield Item((bold(", ".join(names)), Own(": could not look: "), outside(why, limit=200)))


def _weight(reading: Reading) -> float:
    return _WEIGHTS[reading.weight]


def _said(reading: Reading) -> Text:
    if reading.status is DiagnosticStatus.FAILED:
        return ()
    if reading.headline:
        return (outside(reading.headline, limit=200),)
    return () if reading.has_data else (Own("no data"),)


def _skipped(diagnosis: Diagnosis) -> Item:
    return Item((bold(diagnosis.name), Own(": "), outside(diagnosis.why, limit=200)))


def _top(result: Mapping[str, object]) -> Iterator[tuple[int, str]]:
    entries = result.get("top")
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        return
    for entry in entries:
        if isinstance(entry, Mapping) and isinstance(entry.get("count"), int):
            line = entry.get("example") or entry.get("pattern") or ""
            yield entry["count"], " ".join(str(line).split())
