"""The tools of a diagnostic: real clients, given one by one; what a test did not give is not configured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from responder.errors import NotConfigured
from responder.model.facts import IncidentFacts
from responder.model.outside import RelatedIncident
from responder.model.target import Target
from responder.plugins.diagnostic import Diagnostic
from responder.plugins.diagnostic import Result as AnyResult

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
TARGET = Target(cluster="default", kind="Deployment", namespace="shop", name="api", workload="api")


def incident(started_at: datetime = NOW - timedelta(minutes=10)) -> IncidentFacts:
    """Make the facts of an incident."""
    return IncidentFacts(
        id="INC-1",
        severity="critical",
        status="open",
        title="High error rate",
        rule="shop/errors",
        cluster="default",
        team="shop",
        started_at=started_at,
        opened_at=started_at,
    )


@dataclass
class Toolbox:
    """Satisfies `plugins.tools.Tools`."""

    given: Mapping[str, Any] = field(default_factory=dict)
    at: datetime = NOW
    incident: IncidentFacts = field(default_factory=incident)

    def now(self) -> datetime:
        return self.at

    def __getattr__(self, name: str) -> Any:
        if name not in {"kubernetes", "prometheus", "http", "related"}:
            raise AttributeError(name)
        return self._find(name)

    def postgres(self, source: str) -> Any:
        return self._find(f"postgres.{source}")

    def redis(self, source: str) -> Any:
        return self._find(f"redis.{source}")

    def _find(self, name: str) -> Any:
        if name not in self.given:
            raise NotConfigured(f"{name} is not in the settings")
        return self.given[name]


@dataclass
class Neighbours:
    """Satisfies `plugins.tools.Related`."""

    found: Sequence[RelatedIncident] = ()

    async def related(self) -> Sequence[RelatedIncident]:
        return self.found


async def diagnose(plugin: Diagnostic[Any], given: Mapping[str, Any], at: datetime = NOW, **params: Any) -> Any:
    """Run a diagnostic as the engine does: parameters checked, the result of the type that was declared for them."""
    toolbox = Toolbox(given, at)
    result = await plugin.diagnose(plugin.Params(**params), TARGET, toolbox)  # type: ignore[arg-type]
    assert isinstance(result, plugin.result_type(params))
    assert_presentable(result)
    return result


def assert_presentable(result: AnyResult) -> None:
    """Check what every result promises: short lines, and JSON that can be read again as the same."""
    assert len(result.headline()) <= 150
    assert "\n" not in result.headline()
    assert len(result.evidence()) <= 20
    assert type(result).model_validate_json(result.model_dump_json()) == type(result)(**result.model_dump())
