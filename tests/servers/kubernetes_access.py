"""Who may do what at the API server in `kubernetes.py`: bearer tokens and RBAC."""

from dataclasses import dataclass, field

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

    A grant in `grants[user]` holds in every namespace.
    """

    tokens: dict[str, str]
    grants: dict[str, set[tuple[str, str, str]]] = field(default_factory=dict)

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
        if attempt.user == "admin":
            return
        if (attempt.group, attempt.resource, attempt.verb) in self.grants.get(attempt.user, set()):
            return
        where = f'in the namespace "{attempt.namespace}"' if attempt.namespace else "at the cluster scope"
        wanted = f'resource "{attempt.resource}" in API group "{attempt.group}"'
        why = f'User "{attempt.user}" cannot {attempt.verb} {wanted} {where}'
        kind = attempt.kind or Kind(attempt.plural, attempt.group, "v1", attempt.plural)
        raise errors.forbidden(kind, attempt.name.partition(":")[0], why)
