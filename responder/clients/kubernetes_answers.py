"""What the API server's answers mean: a status becomes an error of ours here, once."""

from typing import Any

import orjson

from responder.clients.kubernetes_connection import Answer
from responder.clients.kubernetes_paths import Address
from responder.errors import CallError, NotLetIn, PermanentError, TransientError, WrongSettings
from responder.model.answers import quote, retry_after, worth_retrying
from responder.model.rights import BY_RBAC

Json = dict[str, Any]

_OVERTAKEN = frozenset({409, 410})
"""Somebody else was faster, or a list grew too old to be continued: asking afresh helps."""
_MISSING_API = {"metrics.k8s.io": "install metrics-server"}


def document(answer: Answer, address: Address) -> Json:
    """
    Return the JSON of a good answer.

    Raises: what `failure` says for any other status; PermanentError for a body that is cut off; WrongSettings for one
    that is no JSON object.
    """
    if answer.status != 200:
        raise failure(answer, address)
    if answer.cut:
        raise PermanentError(f"The API server's answer to {address} is too large: {len(answer.body)} bytes and more")
    parsed = _parse(answer.body)
    if parsed is None:
        raise WrongSettings(f"The API server's answer to {address} is not JSON: is that address a Kubernetes API?")
    return parsed


def object_is_missing(answer: Answer) -> bool:
    """Whether a 404 speaks of the object; without a name it is the API itself that is not served."""
    return answer.status == 404 and bool(_details(status_of(answer)).get("name"))


def status_of(answer: Answer) -> Json | None:
    """Return the API server's own Status object; None when the body is something else."""
    parsed = _parse(answer.body) if answer.body[:1] == b"{" else None
    return parsed if parsed and parsed.get("kind") == "Status" and parsed.get("apiVersion") == "v1" else None


def failure(answer: Answer, address: Address) -> CallError:
    """Make an error of an answer that is not 200; its message names what is missing and the cure."""
    said = message_of(answer)
    match answer.status:
        case 401:
            return NotLetIn("The cluster does not accept our credentials (401): check the kubeconfig's user")
        case 403:
            where = f" in {address.namespace}" if address.namespace else " in the cluster"
            return PermanentError(f"The cluster allows us no `{address.verb}` on `{address.right}`{where}: {BY_RBAC}")
        case 404 if not object_is_missing(answer):
            group = address.resource.group or "the core API"
            cure = _MISSING_API.get(
                address.resource.group, f"{address.right} {address.resource.version} is unknown there"
            )
            return PermanentError(f"{group} is not served by this cluster: {cure}")
        case 404:
            return PermanentError(f"Cannot {address}: not found")
        case status if status in _OVERTAKEN or worth_retrying(status):
            delay = retry_after(answer.headers)
            return TransientError(f"The API server cannot {address} now ({status}): {said}", delay=delay)
        case status:
            return PermanentError(f"The API server refuses to {address} ({status}): {said}")


def message_of(answer: Answer) -> str:
    """Return what the answer says in one line, at most 300 characters."""
    status = status_of(answer)
    said = str(status.get("message", "")) if status else answer.body[:1000].decode(errors="replace")
    return " ".join(quote(said).split()) or "no reason given"


def _parse(body: bytes) -> Json | None:
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return parsed if isinstance(parsed, dict) else None


def _details(status: Json | None) -> Json:
    details = status.get("details") if status else None
    return details if isinstance(details, dict) else {}
