"""Containers' logs at the API server: how they are asked for, and what the answers mean."""

from datetime import timedelta

from responder.clients.kubernetes_answers import failure, message_of, object_is_missing
from responder.clients.kubernetes_connection import Answer, Call
from responder.clients.kubernetes_paths import Address
from responder.errors import PermanentError

_READ_FACTOR = 8
"""The server's `limitBytes` keeps the oldest bytes and we want the newest: it is asked for this many times more."""
_NONE_YET = ("previous terminated container", "is waiting to start")


def log_call(
    address: Address,
    *,
    container: str,
    tail: int,
    since: timedelta | None,
    previous: bool,
    timestamps: bool,
    limit_bytes: int,
) -> Call:
    """Ask for a log, newest lines last."""
    query = {"tailLines": str(tail), "limitBytes": str(limit_bytes * _READ_FACTOR)}
    if container:
        query["container"] = container
    if since is not None:
        query["sinceSeconds"] = str(max(1, round(since.total_seconds())))
    if previous:
        query["previous"] = "true"
    if timestamps:
        query["timestamps"] = "true"
    asked = tuple(query.items())
    return Call(address.path, str(address), asked, accept="*/*", limit_bytes=limit_bytes, newest=True)


def log_text(answer: Answer, address: Address) -> str:
    """Return the log; "" where the pod is gone, the container has not started, or no previous one is kept."""
    if answer.status == 200:
        text = answer.body.decode(errors="replace")
        # A log that was cut begins in the middle of a line.
        return text.partition("\n")[2] if answer.cut else text
    if object_is_missing(answer):
        return ""
    said = message_of(answer)
    if answer.status == 400:
        if any(mark in said for mark in _NONE_YET):
            return ""
        raise PermanentError(f"Cannot read the log of {address.name}: {said}")
    raise failure(answer, address)
