"""The tools that a diagnostic of Kubernetes is handed: the real client, an incident, and a clock that can be set."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from responder.errors import NotConfigured
from responder.model.facts import IncidentFacts
from responder.model.target import Target
from responder.plugins.diagnostic import Diagnostic, Result
from responder.plugins.tools import Http, Kubernetes, Postgres, Prometheus, Redis, Related, Tools
from tests.servers.kubernetes_cluster import Cluster


@dataclass
class KubernetesTools:
    """`later` moves the clock forward from the server's; the incident begins `began` before that."""

    kubernetes: Kubernetes
    later: timedelta = timedelta(0)
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def incident(self) -> IncidentFacts:
        return IncidentFacts(
            id="INC-1",
            severity="critical",
            status="open",
            title="",
            rule="pack/rule",
            cluster="default",
            team="default",
            started_at=self.started_at,
            opened_at=self.started_at,
        )

    def now(self) -> datetime:
        return datetime.now(UTC) + self.later

    @property
    def prometheus(self) -> Prometheus:
        raise NotConfigured

    def postgres(self, source: str) -> Postgres:
        raise NotConfigured

    def redis(self, source: str) -> Redis:
        raise NotConfigured

    @property
    def http(self) -> Http:
        raise NotConfigured

    @property
    def related(self) -> Related:
        raise NotConfigured


def of(cluster: Cluster, name: str = "api", kind: str = "Deployment", **more: Any) -> Target:
    """Aim at an object of the test's namespace."""
    return Target(**{"cluster": "default", "kind": kind, "namespace": cluster.namespace, "name": name} | more)


async def diagnose(
    diagnostic: Diagnostic[Any],
    cluster: Cluster,
    target: Target | None = None,
    *,
    tools: Tools | None = None,
    **params: Any,
) -> Any:
    """Run a diagnostic, and check what every result promises."""
    with_tools: Tools = tools or KubernetesTools(cluster.client)
    result = await diagnostic.diagnose(diagnostic.Params(**params), target or of(cluster), with_tools)
    assert isinstance(result, diagnostic.Result)
    keep_the_promises(result)
    return result


def keep_the_promises(result: Result) -> None:
    """Check that what is shown is bounded and that the result survives storage."""
    assert len(result.headline()) <= 150
    assert len(result.evidence()) <= 20
    assert all(len(line) <= 500 for line in result.evidence())
    assert type(result).model_validate_json(result.model_dump_json()) == result
