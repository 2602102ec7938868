"""How near are the containers to their limits?"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from responder.model import resource as kinds
from responder.model.finding import Weight
from responder.model.quantity import format_bytes, parse_quantity
from responder.model.target import Target
from responder.plugins import diagnostic, params
from responder.plugins.rights import Verb
from responder.plugins.scope import SCOPE_NEEDS, scope_of
from responder.plugins.tools import Tools

Object = Mapping[str, Any]


class ContainerUsage(BaseModel):
    """What one container uses now. A ratio is None where it has no such limit or request."""

    model_config = ConfigDict(frozen=True)

    pod: str
    container: str
    cpu: float = Field(description="Cores.")
    memory: float = Field(description="Bytes, working set.")
    cpu_of_limit: float | None = None
    memory_of_limit: float | None = None
    cpu_of_request: float | None = None
    memory_of_request: float | None = None


class Usage(diagnostic.Result):
    """The usage, and the worst of it. A ratio is 0..1 of the limit, for a node of what pods may use there."""

    cpu_ratio: float | None = Field(description="Of the container nearest to its CPU limit; none without limits.")
    memory_ratio: float | None = Field(description="Of the container nearest to its memory limit; none without limits.")
    top_cpu_pod: str = Field(description="The pod of `cpu_ratio`; without limits the one that uses most.")
    top_memory_pod: str = Field(description="The pod of `memory_ratio`; without limits the one that uses most.")
    cpu_of_request: float | None = Field(None, description="Of the container that is most above its CPU request.")
    memory_of_request: float | None = Field(None, description="Of the one that is most above its memory request.")
    cpu: float = Field(0.0, description="Cores, all pods together.")
    memory: float = Field(0.0, description="Bytes, all pods together.")
    measured: int = Field(0, description="Pods, or nodes, that were measured.")
    items: tuple[ContainerUsage, ...] = Field((), description="Most of their memory limit first, at most 20.")

    def headline(self) -> str:
        """Name the worst pod, or the sum where nothing is limited."""
        if not self.measured:
            return "Nothing was measured yet"
        memory = f"memory {format_bytes(self.memory)}" + _share(self.memory_ratio, self.top_memory_pod)
        cpu = f"CPU {self.cpu:.2f} cores" + _share(self.cpu_ratio, self.top_cpu_pod)
        return f"{memory}; {cpu}"[:150]

    def evidence(self) -> tuple[str, ...]:
        """List the containers."""
        return tuple(
            f"{item.pod}/{item.container}: {format_bytes(item.memory)}{_of(item.memory_of_limit, 'limit')}, "
            f"{item.cpu:.2f} cores{_of(item.cpu_of_limit, 'limit')}"
            for item in self.items
        )

    def weight(self) -> Weight:
        """At 90 % of a limit the kernel is near to acting."""
        worst = max(self.cpu_ratio or 0.0, self.memory_ratio or 0.0)
        return Weight.TROUBLE if worst > 0.9 else Weight.NOTABLE if worst > 0.8 else Weight.NORMAL

    def has_data(self) -> bool:
        """A pod that has just started has no figures."""
        return self.measured > 0


class KubernetesUsage(diagnostic.Diagnostic["KubernetesUsage.Params"]):
    """
    Compare what the target's containers use now with their limits and requests; for a node, with what it can give.

    The ratio is of the single worst container: memory limits act on one container, not on the sum. Where no container
    has a limit the ratio is unknown, and a condition on it is undecided. Needs metrics-server.

    Source: `GET /apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods`, `spec.containers[].resources`.

    Example:

        diagnose:
          usage: {kubernetes.usage: {}}
    """

    name = "kubernetes.usage"
    needs = (
        *SCOPE_NEEDS,
        Verb("metrics.k8s.io", "pods", "list"),
        Verb("metrics.k8s.io", "nodes", "get"),
    )

    class Params(params.Params):
        """Nothing to choose."""

    Result: ClassVar[type[Usage]] = Usage

    async def diagnose(self, params: Params, target: Target, tools: Tools) -> Usage:
        """Measure."""
        if target.kind == "Node" and target.name:
            node, measured = await asyncio.gather(
                tools.kubernetes.get(kinds.NODES, "", target.name),
                tools.kubernetes.get(kinds.NODE_METRICS, "", target.name),
            )
            return _of_node(node, measured)
        scope = await scope_of(target, tools.kubernetes)
        metrics = await tools.kubernetes.list(kinds.POD_METRICS, scope.target.namespace, limit=2000)
        return _of_pods(scope.pods, {str(item["metadata"]["name"]): item for item in metrics})


def _of_pods(pods: Sequence[Object], metrics: Mapping[str, Object]) -> Usage:
    measured = [pod for pod in pods if pod["metadata"]["name"] in metrics]
    found = [item for pod in measured for item in _containers(pod, metrics[pod["metadata"]["name"]])]
    cpu, memory = _most(found, "cpu"), _most(found, "memory")
    found.sort(key=lambda item: (item.memory_of_limit or 0.0, item.memory), reverse=True)
    return Usage(
        cpu_ratio=cpu.cpu_of_limit if cpu else None,
        memory_ratio=memory.memory_of_limit if memory else None,
        top_cpu_pod=cpu.pod if cpu else "",
        top_memory_pod=memory.pod if memory else "",
        cpu_of_request=max((i.cpu_of_request for i in found if i.cpu_of_request is not None), default=None),
        memory_of_request=max((i.memory_of_request for i in found if i.memory_of_request is not None), default=None),
        cpu=sum(item.cpu for item in found),
        memory=sum(item.memory for item in found),
        measured=len(measured),
        items=tuple(found[:20]),
    )


def _of_node(node: Object | None, measured: Object | None) -> Usage:
    if node is None or measured is None:
        return Usage(cpu_ratio=None, memory_ratio=None, top_cpu_pod="", top_memory_pod="")
    usage, able = measured.get("usage") or {}, (node.get("status") or {}).get("allocatable") or {}
    cpu, memory = parse_quantity(usage.get("cpu")) or 0.0, parse_quantity(usage.get("memory")) or 0.0
    return Usage(
        cpu_ratio=_ratio(cpu, able.get("cpu")),
        memory_ratio=_ratio(memory, able.get("memory")),
        top_cpu_pod="",
        top_memory_pod="",
        cpu=cpu,
        memory=memory,
        measured=1,
    )


def _containers(pod: Object, metrics: Object) -> Iterable[ContainerUsage]:
    specs = {c["name"]: c.get("resources") or {} for c in pod["spec"].get("containers") or ()}
    for measured in metrics.get("containers") or ():
        resources, usage = specs.get(measured["name"], {}), measured.get("usage") or {}
        limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
        cpu, memory = parse_quantity(usage.get("cpu")) or 0.0, parse_quantity(usage.get("memory")) or 0.0
        yield ContainerUsage(
            pod=str(pod["metadata"]["name"]),
            container=str(measured["name"]),
            cpu=cpu,
            memory=memory,
            cpu_of_limit=_ratio(cpu, limits.get("cpu")),
            memory_of_limit=_ratio(memory, limits.get("memory")),
            cpu_of_request=_ratio(cpu, requests.get("cpu")),
            memory_of_request=_ratio(memory, requests.get("memory")),
        )


def _most(found: Sequence[ContainerUsage], what: str) -> ContainerUsage | None:
    """Take the one nearest to its limit; where none has one, the one that uses most."""

    def rank(item: ContainerUsage) -> tuple[float, float]:
        ratio = item.cpu_of_limit if what == "cpu" else item.memory_of_limit
        return (-1.0 if ratio is None else ratio, item.cpu if what == "cpu" else item.memory)

    return max(found, key=rank, default=None)


def _ratio(amount: float, of: Any) -> float | None:
    whole = parse_quantity(of)
    return amount / whole if whole else None


def _of(ratio: float | None, what: str) -> str:
    return "" if ratio is None else f" ({ratio:.0%} of {what})"


def _share(ratio: float | None, pod: str) -> str:
    return "" if ratio is None else f", {ratio:.0%} of the limit" + (f" in {pod}" if pod else "")
