"""
What the clients offer, as plugins are handed it: bound to one incident's cluster, or to nobody for notifiers.

The clients arrive built, as `Any`: naming their types here would load their drivers, which are heavy and often not
needed. `wiring` builds them; `plugins.tools` says what they can do.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from responder.clients.charts import Charts
from responder.clients.destinations import Destinations
from responder.clients.evidence import EvidenceRoom, Shelf
from responder.errors import NotConfigured, PermanentError
from responder.model.facts import IncidentFacts
from responder.model.labels import Labels
from responder.model.message import Chart, Message
from responder.model.outside import Destination
from responder.settings.acting import Actions
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
    alertmanager: Any = None


@dataclass(frozen=True, slots=True)
class _OfCluster:
    """
    What belongs to the cluster of one incident.

    `cluster` is None for one that is not in the settings: nothing of another cluster is ever asked instead.
    """

    incident: IncidentFacts
    now: Callable[[], datetime]
    cluster: ClusterClients | None
    http: Any

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
class IncidentTools(_OfCluster):
    """What diagnostics of one incident use; `related` knows the other incidents."""

    related: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTools(_OfCluster):
    """
    What one try at one step of an attempt uses; `plugins.acting.ActionTools` says what each part means.

    `shelf` is where evidence is put, a file of at most `max_size` bytes; None where no place is set.
    """

    labels: Labels
    attempt: str
    reason: str
    by: str
    retry: bool
    files: Mapping[str, str]
    allowed: Actions
    shelf: Shelf | None
    max_size: int
    hold: Callable[[], Awaitable[None]]

    @property
    def alertmanager(self) -> Any:
        """The Alertmanagers of the cluster. Raises: NotConfigured."""
        name = self.incident.cluster
        more = "" if name == DEFAULT_CLUSTER else f", with cluster: {name}"
        return _there(self._cluster.alertmanager, "Alertmanager", f"add its url to alertmanagers{more}")

    @property
    def evidence(self) -> EvidenceRoom:
        """Where evidence of the incident is kept. Raises: NotConfigured."""
        shelf = _there(self.shelf, "place for evidence", "set evidence.directory, or evidence.s3")
        return EvidenceRoom(shelf, self.incident.id, self.max_size)

    def file(self, path: str) -> str:
        """Return a file of the pack. Raises: PermanentError when there is none."""
        if path not in self.files:
            known = ", ".join(sorted(self.files)[:20]) or "none"
            raise PermanentError(f"the pack has no file {path}; there are: {known}")
        return self.files[path]


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
