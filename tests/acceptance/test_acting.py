"""The shipped playbooks act: what a person would have dared, asked for, approved, done once, and seen to help."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import redis.asyncio

from responder.plugins.acting import ATTEMPT
from tests.acceptance.house import until
from tests.acceptance.shop import BAD, GOOD, INGRESS, NAMESPACE, Shop, delivery, deployment_rules, own_pack
from tests.servers.responder import Responder, Run
from tests.servers.slack import FakeSlack
from tests.servers.slack_people import SlackPerson
from tests.servers.slack_workspace import Message
from tests.servers.web import WebServers

ROOT = Path(__file__).parents[2]
SIGNING = "a-signing-secret"
PEOPLE = {
    "ann": {"token": "token-of-ann", "roles": ["on-call"], "slack": "U0ANN"},
    "bob": {"token": "token-of-bob", "roles": ["on-call", "security"], "slack": "U0BOB"},
}
SOON = {"hold": "1s", "within": "2m"}


WAITING = """
drained: {prometheus.wait: {query: 'queue_depth < 10', within: 1m}}
back: {kubernetes.rollout_undo: {}}
in-order: {do: [drained, back], mode: approve}
"""


class Platform:
    """The platform of the shipped pack with Responder watching it: the shop, the channel, two people."""

    def __init__(self, shop: Shop, slack: FakeSlack, responder: Responder) -> None:
        self.shop, self.slack, self.responder = shop, slack, responder

    @property
    def message(self) -> Message:
        """The living message of the incident."""
        return next(message for message in self.slack.messages("incidents") if not message.thread_ts)

    async def fires(self, alert: str, **labels: str) -> None:
        """Let an alert fire, and wait for its message."""
        assert await self.responder.post(delivery(alert, **labels)) == 200
        await until(lambda: [m for m in self.slack.messages("incidents") if not m.thread_ts])

    async def shows(self, *words: str) -> str:
        """Wait until the message shows all of these words."""

        def look() -> str:
            text = self.message.shown
            return text if all(word in text for word in words) else ""

        try:
            return await until(look)
        except TimeoutError:
            raise AssertionError(f"{words} not in:\n{self.message.shown}") from None

    async def action(self, name: str, *states: str) -> dict[str, Any]:
        """Wait until the newest attempt at an action is in one of these states."""
        for _ in range(1500):
            found = (await self.responder.get("/v1/incidents/INC-1"))["actions"]
            newest = [attempt for attempt in found if attempt["name"] == name][-1:]
            if newest and newest[0]["state"] in states:
                return dict(newest[0])
            await _a_moment()
        raise AssertionError(json.dumps(found, indent=1))

    async def asked(self, name: str, *, before: str = "") -> dict[str, Any]:
        """Wait until people are asked about an action; anew, where they were asked about `before`."""
        for _ in range(1500):
            attempt = await self.action(name, "proposed", "blocked")
            if attempt["state"] == "proposed" and attempt["digest"] not in ("", before):
                return attempt
            await _a_moment()
        raise AssertionError(f"nobody is asked about {name}")

    async def refused(self, why: str) -> None:
        """Wait until the timeline says that somebody's word did not count, and why."""
        for _ in range(1500):
            timeline = (await self.responder.get("/v1/incidents/INC-1"))["timeline"]
            if why in json.dumps(timeline):
                return
            await _a_moment()
        raise AssertionError(f"{why} not in {json.dumps(timeline, indent=1)}")

    async def says(self, person: str, attempt: dict[str, Any], word: str = "approve", **body: Any) -> tuple[int, Any]:
        """Answer for a person through the API."""
        path = f"/v1/incidents/INC-1/actions/{attempt['number']}/{word}"
        shown = {"digest": attempt["digest"]} if word == "approve" else {}
        return await self.posts(person, path, **shown, **body)

    async def posts(self, person: str, path: str, **body: Any) -> tuple[int, Any]:
        """Speak to the API as a person."""
        headers = {"Authorization": f"Bearer token-of-{person}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.post(f"{self.responder.url}{path}", json=body) as answer,
        ):
            return answer.status, await answer.json()

    def person(self, member: str) -> SlackPerson:
        """Return somebody who presses buttons in Slack."""
        return SlackPerson(self.slack, f"{self.responder.url}/v1/slack/interactions", SIGNING, member=member)


async def _a_moment() -> None:
    seen: list[int] = []
    await until(lambda: seen.append(0) or len(seen) > 2)


Begin = Callable[..., Any]


