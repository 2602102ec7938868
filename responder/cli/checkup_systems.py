"""The systems that the settings name: whether they answer, let us in, and go by the same time."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import orjson

from responder.cli.checkup import Check, Finding, State, Watch, timed
from responder.clients.client_set import ClientSet, Load
from responder.errors import NotLetIn, TransientError
from responder.model.ruleset import RuleSet
from responder.settings.process import Settings
from responder.settings.sections import DEFAULT_CLUSTER, KubernetesAccess, RedisSource

_POSTGRES = """
select clock_timestamp() as at, current_setting('server_version') as version,
       current_setting('is_superuser') = 'on' as superuser
"""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the checks use: the settings, clients made for this, our clock, how heavy clients are loaded."""

    settings: Settings
    clients: ClientSet
    now: Callable[[], datetime]
    load: Load

    @property
    def acts(self) -> bool:
        """Whether the ceiling of the process lets actions be done."""
        return self.settings.automation.mode in ("approve", "auto")


def setting_of(cluster: str, *names: str) -> str:
    """Name a setting of a cluster."""
    return ".".join((*(() if cluster == DEFAULT_CLUSTER else ("clusters", cluster)), *names))


def systems(around: Surroundings) -> Iterator[Check]:
    """List the checks of everything that we read from, and act on."""
    for name, cluster in around.settings.every_cluster.items():
        if cluster.kubernetes is not None:
            look = partial(_kubernetes, around, name, cluster.kubernetes)
            yield Check(f"kubernetes/{name}", look, setting_of(name, "kubernetes"))
        if cluster.prometheus is not None:
            yield Check(f"prometheus/{name}", partial(_prometheus, around, name), setting_of(name, "prometheus"))
        yield from _sources(around, name)
    for name in around.settings.credentials:
        yield Check(f"credentials/{name}", partial(_credentials, around, name), f"credentials.{name}")
    if around.settings.redis_url is not None:
        source = RedisSource(url=around.settings.redis_url)
        client = around.load("redis", "Redis")(source, name="redis_url")
        yield Check("redis", partial(_redis, around, "redis", client), "redis_url")


def unset(around: Surroundings, ruleset: RuleSet) -> Iterator[Check]:
    """List what the rules read from that no cluster has in the settings."""
    led_to = {rule.playbook for rule in ruleset.rules}
    families = {
        step.plugin.partition(".")[0]
        for name, playbook in ruleset.playbooks.items()
        for step in (playbook.diagnostics if name in led_to else ())
    }
    clusters = around.settings.every_cluster.values()
    for family, cure in (
        ("kubernetes", "set kubernetes.kubeconfig, or kubernetes.in_cluster: true where we run in it"),
        ("prometheus", "set prometheus.url"),
    ):
        if family in families and all(getattr(cluster, family) is None for cluster in clusters):
            yield Check(family, partial(_is_unset, family, cure))


async def _is_unset(family: str, cure: str) -> Sequence[Finding]:
    detail = "the rules read from it, and it is not in the settings: those steps say so in every message"
    return (Finding(family, State.WARNING, detail, cure),)


def _sources(around: Surroundings, cluster: str) -> Iterator[Check]:
    sources = around.settings.every_cluster[cluster].datasources
    reading = around.clients.clusters[cluster]
    kinds: Sequence[tuple[str, Any, Any, Callable[..., Awaitable[Sequence[Finding]]]]] = (
        ("postgres", sources.postgres, reading.postgres, _postgres),
        ("redis", sources.redis, reading.redis, _redis),
    )
    for kind, written, clients, look in kinds:
        for source, one in written.items():
            what, setting = f"{kind}/{cluster}/{source}", setting_of(cluster, "datasources", kind, source)
            yield Check(what, partial(look, around, what, clients[source]), f"{setting}.url")
            if around.acts and one.action_url is not None:
                acting = around.clients.acting.cluster(cluster)
                writer = getattr(acting, kind)[source]
                yield Check(
                    f"{what} (actions)", partial(look, around, f"{what} (actions)", writer), f"{setting}.action_url"
                )


async def _kubernetes(around: Surroundings, name: str, access: KubernetesAccess) -> Sequence[Finding]:
    call = around.load("kubernetes_connection", "Call")
    connection = around.load("kubernetes_connection", "Connection")(access, deadline=timedelta(seconds=10))
    try:
        watch = Watch.start(around.now)
        answer = await connection.ask(call("/version", "tell its version"))
        off = watch.off(answer.headers.get("Date"))
    finally:
        await connection.close()
    if answer.status in (401, 403):
        raise NotLetIn(f"the API server answers {answer.status}: it does not accept our credentials")
    if answer.status != 200:
        raise TransientError(f"the API server answers {answer.status}")
    try:
        version = str(orjson.loads(answer.body).get("gitVersion", ""))
    except (ValueError, AttributeError):
        version = ""
    return (timed(Finding(f"kubernetes/{name}", State.OK, f"version {version or 'unknown'}"), off),)


async def _prometheus(around: Surroundings, name: str) -> Sequence[Finding]:
    watch = Watch.start(around.now)
    samples = await around.clients.clusters[name].prometheus.query("time()")
    off = watch.off(samples[0].value if samples else None)
    return (timed(Finding(f"prometheus/{name}", State.OK, "answers queries"), off),)


async def _postgres(around: Surroundings, what: str, client: Any) -> Sequence[Finding]:
    watch = Watch.start(around.now)
    (row,) = await client.fetch(_POSTGRES)
    off = watch.off(row["at"])
    found = Finding(what, State.OK, f"version {row['version']}")
    if row["superuser"]:
        cure = "log in as a role that has only what is needed, such as one with pg_monitor"
        found = Finding(what, State.WARNING, f"{found.detail}; the login is a superuser", cure)
    return (timed(found, off),)


async def _redis(around: Surroundings, what: str, client: Any) -> Sequence[Finding]:
    watch = Watch.start(around.now)
    info = await client.info()
    microseconds = info.get("server_time_usec")
    off = watch.off(float(microseconds) / 1e6 if microseconds else None)
    return (timed(Finding(what, State.OK, f"version {info.get('redis_version', 'unknown')}"), off),)


async def _credentials(around: Surroundings, name: str) -> Sequence[Finding]:
    endpoint = around.settings.credentials[name]
    watch = Watch.start(around.now)
    answer = await around.clients.acting.http.request(
        "GET", endpoint.url, credentials=name, limit_bytes=1000, redirects=False
    )
    off = watch.off(answer.headers.get("Date"))
    host = urlsplit(endpoint.url).hostname
    if answer.status in (401, 403):
        raise NotLetIn(f"{host} answers {answer.status} to them")
    what, said = f"credentials/{name}", f"{host} answers {answer.status} at the address itself"
    if answer.status >= 500:
        return (Finding(what, State.WARNING, said, f"see what is wrong there, or correct credentials.{name}.url"),)
    return (timed(Finding(what, State.OK, said), off),)
