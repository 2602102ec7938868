"""Refusals of the API server in `kubernetes.py`: real Status objects."""

from typing import Any

from tests.servers.kubernetes_kinds import Kind


class Refusal(Exception):
    """An answer that is not 2xx. `text` is the body of those that the real server writes as plain text."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        *,
        details: dict[str, Any] | None = None,
        text: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.code, self.reason, self.message, self.details = code, reason, message, details
        self.text, self.retry_after = text, retry_after

    @property
    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code,
        }
        if self.details is not None:
            found["details"] = self.details
        return found


def _details(kind: Kind, name: str = "", **more: Any) -> dict[str, Any]:
    found = {"name": name, "group": kind.group, "kind": kind.plural}
    return {key: value for key, value in found.items() if value} | more


def no_such_path() -> Refusal:
    return Refusal(404, "NotFound", "page not found", text="404 page not found\n")


def unauthorized() -> Refusal:
    return Refusal(401, "Unauthorized", "Unauthorized")


def not_found(kind: Kind, name: str) -> Refusal:
    return Refusal(404, "NotFound", f'{kind.qualified} "{name}" not found', details=_details(kind, name))


def forbidden(kind: Kind, name: str, why: str) -> Refusal:
    quoted = f' "{name}"' if name else ""
    message = f"{kind.qualified}{quoted} is forbidden: {why}"
    return Refusal(403, "Forbidden", message, details=_details(kind, name))


def already_exists(kind: Kind, name: str) -> Refusal:
    message = f'{kind.qualified} "{name}" already exists'
    return Refusal(409, "AlreadyExists", message, details=_details(kind, name))


def conflict(kind: Kind, name: str, why: str) -> Refusal:
    message = f'Operation cannot be fulfilled on {kind.qualified} "{name}": {why}'
    return Refusal(409, "Conflict", message, details=_details(kind, name))


MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


def invalid(kind: Kind, name: str, field: str, why: str) -> Refusal:
    message = f'{kind.kind}.{kind.group} "{name}" is invalid: {field}: {why}'.replace('. "', ' "', 1)
    causes = [{"reason": "FieldValueInvalid", "message": why, "field": field}]
    return Refusal(422, "Invalid", message, details=_details(kind, name, causes=causes))


def bad_request(message: str) -> Refusal:
    return Refusal(400, "BadRequest", message)


def unprocessable() -> Refusal:
    message = "the server rejected our request due to an error in our request"
    return Refusal(422, "Invalid", message, details={})
