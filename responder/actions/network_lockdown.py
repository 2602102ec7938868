"""Cuts a workload off from the network."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import Field

from responder.errors import PermanentError
from responder.model.action import Outcome, Preview, Progress
from responder.model.resource import NETWORK_POLICIES, PODS
from responder.model.target import Target
from responder.model.verdict import Json
from responder.plugins.acting import ActionTools
from responder.plugins.action import Action
from responder.plugins.commands import WORKLOADS, kubectl, reference, shell
from responder.plugins.objects.branding import LOCKED_DOWN, brand, branding, missing_brand, unbrand
from responder.plugins.objects.creation import (
    Creation,
    checked_name,
    create_once,
    follow_creation,
    preview_creation,
    remove,
)
from responder.plugins.objects.edit import preview_edit
from responder.plugins.objects.isolation import ISOLATED
from responder.plugins.objects.pod import controller_of, pod_place, workload_locks, workload_place
from responder.plugins.objects.reach import MOST_PODS, selected_by
from responder.plugins.objects.seen import Place, look
from responder.plugins.params import Params
from responder.plugins.rights import Verb, workload_verbs
from responder.plugins.rollout.disruption import pod_names
from responder.plugins.rollout.workload import ready_count
from responder.plugins.undone import is_undone

Object = Mapping[str, Any]

_WAYS = {"both": "the network", "ingress": "what comes in", "egress": "what goes out"}
_ENFORCED = "It works only where the cluster's network enforces NetworkPolicies; open connections may stay"
_DNS = {"ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]}


class NetworkLockdownParams(Params):
    """In which direction."""

    direction: Literal["both", "ingress", "egress"] = Field("both", description="What to cut off.")
    allow_dns: bool = Field(False, description="true: names can still be looked up.")


class NetworkLockdown(Action[NetworkLockdownParams]):
    """
    Put a NetworkPolicy over the target's pods that lets nothing in or out. Undoing it removes the policy.

    A Pod is cut off by a label of its own, `alertmanager-responder/locked-down`, and none of those that are like it; so
    it stays when `kubernetes.isolate_pod` takes its other labels off.

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
        Verb("", "pods", "patch"),
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

    def needs_in(
        self, namespace: str, params: NetworkLockdownParams, target: Target, files: Mapping[str, str]
    ) -> tuple[Verb, ...]:
        """Label pods only where one pod is meant."""
        workload = target.kind in WORKLOADS
        return tuple(verb for verb in self.needs if not (workload and verb.verb == "patch"))

    def command(self, params: NetworkLockdownParams, target: Target) -> tuple[str, ...]:
        """Read what chooses the pods, and create the policy; one pod is then labelled for itself."""
        one = target.kind == "Pod"
        path = "{.metadata.uid}" if one else "{.spec.selector.matchLabels}"
        read = kubectl("get", reference(target), "-o", f"jsonpath={path}", namespace=target.namespace)
        selector: dict[str, Any] = {"matchLabels": {LOCKED_DOWN: "CHOSEN"} if one else "CHOSEN"}
        written = (
            json.dumps(_policy(params, target, selector)).replace("\\", "\\\\").replace("%", "%%")
        )  # printf reads both
        policy = written.replace('"CHOSEN"', '"%s"' if one else "%s")
        create = kubectl("create", "-f", "-", namespace=target.namespace)
        label = kubectl("label", reference(target), "--overwrite", namespace=target.namespace)
        return (
            f"chosen=$({read})",
            f'{shell("printf", policy)} "$chosen" | {create}',
            *((f'{label} "{LOCKED_DOWN}=$chosen"',) if one else ()),
        )

    async def preview(self, params: NetworkLockdownParams, target: Target, tools: ActionTools) -> Preview:
        """Say which pods are cut off."""
        cut = await _cut(params, target, tools)
        preview = await preview_creation(cut.creation, tools)
        place = (pod_place if target.kind == "Pod" else workload_place)(target)
        beside = await workload_locks(cut.pods, place, tools.kubernetes)
        if target.kind == "Pod":
            labelled = await preview_edit(place, branding(cut.creation.done), tools)
            preview = replace(
                preview,
                refusal=preview.refusal or labelled.refusal,
                basis={**preview.basis, "pod uid": cut.uid},
                undo=_with_pod(preview.undo, cut.uid),
                dry_run=preview.dry_run and labelled.dry_run,
            )
        return replace(
            preview,
            lock=place.lock,
            beside=(preview.lock, *beside),
            touches=pod_names(cut.pods),
            pods=cut.serving,
            ready=ready_count(cut.family),
            replicas=len(cut.family),
            disruption=f"{len(cut.pods)} pods run on, cut off from {_WAYS[params.direction]}",
            warnings=(*preview.warnings, _ENFORCED),
        )

    async def act(self, params: NetworkLockdownParams, target: Target, preview: Preview, tools: ActionTools) -> Outcome:
        """Create the policy; where it is for one pod, it holds once that is labelled."""
        cut = await _cut(params, target, tools)
        made = await create_once(cut.creation, preview, tools)
        if target.kind != "Pod" or made.status != "done":
            return made
        uid = str(preview.basis.get("pod uid", ""))
        told = await brand(pod_place(target), uid, branding(cut.creation.done), tools)
        if told.status == "done":
            return replace(made, undo=_with_pod(made.undo, uid), basis={**made.basis, "pod uid": uid})
        await remove(_place(target), made.undo, tools)
        return told

    async def undo(self, params: NetworkLockdownParams, target: Target, before: Json, tools: ActionTools) -> Outcome:
        """Remove the policy, and the label of a pod that it was for."""
        told = await remove(_place(target), before, tools)
        uid = before.get("pod uid") if isinstance(before, Mapping) else None
        if told.status != "done" or not uid:
            return told
        left = await unbrand(pod_place(target), str(uid), tools)
        return replace(told, say=f"{told.say}; {left}") if left else told

    async def progress(
        self, params: NetworkLockdownParams, target: Target, outcome: Outcome, tools: ActionTools
    ) -> Progress:
        """Say whether the policy still stands, and holds."""
        told = await follow_creation(_place(target), outcome, tools)
        uid = str(outcome.basis.get("pod uid", ""))
        if told.reverted or not uid or is_undone(outcome):
            return told
        lost = await missing_brand(pod_place(target), uid, tools)
        return Progress(lost, reverted=lost) if lost else told


