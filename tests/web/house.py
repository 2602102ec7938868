"""A door with what stands behind it, on SQLite; no loops run, so what was taken in stays where it came in."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from responder.clients.circuit import Circuit
from responder.clients.slack.client import SlackClient
from responder.engine.accept import Intake
from responder.engine.answers import Answers
from responder.engine.controls import Controls
from responder.engine.reader import Reader
from responder.engine.vault import Vault
from responder.engine.views import Rejected
from responder.model import codec
from responder.model.alert import Episode
from responder.model.incident import Incident
from responder.model.playbook import Playbook
from responder.model.timeline import Happening
from responder.plugins.registry import Registry
from responder.rules.kitchen import Kitchen
from responder.rules.rule_store import RuleStore
from responder.settings.process import Settings
from responder.store.opening import open_store
from responder.store.rows import compact, incident_fields, micros
from responder.store.store import Store
from responder.web.door import Behind, Door
from responder.web.entrance import Entrance
from responder.web.metrics import Metrics
from responder.web.vitals import HouseVitals
from responder.wiring import plugins

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class House:
    """An open door."""

    def __init__(
        self, door: Door, store: Store, rules_version: str, workspace: SlackClient | None, vault: Vault
    ) -> None:
        self.vault = vault
        self.workspace = workspace
        self.door = door
        self.rules_version = rules_version
        self.store = store
        self.reader = Reader(store)
        self.controls = Controls(store, lambda: NOW, lambda _: None)

    @property
    def url(self) -> str:
        """Where the door is."""
        return self.door.listener.addresses[0]

    @property
    def webhook(self) -> str:
        """Where Alertmanager posts to."""
        return f"{self.url}/v1/webhooks/alertmanager"

    @property
    def port(self) -> int:
        """The port alone."""
        return int(self.url.rsplit(":", 1)[1])

    async def close(self) -> None:
        """Close the door."""
        await self.door.close(timedelta(seconds=5))
        if self.workspace is not None:
            await self.workspace.close()

    async def lose_store(self) -> None:
        """Let the store answer no more."""
        await self.store.close()

    async def accepted(self) -> list[bytes]:
        """List the deliveries that are committed."""
        async with self.store.transaction() as tx:
            waiting = await self.store.inbox.waiting(tx, 100)
            bodies = await self.store.inbox.bodies(tx, [row.id for row in waiting])
        return [bodies[row.id] for row in waiting]

    async def kept(self) -> Sequence[Rejected]:
        """List the rejected deliveries that are kept, oldest first."""
        return (await self.reader.rejected(100))[0][::-1]

    async def put(self, *incidents: Incident) -> None:
        """Store incidents."""
        async with self.store.transaction() as tx:
            for one in incidents:
                place = (one.number, one.rule, one.cluster, f"open/{one.number}", one.playbook)
                tx.run("incident_add", *place, *incident_fields(one), micros(one.opened_at), None)

    async def keep(self, digest: str, playbook: Playbook) -> None:
        """Store a playbook under a digest of the test's choice."""
        async with self.store.transaction() as tx:
            tx.run("playbook_add", digest, codec.PLAYBOOK.dump(playbook), micros(NOW))

    async def saw(self, *episodes: Episode, rule: str, incident: int = 0) -> None:
        """Store episodes as correlation does."""
        async with self.store.transaction() as tx:
            for one in episodes:
                when = (micros(one.started_at), micros(one.started_at), one.ended_at and micros(one.ended_at))
                texts = (compact(one.labels), compact(one.annotations), one.generator_url)
                tx.run("episode_add", one.fingerprint, *when, incident, "default", rule, *texts)

    async def happened(self, number: int, *what: Happening) -> None:
        """Write onto an incident's timeline."""
        async with self.store.transaction() as tx:
            for one in what:
                tx.run("event_add", number, one.kind, codec.HAPPENING.dump(one), micros(NOW), 1)


async def open_house(folder: Path, **settings: Any) -> House:
    """Open a door on a free port with the given settings."""
    folder.mkdir()
    chosen = Settings.model_validate({"listen": "127.0.0.1:0", **settings})
    token = chosen.slack.bot_token
    workspace = SlackClient(token=token.get_secret_value(), base_url=chosen.slack.base_url) if token else None
    store = await open_store(f"sqlite:///{folder}/house.db")
    intake = Intake(store, now=lambda: NOW, committed=lambda: None, capacity=64 * 1024 * 1024, kept=100)
    reader, rules = Reader(store), RuleStore([], Registry({}, {}, {}))
    vault = Vault("this-process", lambda: NOW)
    behind = Behind(
        intake=intake,
        reader=reader,
        answers=Answers(store, lambda: NOW, lambda _: None),
        controls=Controls(store, lambda: NOW, lambda _: None),
        vault=vault,
        hidden=Kitchen(plugins()).hidden,
        approvals=Kitchen(plugins()).approvals,
        vitals=HouseVitals(store, rules, [Circuit("slack", lambda: NOW)]),
        metrics=Metrics("1.2.3"),
        scale=lambda: rules.current.ruleset.scale,
        now=lambda: NOW,
        version="1.2.3",
        workspace=workspace,
    )
    try:
        door = Door(chosen, Entrance.of(chosen), behind)
        await door.open()
    except BaseException:
        await store.close()
        raise
    return House(door, store, rules.current.ruleset.version, workspace, vault)
