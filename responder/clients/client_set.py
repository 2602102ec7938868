"""Every client that the settings ask for, each watched by a circuit."""

import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel

from responder.clients.acting_clients import ActingClients
from responder.clients.alertmanager import Alertmanager
from responder.clients.charts import Charts
from responder.clients.circuit import OPENS_AFTER, Circuit, watched
from responder.clients.destinations import Destinations
from responder.clients.http import Http, Policy
from responder.clients.http_reading import ReadingHttp
from responder.clients.mail import Mail
from responder.clients.prometheus import Prometheus
from responder.clients.render import renderer
from responder.clients.sharing import Beyond, Sharing
from responder.clients.toolbox import ClusterClients, SenderTools
from responder.settings.process import Settings
from responder.settings.sections import Cluster, KubernetesAccess

NEVER = sys.maxsize
"""Failures after which a circuit opens that only watches: who uses it waits and tries again by itself."""

SHARED_FOR = timedelta(seconds=3)
"""How long identical questions to a database, a Prometheus or over HTTP share an answer."""

Load = Callable[[str, str], Any]
"""Loads a module of this room, and what it calls so: for those whose drivers are heavy."""


class ClientSet:
    """
    The clients of the process.

    `circuits` say how each dependency does. `alertmanagers` stand with their settings. `http` is for diagnostics, which
    share answers; `sender_tools` are for notifiers, `acting` for actions. `close` ends them all.
    """

    def __init__(self, settings: Settings, now: Callable[[], datetime], load: Load) -> None:
        self._now = now
        self._load = load
        self._ending = AsyncExitStack()
        self.circuits: list[Circuit] = []
        self._redis = self._shared_redis(settings)
        policy = Policy(refuse=settings.http.refuse, redirects=settings.http.redirects)
        reading = self._ended(Http(credentials=settings.credentials, policy=policy))
        self.http = ReadingHttp(reading, self._sharing("http", settings.http, *settings.credentials.values()))
        self.clusters = {name: self._cluster(name, cluster) for name, cluster in settings.every_cluster.items()}
        self.alertmanagers = [(one, self._alertmanager(Alertmanager(one))) for one in settings.alertmanagers]
        self.sender_tools = self._sender_tools(settings)
        self.acting = ActingClients(settings, load, self._ended, policy)

    async def close(self) -> None:
        """Close every connection."""
        await self._ending.aclose()

    def _cluster(self, name: str, cluster: Cluster) -> ClusterClients:
        kubernetes, prometheus, sources = cluster.kubernetes, cluster.prometheus, cluster.datasources
        return ClusterClients(
            name,
            kubernetes=kubernetes and self._kubernetes(name, kubernetes),
            prometheus=prometheus and self._reading(f"prometheus/{name}", prometheus, Prometheus(prometheus)),
            postgres={
                source: self._reading(
                    f"postgres/{name}/{source}", one, self._load("postgres", "Postgres")(one, name=source)
                )
                for source, one in sources.postgres.items()
            },
            redis={
                source: self._reading(f"redis/{name}/{source}", one, self._load("redis", "Redis")(one, name=source))
                for source, one in sources.redis.items()
            },
        )

    def _kubernetes(self, name: str, access: KubernetesAccess) -> Any:
        client = self._load("kubernetes", "Kubernetes")(access, beyond=self._beyond_the_process(access))
        return self._watched(f"kubernetes/{name}", client)

    def _beyond_the_process(self, access: KubernetesAccess) -> Beyond | None:
        identity = self._load("kubernetes_identity", "identity")(access) if self._redis else None
        if identity is None:
            return None
        return self._cache(f"kubernetes\0{identity}", self._load("kubernetes", "FRESH_FOR"), form="PLAIN")

    def _sender_tools(self, settings: Settings) -> SenderTools:
        return SenderTools(
            now=self._now,
            workspace=self._slack(settings),
            http=self._ended(Http()),  # `http.refuse` is for what rules name; these addresses stand in the settings
            charts=self._ended(Charts()),
            destinations=Destinations(slack=settings.slack, pagerduty=settings.pagerduty, outgoing=settings.outgoing),
            render=renderer(settings.timezone, terminal=sys.stdout.isatty()),
            print=lambda text: print(text, flush=True),  # noqa: T201 (the console is where that notifier speaks)
            mailer=self._watched("mail", Mail(settings.mail), NEVER) if settings.mail.host else None,
        )

    def _slack(self, settings: Settings) -> Any:
        token = settings.slack.bot_token
        if token is None:
            return None
        client, known_by = self._load("slack.client", "SlackClient"), token.get_secret_value()
        together = self._redis and self._load("slack.shared_pacing", "SharedPace")(self._redis, identity=known_by)
        return self._watched(
            "slack",
            client(
                token=known_by,
                base_url=settings.slack.base_url,
                together=together,
                pressed=settings.slack.signing_secret is not None,
            ),
            NEVER,
        )

    def _alertmanager(self, client: Alertmanager) -> Any:
        return self._watched(f"alertmanager/{client.name}", client, NEVER)

    def _reading(self, name: str, section: BaseModel, client: Any) -> Any:
        return self._watched(name, client, sharing=self._sharing(name, section))

    def _sharing(self, name: str, *sections: BaseModel) -> Sharing[Any]:
        """Share within the process, and over Redis with the replicas that ask the same system with the same login."""
        beyond: Beyond | None = None
        if self._redis is not None:
            revealed = self._load("shared_cache", "revealed")
            beyond = self._cache("\0".join((name, *(revealed(section) for section in sections))), SHARED_FOR)
        sharing: Sharing[Any] = self._ended(Sharing(SHARED_FOR, beyond=beyond))
        return sharing

    def _cache(self, identity: str, fresh_for: timedelta, form: str = "TYPED") -> Beyond:
        cache, written = self._load("shared_cache", "SharedCache"), self._load("shared_values", form)
        beyond: Beyond = cache(self._redis, identity=identity, fresh_for=fresh_for, form=written)
        return beyond

    def _shared_redis(self, settings: Settings) -> Any:
        if settings.redis_url is None:
            return None
        circuit = Circuit("redis", self._now)
        self.circuits.append(circuit)
        return self._ended(self._load("shared_redis", "connect")(settings, circuit))

    def _watched(
        self, name: str, client: Any, opens_after: int = OPENS_AFTER, *, sharing: Sharing[Any] | None = None
    ) -> Any:
        circuit = Circuit(name, self._now, opens_after)
        self.circuits.append(circuit)
        return watched(self._ended(client), circuit, sharing)

    def _ended(self, client: Any) -> Any:
        if hasattr(client, "close"):
            self._ending.push_async_callback(client.close)
        return client
