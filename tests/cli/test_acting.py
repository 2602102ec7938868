"""People act from the command line, against a server that runs: asked, shown, agreed to, done once, or refused."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml

from responder.cli.act import params_of
from responder.errors import ConfigError
from tests.acceptance.house import WITHIN, until, write_rules
from tests.servers.kubernetes import TOKEN as CLUSTER_TOKEN
from tests.servers.kubernetes import KubernetesServer
from tests.servers.kubernetes_kinds import BY_NAME
from tests.servers.kubernetes_rbac import put_in_force
from tests.servers.processes import free_port
from tests.servers.responder import TOKEN, Responder, Run
from tests.servers.slack import FakeSlack
from tests.servers.slack_people import SlackPerson
from tests.servers.slack_workspace import Message

PEOPLE = {
    "ann": {"token": "token-of-ann", "roles": ["on-call"], "slack": "U0ANN"},
    "bob": {"token": "token-of-bob", "roles": ["admin"], "slack": "U0BOB"},
}
DELIVERY = {
    "version": "4",
    "status": "firing",
    "receiver": "responder",
    "groupLabels": {},
    "commonLabels": {},
    "commonAnnotations": {},
    "externalURL": "http://alertmanager",
    "groupKey": "{}",
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "QueueFull", "severity": "critical", "namespace": "prod", "deployment": "api"},
            "annotations": {"summary": "The queue is full"},
            "startsAt": "2026-01-01T00:00:00Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "",
            "fingerprint": "a" * 16,
        }
    ],
}
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "api", "namespace": "prod"},
    "spec": {
        "replicas": 3,
        "selector": {"matchLabels": {"app": "api"}},
        "template": {
            "metadata": {"labels": {"app": "api"}},
            "spec": {"containers": [{"name": "api", "image": "shop/api:1"}]},
        },
    },
}
SECRET = "signing-secret-of-the-tests"


class Scene:
    """A server with one incident, a workload that can be scaled, and people at their terminals."""

    def __init__(self, responder: Responder, slack: FakeSlack, cluster: KubernetesServer) -> None:
        self.responder, self.slack, self.cluster = responder, slack, cluster

    @property
    def replicas(self) -> int:
        """How many replicas the workload is to have: 3 at first."""
        return int(self.cluster.objects.get(BY_NAME["apps/v1", "Deployment"], "prod", "api")["spec"]["replicas"])

    @property
    def writes(self) -> int:
        """How often the workload was really written to."""
        return len([one for one in self.cluster.asked("PATCH", "deployments/api") if "dryRun" not in one.query])

    async def run(self, *words: str, who: str = "ann", typed: str = "") -> subprocess.CompletedProcess[str]:
        """Run the command line as a person, who types some lines."""
        others = {name: value for name, value in os.environ.items() if not name.startswith("RESPONDER_")}
        environ = {**others, "RESPONDER_TOKEN": f"token-of-{who}", "RESPONDER_SERVER": self.responder.url}
        command = [sys.executable, "-m", "responder", *words]
        return await asyncio.to_thread(
            subprocess.run, command, input=typed, capture_output=True, text=True, timeout=100, check=False, env=environ
        )

    async def asked(self, *more: str, who: str = "ann") -> str:
        """Ask for an action and leave it unapproved; returns its name."""
        known = len((await self.responder.get("/v1/incidents/INC-1/actions"))["actions"])
        done = await self.run("act", "INC-1", "kubernetes.scale", f"replicas={known + 5}", *more, who=who)
        assert done.returncode == 5, done.stderr
        return f"INC-1/{known + 1}"

    async def state(self, name: str, *wanted: str) -> dict[str, Any]:
        """Wait until an attempt stands as wanted."""
        async with asyncio.timeout(WITHIN):
            while True:
                actions = (await self.responder.get("/v1/incidents/INC-1/actions"))["actions"]
                found = next((one for one in actions if one["id"] == name), None)
                if found and found["state"] in wanted:
                    return dict(found)
                await asyncio.sleep(0.05)


@pytest_asyncio.fixture(params=[{}])
async def scene(
    request: pytest.FixtureRequest, run_responder: Run, fake_slack: FakeSlack, tmp_path: Path
) -> AsyncIterator[Scene]:
    """Open an incident, by the rules that the test names."""
    cluster = KubernetesServer(controllers=True)
    cluster.seed(DEPLOYMENT)
    async with cluster.running():
        responder = run_responder(
            rules=[str(write_rules(tmp_path / "rules", **request.param))],
            people=PEOPLE,
            automation="approve",
            kubernetes={"kubeconfig": str(cluster.kubeconfig(tmp_path))},
            slack={"bot_token": fake_slack.token, "base_url": fake_slack.base_url, "signing_secret": SECRET},
        )
        await responder.start()
        assert await responder.post(json.dumps(DELIVERY).encode()) == 200
        await until(fake_slack.messages)
        yield Scene(responder, fake_slack, cluster)


async def test_an_action_is_asked_for_shown_agreed_to_and_done_once(scene: Scene) -> None:
    done = await scene.run(
        "act", "INC-1", "kubernetes.scale", "replicas=5", "--reason", "the queue is full", typed="yes\n"
    )
    assert done.returncode == 0, done.stderr
    shown, _, after = done.stdout.partition("Type yes:")
    assert "kubectl scale deployment/api --replicas=5 -n prod" in shown
    assert "asked for by ann" in shown
    assert "ann said approve to INC-1/1; it is running now" in after
    await scene.state("INC-1/1", "done")
    assert (scene.replicas, scene.writes) == (5, 1)
    listed = await scene.run("actions", "INC-1")
    assert "INC-1/1 kubernetes.scale · done" in listed.stdout
    assert "yes by ann" in listed.stdout
    everywhere = await scene.run("actions")
    assert (everywhere.returncode, "No action waits, is at work, or stands" in everywhere.stdout) == (0, True)
    as_json = json.loads((await scene.run("actions", "INC-1", "--json")).stdout)
    assert [one["id"] for one in as_json["actions"]] == ["INC-1/1"]


OWN_RULE = {
    "rules": [{"name": "queues", "match": ['alertname="QueueFull"', 'namespace="prod"'], "playbook": "queues"}],
    "playbooks": {"queues": {"steps": ["Look at the queue"]}},
}
TWO_BY_HAND = {
    **OWN_RULE,
    "playbooks": {
        "queues": {
            "actions": {
                "scale": {"kubernetes.scale": {"replicas": 9}, "guard": {"approvals": 2, "approvers": ["incidents"]}}
            }
        }
    },
}
LOOKING = {("apps", "deployments", "get"), ("apps", "deployments", "list"), ("", "pods", "list")}


@pytest.mark.parametrize("scene", [TWO_BY_HAND], indirect=True)
async def test_by_hand_nobody_gets_past_the_guards_of_the_playbook(scene: Scene) -> None:
    done = await scene.run("act", "INC-1", "kubernetes.scale", "replicas=5", "--yes")
    assert done.returncode == 5, done.stderr
    told = "2 people other than ann with the role incidents"
    assert f"takes the yes of {told}, until" in done.stdout
    assert f"It waits for the yes of {told}: `responder approve INC-1/1`." in done.stdout
    own = await scene.run("approve", "INC-1/1", "--yes")
    assert "it takes somebody with the role incidents; ann has on-call" in own.stderr
    assert scene.replicas == 3


@pytest.mark.parametrize("scene", [OWN_RULE], indirect=True)
async def test_for_want_of_a_right_people_are_told_the_command_that_grants_it(scene: Scene) -> None:
    access, user = scene.cluster.access, "system:serviceaccount:responder:responder"
    access.tokens[CLUSTER_TOKEN] = user
    access.grants[user] = set(LOOKING)
    refused = await scene.run("act", "INC-1", "kubernetes.scale", "replicas=5")
    assert (refused.returncode, "it is blocked" in refused.stderr) == (1, True)
    cure = next(line for line in refused.stdout.splitlines() if "Cure: " in line).partition("Cure: ")[2]
    command, _, rest = cure.partition(" | ")
    assert (command, rest.startswith("kubectl apply -f -")) == ("responder rbac --manual kubernetes.scale", True)
    printed = await scene.run(*command.split()[1:], "--config", str(scene.responder.folder / "responder.yaml"))
    put_in_force(access, yaml.safe_load_all(printed.stdout))
    await scene.run("reject", "INC-1/1")
    done = await scene.run("act", "INC-1", "kubernetes.scale", "replicas=5", typed="yes\n")
    assert done.returncode == 0, done.stdout + done.stderr
    await scene.state("INC-1/2", "done")
    assert scene.replicas == 5


async def test_whoever_types_no_yes_has_said_nothing_and_others_can(scene: Scene) -> None:
    name = await scene.asked()
    for typed in ("no\n", "", "y\n"):
        done = await scene.run("approve", name, who="bob", typed=typed)
        assert (done.returncode, "Nothing was said." in done.stdout) == (5, True)
    assert (scene.replicas, scene.writes) == (3, 0)
    shown = await scene.state(name, "proposed")
    done = await scene.run("approve", name, "--digest", shown["digest"][:6], "--yes", who="bob")
    assert done.returncode == 0, done.stderr
    await scene.state(name, "done")
    assert (scene.replicas, scene.writes) == (5, 1)


@pytest.mark.parametrize("target", ["deploy/api", "deployments.apps/api"])
async def test_a_target_is_written_as_for_kubectl(scene: Scene, target: str) -> None:
    await scene.asked("--target", target)
    (step,) = (await scene.state("INC-1/1", "proposed"))["steps"]
    assert step["target"] == "deployment/api in prod"


async def test_a_no_ends_it_and_a_later_yes_asks_again(scene: Scene) -> None:
    name = await scene.asked()
    done = await scene.run("reject", name, "--reason", "not now", who="bob")
    assert (done.returncode, "it is rejected now: bob said no: not now" in done.stdout) == (0, True), done.stderr
    again = await scene.run("approve", name, "--yes")
    assert again.returncode == 0, again.stderr
    assert "ann asked for INC-1/1 again: it is INC-1/2 now" in again.stdout
    assert (await scene.state("INC-1/2", "proposed"))["name"] == "kubernetes.scale"
    assert scene.writes == 0


async def test_what_cannot_be_is_refused_in_words_with_a_status_of_its_own(scene: Scene) -> None:
    name = await scene.asked()
    for words, who, status, said in (
        (("approve", name, "--digest", "ffffffff", "--yes"), "ann", 1, "is not what ffffffff showed"),
        (("approve", "INC-1/9", "--yes"), "ann", 1, "there is no attempt INC-1/9; the last are: INC-1/1"),
        (("approve", "INC-7/1", "--yes"), "ann", 1, "there is no incident 'INC-7'"),
        (("approve", "INC-1"), "ann", 2, "write it as INC-17/3"),
        (("approve", name, "--input", "count", "--yes"), "ann", 2, "write --input as name=value"),
        (("approve", name, "--input", "count=3", "--yes"), "ann", 1, "inputs.count: there is no such input"),
        (("undo", name, "--yes"), "ann", 1, "it is proposed"),
        (("settle", name, "happened"), "ann", 1, "there is no doubt about it: it is proposed"),
        (("settle", name, "perhaps"), "ann", 2, "perhaps"),
        (("break-glass", name, "--reason", "now", "--yes"), "ann", 1, "takes the role admin, which ann has not"),
        (("break-glass", name), "bob", 2, "--reason"),
        (("act", "INC-1", "kubernetes.nothing"), "ann", 1, "no action is called kubernetes.nothing"),
        (("act", "INC-1", "kubernetes.rolloutundo"), "ann", 1, "did you mean kubernetes.rollout_undo?"),
        (("act", "INC-1", "kubernetes.scale", "replica=5"), "ann", 1, "did you mean replicas?"),
        (("act", "INC-1", "kubernetes.set_image", "container=x"), "ann", 1, "image: is missing"),
        (("act", "INC-1", "kubernetes.scale", "replicas=5", "address=x"), "ann", 1, "takes no such parameter; it"),
        (("act", "INC-1", "http.request", "url=http://127.0.0.1/"), "ann", 1, "does only what rules say"),
        (("act", "INC-1", "kubernetes.scale", "-n", "prod"), "ann", 2, "write that too, as deployment/api"),
        (("act", "INC-1", "kubernetes.scale", "--target", "api"), "ann", 2, "write --target as kind/name"),
        (("act", "INC-1", "kubernetes.scale", "--target", "cm/api"), "ann", 1, "kubernetes.patch_configmap name=NAME"),
        (("actions", "x"), "ann", 2, "'x' is no incident: write INC-17 or 17"),
        (("approve", name), "nobody", 2, "give your own token with --token-file or RESPONDER_TOKEN"),
        (("actions", "1", "--server", f"http://127.0.0.1:{free_port()}"), "ann", 4, "and does it run?"),
        (("actions", "1", "--server", "localhost:8080"), "ann", 2, "is no address of a server"),
    ):
        done = await scene.run(*words, who=who)
        assert (done.returncode, said in done.stderr) == (status, True), (words, done.stdout, done.stderr)
    assert scene.writes == 0


async def test_the_webhooks_token_is_nobodys(scene: Scene, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    done = await scene.run("stop-automation", "--token-file", str(file))
    assert (done.returncode, "only a person decides" in done.stderr) == (2, True)


async def test_nothing_is_begun_while_automation_is_stopped(scene: Scene) -> None:
    stopped = await scene.run("stop-automation", "--for", "2h", "--reason", "odd restarts")
    assert (stopped.returncode, "STOPPED by ann" in stopped.stdout) == (0, True), stopped.stderr
    assert "odd restarts" in stopped.stdout
    shorter = await scene.run("stop-automation", "--for", "5m", who="bob")
    assert (shorter.returncode, "NOT as you asked: ann had stopped it for longer" in shorter.stdout) == (0, True)
    done = await scene.run("act", "INC-1", "kubernetes.scale", "replicas=5", "--yes")
    assert done.returncode == 1
    assert scene.writes == 0
    listed = await scene.run("actions", "INC-1")
    assert listed.stdout.startswith("Automation is STOPPED by ann"), listed.stdout
    resumed = await scene.run("resume-automation", typed="yes\n", who="bob")
    assert (resumed.returncode, "Automation is not stopped." in resumed.stdout) == (0, True), resumed.stderr
    again = await scene.run("resume-automation", "--yes")
    assert (again.returncode, again.stdout) == (0, "Automation is not stopped.\n")


async def test_a_button_of_the_living_message_is_the_same_yes(scene: Scene) -> None:
    name = await scene.asked()

    def offered() -> Message | None:
        told = scene.slack.messages()
        return next((one for one in told if any(block["type"] == "actions" for block in one.blocks)), None)

    bob = SlackPerson(scene.slack, f"{scene.responder.url}/v1/slack/interactions", SECRET, "U0BOB")
    assert await bob.press(await until(offered), "Approve") == 200
    shown = await scene.state(name, "done")
    assert [one["by"] for one in shown["approvals"]] == ["bob"]
    assert (scene.replicas, scene.writes) == (5, 1)


@pytest.mark.parametrize(
    ("given", "params"),
    [
        (["replicas=5"], {"replicas": "5"}),
        (["limits.memory=8Gi", "limits.cpu=2"], {"limits": {"memory": "8Gi", "cpu": "2"}}),
        (["set.app.example/x=a=b"], {"set": {"app.example/x": "a=b"}}),
        (['set={"a": "1"}', "set.b=2"], {"set": {"a": "1", "b": "2"}}),
        (['argv=["redis-cli", "info"]'], {"argv": ["redis-cli", "info"]}),
        (['query={job="x"}'], {"query": '{job="x"}'}),
        (['set.flags={"a": 1}'], {"set": {"flags": '{"a": 1}'}}),
        (None, {}),
    ],
)
def test_what_an_action_takes_is_written_as_pairs(given: list[str] | None, params: dict[str, Any]) -> None:
    assert params_of(given) == params


@pytest.mark.parametrize("given", [["replicas"], ["=5"], [".a=5"], ["a.=5"], ["a=5", "a.b=5"]])
def test_what_is_no_pair_is_said(given: list[str]) -> None:
    with pytest.raises(ConfigError, match="write"):
        params_of(given)
