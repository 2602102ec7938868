"""Answers of the door: one line that says what to change, or a document."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web
from pydantic import BaseModel

RETRY_AFTER = "5"
"""Seconds: Alertmanager does not read it and backs off by itself; other senders do."""

_SERVER = {"Server": "responder"}


@dataclass
class Refused(Exception):
    """A request is not answered with what it asked for. `message` is one line; it never repeats a secret."""

    status: int
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)


def answer(body: bytes, content_type: str) -> web.Response:
    """Answer 200 with these bytes; `content_type` stands in the header as it is."""
    return web.Response(body=body, headers={**_SERVER, "Content-Type": content_type})


def line(status: int, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """Answer with one line of text, which Alertmanager writes into its log."""
    return web.Response(status=status, text=f"{message}\n", headers={**_SERVER, **(headers or {})})


def document(body: BaseModel, status: int = 200) -> web.Response:
    """Answer with a document of the API."""
    content = body.model_dump_json(by_alias=True).encode()
    return web.Response(status=status, body=content, content_type="application/json", headers=_SERVER)
