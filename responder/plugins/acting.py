"""What an action is handed to work with: fresh reads and writes, which the clients satisfy."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

from responder.model.action import Kept
from responder.model.facts import IncidentFacts
from responder.model.labels import Labels
from responder.model.outside import AmAlert, AmSilence, Executed, HttpAnswer
from responder.model.resource import Resource
from responder.model.target import Target
from responder.model.verdict import Json

Object = Mapping[str, Any]

ATTEMPT = "alertmanager-responder/attempt"
"""The annotation that names the attempt which made the last change of ours."""
INCIDENT = "alertmanager-responder/incident"
"""The label or annotation that names the incident an object was made for."""
WEIGHT = "alertmanager-responder/weight"
"""The annotation of a Job in a pack by which its author vouches that it destroys nothing: `ordinary`."""
CHANGE_CAUSE = "kubernetes.io/change-cause"
"""The annotation by which `kubectl rollout history` tells why."""


class Cluster(Protocol):
    """
    One cluster's API server, for actions. Nothing it answers is shared with anybody or older than the call.

    Every write names us as the field manager. With `dry_run` the server judges the very request and stores nothing.
    Raises: `Conflict` (409, or a failed `test` of a JSON patch), `Missing` (404), `Exists`, `NotLetIn` (401, 403 by
    RBAC), `BudgetRefused`, `Unanswered` (a write without an answer), `PermanentError` with the server's own words
    (admission, validation), `TransientError`.
    """

    async def get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """Read one object; None when there is none."""

    async def list(
        self, resource: Resource, namespace: str, *, labels: str = "", fields: str = "", limit: int = 500
    ) -> Sequence[Object]:
        """List objects, at most `limit`; namespace "" lists all."""

    async def workload(self, target: Target) -> Object | None:
        """Find the topmost controller of the target, with `kind` and `apiVersion`; None when there is none."""

    async def pods(self, target: Target) -> Sequence[Object]:
        """List the pods of the target, by name."""

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
        """Read a container's log; "" when there is none."""

    async def patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        body: Json,
        *,
        form: Literal["json", "merge", "apply"] = "json",
        dry_run: bool = False,
    ) -> Object:
        """Change an object: a JSON patch, a merge patch, or server-side apply, which takes no field from others."""

    async def create(self, resource: Resource, namespace: str, body: Object, *, dry_run: bool = False) -> Object:
        """Create an object of the name that it carries."""

    async def delete(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        *,
        uid: str,
        grace: timedelta | None = None,
        dry_run: bool = False,
    ) -> None:
        """Delete the object that has this uid, and no other of its name (Conflict)."""

    async def evict(self, namespace: str, pod: str, *, uid: str, dry_run: bool = False) -> None:
        """Ask for a pod to be evicted: PodDisruptionBudgets are heard."""

    async def execute(
        self,
        namespace: str,
        pod: str,
        argv: Sequence[str],
        *,
        container: str = "",
        timeout: timedelta = timedelta(seconds=30),
        limit_bytes: int = 1_000_000,
        into: Callable[[bytes], Awaitable[None]] | None = None,
    ) -> Executed:
        """
        Run a program in a container; its exit code, and its output as bytes, cut at the limit.

        With `into` what it writes to stdout goes there as it comes, and not into the answer.
        """

    async def proxy(
        self,
        method: str,
        namespace: str,
        service: str,
        path: str,
        *,
        body: bytes | None,
        headers: Mapping[str, str],
        timeout: timedelta = timedelta(seconds=15),
    ) -> HttpAnswer:
        """Call a Service ("name:port") through the API server's proxy."""

    async def may(self, verb: str, resource: Resource, namespace: str, *, subresource: str = "", name: str = "") -> str:
        """Ask whether we may (SelfSubjectAccessReview): "" for yes, else why not."""

    async def tell(self, regarding: Object, *, reason: str, note: str, key: str) -> None:
        """Write a Kubernetes Event on an object (with its kind and apiVersion); `key` makes it one. Never raises."""


class Database(Protocol):
    """One named PostgreSQL, for actions."""

    async def fetch(
        self, sql: str, *args: object, timeout: timedelta = timedelta(seconds=8), limit: int = 1000
    ) -> Sequence[Mapping[str, Any]]:
        """Run one SELECT in a read-only transaction; functions it calls may act, as pg_terminate_backend does."""

    async def execute(
        self,
        statements: Sequence[str],
        args: Sequence[object],
        *,
        exactly: int | None = None,
        at_most: int | None = None,
        dry_run: bool = False,
        timeout: timedelta = timedelta(seconds=20),
    ) -> tuple[int, ...]:
        """
        Run statements in one transaction and return the rows that each touched.

        Rolled back, and PermanentError, beyond the bounds; always rolled back with `dry_run`. `Unanswered` when the
        commit was sent and not answered.
        """


class Cache(Protocol):
    """One named Redis, for actions."""

    async def size(self) -> int:
        """Count the keys of the database."""

    async def sample(self, count: int = 100) -> Sequence[str]:
        """Name some keys, without a promise of fairness."""

    async def flush(self) -> None:
        """Remove every key of the database."""

    async def config_get(self, parameter: str) -> str | None:
        """Read a parameter of the server; None where there is none of that name."""

    async def config_set(self, parameter: str, value: str) -> None:
        """Set a parameter of the server."""