@pytest.fixture
async def begin(run_responder: Run, fake_slack: FakeSlack, web_servers: WebServers, tmp_path: Path) -> Any:
    """Start the platform: `await begin(override, **settings)`."""
    shop = Shop()

    async def start(override: dict[str, Any] | None = None, **settings: Any) -> Platform:
        await shop.open(web_servers)
        override = override or {}
        errors = override.setdefault("ai-orchestrator/high-error-rate", {})
        errors.setdefault("vars", {})["provider_status"] = shop.provider
        responder = run_responder(
            **{
                "rules": [str(ROOT / "rules/ai-orchestrator"), str(deployment_rules(tmp_path, **override))],
                "slack": {"bot_token": fake_slack.token, "base_url": fake_slack.base_url, "signing_secret": SIGNING},
                "kubernetes": {"kubeconfig": str(shop.cluster.kubeconfig(tmp_path))},
                "prometheus": {"url": shop.prometheus},
                "automation": "approve",
                "people": PEOPLE,
                "evidence": {"directory": str(tmp_path / "evidence")},
                **settings,
            }
        )
        await responder.start()
        return Platform(shop, fake_slack, responder)

    async with shop.cluster.running():
        yield start


def verified(playbook: str, action: str, until_: str, **words: Any) -> dict[str, Any]:
    """Override how an action is verified, so that a test need not wait for minutes."""
    return {f"ai-orchestrator/{playbook}": {"actions": {action: {"verify": {"until": until_, **SOON, **words}}}}}


async def test_a_bad_release_is_rolled_back_by_one_press_of_a_button_and_seen_to_help(begin: Begin) -> None:
    platform = await begin(verified("high-error-rate", "roll-back", "rate.value < vars.normal"))
    await platform.fires("HighErrorRate")
    await platform.shows("waits for approval", "image of ai-orchestrator 1.5", "kubectl rollout undo", "Approve")
    assert platform.shop.image == BAD
    assert await platform.person("U0ANN").press(platform.message, "Approve") == 200
    await platform.shows("roll-back", "helped · approved by ann", "*rate* 12.3 % → 0.4 %", "rolled back to revision 1")
    assert platform.shop.image == GOOD
    annotations = platform.shop.deployment["metadata"]["annotations"]
    assert annotations[ATTEMPT].endswith("/1/0")
    assert "INC-1" in annotations["kubernetes.io/change-cause"]
    told = [event["message"] if "message" in event else event["note"] for event in platform.shop.events]
    assert any("INC-1" in note and "ann" in note for note in told), told
    writes = platform.shop.writes("deployments/ai-orchestrator")
    assert len([write for write in writes if not write.query.get("dryRun")]) == 1
    assert len(platform.slack.messages("incidents")) >= 1


async def test_with_the_defaults_nothing_is_offered_and_nothing_is_tried(begin: Begin) -> None:
    platform = await begin(automation="suggest")
    await platform.fires("HighErrorRate")
    text = await platform.shows("Proposed actions", "kubectl rollout undo deployment/ai-orchestrator")
    assert "Approve" not in text
    assert platform.shop.writes("deployments") == []
    assert (await platform.responder.get("/v1/incidents/INC-1"))["actions"] == []


async def test_a_yes_to_what_is_no_longer_so_is_not_a_yes(begin: Begin) -> None:
    platform = await begin()
    await platform.fires("HighErrorRate")
    attempt = await platform.asked("roll-back")
    platform.shop.release("registry.example/ai-orchestrator:1.6")
    status, _ = await platform.says("ann", attempt)
    assert status == 202
    again = await platform.asked("roll-back", before=attempt["digest"])
    assert again["approvals"] == []
    assert platform.shop.image == "registry.example/ai-orchestrator:1.6"


async def test_a_stop_holds_an_approved_action_and_is_loud(begin: Begin) -> None:
    platform = await begin()
    await platform.fires("HighErrorRate")
    attempt = await platform.asked("roll-back")
    status, _ = await platform.posts("bob", "/v1/automation/stop", why="change freeze")
    assert status in (200, 201, 202)
    await platform.shows("AUTOMATION IS STOPPED", "bob", "change freeze")
    await platform.says("ann", attempt)
    await platform.action("roll-back", "proposed", "blocked", "approved", "refused")
    assert platform.shop.image == BAD


async def test_a_failing_provider_is_cut_off_and_the_pods_take_it_up(begin: Begin) -> None:
    override = verified("high-error-rate", "circuit-breaker", "rate.value < vars.elevated", otherwise=["undo"])
    platform = await begin(override)
    platform.shop.indicator = "major"
    before = platform.shop.pods
    await platform.fires("HighErrorRate")
    attempt = await platform.asked("circuit-breaker")
    assert (await platform.says("ann", attempt))[0] == 202
    await platform.action("circuit-breaker", "verified")
    assert platform.shop.cut_off
    assert not set(platform.shop.pods) & set(before)
    assert platform.shop.image == BAD
    helped = await platform.action("circuit-breaker", "verified")
    assert helped["temporary_until"]
    await platform.shows("Temporary", "Undo")
    assert (await platform.says("ann", helped, "undo"))[0] == 202
    await platform.action("circuit-breaker", "undone")
    assert not platform.shop.cut_off


