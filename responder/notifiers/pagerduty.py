"""PagerDuty, Events API v2: trigger, acknowledge, resolve under one key an incident."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any, Literal

import orjson
from pydantic import Field

from responder.errors import PermanentError
from responder.model.answers import error_of
from responder.model.message import Block, Fields, Link, Listing, Message, Note, Paragraph, Part, plain
from responder.model.message import Field as Named
from responder.model.redaction import redact, redact_url
from responder.model.verdict import Json
from responder.plugins import params
from responder.plugins.fields import SourceName
from responder.plugins.notifier import Alarm, Notifier, Outgoing
from responder.plugins.tools import NotifierTools

Urgency = Literal["critical", "error", "warning", "info"]
_BY_RANK: tuple[Urgency, ...] = ("critical", "error", "warning", "info")
_MAX_SUMMARY = 1024
_MAX_DEDUP_KEY = 255
_MAX_DETAILS = 20_000
_MAX_LINKS = 10


class PagerDuty(Notifier["PagerDuty.Params"]):
    """
    Wake whoever is on call. The first event of an incident triggers, an acknowledgement and the end are told too; all
    of them carry one dedup key, so that a repeated event wakes nobody twice.

    The integration key of the service is a secret, so the settings hold it: `pagerduty.services.NAME.routing_key`. By
    default the first level of your severities is `critical`, then `error`, `warning`, `info`.

    Source: developer.pagerduty.com, "Events API v2", POST /v2/enqueue.

    Example:

        on-call: {pagerduty: {service: platform, severities: {P0: critical, P1: critical}}}
    """

    name = "pagerduty"
    pages = True

    class Params(params.Params):
        """What a receiver's entry takes."""

        service: SourceName = Field(description="Name of the service in `pagerduty.services` of the settings.")
        severities: dict[str, Urgency] = Field({}, description="PagerDuty's severity by the name of yours.")

    async def notify(self, params: Params, outgoing: Outgoing, tools: NotifierTools) -> Json:
        """Refuse: a pager takes events, not messages."""
        raise PermanentError("pagerduty takes pages only: name it in the role on-call, not in incidents")

    async def page(self, params: Params, alarm: Alarm, tools: NotifierTools) -> None:
        """Send one event."""
        place = tools.destination(self.name, params.service)
        event: dict[str, Any] = {
            "routing_key": place.secret,
            "event_action": alarm.event,
            "dedup_key": _dedup_key(alarm.dedup_key),
        }
        if alarm.event == "trigger":
            event |= {"client": "Responder", **_told(alarm.message, params, tools)}
        answer = await tools.http.request(
            "POST",
            f"{place.url}/v2/enqueue",
            headers={"Content-Type": "application/json"},
            body=orjson.dumps(event),
        )
        said = answer.body.decode(errors="replace").replace(place.secret, "[redacted]")
        error = error_of(answer.status, asked=f"PagerDuty ({params.service})", said=said, headers=answer.headers)
        if error is not None:
            raise error


def _told(message: Message, params: PagerDuty.Params, tools: NotifierTools) -> dict[str, Any]:
    summary = redact(message.summary or plain(message.title))
    if not summary.startswith(message.severity):
        summary = f"[{message.severity}] {summary}"
    return {
        "payload": {
            "summary": _cut(summary, _MAX_SUMMARY),
            "source": message.incident,
            "severity": params.severities.get(message.severity) or _urgency(message.rank),
            "timestamp": tools.now().isoformat(timespec="seconds"),
            "custom_details": {
                "incident": message.incident,
                "severity": message.severity,
                "status": message.status,
                "text": _cut(tools.render(message, "text"), _MAX_DETAILS),
            },
        },
        "links": [{"href": url, "text": label} for label, url in _links(message)],
    }


def _urgency(rank: int) -> Urgency:
    return _BY_RANK[max(0, min(rank, len(_BY_RANK) - 1))]


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _dedup_key(key: str) -> str:
    return key if len(key) <= _MAX_DEDUP_KEY else sha256(key.encode()).hexdigest()


def _links(message: Message) -> list[tuple[str, str]]:
    """List the web links of a message by address, each once."""
    found = {
        part.url: _cut(redact(part.label), 200)
        for block in message.blocks
        for part in _parts(block)
        if isinstance(part, Link) and part.url.startswith(("https://", "http://"))
    }
    return [(label, redact_url(url)) for url, label in found.items()][:_MAX_LINKS]


def _parts(block: Block) -> Iterator[Part]:
    match block:
        case Paragraph(text=text) | Note(text=text):
            yield from text
        case Fields(fields=fields):
            for field in fields:
                yield from _value(field)
        case Listing(items=items):
            for item in items:
                yield from item.text


def _value(field: Named) -> Iterator[Part]:
    yield from field.value
