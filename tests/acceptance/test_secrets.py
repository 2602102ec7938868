"""A secret given through the API reaches the cluster, once, by the replica that took it, and is found nowhere else."""

import asyncio
import base64
import json
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest
import yaml

from tests.acceptance.house import RULES
from tests.servers.kubernetes import KubernetesServer
from tests.servers.kubernetes_kinds import BY_NAME
from tests.servers.responder import TOKEN, Responder
from tests.servers.slack import FakeSlack

NAMESPACE = "prod"
SECRET = BY_NAME["v1", "Secret"]
VALUE = 'Zq3"planted&new\nsecond-line-of-it'
PEOPLE = {name: {"token": f"token-of-{name}", "roles": ["on-call"]} for name in ("ann", "bob")}
BOOK = {
    "target": {"kind": "Deployment", "namespace": NAMESPACE, "name": "api"},
    "refresh": "2s",
    "diagnose": {"workload": {"kubernetes.workload": {}}},
    "conclude": [{"name": "leaked", "say": "The token leaked", "propose": ["keep", "renew"]}],
}
KEEP = {"evidence.capture": {"manifests": True}, "mode": "auto"}
RENEW = {
    "kubernetes.patch_secret": {"name": "api", "key": "token", "value": "${inputs.token}"},
    "mode": "approve",
    "inputs": {"token": {"type": "secret", "describe": "The new token"}},
}
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "api", "namespace": NAMESPACE},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "api"}},
        "template": {
            "metadata": {"labels": {"app": "api"}},
            "spec": {"containers": [{"name": "api", "image": "registry.example/api:1"}]},
        },
    },
}
ALERT = {
    "status": "firing",
    "labels": {"alertname": "TokenLeaked", "severity": "critical", "namespace": NAMESPACE, "deployment": "api"},
    "annotations": {},
    "startsAt": "2026-01-01T00:00:00Z",
    "endsAt": "0001-01-01T00:00:00Z",
    "generatorURL": "",
    "fingerprint": "a" * 16,
}
DELIVERY = {
    "version": "4",
    "status": "firing",
    "receiver": "responder",
    "groupKey": "{}",
    "externalURL": "http://alertmanager",
    **{key: {} for key in ("groupLabels", "commonLabels", "commonAnnotations")},
    "alerts": [ALERT],
}


class Fleet:
    """Replicas on one store, with the cluster that they act on."""

    def __init__(self, folder: Path, cluster: KubernetesServer, slack: FakeSlack, url: str) -> None:
        self.folder, self.cluster, self.slack, self.url = folder, cluster, slack, url
        self.replicas: list[Responder] = []
        self.guard: dict[str, Any] = {}

    async def start(self) -> Responder:
        """Start one more."""
        folder = self.folder / f"replica-{len(self.replicas)}"
        folder.mkdir()
        rule = {"name": "leaks", "match": ['alertname="TokenLeaked"'], "correlate_by": ["namespace"]}
        actions = {"keep": KEEP, "renew": {**RENEW, "guard": {"evidence": ["keep"], **self.guard}}}
        playbooks = {"leaks": {**BOOK, "actions": actions}}
        rules = {**RULES, "rules": [{**rule, "playbook": "leaks"}], "playbooks": playbooks}
        (folder / "rules.yaml").write_text(yaml.safe_dump(rules))
        settings = {
            "listen": "127.0.0.1:0",
            "webhook": {"bearer_tokens": [TOKEN]},
            "stop_within": "5s",
            "rules": [str(folder / "rules.yaml")],
            "database_url": self.url,
            "slack": {"bot_token": self.slack.token, "base_url": self.slack.base_url},
            "kubernetes": {"kubeconfig": str(self.cluster.kubeconfig(folder))},
            "automation": "auto",
            "people": PEOPLE,
            "evidence": {"directory": str(folder / "evidence")},
        }
        replica = Responder(folder, settings)
        self.replicas.append(replica)
        await replica.start()
        return replica

    @property
    def token(self) -> str:
        """The value in the cluster."""
        found = self.cluster.objects.get(SECRET, NAMESPACE, "api")["data"]["token"]
        return base64.b64decode(found).decode()

    async def renewal(self, door: Responder, *states: str) -> dict[str, Any]:
        """Wait until the action stands there."""
        actions: list[dict[str, Any]] = []
        async with asyncio.timeout(100):
            while True:
                actions = (await door.get("/v1/incidents/INC-1/actions")).get("actions", [])
                found = [one for one in actions if one["name"] == "renew"][-1:]
                if found and found[0]["state"] in states and (found[0]["digest"] or states != ("proposed",)):
                    return found[0]
                await asyncio.sleep(0.05)

    async def moved(self, door: Responder, why: str) -> dict[str, Any]:
        """Wait until the timeline tells of such a move, and people are asked again."""
        async with asyncio.timeout(100):
            while why not in json.dumps(await door.get("/v1/incidents/INC-1?limit=10000")):
                await asyncio.sleep(0.05)
        return await self.renewal(door, "proposed")

    async def give(self, door: Responder, attempt: dict[str, Any]) -> str:
        """Let ann say yes with the secret; returns what was answered."""
        return await self.say(door, attempt, "ann", inputs={"token": VALUE})

    async def say(self, door: Responder, attempt: dict[str, Any], person: str, **more: Any) -> str:
        """Let somebody say yes."""
        url = f"{door.url}/v1/incidents/{attempt['id'].replace('/', '/actions/')}/approve"
        headers = {"Authorization": f"Bearer token-of-{person}"}
        body = {"digest": attempt["digest"], **more}
        async with aiohttp.ClientSession(headers=headers) as session, session.post(url, json=body) as answer:
            assert answer.status == 202, await answer.text()
            return await answer.text()

    async def stored(self) -> str:
        """Read all that is in the store, in every table, or every byte of the files."""
        if self.url.startswith("sqlite"):
            files = [file for file in self.folder.rglob("responder.db*") if file.is_file()]
            assert files
            return "".join(file.read_bytes().decode(errors="replace") for file in files)
        connection = await asyncpg.connect(self.url)
        try:
            where = "schemaname not in ('pg_catalog', 'information_schema')"
            tables = await connection.fetch(f"select schemaname, tablename from pg_tables where {where}")
            rows = [await connection.fetch(f'select t::text from "{s}"."{t}" t') for s, t in tables]
        finally:
            await connection.close()
        return "\n".join(row[0] for found in rows for row in found)

    async def everything(self, door: Responder) -> str:
        """Return all that can be read of it: store, logs, messages, API, metrics, evidence."""
        paths = ("", "/actions", "/recording")
        documents = [await door.get(f"/v1/incidents/INC-1{path}") for path in paths]
        logs = [str((replica.log, replica.errors)) for replica in self.replicas]
        events = [asked.path for asked in self.cluster.requests]
        kept = [
            file.read_bytes().decode(errors="replace") for file in self.folder.rglob("evidence/**/*") if file.is_file()
        ]
        messages = [str(vars(message)) for message in self.slack.messages("incidents")]
        read = [
            await self.stored(),
            json.dumps(documents),
            await door.text("/metrics"),
            *logs,
            *events,
            *kept,
            *messages,
        ]
        return "\n".join(read)


