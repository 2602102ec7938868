"""Who else writes an object, how the change would be made there, and who changed it last."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from responder.model.management import FIELD_MANAGER
from responder.model.moment import parse_moment
from responder.plugins.commands import shell
from responder.plugins.rollout.workload import Workload, owner_of

Object = Mapping[str, Any]
Way = Literal["restart", "roll back", "change"]

# A name that would be taken for a flag names nothing that these programs know.
_ARGO = re.compile(r"Argo CD \(([^-].*)\)")
_FLUX = re.compile(r"Flux \((HelmRelease|Kustomization) ((?!-)[^/]*)/([^-].*)\)")
_HELM = re.compile(r"Helm \(([^-].*)\)")
_WATCHERS = frozenset({"kube-controller-manager", "kubelet", "kube-scheduler", FIELD_MANAGER})
"""Managers that write a workload because it changed, never to change what is wanted."""


def owner_way(workload: Workload, way: Way) -> str:
    """Say how the change is made with the program that keeps the workload as it is; "" where nobody does."""
    owner = owner_of(workload)
    if not owner:
        return ""
    if found := _ARGO.fullmatch(owner):
        return _with_argo(found[1], workload, way)
    if found := _FLUX.fullmatch(owner):
        kind, namespace, name = found[1].lower(), found[2] or workload.namespace, found[3]
        suspend = shell("flux", "suspend", kind, name, "-n", namespace)
        return f"{suspend} first, correct it in Git, then {shell('flux', 'resume', kind, name, '-n', namespace)}"
    if found := _HELM.fullmatch(owner):
        if way == "roll back":
            return shell("helm", "rollback", found[1], "-n", workload.namespace)
        if way == "restart":
            restart = shell("kubectl", "rollout", "restart", workload.reference, "-n", workload.namespace)
            return f"Helm has no restart of its own: {restart}"
        return f"change its values: {shell('helm', 'upgrade', found[1], '-n', workload.namespace)} CHART --reuse-values"
    return f"make the change in {owner}"


def _with_argo(app: str, workload: Workload, way: Way) -> str:
    match way:
        case "roll back":
            return f"{shell('argocd', 'app', 'rollback', app)} (with automatic sync switched off)"
        case "restart":
            named = ("--kind", workload.kind, "--resource-name", workload.name, "--namespace", workload.namespace)
            return shell("argocd", "app", "actions", "run", app, "restart", *named)
        case _:
            return f"change it in Git, then {shell('argocd', 'app', 'sync', app)}"


def reverts(workload: Workload, way: Way) -> str:
    """Say what will undo a change made here; "" where nothing is known to."""
    owner = owner_of(workload)
    if not owner:
        return ""
    if way == "restart":
        return f"{owner} keeps this object: it leaves a restart alone, and would put back anything else"
    if owner.startswith("Helm"):
        return f"{owner} keeps this object: the next helm upgrade puts its own values back"
    return f"{owner} keeps this object: it will put back what it has at its next sync"


def changed_by(found: Object, *path: str) -> str:
    """
    Name who wrote a field last, other than us: "kubectl-edit at 12:03 UTC"; "somebody" where nothing tells.

    Source: `metadata.managedFields`, by who owns the field, else by who wrote the object last.
    """
    entries = [entry for entry in (found.get("metadata") or {}).get("managedFields") or () if _speaks(entry)]
    owning = [entry for entry in entries if path and _owns(entry.get("fieldsV1") or {}, path)]
    return _last(owning or [entry for entry in entries if entry.get("manager") not in _WATCHERS])


def spec_by(found: Object) -> str:
    """Name who wrote the spec of a workload last, we too; "" where nothing tells."""
    entries = (found.get("metadata") or {}).get("managedFields") or ()
    wrote = [entry for entry in entries if _owns(entry.get("fieldsV1") or {}, ("spec",))]
    return _last(wrote) if wrote else ""


def _last(entries: Sequence[Object]) -> str:
    if not entries:
        return "somebody"
    # The server keeps them in the order of their times, which tell no more than the second.
    last = max(enumerate(entries), key=lambda item: (str(item[1].get("time", "")), item[0]))[1]
    at = parse_moment(last.get("time"))
    who = str(last.get("manager") or "somebody")[:80]
    scaled = " (an autoscaler or kubectl scale)" if last.get("subresource") == "scale" else ""
    return f"{who}{scaled} at {at:%H:%M} UTC" if at else f"{who}{scaled}"


def written_at(found: Object) -> datetime | None:
    """Return when we wrote an object last; None where its managedFields do not tell."""
    entries = (found.get("metadata") or {}).get("managedFields") or ()
    times = [parse_moment(entry.get("time")) for entry in entries if entry.get("manager") == FIELD_MANAGER]
    return max((at for at in times if at), default=None)


def _speaks(entry: Object) -> bool:
    return entry.get("manager") != FIELD_MANAGER and entry.get("subresource") != "status"


def _owns(fields: Object, path: tuple[str, ...]) -> bool:
    node: Any = fields
    for step in _keys(path):
        node = node.get(step) if isinstance(node, Mapping) else None
        if node is None:
            return False
    return True


def _keys(path: tuple[str, ...]) -> Iterator[str]:
    return (f"f:{step}" for step in path)
