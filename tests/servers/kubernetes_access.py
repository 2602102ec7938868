"""Who may do what at the API server in `kubernetes.py`: bearer tokens and RBAC."""

from dataclasses import dataclass, field
from typing import Any

from tests.servers import kubernetes_errors as errors
from tests.servers.kubernetes_kinds import Kind

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@dataclass(frozen=True)
class Attempt:
    """One request as RBAC sees it."""

    user: str
    method: str
    kind: Kind | None
    group: str
    plural: str
    subresource: str
    namespace: str
    name: str

    @property
    def verb(self) -> str:
        if self.method == "GET":
            return "get" if self.name else "list"
        return _VERBS.get(self.method, self.method.lower())

    @property
    def resource(self) -> str:
        return f"{self.plural}/{self.subresource}" if self.subresource else self.plural


@dataclass
class Access:
    """
    Tokens and their users. `admin` may do everything; another user what `grants` says: (group, resource, verb).

    A grant in `grants[user]` holds in every namespace, one in `local[user, namespace]` in that one only.
    """

    tokens: dict[str, str]
    grants: dict[str, set[tuple[str, str, str]]] = field(default_factory=dict)
    local: dict[tuple[str, str], set[tuple[str, str, str]]] = field(default_factory=dict)

    def allows(self, user: str, right: tuple[str, str, str], namespace: str) -> bool:
        """Whether a user has a right: (group, resource, verb)."""
        granted = self.grants.get(user, set()) | self.local.get((user, namespace), set())
        return user == "admin" or right in granted

    def identify(self, authorization: str) -> str:
        """Name the user. Raises 401 for credentials that are wrong; none at all is anonymous."""
        if not authorization:
            return "system:anonymous"
        scheme, _, token = authorization.partition(" ")
        if scheme != "Bearer" or token not in self.tokens:
            raise errors.unauthorized()
        return self.tokens[token]

    def check(self, attempt: Attempt) -> None:
        """Raise 403 for what the user may not do, before anybody looks whether the object exists."""
        if self.allows(attempt.user, (attempt.group, attempt.resource, attempt.verb), attempt.namespace):
            return
        where = f'in the namespace "{attempt.namespace}"' if attempt.namespace else "at the cluster scope"
        wanted = f'resource "{attempt.resource}" in API group "{attempt.group}"'
        why = f'User "{attempt.user}" cannot {attempt.verb} {wanted} {where}'
        kind = attempt.kind or Kind(attempt.plural, attempt.group, "v1", attempt.plural)
        raise errors.forbidden(kind, attempt.name.partition(":")[0], why)


def review(access: Access, user: str, body: Any) -> dict[str, Any]:
    """Answer a SelfSubjectAccessReview; everybody whose credentials are good may ask."""
    attributes = body.get("spec", {}).get("resourceAttributes") if isinstance(body, dict) else None
    if not isinstance(attributes, dict):
        raise errors.bad_request("spec.resourceAttributes: Required value")
    resource = attributes.get("resource", "")
    if attributes.get("subresource"):
        resource += f"/{attributes['subresource']}"
    right = (attributes.get("group", ""), resource, attributes.get("verb", ""))
    allowed = access.allows(user, right, attributes.get("namespace", ""))
    why = "" if allowed else "no rule grants it"
    return {**body, "status": {"allowed": allowed} | ({"reason": why} if why else {})}
