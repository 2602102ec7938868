"""Takes the traces of known secrets out of what an action that used them says, in whatever form they stand there."""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from urllib.parse import quote

from responder.model.action import Kept, Outcome
from responder.model.redaction import MARK
from responder.model.verdict import Json

_SHORTEST_LINE = 8
"""Characters of a line of a secret that is looked for by itself."""


def scrub(text: str, values: Iterable[str]) -> str:
    """Clean a text."""
    return _clean(text, _traces(values))


def scrubbed(outcome: Outcome, values: Iterable[str]) -> Outcome:
    """Clean an outcome."""
    traces = _traces(values)
    if not traces:
        return outcome
    return replace(
        outcome,
        say=_clean(outcome.say, traces),
        details=tuple(_clean(line, traces) for line in outcome.details),
        undo=_json(outcome.undo, traces),
        kept=tuple(_kept(one, traces) for one in outcome.kept),
        basis={_clean(name, traces): _json(value, traces) for name, value in outcome.basis.items()},
    )


def _json(value: Json, traces: Sequence[str]) -> Json:
    match value:
        case str():
            return _clean(value, traces)
        case Mapping():
            return {_clean(str(key), traces): _json(item, traces) for key, item in value.items()}
        case list() | tuple():
            return [_json(item, traces) for item in value]
    return value


def _kept(one: Kept, traces: Sequence[str]) -> Kept:
    return replace(one, name=_clean(one.name, traces), place=_clean(one.place, traces))


def _clean(text: str, traces: Sequence[str]) -> str:
    for trace in traces:
        text = text.replace(trace, MARK)
    return text


def _traces(values: Iterable[str]) -> tuple[str, ...]:
    """Return every form in which secrets may be found, the longest first."""
    found: set[str] = set()
    for value in values:
        lines = [line for line in value.splitlines() if len(line) >= _SHORTEST_LINE]
        for text in (value, value.strip(), *lines):
            encoded = base64.b64encode(text.encode()).decode()
            found |= {text, encoded, json.dumps(text)[1:-1], quote(text, safe=""), repr(text)[1:-1]}
    return tuple(sorted(found - {""}, key=len, reverse=True))
