"""The clients of actions, apart from those of diagnostics: with logins of their own, and nothing shared or kept."""

from collections.abc import Callable
from typing import Any

from responder.clients.evidence import Folder, Shelf
from responder.clients.http import Http, Policy
from responder.clients.prometheus import Prometheus
from responder.clients.silencing import Silencing
from responder.clients.toolbox import ClusterClients
from responder.errors import ConfigError
from responder.settings.process import Settings


class ActingClients:
    """
    Each cluster's clients, built when the first action there asks for them: most processes never act.

    `load` loads a module of this room, `ended` notes a client that has to be closed.
    """

    def __init__(
        self, settings: Settings, load: Callable[[str, str], Any], ended: Callable[[Any], Any], policy: Policy
    ) -> None:
        self._settings = settings
        self._load = load
        self._ended = ended
        self._built: dict[str, ClusterClients] = {}
        self.http = ended(Http(credentials=settings.credentials, policy=policy, once=True))
        self.shelf = self._shelf()
        self.allowed = settings.actions
        self.max_size = settings.evidence.max_size

    def cluster(self, name: str) -> ClusterClients | None:
        """Return the clients of a cluster; None for one that is not in the settings."""
        if name not in self._settings.every_cluster:
            return None
        if name not in self._built:
            self._built[name] = self._build(name)
        return self._built[name]

    def _build(self, name: str) -> ClusterClients:
        cluster = self._settings.every_cluster[name]
        alertmanagers = [one for one in self._settings.alertmanagers if one.cluster == name]
        sources = cluster.datasources
        return ClusterClients(
            name,
            kubernetes=cluster.kubernetes
            and self._new("kubernetes_writing", "KubernetesWriter", cluster.kubernetes.acting),
            prometheus=cluster.prometheus and self._ended(Prometheus(cluster.prometheus)),
            postgres={
                source: self._new("postgres_writing", "PostgresWriter", one, name=source)
                for source, one in sources.postgres.items()
            },
            redis={
                source: self._new("redis_writing", "RedisWriter", one, name=source)
                for source, one in sources.redis.items()
            },
            alertmanager=self._ended(Silencing(alertmanagers)) if alertmanagers else None,
        )

    def _new(self, module: str, kind: str, *args: Any, **kwargs: Any) -> Any:
        return self._ended(self._load(module, kind)(*args, **kwargs))

    def _shelf(self) -> Shelf | None:
        bucket, folder = self._settings.evidence.s3, self._settings.evidence_directory
        if bucket is not None:
            try:
                shelf: Shelf = self._load("evidence_bucket", "BucketShelf")(bucket)
            except ModuleNotFoundError:
                raise ConfigError("evidence.s3: install the extra with alertmanager-responder[s3]") from None
            return shelf
        return None if folder is None else Folder(folder)
