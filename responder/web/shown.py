"""What the API shows of a timeline: what actions remember to take things back stays in the store, secrets too."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from responder.model.action import Outcome, Preview
from responder.model.redaction import redact, redact_json, redact_url
from responder.model.timeline import Acted, ActionAsked, AlertFired, Answered, Happening, Previewed
from responder.model.verdict import Json


def shown(what: Happening) -> Happening:
    """Return the happening as anybody may read it."""
    match what:
        case AlertFired():
            url = redact_url(what.generator_url)
            return replace(what, labels=safe(what.labels), annotations=safe(what.annotations), generator_url=url)
        case Acted(outcome=outcome):
            return replace(what, outcome=_outcome(outcome))
        case Previewed(previews=previews):
            return replace(what, previews=tuple(_preview(preview) for preview in previews))
        case ActionAsked(params=params):
            return replace(what, params=safe(params), reason=redact(what.reason))
        case Answered(inputs=inputs):
            return replace(what, inputs=safe(inputs), why=redact(what.why))
        case _:
            return what


def _outcome(outcome: Outcome) -> Outcome:
    return replace(outcome, undo=None, basis=safe(outcome.basis))


def _preview(preview: Preview) -> Preview:
    return replace(preview, undo=None, basis=safe(preview.basis))


def safe(values: Mapping[str, Json]) -> dict[str, Any]:
    """Return values by name, such as labels, with secrets out of them."""
    return {name: redact_json(value, name=name) for name, value in values.items()}