async def test_a_leak_is_restarted_only_after_its_heap_was_kept(begin: Begin, tmp_path: Path) -> None:
    override = verified("memory-leak", "restart", "usage.memory_ratio < vars.calm", otherwise="next")
    snapshot = """node -e "require('heapdump').writeSnapshot('/tmp/heap.heapsnapshot')\""""
    platform = await begin(override, actions={"programs": [snapshot]})
    platform.shop.measure("3800Mi")
    platform.shop.heap(b"the heap")
    await platform.fires("MemoryLeakSuspected")
    blocked = await platform.action("restart", "proposed", "blocked")
    heap = await platform.asked("heap")
    status, said = await platform.says("ann", heap)
    assert status == 202, said
    kept = await platform.action("heap", "done", "failed")
    assert kept["state"] == "done", kept
    await platform.shows("Evidence kept", "heap.heapsnapshot")
    files = [path for path in (tmp_path / "evidence").rglob("*") if path.is_file()]
    assert b"the heap" in {path.read_bytes() for path in files}
    before = platform.shop.pods
    restart = await platform.asked("restart")
    assert restart["number"] == blocked["number"]
    status, said = await platform.says("bob", restart)
    assert status == 202, said
    await until(lambda: not set(platform.shop.pods) & set(before))
    platform.shop.measure("1Gi")
    await platform.shows("restart", "helped · approved by bob")


async def test_attackers_are_blocked_by_two_people_after_evidence_and_nothing_is_shut_down(
    begin: Begin, redis_url: str
) -> None:
    sessions = redis.asyncio.from_url(redis_url)
    await sessions.set("session:1", "ann")
    override = verified("authentication-failures", "block", "failures.value < vars.normal", otherwise="escalate")
    platform = await begin(override, datasources={"redis": {"sessions": {"url": redis_url}}})
    platform.shop.attacked("203.0.113.7", "198.51.100.9")
    await platform.fires("AuthenticationFailureSpike")
    for name in ("evidence", "evidence-of-ingress"):
        assert (await platform.says("ann", await platform.asked(name)))[0] == 202
        await platform.action(name, "done")

    block = await platform.asked("block")
    assert block["inputs"] == {"cidrs": ["198.51.100.9/32", "203.0.113.7/32"]}
    inputs = {"cidrs": ["203.0.113.7/32", "198.51.100.9/32"]}
    assert (await platform.says("ann", block, inputs=inputs))[0] == 202
    await platform.shows("1 of 2 did")
    block = await platform.asked("block")
    assert (await platform.says("ann", block))[0] in (202, 409)
    assert platform.shop.blocked == ""
    assert (await platform.says("bob", block))[0] == 202
    await until(lambda: platform.shop.blocked)
    assert set(platform.shop.blocked.split(",")) == {"192.0.2.0/24", "203.0.113.7/32", "198.51.100.9/32"}

    for name in ("rotate", "log-everybody-out"):
        attempt = await platform.asked(name)
        assert (await platform.says("ann", attempt))[0] == 202
        assert (await platform.says("bob", attempt))[0] == 202
        await platform.action(name, "done", "verified")
    assert await sessions.dbsize() == 0
    assert [job["metadata"]["namespace"] for job in platform.shop.jobs] == [NAMESPACE]

    pods, serving = platform.shop.pods, platform.shop.serving
    suspect = {"pod": pods[0]}
    assert (await platform.says("ann", await platform.asked("isolate"), inputs=suspect))[0] == 202
    await platform.shows("isolate", "1 of 2 did")
    isolate = await platform.asked("isolate")
    assert pods[0] in json.dumps(isolate["steps"])
    assert (await platform.says("bob", isolate))[0] == 202
    await platform.action("isolate", "done")
    await until(lambda: platform.shop.serving == serving)
    assert set(pods) < set(platform.shop.pods)

    pods = platform.shop.pods
    for plugin, params in (
        ("kubernetes.scale", {"replicas": 0}),
        ("kubernetes.rollout_restart", {}),
        ("kubernetes.delete_pod", {}),
        ("kubernetes.set_image", {"image": "registry.example/ai-orchestrator:0"}),
    ):
        asked = {"action": plugin, "params": params, "reason": "shut it down"}
        assert (await platform.posts("bob", "/v1/incidents/INC-1/actions", **asked))[0] == 202
        await platform.refused(f"{plugin} is forbidden during such an incident")
    assert platform.shop.pods == pods
    await sessions.aclose()


async def test_a_sequence_waits_for_prometheus_before_its_next_step(begin: Begin, tmp_path: Path) -> None:
    platform = await begin(rules=own_pack(tmp_path, WAITING, propose="in-order"))
    await platform.fires("HighErrorRate")
    attempt = await platform.asked("in-order")
    assert [step["action"] for step in attempt["steps"]] == ["prometheus.wait", "kubernetes.rollout_undo"]
    platform.shop.queries.clear()
    assert (await platform.says("ann", attempt))[0] == 202
    done = await platform.action("in-order", "done", "failed", "refused")
    assert (done["state"], [step["outcome"] for step in done["steps"]]) == ("done", ["done", "done"])
    assert platform.shop.queries.count("queue_depth < 10") >= 2
    assert platform.shop.image == GOOD


def test_the_namespace_of_the_ingress_is_the_packs() -> None:
    assert INGRESS in (ROOT / "rules/ai-orchestrator/rules.yaml").read_text()
