"""RBAC objects put into force at the API server in `kubernetes.py`, whose access knows grants only."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.servers.kubernetes_access import Access, Attempt
from tests.servers.kubernetes_errors import Refusal

Right = tuple[str, str, str]


@dataclass
class NotingAccess(Access):
    """Access that keeps what was asked of it, and what of that it refused."""

    asked: set[tuple[str, Right]] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)

    def check(self, attempt: Attempt) -> None:
        """Refuse as ever, and note it."""
        self.asked.add((attempt.namespace, (attempt.group, attempt.resource, attempt.verb)))
        try:
            super().check(attempt)
        except Refusal:
            self.refused.append(f"{attempt.verb} {attempt.resource}.{attempt.group} in {attempt.namespace or 'all'}")
            raise


def put_in_force(access: Access, documents: Iterable[Any]) -> None:
    """Grant what roles and their bindings say."""
    objects = list(documents)
    roles = {
        (one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]): _rights(one["rules"])
        for one in objects
        if one["kind"] in ("Role", "ClusterRole")
    }
    for binding in (one for one in objects if one["kind"].endswith("Binding")):
        namespace = binding["metadata"].get("namespace", "")
        reference = binding["roleRef"]
        granted = roles[reference["kind"], namespace if reference["kind"] == "Role" else "", reference["name"]]
        for subject in binding["subjects"]:
            user = f"system:serviceaccount:{subject['namespace']}:{subject['name']}"
            if namespace:
                access.local.setdefault((user, namespace), set()).update(granted)
            else:
                access.grants.setdefault(user, set()).update(granted)


def rights_of(documents: Iterable[Any]) -> Iterator[tuple[str, Right]]:
    """Yield each right that roles give, with its namespace."""
    for one in documents:
        for right in _rights(one.get("rules") or ()):
            yield one["metadata"].get("namespace", ""), right


def _rights(rules: Iterable[Any]) -> set[Right]:
    return {
        (group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
