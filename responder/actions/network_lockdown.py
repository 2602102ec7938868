"""Cuts a workload off from the network."""

import json
from typing import Any, Literal

from pydantic import Field

from responder.model.target import Target
from responder.plugins.action import Action
from responder.plugins.commands import WORKLOADS, kubectl, reference, shell
from responder.plugins.params import Params
from responder.plugins.rights import Verb, workload_verbs

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
          lock-down: {kubernetes.network_lockdown: {direction: egress}, mode: approve, guard: {approvals: 2}}
    """

    name = "kubernetes.network_lockdown"
    Params = NetworkLockdownParams
    needs = (
        Verb("", "pods", "get"),
        *workload_verbs("get"),
        Verb("networking.k8s.io", "networkpolicies", "get"),
        Verb("networking.k8s.io", "networkpolicies", "create"),
        Verb("networking.k8s.io", "networkpolicies", "delete"),
    )
    kinds = WORKLOADS | {"Pod"}

    def command(self, params: NetworkLockdownParams, target: Target) -> tuple[str, ...]:
        """Read the pods' labels, and create the policy."""
        path = "{.metadata.labels}" if target.kind == "Pod" else "{.spec.selector.matchLabels}"
        read = kubectl("get", reference(target), "-o", f"jsonpath={path}", namespace=target.namespace)
        policy = json.dumps(_policy(params, target)).replace("%", "%%").replace('"LABELS"', "%s")
        create = kubectl("create", "-f", "-", namespace=target.namespace)
        return (f"labels=$({read})", f'{shell("printf", policy)} "$labels" | {create}')


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
