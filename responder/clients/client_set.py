"""Every client that the settings ask for, each watched by a circuit."""

import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from typing import Any

from responder.clients.alertmanager import Alertmanager
from responder.clients.charts import Charts
from responder.clients.circuit import OPENS_AFTER, Circuit, watched
from responder.clients.destinations import Destinations
from responder.clients.http import Http, Policy
from responder.clients.mail import Mail
from responder.clients.prometheus import Prometheus
from responder.clients.render import renderer
from responder.clients.sharing import Sharing
from responder.clients.toolbox import ClusterClients, SenderTools
from responder.settings.process import Settings
from responder.settings.sections import Cluster, KubernetesAccess

NEVER = sys.maxsize
"""Failures after which a circuit opens that only watches: who uses it waits and tries again by itself."""

SHARED_FOR = timedelta(seconds=3)
"""How long identical questions to a database or a Prometheus share an answer."""

Load = Callable[[str, str], Any]
"""Loads a module of this room, and what it calls so: for those whose drivers are heavy."""


class ClientSet:
    """
    The clients of the process.

    `circuits` say how each dependency does. `alertmanagers` stand with their settings. `close` ends them all.
    """

    def __init__(self, settings: Settings, now: Callable[[], datetime], load: Load) -> None:
        self._now = now
        self._load = load
        self._ending = AsyncExitStack()
        self.circuits: list[Circuit] = []
        policy = Policy(refuse=settings.http.refuse, redirects=settings.http.redirects)
        self.http = self._ended(Http(credentials=settings.credentials, policy=policy))
        self.clusters = {name: self._cluster(name, cluster) for name, cluster in settings.every_cluster.items()}
        self.alertmanagers = [(one, self._alertmanager(Alertmanager(one))) for one in settings.alertmanagers]
        self.sender_tools = self._sender_tools(settings)

    async def close(self) -> None:
        """Close every connection."""
        await self._ending.aclose()

    def _cluster(self, name: str, cluster: Cluster) -> ClusterClients:
        kubernetes, prometheus, sources = cluster.kubernetes, cluster.prometheus, cluster.datasources
        return ClusterClients(
            name,
            kubernetes=kubernetes and self._kubernetes(name, kubernetes),
            prometheus=prometheus and self._reading(f"prometheus/{name}", Prometheus(prometheus)),
            postgres={
                source: self._reading(f"postgres/{name}/{source}", self._load("postgres", "Postgres")(one, name=source))
                for source, one in sources.postgres.items()
            },
            redis={
                source: self._reading(f"redis/{name}/{source}", self._load("redis", "Redis")(one, name=source))
                for source, one in sources.redis.items()
            },
        )

    def _kubernetes(self, name: str, access: KubernetesAccess) -> Any:
        return self._watched(f"kubernetes/{name}", self._load("kubernetes", "Kubernetes")(access))

    def _sender_tools(self, settings: Settings) -> SenderTools:
        return SenderTools(
            now=self._now,
            workspace=self._slack(settings),
            http=self.http,
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
        client = self._load("slack.client", "SlackClient")
        return self._watched("slack", client(token=token.get_secret_value(), base_url=settings.slack.base_url), NEVER)

    def _alertmanager(self, client: Alertmanager) -> Any:
        return self._watched(f"alertmanager/{client.name}", client, NEVER)

    def _reading(self, name: str, client: Any) -> Any:
        sharing: Sharing[Any] = self._ended(Sharing(SHARED_FOR))
        return self._watched(name, client, sharing=sharing)

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
