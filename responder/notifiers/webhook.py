"""Signed JSON to an address of one's own."""

import hmac
from typing import Any

import orjson
from pydantic import Field

from responder.model.answers import error_of
from responder.model.codec import MESSAGE
from responder.model.message import plain
from responder.model.redaction import redact
from responder.model.verdict import Json
from responder.plugins import params
from responder.plugins.fields import SourceName
from responder.plugins.notifier import Notifier, Outgoing
from responder.plugins.tools import NotifierTools

VERSION = 1
"""Of the document; it grows when a field changes its meaning, not when one is added."""


class Webhook(Notifier["Webhook.Params"]):
    """
    POST every message and every edit as JSON: `version`, `purpose` (message, reply, evidence), `incident`, `status`,
    `severity`, `rank`, `title`, `summary`, `text` (all of it as plain text) and `message` (all of it, structured).

    `Idempotency-Key` is the same when a sending is repeated. `X-Responder-Signature` is `v1=` and the hexadecimal
    HMAC-SHA256, with the signing key, of `v1:`, the value of `X-Responder-Timestamp` (seconds), `:` and the body; check
    it in constant time and refuse a timestamp that is over five minutes old.

    The address and the key are in the settings: `outgoing.NAME.url` and `outgoing.NAME.signing_key`.

    Example:

        incidents: {webhook: {to: chatops}}
    """

    name = "webhook"

    class Params(params.Params):
        """What a receiver's entry takes."""

        to: SourceName = Field(description="Name of the address in `outgoing` of the settings.")

    async def notify(self, params: Params, outgoing: Outgoing, tools: NotifierTools) -> Json:
        """Send a message; an edit is the same document again, whole."""
        place = tools.destination(self.name, params.to)
        body = orjson.dumps(_document(outgoing, tools))
        stamp = str(int(tools.now().timestamp()))
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": outgoing.key,
            "X-Responder-Timestamp": stamp,
            "X-Responder-Signature": f"v1={signature(place.secret, stamp, body)}",
        }
        answer = await tools.http.request("POST", place.url, headers=headers, body=body)
        error = error_of(answer.status, asked=f"the webhook {params.to}", headers=answer.headers)
        if error is not None:
            raise error
        return outgoing.ref or {"sent": outgoing.key}


def signature(key: str, stamp: str, body: bytes) -> str:
    """Return the hexadecimal HMAC-SHA256 over version, timestamp and body."""
    return hmac.new(key.encode(), b"v1:" + stamp.encode() + b":" + body, "sha256").hexdigest()


def _document(outgoing: Outgoing, tools: NotifierTools) -> dict[str, Any]:
    message = outgoing.message
    whole: dict[str, Any] = _redacted(orjson.loads(MESSAGE.dump(message)))
    return {
        "version": VERSION,
        "purpose": str(message.purpose),
        "key": outgoing.key,
        "incident": message.incident,
        "status": message.status,
        "severity": message.severity,
        "rank": message.rank,
        "title": redact(plain(message.title)),
        "summary": redact(message.summary),
        "text": tools.render(message, "text"),
        "message": whole,
    }


def _redacted(value: Any) -> Any:
    match value:
        case str():
            return redact(value)
        case dict():
            return {name: _redacted(inner) for name, inner in value.items()}
        case list():
            return [_redacted(inner) for inner in value]
        case _:
            return value
