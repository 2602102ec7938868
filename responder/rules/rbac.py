"""Kubernetes RBAC out of the rights that the rules need: roles, bindings and accounts, as objects and as YAML."""

import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from responder.rules.rights import ASKING, Right, Rights, Wish, beyond

Component = Literal["reader", "actor"]
Manifest = dict[str, Any]

API = "rbac.authorization.k8s.io"
_WIDTH = 110
_VERBS = ("get", "list", "watch", "create", "update", "patch", "delete")
_PLAIN = re.compile(r"[A-Za-z][-A-Za-z0-9./]*")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


@dataclass(frozen=True, slots=True)
class Account:
    """Who looks and who acts: ServiceAccounts of one namespace, which may be the same."""

    namespace: str
    reader: str
    actor: str


@dataclass(frozen=True, slots=True)
class Block:
    """Verbs on resources of one API group, and who wants them."""

    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    wishes: tuple[Wish, ...]


@dataclass(frozen=True, slots=True)
class Role:
    """A Role in a namespace, or with "" a ClusterRole; bound to the account of its component."""

    name: str
    namespace: str
    component: Component
    account: str
    blocks: tuple[Block, ...]


def roles(rights: Rights, account: Account) -> tuple[Role, ...]:
    """Write the roles: those of the reader first, and the ones of the whole cluster before those of namespaces."""
    actor = beyond(rights.actor, rights.reader)
    if account.actor != account.reader and rights.actor:
        actor = (*rights.actor, *(right for right in rights.reader if right.verb == ASKING))
    return (*_roles(rights.reader, "reader", account.reader), *_roles(actor, "actor", account.actor))


def _roles(rights: Sequence[Right], component: Component, account: str) -> Iterator[Role]:
    for namespace in sorted({right.namespace for right in rights}):
        own = tuple(right for right in rights if right.namespace == namespace)
        name = account if account.endswith(component) else f"{account}-{component}"
        yield Role(name, namespace, component, account, _blocks(own))


def _blocks(rights: Iterable[Right]) -> tuple[Block, ...]:
    """Put verbs of one resource together, then resources that the same steps want for the same."""
    of_resource: dict[tuple[str, str], list[Right]] = {}
    for right in rights:
        of_resource.setdefault((right.verb.group, right.verb.resource), []).append(right)
    alike: dict[tuple[str, tuple[str, ...], tuple[Wish, ...]], list[str]] = {}
    for (group, resource), own in of_resource.items():
        verbs = tuple(sorted({right.verb.verb for right in own}, key=_VERBS.index))
        wishes = tuple(sorted({wish for right in own for wish in right.wishes}))
        alike.setdefault((group, verbs, wishes), []).append(resource)
    blocks = [Block(group, tuple(sorted(names)), verbs, wishes) for (group, verbs, wishes), names in alike.items()]
    return tuple(sorted(blocks, key=lambda block: (block.group, block.resources)))


def manifests(found: Sequence[Role], account: Account) -> list[Manifest]:
    """Return all objects: the ServiceAccounts, then each role with its binding."""
    used = dict.fromkeys(role.account for role in found)
    objects = [_account(name, account.namespace) for name in used]
    for role in found:
        objects += [_role(role), _binding(role, account.namespace)]
    return objects


def _account(name: str, namespace: str) -> Manifest:
    metadata = {"name": name, "namespace": namespace, "labels": {"app.kubernetes.io/name": "responder"}}
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}


def _metadata(role: Role) -> Manifest:
    labels = {"app.kubernetes.io/name": "responder", "app.kubernetes.io/component": role.component}
    return {"name": role.name, **({"namespace": role.namespace} if role.namespace else {}), "labels": labels}


def _role(role: Role) -> Manifest:
    rules = [
        {"apiGroups": [block.group], "resources": list(block.resources), "verbs": list(block.verbs)}
        for block in role.blocks
    ]
    kind = "Role" if role.namespace else "ClusterRole"
    return {"apiVersion": f"{API}/v1", "kind": kind, "metadata": _metadata(role), "rules": rules}


def _binding(role: Role, namespace: str) -> Manifest:
    kind = "Role" if role.namespace else "ClusterRole"
    return {
        "apiVersion": f"{API}/v1",
        "kind": f"{kind}Binding",
        "metadata": _metadata(role),
        "roleRef": {"apiGroup": API, "kind": kind, "name": role.name},
        "subjects": [{"kind": "ServiceAccount", "name": role.account, "namespace": namespace}],
    }


def as_yaml(found: Sequence[Role], account: Account) -> str:
    """Write all objects as YAML, above each rule who wants it; the same rules give the same text."""
    comments = {
        (role.name, role.namespace): [_comment(block, whole=not role.namespace) for block in role.blocks]
        for role in found
    }
    documents = []
    for one in manifests(found, account):
        metadata = one["metadata"]
        notes = comments.get((metadata["name"], metadata.get("namespace", ""))) if "rules" in one else None
        documents.append("\n".join(_lines(one, notes)))
    return "".join(f"---\n{document}\n" for document in documents)


def _lines(one: Manifest, notes: Sequence[Sequence[str]] | None) -> Iterator[str]:
    for key, value in one.items():
        if key == "rules" and notes is not None:
            yield "rules:"
            for rule, above in zip(value, notes, strict=True):
                yield from (f"  # {line}" for line in above)
                yield f"  - {_flow('apiGroups', rule)}"
                yield f"    {_flow('resources', rule)}"
                yield f"    {_flow('verbs', rule)}"
        else:
            yield from _plain(key, value, "")


def _plain(key: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, dict):
        yield f"{indent}{key}:"
        for name, below in value.items():
            yield from _plain(name, below, f"{indent}  ")
    elif isinstance(value, list):
        yield f"{indent}{key}:"
        for item in value:
            first, *rest = (line for name, below in item.items() for line in _plain(name, below, f"{indent}    "))
            yield f"{indent}  - {first.lstrip()}"
            yield from rest
    else:
        yield f"{indent}{key}: {_scalar(value)}"


def _flow(key: str, rule: Manifest) -> str:
    return f"{key}: [{', '.join(map(_scalar, rule[key]))}]"


def _scalar(text: str) -> str:
    return text if _PLAIN.fullmatch(text) and text.lower() not in _WORDS else json.dumps(text)


def _comment(block: Block, *, whole: bool) -> list[str]:
    plugins, playbooks = ({wish.plugin for wish in block.wishes}, {w.playbook for w in block.wishes if w.playbook})
    lines = _wrapped(f"for {_listed(plugins)}") + (_wrapped(f"in {_listed(playbooks)}") if playbooks else [])
    reasons: dict[str, list[str]] = {}
    for wish in block.wishes:
        if whole and wish.everywhere:
            reasons.setdefault(wish.everywhere, []).append(wish.rule)
    for why, rules in sorted(reasons.items()):
        one = len(set(rules)) == 1
        lines += _wrapped(f"everywhere, as the rule{'' if one else 's'} {_listed(rules)} {_grammar(why, one=one)}")
    return lines


def _grammar(why: str, *, one: bool) -> str:
    """Fit the verb, which comes first and ends in "s", to one rule or to several."""
    verb, _, rest = why.partition(" ")
    return why if one else f"{verb.removesuffix('s')} {rest}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(set(names)))


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(" ".join(text.split()), _WIDTH, break_long_words=False, break_on_hyphens=False)