@dataclass(frozen=True, slots=True)
class _Cut:
    """What is made, the pods that it cuts off, and their `family`: all pods of the same owner. `uid` is of one pod."""

    creation: Creation
    pods: Sequence[Object]
    family: Sequence[Object]
    uid: str = ""

    @property
    def serving(self) -> int:
        """Count those that are missed: one that does not serve, or was isolated, is missed by nobody."""
        missed = [pod for pod in self.pods if ISOLATED not in (pod["metadata"].get("labels") or {})]
        return ready_count(missed) if self.uid else len(missed)


async def _cut(params: NetworkLockdownParams, target: Target, tools: ActionTools) -> _Cut:
    if target.kind == "Pod":
        return await _one(params, target, tools)
    found = (await look(workload_place(target), tools.kubernetes)).found
    selector = dict((found.get("spec") or {}).get("selector") or {})
    if not any(selector.values()):
        raise PermanentError(f"{reference(target)} has no labels to choose it by: every pod would be cut off")
    pods = await selected_by(selector, target.namespace, tools.kubernetes)
    return _Cut(_creation(params, target, selector, len(pods)), pods, pods)


async def _one(params: NetworkLockdownParams, target: Target, tools: ActionTools) -> _Cut:
    pod = (await look(pod_place(target), tools.kubernetes)).found
    uid, owner = str(pod["metadata"]["uid"]), (controller_of(pod) or {}).get("uid")
    others = await tools.kubernetes.list(PODS, target.namespace, limit=MOST_PODS) if owner else ()
    family = [each for each in others if (controller_of(each) or {}).get("uid") == owner] or [pod]
    return _Cut(_creation(params, target, {"matchLabels": {LOCKED_DOWN: uid}}, 1), [pod], family, uid)


def _creation(params: NetworkLockdownParams, target: Target, selector: Object, pods: int) -> Creation:
    ways = _WAYS[params.direction]
    whom = f"{pods} pods of {reference(target)}" if target.kind != "Pod" else reference(target)
    return Creation(
        place=_place(target),
        manifest=_policy(params, target, selector),
        summary=f"cut {whom} in {target.namespace} off from {ways}",
        done=f"{reference(target)} is cut off from {ways}",
        # That of one pod is told on the pod itself.
        event="" if target.kind == "Pod" else "LockedDown",
    )


def _with_pod(undo: Json, uid: str) -> Json:
    return {**undo, "pod uid": uid} if isinstance(undo, Mapping) else undo


def _place(target: Target) -> Place:
    name = checked_name(f"responder-lockdown-{target.name}")
    return Place(target.cluster, NETWORK_POLICIES, "NetworkPolicy", target.namespace, name)


def _policy(params: NetworkLockdownParams, target: Target, selector: Object) -> dict[str, Any]:
    types = {"both": ["Ingress", "Egress"], "ingress": ["Ingress"], "egress": ["Egress"]}[params.direction]
    spec: dict[str, Any] = {"podSelector": selector, "policyTypes": types}
    if params.allow_dns and "Egress" in types:
        spec["egress"] = [_DNS]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": f"responder-lockdown-{target.name}"},
        "spec": spec,
    }