def traces(text: str) -> list[str]:
    """List the forms of the secret that stand in a text."""
    forms = (VALUE, "planted&new", "second-line-of-it", base64.b64encode(VALUE.encode()).decode(), "planted%26new")
    return [form for form in forms if form in text]


@pytest.fixture
async def fleet(fake_slack: FakeSlack, tmp_path: Path) -> AsyncIterator[Callable[[str], Fleet]]:
    """Prepare a fleet on a store: `fleet(url)`."""
    cluster = KubernetesServer(controllers=True)
    made: list[Fleet] = []
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "api", "namespace": NAMESPACE}}
    cluster.seed(DEPLOYMENT, {**secret, "data": {"token": base64.b64encode(b"the old one").decode()}})

    def prepare(url: str) -> Fleet:
        made.append(Fleet(tmp_path, cluster, fake_slack, url))
        return made[-1]

    async with cluster.running():
        yield prepare
        for replica in [one for each in made for one in each.replicas]:
            replica.signal(signal.SIGCONT)
            await replica.end()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/responder.db"
    return str(request.getfixturevalue("postgres_database"))


async def test_a_secret_reaches_the_cluster_and_is_found_nowhere_else(
    fleet: Callable[[str], Fleet], database_url: str
) -> None:
    scene = fleet(database_url)
    door = await scene.start()
    assert await door.post(json.dumps(DELIVERY).encode()) == 200
    answered = await scene.give(door, await scene.renewal(door, "proposed"))
    done = await scene.renewal(door, "done", "failed", "in doubt", "refused")
    assert (done["state"], scene.token) == ("done", VALUE), done
    assert traces(answered) == []
    found = await scene.everything(door)
    assert found.count("given with the yes") > 2
    assert traces(found) == []
    assert await door.stop() == 0
    assert traces(await scene.stored()) == []


async def test_what_a_process_held_that_was_killed_is_asked_for_again(
    fleet: Callable[[str], Fleet], tmp_path: Path
) -> None:
    scene = fleet(f"sqlite:///{tmp_path}/responder.db")
    scene.guard = {"approvals": 2}
    door = await scene.start()
    assert await door.post(json.dumps(DELIVERY).encode()) == 200
    first = await scene.renewal(door, "proposed")
    await scene.give(door, first)
    await door.end()
    door = await scene.start()
    await scene.say(door, await scene.renewal(door, "proposed"), "bob")
    asked = await scene.moved(door, "give token again")
    assert (asked["id"], asked["approvals"], scene.token) == (first["id"], [], "the old one")
    await scene.say(door, asked, "bob")
    await scene.give(door, asked)
    done = await scene.renewal(door, "done", "failed", "in doubt", "refused")
    assert (done["state"], done["id"], scene.token) == ("done", first["id"], VALUE), done
    assert traces(await scene.everything(door)) == []


@pytest.mark.postgres
async def test_of_three_replicas_the_one_that_took_the_secret_uses_it(
    fleet: Callable[[str], Fleet], postgres_database: str
) -> None:
    scene = fleet(postgres_database)
    first, second, third = [await scene.start() for _ in range(3)]
    assert await first.post(json.dumps(DELIVERY).encode()) == 200
    await scene.give(second, await scene.renewal(third, "proposed"))
    done = await scene.renewal(third, "done", "failed", "in doubt", "refused")
    assert (done["state"], scene.token) == ("done", VALUE), done
    tried = [[line for line in one.log if line["event"] == "action.tried"] for one in (first, second, third)]
    renewed = [[line for line in lines if line["plugin"] == "kubernetes.patch_secret"] for lines in tried]
    assert [len(lines) for lines in renewed] == [0, 1, 0]
    assert traces(await scene.everything(first)) == []
