"""What was found, as part of the living message: the likely cause first, and what held earlier."""

from collections.abc import Iterator

from responder.model.finding import Finding
from responder.model.incident import Incident, Status
from responder.model.message import Block, Instant, Item, Listing, Note, Own, Paragraph, Text
from responder.response.wording import as_of, bold, listed, shared_minute


def lead(incident: Incident) -> Finding | None:
    """Return the finding that leads: the first cause; once nothing fires, an earlier one where none holds now."""
    present = next((finding for finding in incident.findings if finding.cause), None)
    if present or incident.status not in (Status.MONITORING, Status.RESOLVED):
        return present
    return next((finding for finding in incident.earlier if finding.cause), None)


def findings(incident: Incident) -> Iterator[Block]:
    """Build the blocks: likely cause, findings, what held earlier."""
    first = lead(incident)
    yield from _cause(incident, first)
    present = [finding for finding in incident.findings if finding is not first]
    if present:
        section = shared_minute(finding.as_of for finding in present)
        items = tuple(Item((*_named(f), *as_of(f.as_of, section))) for f in present)
        yield Listing("Findings", items, as_of=section)
    earlier = tuple(Item((*_named(f), *_until(f))) for f in incident.earlier if f is not first)
    if earlier:
        yield Listing("Earlier", earlier)


def _cause(incident: Incident, first: Finding | None) -> Iterator[Block]:
    if first is None:
        return
    held = first.until is None
    name = bold(f"Likely cause: {first.cause}" if held else f"Likely cause was: {first.cause}")
    yield Paragraph((name, Own(" — "), *first.say, *(as_of(first.as_of) if held else _until(first))))
    causes = dict.fromkeys(finding.cause for finding in incident.findings if finding.cause)
    others = [bold(cause) for cause in causes if cause != first.cause]
    if others:
        yield Note((Own("Also possible: "), *listed(others)))


def _named(finding: Finding) -> Text:
    return (bold(finding.cause), Own(" — "), *finding.say) if finding.cause else finding.say


def _until(finding: Finding) -> Text:
    return (Own(" (until "), Instant(finding.until), Own(")")) if finding.until else ()
