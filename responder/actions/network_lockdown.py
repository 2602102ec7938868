"""Cuts a workload off from the network."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from pydantic import Field

from responder.errors import PermanentError
from responder.model.action import Outcome, Preview, Progress
from responder.model.resource import NETWORK_POLICIES, PODS
from responder.model.target import Target
from responder.model.verdict import Json
from responder.plugins.acting import ActionTools, Cluster
from responder.plugins.action import Action
from responder.plugins.commands import WORKLOADS, kubectl, reference, shell
from responder.plugins.objects.creation import (
    Creation,
    checked_name,
    create_once,
    follow_creation,
    preview_creation,
    remove,
)
from responder.plugins.objects.pod import pod_place, workload_locks, workload_place
from responder.plugins.objects.seen import Place, look
from responder.plugins.params import Params
from responder.plugins.rights import Verb, workload_verbs
from responder.plugins.rollout.disruption import pod_names, selects
from responder.plugins.rollout.workload import ready_count

Object = Mapping[str, Any]

_WAYS = {"both": "the network", "ingress": "what comes in", "egress": "what goes out"}
_DNS = {"ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]}


class NetworkLockdownParams(Params):
    """In which direction."""

    direction: Literal["both", "ingress", "egress"] = Field("both", description="What to cut off.")
    allow_dns: bool = Field(False, description="true: names can still be looked up.")


class NetworkLockdown(Action[NetworkLockdownParams]):
    """
    Put a NetworkPolicy over the target's pods that lets nothing in or out. Undoing it removes the policy.

    It works only where the cluster's network enforces NetworkPolicies.

    Source: `POST /apis/networking.k8s.io/v1/namespaces/{ns}/networkpolicies`.

    Example:

        actions:
          evidence: {evidence.capture: {logs: true, manifests: true}, mode: auto}
          lock-down:
            kubernetes.network_lockdown: {direction: egress}
            mode: approve
            guard: {approvals: 2, evidence: [evidence]}
    """

    name = "kubernetes.network_lockdown"
    Params = NetworkLockdownParams
    needs = (
        Verb("", "pods", "get"),
        Verb("", "pods", "list"),
        *workload_verbs("get"),
        Verb("apps", "replicasets", "get"),
        Verb("networking.k8s.io", "networkpolicies", "get"),
        Verb("networking.k8s.io", "networkpolicies", "create"),
        Verb("networking.k8s.io", "networkpolicies", "delete"),
    )
    kinds = WORKLOADS | {"Pod"}
    once = "named"
    weight = "security"
    cost = "connections break, and who is inside notices: what tells of them is gone soon after"
    undoable = True

    def command(self, params: NetworkLockdownParams, target: Target) -> tuple[str, ...]:
        """Read the pods' labels, and create the policy."""
        path = "{.metadata.labels}" if target.kind == "Pod" else "{.spec.selector.matchLabels}"
        read = kubectl("get", reference(target), "-o", f"jsonpath={path}", namespace=target.namespace)
        written = json.dumps(_policy(params, target)).replace("\\", "\\\\").replace("%", "%%")  # printf reads both
        policy = written.replace('"LABELS"', "%s")
        create = kubectl("create", "-f", "-", namespace=target.namespace)
        return (f"labels=$({read})", f'{shell("printf", policy)} "$labels" | {create}')

    async def preview(self, params: NetworkLockdownParams, target: Target, tools: ActionTools) -> Preview:
        """Say which pods are cut off."""
        creation, pods = await _creation(params, target, tools)
        preview = await preview_creation(creation, tools)
        place = (pod_place if target.kind == "Pod" else workload_place)(target)
        cut_off = await workload_locks(pods, place, tools.kubernetes)
        return replace(
            preview,
            lock=place.lock,
            beside=(preview.lock, *cut_off),
            touches=pod_names(pods),
            pods=len(pods),
            ready=ready_count(pods),
            replicas=len(pods),
            disruption=f"{len(pods)} pods run on, cut off from {_WAYS[params.direction]}",
            warnings=(*preview.warnings, *_warnings(target, len(pods))),
        )

    async def act(self, params: NetworkLockdownParams, target: Target, preview: Preview, tools: ActionTools) -> Outcome:
        """Create the policy."""
        creation, _ = await _creation(params, target, tools)
        return await create_once(creation, preview, tools)

    async def undo(self, params: NetworkLockdownParams, target: Target, before: Json, tools: ActionTools) -> Outcome:
        """Remove the policy."""
        return await remove(_place(target), before, tools)

    async def progress(
        self, params: NetworkLockdownParams, target: Target, outcome: Outcome, tools: ActionTools
    ) -> Progress:
        """Say whether the policy still stands."""
        return await follow_creation(_place(target), outcome, tools)


async def _creation(
    params: NetworkLockdownParams, target: Target, tools: ActionTools
) -> tuple[Creation, Sequence[Object]]:
    selector = await _selector(target, tools.kubernetes)
    pods = [
        pod
        for pod in await tools.kubernetes.list(PODS, target.namespace, limit=2000)
        if selects(selector, pod["metadata"].get("labels") or {})
    ]
    policy = _policy(params, target)
    policy["spec"]["podSelector"] = selector
    ways = _WAYS[params.direction]
    creation = Creation(
        place=_place(target),
        manifest=policy,
        summary=f"cut {len(pods)} pods of {reference(target)} in {target.namespace} off from {ways}",
        done=f"{reference(target)} is cut off from {ways}",
        event="LockedDown",
    )
    return creation, pods


async def _selector(target: Target, cluster: Cluster) -> dict[str, Any]:
    """Choose the target's pods as the shown command does: a workload's selector, a pod's labels."""
    if target.kind == "Pod":
        pod = (await look(pod_place(target), cluster)).found
        selector = {"matchLabels": dict(pod["metadata"].get("labels") or {})}
    else:
        found = (await look(workload_place(target), cluster)).found
        selector = dict((found.get("spec") or {}).get("selector") or {})
    if not any(selector.values()):
        raise PermanentError(f"{reference(target)} has no labels to choose it by: every pod would be cut off")
    return selector


def _place(target: Target) -> Place:
    name = checked_name(f"responder-lockdown-{target.name}")
    return Place(target.cluster, NETWORK_POLICIES, "NetworkPolicy", target.namespace, name)


def _warnings(target: Target, pods: int) -> tuple[str, ...]:
    enforced = "It works only where the cluster's network enforces NetworkPolicies; open connections may stay"
    shared = f"The pod's labels are those of {pods} pods: all of them are cut off"
    return (enforced, shared) if target.kind == "Pod" and pods > 1 else (enforced,)


def _policy(params: NetworkLockdownParams, target: Target) -> dict[str, Any]:
    types = {"both": ["Ingress", "Egress"], "ingress": ["Ingress"], "egress": ["Egress"]}[params.direction]
    spec: dict[str, Any] = {"podSelector": {"matchLabels": "LABELS"}, "policyTypes": types}
    if params.allow_dns and "Egress" in types:
        spec["egress"] = [_DNS]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": f"responder-lockdown-{target.name}"},
        "spec": spec,
    }
