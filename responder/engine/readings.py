"""Makes of what a diagnostic returned what is stored and shown: bounded, without secrets, plain JSON."""

import math
from collections.abc import Mapping
from dataclasses import replace

from responder.model import codec
from responder.model.finding import DiagnosticStatus, Reading
from responder.model.labels import clean
from responder.model.message import Chart, Message
from responder.model.redaction import redact, redact_json
from responder.model.verdict import Json
from responder.plugins.diagnostic import Result
from responder.store.rows import compact

LONGEST_TEXT = 16 * 1024
LONGEST_LIST = 1_000
DEEPEST = 16
LARGEST = 512 * 1024
"""Characters of a whole result as JSON; a larger one is cut a second time, harder."""
HEADLINE = 150
EVIDENCE_LINES = 20
EVIDENCE_LINE = 500
_MOST_POINTS = 2_000


def reading_of(name: str, result: Result) -> Reading:
    """Make the reading of a result."""
    fields = bounded(result.model_dump(mode="json"), text=LONGEST_TEXT, items=LONGEST_LIST)
    if len(compact(fields)) > LARGEST:
        fields = bounded(fields, text=1024, items=100)
    lines = tuple(result.evidence())[:EVIDENCE_LINES]
    return Reading(
        name=name,
        status=DiagnosticStatus.FOUND,
        result=without_secrets(fields),
        has_data=result.has_data(),
        headline=redact(clean(result.headline()))[:HEADLINE],
        evidence=tuple(redact(clean(line[: 4 * EVIDENCE_LINE]))[:EVIDENCE_LINE] for line in lines),
        weight=result.weight(),
        chart=_chart(result.chart()),
    )


def could_not_look(name: str, why: str) -> Reading:
    """Make the reading of a diagnostic that could not look."""
    return Reading(name, DiagnosticStatus.FAILED, error=redact(clean(why))[:EVIDENCE_LINE])


def bounded(value: Json, *, text: int, items: int, depth: int = 0) -> Json:
    """Cut strings and lists; what is nested too deep, or is no number, becomes null."""
    if depth > DEEPEST:
        return None
    match value:
        case str():
            return clean(value[:text])
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            kept = list(value.items())[:items]
            return {clean(str(k))[:text]: bounded(v, text=text, items=items, depth=depth + 1) for k, v in kept}
        case list() | tuple():
            return [bounded(item, text=text, items=items, depth=depth + 1) for item in value[:items]]
        case _:
            return value


def without_secrets(value: Json) -> Json:
    """Take secrets out; where a look at the whole finds none, its parts are not looked at one by one."""
    whole = compact(value)
    return value if redact(whole) == whole else redact_json(value)


def safe_message(message: Message) -> Message:
    """Take secrets out of a message that is about to leave."""
    whole = codec.MESSAGE.dump(message)
    if redact(whole) == whole:
        return message
    return codec.MESSAGE.adapter.validate_python(redact_json(codec.MESSAGE.adapter.dump_python(message, mode="json")))


def _chart(chart: Chart | None) -> Chart | None:
    if chart is None:
        return None
    lines = tuple(replace(line, points=line.points[-_MOST_POINTS:]) for line in chart.lines[:LONGEST_LIST])
    return replace(chart, lines=lines)
