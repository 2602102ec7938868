"""
What the clients offer, as plugins are handed it: bound to one incident's cluster, or to nobody for notifiers.

The clients arrive built, as `Any`: naming their types here would load their drivers, which are heavy and often not
needed. `wiring` builds them; `plugins.tools` says what they can do.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from responder.clients.charts import Charts
from responder.clients.destinations import Destinations
from responder.errors import NotConfigured
from responder.model.facts import IncidentFacts
from responder.model.message import Chart, Message
from responder.model.outside import Destination
from responder.settings.sections import DEFAULT_CLUSTER


class Renderer(Protocol):
    """Renders a message in a form by its name."""

    def __call__(self, message: Message, form: str, previous: Message | None = None) -> str:
        """Render; for a terminal, what `previous` did not have is marked as new."""


@dataclass(frozen=True, slots=True)
class ClusterClients:
    """The clients of one cluster; None, or no entry, for what is not in the settings."""

    name: str
    kubernetes: Any = None
    prometheus: Any = None
    postgres: Mapping[str, Any] = field(default_factory=dict)
    redis: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IncidentTools:
    """
    What diagnostics of one incident use; `related` knows the other incidents.

    `cluster` is None for one that is not in the settings: nothing of another cluster is ever read instead.
    """

    incident: IncidentFacts
    now: Callable[[], datetime]
    cluster: ClusterClients | None
    http: Any
    related: Any

    @property
    def kubernetes(self) -> Any:
        """The API server. Raises: NotConfigured."""
        setting = self._setting("kubernetes")
        cure = f"set {setting}.kubeconfig, or {setting}.in_cluster: true where we run in it"
        return _there(self._cluster.kubernetes, "Kubernetes", cure)

    @property
    def prometheus(self) -> Any:
        """The Prometheus. Raises: NotConfigured."""
        return _there(self._cluster.prometheus, "Prometheus", f"set {self._setting('prometheus', 'url')}")

    def postgres(self, source: str) -> Any:
        """Find a database by name. Raises: NotConfigured."""
        return self._named("postgres", source, self._cluster.postgres)

    def redis(self, source: str) -> Any:
        """Find a Redis by name. Raises: NotConfigured."""
        return self._named("redis", source, self._cluster.redis)

    @property
    def _cluster(self) -> ClusterClients:
        if self.cluster is None:
            name = self.incident.cluster
            raise NotConfigured(f"the cluster {name!r} is not in the settings: add clusters.{name}")
        return self.cluster

    def _setting(self, *names: str) -> str:
        top = () if self.incident.cluster == DEFAULT_CLUSTER else ("clusters", self.incident.cluster)
        return ".".join((*top, *names))

    def _named(self, kind: str, name: str, known: Mapping[str, Any]) -> Any:
        if name in known:
            return known[name]
        listed = ", ".join(sorted(known)) or "none"
        raise NotConfigured(f"{self._setting('datasources', kind, name)} is not in the settings; there are: {listed}")


@dataclass(frozen=True, slots=True)
class SenderTools:
    """What notifiers use. `workspace` is None where no bot token is set, `mailer` where no mail server is."""

    now: Callable[[], datetime]
    workspace: Any
    http: Any
    charts: Charts
    destinations: Destinations
    render: Renderer
    print: Callable[[str], None]
    mailer: Any = None

    @property
    def slack(self) -> Any:
        """The Slack workspace. Raises: NotConfigured."""
        return _there(self.workspace, "Slack", "set slack.bot_token")

    @property
    def mail(self) -> Any:
        """The mail server. Raises: NotConfigured."""
        return _there(self.mailer, "mail", "set mail.host")

    async def draw(self, chart: Chart) -> bytes:
        """Draw a chart as PNG. Raises: NotConfigured without the extra `charts`."""
        return await self.charts.draw(chart)

    def destination(self, kind: str, name: str) -> Destination:
        """Look up a receiver's address and secret. Raises: NotConfigured."""
        return self.destinations.find(kind, name)


def _there(client: Any, what: str, cure: str) -> Any:
    if client is None:
        raise NotConfigured(f"no {what} in the settings: {cure}")
    return client
