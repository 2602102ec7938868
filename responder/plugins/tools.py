"""
What a plugin is handed to work with: Protocols over model types, which the clients satisfy.

Every method raises `TransientError`, `PermanentError` or `NotConfigured` (errors.py) and nothing else; every call has a
deadline of its own inside the plugin's. Objects of Kubernetes are raw JSON, as the API server sent them.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

from responder.model.facts import IncidentFacts
from responder.model.message import Block, Chart, Line, Message
from responder.model.outside import Destination, HttpAnswer, Letter, RelatedIncident, Samples
from responder.model.resource import Resource
from responder.model.target import Target

Object = Mapping[str, Any]


class Kubernetes(Protocol):
    """One cluster's API server."""

    async def get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """Read one object; None when there is none (404 of the object, not of the API)."""

    async def metadata(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """Read an object's `metadata` only: its content never leaves the API server. None when there is none."""

    async def list(
        self, resource: Resource, namespace: str, *, labels: str = "", fields: str = "", limit: int = 500
    ) -> Sequence[Object]:
        """List objects, at most `limit`; namespace "" lists all. Raises PermanentError if the API is absent."""

    async def workload(self, target: Target) -> Object | None:
        """
        Find the object that owns the target: itself, or for a pod or ReplicaSet the Deployment, StatefulSet, ... above.

        A pod that is gone still leads to its workload. The answer carries `kind` and `apiVersion`. None when there is
        none.
        """

    async def pods(self, target: Target) -> Sequence[Object]:
        """List the pods of the target: of the workload by its selector, of a node, or the pod itself; by name."""

    async def logs(
        self,
        namespace: str,
        pod: str,
        *,
        container: str = "",
        tail: int = 500,
        since: timedelta | None = None,
        previous: bool = False,
        timestamps: bool = False,
        limit_bytes: int = 1_000_000,
    ) -> str:
        """
        Read a container's log, newest lines last; bytes that are not UTF-8 become U+FFFD.

        "" when there is none: the pod is gone, the container has not started, no `previous` one is kept. With
        `timestamps` each line starts with its moment (RFC 3339) and a space.
        """

    async def pod_http(
        self, namespace: str, pod: str, *, port: int, path: str, scheme: Literal["http", "https"] = "http"
    ) -> tuple[int, str]:
        """GET a path of a pod through the API server's proxy; status and body (at most 1 MiB)."""

    async def service_http(
        self, namespace: str, service: str, *, port: int, path: str, scheme: Literal["http", "https"] = "http"
    ) -> tuple[int, str]:
        """GET a path of a Service, by its own port, through the API server's proxy: one of its endpoints answers."""


class Prometheus(Protocol):
    """One cluster's Prometheus, or what speaks its API."""

    async def query(self, query: str, *, at: datetime | None = None) -> Samples:
        """Run an instant query; a scalar is one sample without labels, no data is empty."""

    async def query_range(self, query: str, *, start: datetime, end: datetime, step: timedelta) -> Sequence[Line]:
        """
        Run a range query; non-finite and missing values are gaps.

        A line's name is its labels as `name{a="b"}`, without those that all lines share where there are several.
        """


class Postgres(Protocol):
    """One named database. Every query runs in a read-only transaction with a statement time limit."""

    async def fetch(
        self, sql: str, *args: object, timeout: timedelta = timedelta(seconds=8), limit: int = 1000
    ) -> Sequence[Mapping[str, Any]]:
        """Run one SELECT with bound parameters `$1`...; at most `limit` rows."""


class Redis(Protocol):
    """One named Redis."""

    async def ping(self) -> bool:
        """Whether it answers PING."""

    async def info(self) -> Mapping[str, Any]:
        """Read INFO, all sections, parsed."""


class Http(Protocol):
    """HTTP to the addresses that the rules and the settings name."""

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        credentials: str = "",
        timeout: timedelta = timedelta(seconds=8),
        limit_bytes: int = 1_000_000,
        redirects: bool = True,
    ) -> HttpAnswer:
        """
        Ask once; any status is an answer. `credentials` names an entry of the settings.

        Redirects are followed within the same host, unless `redirects` is False. Raises: `UntrustedCertificate` for a
        certificate that is not valid.
        """


class Related(Protocol):
    """What else is wrong now."""

    async def related(self) -> Sequence[RelatedIncident]:
        """List other open incidents that share cluster, namespace or workload, the most shared first; at most 20."""


class Tools(Protocol):
    """Everything a diagnostic may use, bound to one incident and its cluster."""

    @property
    def incident(self) -> IncidentFacts:
        """The incident as it was when the step began."""

    def now(self) -> datetime:
        """The time, aware, UTC."""

    @property
    def kubernetes(self) -> Kubernetes:
        """The cluster of the incident. Raises NotConfigured."""

    @property
    def prometheus(self) -> Prometheus:
        """The Prometheus of the incident's cluster. Raises NotConfigured."""

    def postgres(self, source: str) -> Postgres:
        """A database by its name in `datasources.postgres`. Raises NotConfigured, listing the names there are."""

    def redis(self, source: str) -> Redis:
        """A Redis by its name in `datasources.redis`. Raises NotConfigured, listing the names there are."""

    @property
    def http(self) -> Http:
        """HTTP."""

    @property
    def related(self) -> Related:
        """Other incidents."""


class Slack(Protocol):
    """One Slack workspace, by bot token. Rendering, limits, pacing per channel and waiting on 429 are in the client."""

    async def post(
        self, channel: str, message: Message, *, thread: str = "", key: str, look_first: bool
    ) -> Mapping[str, str]:
        """
        Post a message; answers `{"channel": id, "ts": ts}`.

        `key` goes into the message's metadata; with `look_first` the channel is searched for it and what is found is
        adopted instead of posting again.
        """

    async def update(self, ref: Mapping[str, str], message: Message) -> Mapping[str, str]:
        """Edit a message in place. Raises MessageGone when that is impossible for good."""

    async def upload(
        self, ref: Mapping[str, str], *, name: str, title: str, content: bytes, look_first: bool = False
    ) -> None:
        """Put a file into the thread of a message; with `look_first` not if one of that name is there."""

    def overflow(self, message: Message) -> tuple[Block, ...]:
        """Return the blocks that do not fit whole into the message, which says that they are in the thread."""


class Mail(Protocol):
    """The mail server."""

    async def send(self, letter: Letter) -> None:
        """Hand a mail to the server."""


class NotifierTools(Protocol):
    """Everything a notifier may use."""

    def now(self) -> datetime:
        """The time, aware, UTC."""

    @property
    def slack(self) -> Slack:
        """The Slack workspace. Raises NotConfigured."""

    @property
    def mail(self) -> Mail:
        """The mail server. Raises NotConfigured."""

    @property
    def http(self) -> Http:
        """HTTP."""

    async def draw(self, chart: Chart) -> bytes:
        """Draw a chart as PNG. Raises NotConfigured where the `charts` extra is not installed."""

    def render(self, message: Message, form: str, previous: Message | None = None) -> str:
        """
        Render a message as "text", "markdown", "html", "ansi" (a terminal) or "slack" (JSON: text and blocks).

        For a terminal, what `previous` did not have is marked as new.
        """

    def destination(self, kind: str, name: str) -> Destination:
        """
        Look up what the settings keep for the receivers of a kind ("pagerduty", "slack_webhook", "webhook").

        Raises: NotConfigured, listing the names there are.
        """

    def print(self, text: str) -> None:
        """Write to the console of the process."""
