"""Do the Services in front of the workload have anything behind them?"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from responder.model import resource as kinds
from responder.model.finding import Weight
from responder.model.target import Target
from responder.plugins import diagnostic, params
from responder.plugins.rights import Verb
from responder.plugins.scope import SCOPE_NEEDS, leads_to, scope_of
from responder.plugins.tools import Tools

Object = Mapping[str, Any]

_SERVICE_NAME = "kubernetes.io/service-name"


class ServiceItem(BaseModel):
    """One Service."""

    model_config = ConfigDict(frozen=True)

    name: str
    endpoints: int
    ready: int
    ports: tuple[str, ...] = Field((), description="As `http 80/TCP`.")


class Services(diagnostic.Result):
    """The Services that lead to the target, and what is behind them."""

    services: int = Field(0, description="Services that select the target's pods.")
    endpoints: int = Field(description="Endpoints of all of them; one pod in two Services counts twice.")
    ready: int = Field(description="Of `endpoints`, those that get traffic.")
    empty: tuple[str, ...] = Field(description="Services without a ready endpoint.")
    items: tuple[ServiceItem, ...] = Field((), description="The empty ones first, at most 30.")

    def headline(self) -> str:
        """Name what is empty, else count what is there."""
        if not self.services:
            return "No Service leads to it"
        if self.empty:
            return f"No ready endpoint behind {', '.join(self.empty)}"[:150]
        return f"{self.ready} of {self.endpoints} endpoints ready behind {self.services} Services"

    def evidence(self) -> tuple[str, ...]:
        """List the Services."""
        return tuple(f"{i.name}: {i.ready} of {i.endpoints} ready, {', '.join(i.ports)}"[:200] for i in self.items)[:20]

    def weight(self) -> Weight:
        """Nobody can reach a Service without endpoints."""
        if self.empty:
            return Weight.TROUBLE
        return Weight.NOTABLE if self.ready < self.endpoints else Weight.NORMAL

    def has_data(self) -> bool:
        """A workload that no Service selects has no endpoints to count."""
        return self.services > 0


class KubernetesServices(diagnostic.Diagnostic["KubernetesServices.Params"]):
    """
    Count the endpoints of the Services that select the target's pods, or of the Service that is the target.

    Source: `GET /apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices`, `endpoints[].conditions.ready`.

    Example:

        diagnose:
          services: {kubernetes.services: {}}
    """

    name = "kubernetes.services"
    needs = (
        *SCOPE_NEEDS,
        Verb("", "services", "list"),
        Verb("discovery.k8s.io", "endpointslices", "list"),
    )

    class Params(params.Params):
        """Nothing to choose."""

    Result: ClassVar[type[Services]] = Services

    async def diagnose(self, params: Params, target: Target, tools: Tools) -> Services:
        """Count the endpoints."""
        scope = await scope_of(target, tools.kubernetes)
        namespace = scope.target.namespace
        if not namespace:
            return _result([])
        services, slices = await asyncio.gather(
            tools.kubernetes.list(kinds.SERVICES, namespace, limit=1000),
            tools.kubernetes.list(kinds.ENDPOINT_SLICES, namespace, limit=2000),
        )
        return _result([_item(service, slices) for service in services if leads_to(service, scope)])


def _item(service: Object, slices: Sequence[Object]) -> ServiceItem:
    name = str(service["metadata"]["name"])
    endpoints: dict[str, bool] = {}
    for found in slices:
        if (found["metadata"].get("labels") or {}).get(_SERVICE_NAME) != name:
            continue
        for endpoint in found.get("endpoints") or ():
            # A pod stands in one slice for each family of addresses.
            reference = endpoint.get("targetRef") or {}
            key = str(reference.get("uid") or (endpoint.get("addresses") or [""])[0])
            # Not said means ready. Source: discovery/v1, EndpointConditions.
            ready = (endpoint.get("conditions") or {}).get("ready")
            endpoints[key] = endpoints.get(key, False) or ready is not False
    ports = tuple(
        f"{port.get('name', '')} {port['port']}/{port.get('protocol', 'TCP')}".strip()
        for port in service["spec"].get("ports") or ()
    )
    return ServiceItem(name=name, endpoints=len(endpoints), ready=sum(endpoints.values()), ports=ports[:10])


def _result(items: Sequence[ServiceItem]) -> Services:
    ordered = sorted(items, key=lambda item: (item.ready > 0, item.name))
    return Services(
        services=len(items),
        endpoints=sum(item.endpoints for item in items),
        ready=sum(item.ready for item in items),
        empty=tuple(item.name for item in ordered if not item.ready)[:30],
        items=tuple(ordered[:30]),
    )
