"""Builds the whole from the settings; the only file that knows all the rooms."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import structlog

from responder import actions, diagnostics, notifiers
from responder.clients.by_name import load
from responder.clients.client_set import ClientSet
from responder.clients.evidence import Folder
from responder.clients.toolbox import IncidentTools, StepTools
from responder.engine.reader import Reader, RelatedTo
from responder.engine.recorded import RecordedReadings
from responder.engine.runtime import Limits, Rehearsing, Runtime, Watched
from responder.engine.worker import Engine
from responder.model.incident import Incident
from responder.model.ruleset import RuleSet
from responder.plugins.acting import StepContext
from responder.plugins.registry import Registry, discover
from responder.response.known import facts_of
from responder.rules.kitchen import Kitchen
from responder.rules.lacking import lacking
from responder.rules.rule_store import Reload, RuleStore
from responder.settings.process import Settings
from responder.store.opening import open_store
from responder.store.store import Store
from responder.web.door import Behind, Door
from responder.web.entrance import Entrance
from responder.web.metrics import Metrics
from responder.web.vitals import HouseVitals

log = structlog.get_logger()

DISTRIBUTION = "alertmanager-responder"
STOP_PHASES = 4
"""Things that a stop waits for, one after the other: requests, loops, commands, leases."""


def utc_now() -> datetime:
    """Return the time, aware, UTC."""
    return datetime.now(UTC)


def plugins() -> Registry:
    """Load every plugin: ours, and those of other distributions."""
    return discover((diagnostics, actions, notifiers))


class Server:
    """The running whole. What was begun is ended in reverse."""

    def __init__(self, door: Door, rules: RuleStore, ending: AsyncExitStack) -> None:
        self._door = door
        self._rules = rules
        self._ending = ending

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where it listens, as URLs."""
        return self._door.listener.addresses

    @property
    def rules_version(self) -> str:
        """The version of the rules in use."""
        return self._rules.current.ruleset.version

    async def stop(self) -> None:
        """Take nothing more in; end, or leave to the next process, what has begun. Nothing accepted is lost."""
        await self._ending.aclose()


async def start(
    settings: Settings,
    now: Callable[[], datetime] = utc_now,
    recorded: RecordedReadings | None = None,
    rehearsal: Rehearsing | None = None,
) -> Server:
    """
    Build everything, start the loops, open the door.

    With `recorded` no diagnostic asks anybody, and with `rehearsal` no action does anything: they answer instead.

    Raises: ConfigError for settings and rules that cannot work, StoreLocked, StoreUnavailable.
    """
    async with AsyncExitStack() as ending:
        registry = plugins()
        metrics = Metrics(version(DISTRIBUTION), registry.notifiers, stopped=settings.automation.stopped)
        kitchen = Kitchen(registry)

        def tell(reload: Reload) -> None:
            metrics.reloaded(not reload.error, reload.version)
            if not reload.error:
                _warn(rules.current.ruleset, registry, settings)

        rules = RuleStore(settings.rules, registry, tell, prepare=kitchen.warm)
        rules.listen()
        tell(Reload(rules.current.ruleset.version))
        entrance = Entrance.of(settings)  # before the store: a start that is refused leaves no files behind
        store = await open_store(settings.database_url.get_secret_value())
        ending.push_async_callback(store.close)
        clients = ClientSet(settings, now, load)
        ending.push_async_callback(clients.close)
        house = _House(settings, now, registry, metrics, kitchen, rules, store, clients, Reader(store))
        engine = Engine(store, replace(_runtime(house), recorded=recorded, rehearsal=rehearsal))
        door = Door(settings, entrance, _behind(house, engine))
        await engine.start()
        ending.push_async_callback(engine.stop)
        await door.open()
        ending.push_async_callback(door.close, settings.stop_within / STOP_PHASES)
        ending.push_async_callback(_watch(rules))
        return Server(door, rules, ending.pop_all())


@dataclass(frozen=True, slots=True)
class _House:
    """The rooms below the engine, as built."""

    settings: Settings
    now: Callable[[], datetime]
    registry: Registry
    metrics: Metrics
    kitchen: Kitchen
    rules: RuleStore
    store: Store
    clients: ClientSet
    reader: Reader

    def tools(self, incident: Incident) -> IncidentTools:
        """Bind what diagnostics use to an incident."""
        facts, cluster = facts_of(incident).incident, self.clients.clusters.get(incident.cluster)
        return IncidentTools(facts, self.now, cluster, self.clients.http, RelatedTo(self.reader, incident))

    def action_tools(self, incident: Incident, step: StepContext) -> StepTools:
        """Bind what actions use to one try at a step."""
        acting = self.clients.acting
        return StepTools(
            incident=facts_of(incident).incident,
            now=self.now,
            cluster=acting.cluster(incident.cluster),
            http=acting.http,
            labels=step.labels,
            attempt=step.attempt,
            reason=step.reason,
            by=step.by,
            retry=step.retry,
            files=step.files,
            allowed=acting.allowed,
            shelf=acting.shelf,
            max_size=acting.max_size,
            hold=step.hold,
        )


def _runtime(house: _House) -> Runtime:
    settings, clients = house.settings, house.clients
    return Runtime(
        rulebook=lambda: house.rules.current,
        kitchen=house.kitchen,
        registry=house.registry,
        tools=house.tools,
        action_tools=house.action_tools,
        notifier_tools=clients.sender_tools,
        now=house.now,
        metrics=house.metrics,
        clusters=tuple(settings.every_cluster),
        cluster_label=settings.cluster_label,
        alertmanagers=tuple(Watched(one.cluster, one.receiver, client) for one, client in clients.alertmanagers),
        automation=settings.automation.mode,
        dry_run=settings.automation.dry_run,
        stopped=settings.automation.stopped,
        quiet_for=settings.quiet_for,
        group_wait=settings.group_wait,
        group_interval=settings.group_interval,
        reconcile_every=settings.reconcile_every,
        stop_within=settings.stop_within / STOP_PHASES,
        external_url=settings.external_url,
        sweep_evidence=Folder(folder).sweep if (folder := settings.evidence_directory) is not None else None,
        limits=Limits(intake=settings.webhook.intake, lease=settings.lease, keep_evidence=settings.evidence.keep),
    )


def _behind(house: _House, engine: Engine) -> Behind:
    return Behind(
        intake=engine.intake,
        reader=house.reader,
        answers=engine.answers,
        controls=engine.controls,
        vault=engine.vault,
        hidden=house.kitchen.hidden,
        approvals=house.kitchen.approvals,
        workspace=house.clients.sender_tools.workspace,
        vitals=HouseVitals(house.store, house.rules, house.clients.circuits, engine.trouble),
        metrics=house.metrics,
        scale=lambda: house.rules.current.ruleset.scale,
        now=house.now,
        version=version(DISTRIBUTION),
    )


def _warn(ruleset: RuleSet, registry: Registry, settings: Settings) -> None:
    """Say what the rules name and the settings lack: the rest works without."""
    for problem in lacking(ruleset, registry, settings):
        log.warning("rules.missing", at=str(problem.origin), why=problem.message, hint=problem.hint)


def _watch(rules: RuleStore) -> Callable[[], Any]:
    """Start to watch the rule files, and return what ends that."""
    stop = asyncio.Event()
    watching = asyncio.create_task(rules.watch(stop), name="rules")

    async def end() -> None:
        stop.set()
        await watching

    return end
