"""Are the nodes well on which the workload runs?"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from responder.model.finding import Weight
from responder.model.moment import parse_moment
from responder.model.resource import NODES
from responder.model.target import Target
from responder.plugins import diagnostic, params
from responder.plugins.rights import Verb
from responder.plugins.scope import SCOPE_NEEDS, scope_of
from responder.plugins.tools import Tools

Object = Mapping[str, Any]

_PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")
_ONE_BY_ONE = 20
"""Up to so many nodes are read by name: a list of all, with their images, is 10 KB a node."""


class NodeItem(BaseModel):
    """One node."""

    model_config = ConfigDict(frozen=True)

    name: str
    ready: bool
    pressure: tuple[str, ...] = Field(description="MemoryPressure, DiskPressure, PIDPressure, NetworkUnavailable.")
    reason: str = Field(description="Why it is not ready, in the kubelet's words; empty when it is.")
    unschedulable: bool = Field(description="Whether it is cordoned.")
    taints: tuple[str, ...] = Field((), description="As `key:NoSchedule`.")
    kubelet: str = Field("", description="Version of its kubelet.")
    unready_for: timedelta | None = None


class Nodes(diagnostic.Result):
    """The nodes, counted."""

    total: int = Field(description="Nodes that were looked at.")
    ready: int = Field(description="Of `total`, those ready to run pods.")
    under_pressure: int = Field(description="Nodes short of memory, disk, process ids or network.")
    unschedulable: int = Field(0, description="Nodes that are cordoned.")
    items: tuple[NodeItem, ...] = Field(description="Those in trouble first, at most 30.")

    def headline(self) -> str:
        """Name the nodes that are not well."""
        if not self.total:
            return "No node carries it"
        ill = [f"{item.name} not ready" for item in self.items if not item.ready]
        ill += [f"{item.name} {', '.join(item.pressure)}" for item in self.items if item.pressure]
        return "; ".join([f"{self.ready} of {self.total} nodes ready", *ill])[:150]

    def evidence(self) -> tuple[str, ...]:
        """List the nodes that are not well."""
        return tuple(_line(i) for i in self.items if not i.ready or i.pressure or i.unschedulable)[:20]

    def weight(self) -> Weight:
        """A node in trouble takes its pods along."""
        if self.ready < self.total or self.under_pressure:
            return Weight.TROUBLE
        return Weight.NOTABLE if self.unschedulable else Weight.NORMAL

    def has_data(self) -> bool:
        """Pods that wait for a node stand on none."""
        return self.total > 0


class KubernetesNodes(diagnostic.Diagnostic["KubernetesNodes.Params"]):
    """
    Read the conditions of the nodes on which the target's pods run, of the node that is the target, or of all nodes.

    Source: `GET /api/v1/nodes`, `status.conditions`.

    Example:

        diagnose:
          nodes: {kubernetes.nodes: {}}
          fleet: {kubernetes.nodes: {all: true}}
    """

    name = "kubernetes.nodes"
    needs = (*SCOPE_NEEDS, Verb("", "nodes", "list"))

    class Params(params.Params):
        """Which nodes."""

        all: bool = Field(False, description="All nodes, whatever the target; so it is too where the alert has none.")

    Result: ClassVar[type[Nodes]] = Nodes

    async def diagnose(self, params: Params, target: Target, tools: Tools) -> Nodes:
        """Read the nodes."""
        if params.all or not target.known:
            return _result(await tools.kubernetes.list(NODES, "", limit=5000), tools)
        names = {target.name} if target.kind == "Node" else await _carriers(target, tools)
        if len(names) > _ONE_BY_ONE:
            found = await tools.kubernetes.list(NODES, "", limit=5000)
            return _result([node for node in found if node["metadata"]["name"] in names], tools)
        read = await asyncio.gather(*(tools.kubernetes.get(NODES, "", name) for name in sorted(names)))
        return _result([node for node in read if node is not None], tools)


async def _carriers(target: Target, tools: Tools) -> set[str]:
    scope = await scope_of(target, tools.kubernetes)
    return {str(pod["spec"]["nodeName"]) for pod in scope.pods if pod["spec"].get("nodeName")}


def _result(nodes: Sequence[Object], tools: Tools) -> Nodes:
    items = sorted((_item(node, tools) for node in nodes), key=lambda i: (i.ready and not i.pressure, i.name))
    return Nodes(
        total=len(items),
        ready=sum(item.ready for item in items),
        under_pressure=sum(bool(item.pressure) for item in items),
        unschedulable=sum(item.unschedulable for item in items),
        items=tuple(items[:30]),
    )


def _item(node: Object, tools: Tools) -> NodeItem:
    spec, status = node.get("spec") or {}, node.get("status") or {}
    conditions = {str(item.get("type")): item for item in status.get("conditions") or ()}
    readiness = conditions.get("Ready") or {}
    ready = readiness.get("status") == "True"
    since = None if ready else parse_moment(readiness.get("lastTransitionTime"))
    words = ": ".join(str(readiness[key]) for key in ("reason", "message") if readiness.get(key))
    return NodeItem(
        name=str(node["metadata"]["name"]),
        ready=ready,
        pressure=tuple(name for name in _PRESSURES if (conditions.get(name) or {}).get("status") == "True"),
        reason="" if ready else (words or "its kubelet has said nothing")[:300],
        unschedulable=bool(spec.get("unschedulable")),
        taints=tuple(f"{taint.get('key')}:{taint.get('effect')}" for taint in spec.get("taints") or ())[:10],
        kubelet=str((status.get("nodeInfo") or {}).get("kubeletVersion", "")),
        unready_for=tools.now() - since if since else None,
    )


def _line(item: NodeItem) -> str:
    words = [*item.pressure, *(["cordoned"] if item.unschedulable else []), *([item.reason] if item.reason else [])]
    return f"{item.name}: {'; '.join(words)}"[:300]
