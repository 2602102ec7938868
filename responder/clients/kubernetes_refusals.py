"""What the API server's answers to a write mean: which refusals end by reading again, and which may have acted."""

import re
from typing import Any, Literal

import orjson

from responder.clients.kubernetes_answers import failure, message_of, object_is_missing, status_of
from responder.clients.kubernetes_connection import Answer
from responder.clients.kubernetes_paths import Address
from responder.errors import (
    BudgetRefused,
    CallError,
    Conflict,
    Exists,
    Missing,
    NotLetIn,
    PermanentError,
    TransientError,
    Unanswered,
    WrongSettings,
)
from responder.model.answers import retry_after

Form = Literal["json", "merge", "apply", ""]

_BY_RBAC = re.compile(r"cannot \w+ (resource|path)")
"""How the authorizer's 403 reads; admission's says something else. Source: apiserver, `responsewriters/errors.go`."""
_HOOK = "failed calling webhook"
_DENIED = "denied the request"
"""Admission's webhooks choose their own status, 422 too."""
_GONE_AWAY = frozenset({500, 502, 503, 504})
"""Answers of a server, or of a gateway before it, that had the request and may have carried it out."""


def changed(answer: Answer, address: Address, *, form: Form = "", dry_run: bool = False) -> dict[str, Any]:
    """
    Return the object that a write left, or the Status.

    Raises: what `refusal` says for anything but 2xx; WrongSettings for a body that is no JSON object.
    """
    if not 200 <= answer.status < 300:
        raise refusal(answer, address, form=form, dry_run=dry_run)
    try:
        parsed = orjson.loads(answer.body)
    except orjson.JSONDecodeError as error:
        raise WrongSettings(f"The answer to {address} is not JSON: is that address a Kubernetes API?") from error
    if not isinstance(parsed, dict):
        raise WrongSettings(f"The answer to {address} is no object: is that address a Kubernetes API?")
    return parsed


def refusal(answer: Answer, address: Address, *, form: Form = "", dry_run: bool = False) -> CallError:
    """Make an error of an answer to a write that is not 2xx."""
    said = message_of(answer)
    match answer.status:
        case 403:
            return _forbidden(answer, address, said)
        case 404 if object_is_missing(answer):
            return Missing(f"Cannot {address}: {said}")
        case 409 if _reason(answer) == "AlreadyExists":
            return Exists(f"Cannot {address}: {said}")
        case 409:
            return Conflict(f"Cannot {address}: {said}")
        case 422 if form == "json" and not _names_a_field(answer) and _DENIED not in said:
            return Conflict(f"Cannot {address}: it has changed since it was read")
        case 429:
            return _too_many(answer, address, said)
        case 500 if _HOOK in said:
            return PermanentError(f"Cannot {address}, admission does not work: {said}")
        case 500 if address.subresource == "eviction" and "more than one PodDisruptionBudget" in said:
            return BudgetRefused(said)
        case status if status in _GONE_AWAY and not dry_run:
            return Unanswered(f"The API server failed to {address} ({status}): {said}; it may have done it")
    return failure(answer, address)


def _forbidden(answer: Answer, address: Address, said: str) -> CallError:
    if _BY_RBAC.search(said):
        return NotLetIn(str(failure(answer, address)))
    if status_of(answer) is None:
        return NotLetIn(f"The cluster does not let us {address}: {said}")
    return PermanentError(f"Cannot {address}: {said}")


def _too_many(answer: Answer, address: Address, said: str) -> CallError:
    if address.subresource == "eviction" and _is_budget(answer):
        causes = [str(cause.get("message", "")) for cause in _details(answer).get("causes") or ()]
        return BudgetRefused(" ".join(filter(None, (said, *causes)))[:600])
    return TransientError(f"The API server is too busy to {address}", delay=retry_after(answer.headers))


def _reason(answer: Answer) -> str:
    return str((status_of(answer) or {}).get("reason", ""))


def _details(answer: Answer) -> dict[str, Any]:
    details = (status_of(answer) or {}).get("details")
    return details if isinstance(details, dict) else {}


def _names_a_field(answer: Answer) -> bool:
    """Whether validation says what is wrong with the object; a patch whose `test` fails names nothing."""
    details = _details(answer)
    return bool(details.get("kind") or details.get("causes"))


def _is_budget(answer: Answer) -> bool:
    causes = _details(answer).get("causes") or ()
    told = any(isinstance(cause, dict) and cause.get("reason") == "DisruptionBudget" for cause in causes)
    return told or "disruption budget" in message_of(answer)