class Silences(Protocol):
    """The Alertmanager of the incident's cluster."""

    async def silence(
        self, matchers: Sequence[str], *, starts_at: datetime, ends_at: datetime, by: str, comment: str
    ) -> str:
        """Create a silence and return its id."""

    async def silences(self) -> Sequence[AmSilence]:
        """List the silences there are."""

    async def alerts(self) -> Sequence[AmAlert]:
        """List the alerts there are, silenced ones too."""

    async def expire(self, silence: str) -> None:
        """End a silence; one that has ended already is no error."""


class Caller(Protocol):
    """HTTP that may change something; the networks and redirects of the settings hold."""

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
        """Ask once; any status is an answer. Raises `Unanswered` when it was sent and not answered."""


class Asking(Protocol):
    """Prometheus, for actions that wait."""

    async def query(self, query: str, *, at: datetime | None = None) -> Sequence[Any]:
        """Run an instant query; each sample has `labels` and `value`."""


class Draft(Protocol):
    """A file of evidence that comes piece by piece."""

    @property
    def size(self) -> int:
        """Bytes that were written so far."""

    async def write(self, piece: bytes) -> None:
        """Add a piece. Raises: PermanentError beyond the size limit or where it cannot be written, TransientError."""

    async def keep(self, *, cut: bool = False) -> Kept:
        """Keep it, as `Evidence.keep` does, and say where. Raises as that."""


class Evidence(Protocol):
    """Where evidence is kept."""

    @property
    def max_size(self) -> int:
        """The largest file that is kept, in bytes."""

    async def keep(self, name: str, content: bytes, *, cut: bool = False) -> Kept:
        """
        Keep a file of this incident, and say where; the same content under the same name is kept once.

        Raises: PermanentError beyond the size limit or without a place to keep it.
        """

    def begin(self, name: str) -> AbstractAsyncContextManager[Draft]:
        """
        Begin a file that is never whole in memory, however large; what is not kept is gone when it is left.

        Raises as `keep`.
        """


class Allowed(Protocol):
    """What the settings let actions do."""

    @property
    def programs(self) -> Sequence[str]:
        """Command lines that `kubernetes.exec` and `evidence.capture` may run: see `responder.model.program`."""

    @property
    def kinds(self) -> Sequence[str]:
        """Kinds that `kubernetes.apply` may create."""

    @property
    def redis_parameters(self) -> Sequence[str]:
        """Parameters that `redis.config_set` may set."""

    @property
    def methods(self) -> Sequence[str]:
        """Methods that `http.request` may use."""


async def unheld() -> None:
    """Let it be done: nobody else can be at what is only looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepContext:
    """
    What the engine knows of one try at one step; the rest of `ActionTools` says what each means.

    `files` are those of the pack by their path, as they were when the incident opened.
    """

    attempt: str
    reason: str = ""
    by: str = ""
    retry: bool = False
    labels: Labels = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    hold: Callable[[], Awaitable[None]] = unheld


class ActionTools(Protocol):
    """Everything an action may use, bound to one step of one attempt."""

    @property
    def incident(self) -> IncidentFacts:
        """The incident as it is now."""

    @property
    def labels(self) -> Labels:
        """The labels common to its firing alerts."""

    @property
    def attempt(self) -> str:
        """The name of this effect, unique in the world and the same in every try: goes into annotations and names."""

    @property
    def reason(self) -> str:
        """What the world is told: "INC-17, approved by ann"; for events and the change cause."""

    @property
    def by(self) -> str:
        """Who is to be named as the author where a system asks for one."""

    @property
    def retry(self) -> bool:
        """Whether an earlier try of this very effect may have happened: read back first."""

    @property
    def hold(self) -> Callable[[], Awaitable[None]]:
        """
        See once more that this effect is still ours to do: the last thing before one that no condition guards.

        Raises: Barred when it is not, as after standing still for so long that others have taken it over.
        """

    def now(self) -> datetime:
        """The time, aware, UTC."""

    @property
    def kubernetes(self) -> Cluster:
        """The cluster of the incident. Raises NotConfigured."""

    @property
    def prometheus(self) -> Asking:
        """The Prometheus of the incident's cluster. Raises NotConfigured."""

    def postgres(self, source: str) -> Database:
        """A database by its name in `datasources.postgres`. Raises NotConfigured."""

    def redis(self, source: str) -> Cache:
        """A Redis by its name in `datasources.redis`. Raises NotConfigured."""

    @property
    def http(self) -> Caller:
        """HTTP, as far as the settings let it go."""

    @property
    def alertmanager(self) -> Silences:
        """The Alertmanager of the incident's cluster. Raises NotConfigured."""

    @property
    def evidence(self) -> Evidence:
        """Where evidence is kept. Raises NotConfigured."""

    @property
    def allowed(self) -> Allowed:
        """What the settings let actions do."""

    def file(self, path: str) -> str:
        """A file of the pack, as it was when the incident opened. Raises PermanentError when there is none."""
