"""
Reads the body of a delivery: alert by alert, so that a bad one never takes its neighbours along.

What the delivery says of its group as a whole describes only what was sent, and is kept for people, not for deciding.
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import orjson
from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from responder.errors import RejectedDelivery
from responder.model.alert import Alert, AlertStatus, Delivery
from responder.model.labels import clean, fingerprint

LONGEST_LABEL = 4 * 1024
LONGEST_ANNOTATION = 16 * 1024
"""Characters that are kept: what is longer is no text for people."""

_QUOTED = re.compile(r"\\([\\.+*?()|\[\]{}^$])")
_FINGERPRINT = re.compile(r"[0-9a-f]{16}")

_WORDS = {
    "model_type": "must be an object with status, labels and startsAt",
    "dict_type": "must be an object",
    "string_type": "must be a string",
    "missing": "is missing",
    "too_short": "is empty",
    "literal_error": 'must be "firing" or "resolved"',
    "timezone_aware": "names no time zone: write it as 2026-03-01T12:00:00Z",
    **dict.fromkeys(
        ("datetime_parsing", "datetime_from_date_parsing", "datetime_type", "datetime_object_invalid"),
        "is no moment: write it as 2026-03-01T12:00:00Z",
    ),
}
"""Of what pydantic may find wrong with an alert, for those who post it."""


class _Alert(BaseModel):
    """One alert as Alertmanager writes it; fields that we do not know are passed over."""

    status: Literal["firing", "resolved"]
    labels: dict[str, str] = Field(min_length=1)
    annotations: dict[str, str] = {}
    starts_at: AwareDatetime = Field(alias="startsAt")
    ends_at: AwareDatetime | None = Field(None, alias="endsAt")
    generator_url: str = Field("", alias="generatorURL")
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class BadAlert:
    """One alert of a delivery that cannot be read; `place` counts from 1."""

    place: int
    reason: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Parsed:
    """A delivery, and those of its alerts that are set aside."""

    delivery: Delivery
    bad: tuple[BadAlert, ...] = ()


def parse(body: bytes) -> Parsed:
    """
    Read a delivery.

    Raises: RejectedDelivery when it is not JSON (400), or not what Alertmanager sends (422).
    """
    raw, odd = _json(body)
    alerts = raw.get("alerts") if isinstance(raw, dict) else None
    if not isinstance(raw, dict) or not isinstance(alerts, list):
        raise RejectedDelivery(422, "this is not Alertmanager's webhook format: an object with a list `alerts`")
    good: list[Alert] = []
    bad: list[BadAlert] = []
    for place, alert in enumerate(alerts, start=1):
        try:
            good.append(_alert(_Alert.model_validate(alert), odd))
        except (ValidationError, OverflowError) as error:
            bad.append(BadAlert(place, _reason(error), json.dumps(alert).encode()))
    delivery = Delivery(
        receiver=unquoted(_text(raw, "receiver")),
        external_url=_text(raw, "externalURL"),
        truncated=_count(raw.get("truncatedAlerts")),
        alerts=tuple(good),
    )
    return Parsed(delivery, tuple(bad))


def unquoted(receiver: str) -> str:
    """Take out what Go's `regexp.QuoteMeta` put in: the receiver `a.b` arrives as `a\\.b`."""
    return _QUOTED.sub(r"\1", receiver)


def _json(body: bytes) -> tuple[Any, bool]:
    """Read JSON, and say whether its texts may have characters that no database takes."""
    try:
        return orjson.loads(body), b"\\u0000" in body
    except orjson.JSONDecodeError:
        pass
    try:  # orjson refuses lone surrogates, which `clean` replaces
        return json.loads(body), True
    except (ValueError, RecursionError) as error:
        raise RejectedDelivery(400, f"the body is not JSON: {error}") from None


def _alert(wire: _Alert, odd: bool) -> Alert:
    labels = _fit(wire.labels, LONGEST_LABEL, odd)
    return Alert(
        fingerprint=wire.fingerprint if _FINGERPRINT.fullmatch(wire.fingerprint) else fingerprint(labels),
        status=AlertStatus(wire.status),
        labels=labels,
        annotations=_fit(wire.annotations, LONGEST_ANNOTATION, odd),
        starts_at=wire.starts_at.astimezone(UTC),
        ends_at=None if wire.status == "firing" else _end(wire.ends_at),
        generator_url=clean(wire.generator_url[:LONGEST_ANNOTATION]),
    )


def _fit(texts: dict[str, str], longest: int, odd: bool) -> dict[str, str]:
    if not odd and max(map(len, (*texts, *texts.values())), default=0) <= min(longest, LONGEST_LABEL):
        return texts
    return {clean(name[:LONGEST_LABEL]): clean(text[:longest]) for name, text in texts.items()}


def _end(moment: datetime | None) -> datetime | None:
    """Go's zero time, the year 1, says that there is no end."""
    return None if moment is None or moment.year == 1 else moment.astimezone(UTC)


def _reason(error: ValidationError | OverflowError) -> str:
    if isinstance(error, OverflowError):
        return "a moment is out of range"
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])[:100]
    words = _WORDS.get(first["type"]) or first["msg"].lower()
    return f"{place or 'an alert'} {words}"


def _text(raw: dict[str, Any], key: str) -> str:
    value = raw.get(key)
    return clean(value[:LONGEST_LABEL]) if isinstance(value, str) else ""


def _count(value: object) -> int:
    return value if isinstance(value, int) and 0 <= value < 2**31 else 0
