"""One incident with one action, from its alert to its end, and what must hold there whatever happened on the way."""

import json
import time
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from tests.crashes.fleet import GONE, Fleet
from tests.crashes.platform import BEFORE, WANTED, Gate, Request
from tests.crashes.steps import STEPS

STARTED = time.time() - 30
SEEN = "saw that it happened"
LEFT = (
    "command where incident = {0} and ended_at is null",
    "event where incident = {0} and seen = 0",
    "run where incident = {0} and ended_at is null",
    "attempt where incident = {0}",
)
"""What an incident whose actions are over has no more of: work, news, targets that it holds, attempts that live."""


@dataclass
class Case:
    """An incident in a namespace of its own."""

    fleet: Fleet
    namespace: str
    alert: str = "TooFewPods"
    id: str = ""
    alerts: int = 0
    looks: int = 0
    """Looks at it that were answered when something was last done about that."""
    wanted: int = WANTED
    """Replicas after what is being done."""
    undoes: int = 0
    """The attempt that is to be undone; 0 for none."""

    @property
    def number(self) -> int:
        """The number of its incident."""
        return int(self.id.partition("-")[2])

    async def fires(self, *, told: bool = True) -> None:
        """Let the alert fire, and find its incident; wait until people are `told`."""
        if self.namespace not in {key[1] for key in self.fleet.platform.cluster.objects._stored.get("Deployment", {})}:
            self.fleet.platform.add(self.namespace)
        await self.fleet.deliver(delivery(self.alert, self.namespace))

        async def find() -> str:
            for one in (await self.fleet.get("/v1/incidents?limit=100"))["incidents"]:
                labels = one["alerts"][0]["labels"] if one["alerts"] else {}
                if (labels.get("alertname"), labels.get("namespace")) == (self.alert, self.namespace):
                    return str(one["id"])
            return ""

        self.id = await self.fleet.until(find)
        if told:
            await self.fleet.until(self._is_told)

    async def fires_again(self) -> None:
        """Let one more alert come in, upon which everything is looked at again."""
        self.alerts += 1
        await self.fleet.deliver(delivery(self.alert, self.namespace, pod=f"api-{self.alerts}"))

    async def comes_to(self, *states: str) -> dict[str, Any]:
        """Do what people do until the last attempt stands in one of these states; what is in doubt they look up."""

        async def act() -> dict[str, Any]:
            newest = self._meant((await self.detail())["actions"]) or {"state": "", "digest": ""}
            if newest["state"] in states and (newest["state"] != "proposed" or newest["digest"]):
                return newest
            match newest["state"]:
                case "proposed" if newest["digest"]:
                    await self.says("approve")
                case "refused" | "expired":
                    await self.says("approve")
                case "" | "blocked":
                    await self._looks_again()
                case "in doubt":
                    there = self.fleet.platform.replicas(self.namespace) == self.wanted
                    await self.says("happened" if there else "not-happened")
            return {}

        try:
            return await self.fleet.until(act)
        except TimeoutError:
            raise AssertionError(
                f"{self.namespace}: {json.dumps((await self.detail())['actions'], indent=1)}"
            ) from None

    def _meant(self, actions: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the last attempt; once it is to be undone that one, though the same may be called for again."""
        number = self.undoes or len(actions)
        return dict(actions[number - 1]) if actions else {}

    async def _looks_again(self) -> None:
        """Let one more alert come in, once for each look."""
        looks = len(await self.told("previewed"))
        if looks != self.looks or not self.alerts:
            self.looks = looks
            await self.fires_again()

    async def _is_told(self) -> bool:
        return bool(await self.told("notified"))

    async def detail(self) -> Any:
        """Return all that is known."""
        return await self.fleet.get(f"/v1/incidents/{self.id}?limit=1000")

    async def attempt(self, *states: str) -> dict[str, Any]:
        """Wait until the last attempt stands in one of these states, people being asked where it is proposed."""
        seen: dict[str, Any] = {}

        async def stands() -> dict[str, Any]:
            seen.update(await self.detail())
            newest = self._meant(seen["actions"])
            ready = newest.get("state") != "proposed" or newest.get("digest")
            return newest if newest.get("state") in states and ready else {}

        try:
            return await self.fleet.until(stands)
        except TimeoutError:
            moves = [e for e in seen["timeline"] if e["what"]["kind"] in ("action.moved", "acted", "trouble")]
            told = json.dumps({"actions": seen["actions"][-1:], "moves": moves}, indent=1)
            raise AssertionError(f"{self.namespace} never came to {states}: {told}") from None

    async def says(self, word: str, person: str = "ann", *, door: int = 0) -> int:
        """Say a word on the last attempt until a door answers; returns the status, 202 where that one was lost."""
        attempt = self._meant((await self.detail())["actions"])
        if word == "undo":
            self.undoes = attempt["number"]
        path = f"/v1/incidents/{self.id}/actions/{attempt['number']}/{word}"
        shown = {"digest": attempt["digest"]} if word == "approve" else {}

        lost = False

        async def speak() -> int:
            nonlocal lost
            try:
                status, _ = await self.fleet.say(person, path, door=door, **shown)
            except GONE:
                lost = True
                raise
            if status == 503:
                return 0
            return 202 if status == 409 and lost else status

        return await self.fleet.until(speak)

    def gate(self, step: str, *, late: bool = False) -> Gate:
        """Hold up whoever begins a step of its action next."""
        platform = self.fleet.platform

        def begins(request: Request) -> bool:
            return request.concerns(self.namespace) and STEPS[step](platform, self.namespace, request)

        return platform.gate(begins, late=late)

    async def reaches(self, gate: Gate) -> Request:
        """Wait until somebody is held at a gate, and return who."""

        async def is_held() -> Request | None:
            return gate.held

        try:
            held = await self.fleet.until(is_held)
        except TimeoutError:
            raise AssertionError(f"nobody came to {self.namespace}: {await self.detail()}") from None
        assert held is not None
        return held

    async def entries(self, *kinds: str) -> list[dict[str, Any]]:
        """List the entries of some kinds on the timeline."""
        return [entry for entry in (await self.detail())["timeline"] if entry["what"]["kind"] in kinds]

    async def told(self, *kinds: str) -> list[dict[str, Any]]:
        """List what the timeline tells of some kinds."""
        return [entry["what"] for entry in await self.entries(*kinds)]

    async def happened(self) -> list[dict[str, Any]]:
        """List what is told of efforts to do it or take it back."""
        return await self.told("acted")

    async def is_sound(self, *, effects: int) -> None:
        """Hold what must be so at every end: as many effects as were wanted, told once each, and one message."""
        name, platform = self.namespace, self.fleet.platform
        if self.alert == "AgentsHang":
            assert platform.posted.count(f"/{name}") == effects, platform.posted
        else:
            assert platform.writes(name) == effects, (name, platform.cluster.written)
            assert platform.replicas(name) == (WANTED if effects % 2 else BEFORE)
        done = [one for one in await self.happened() if one["outcome"]["status"] == "done"]
        assert len([one for one in done if not one["undo"]]) <= 1
        assert len([one for one in done if one["undo"]]) <= 1
        moves = [one for one in await self.told("action.moved") if one["before"] == "in doubt"]
        seen = [one for one in moves if one["why"].endswith(SEEN)]
        assert len(done) + len(seen) == effects, (name, done, seen)
        shown = [m.shown for m in self.fleet.slack.messages("incidents") if f"in {name}" in m.shown and not m.thread_ts]
        assert len(shown) == 1, shown

    async def is_over(self, *, effects: int) -> None:
        """Hold what must be so when nobody wants anything of it any more: all is sound, and nothing is left to do."""

        async def left() -> list[str]:
            return [what for what in LEFT if await self.fleet.count(what.format(self.number))]

        async def nothing_left() -> bool:
            await self._declines()
            return not await left()

        try:
            await self.fleet.until(nothing_left)
        except TimeoutError:
            raise AssertionError(f"{self.namespace} is stuck: {await left()}") from None
        await self.is_sound(effects=effects)

    async def _declines(self) -> None:
        """Want nothing anew of what was undone: its cause is back, and so it is called for again."""
        last = (await self.detail())["actions"][-1]
        if self.undoes and last["number"] > self.undoes and last["state"] in ("proposed", "blocked"):
            await self.fleet.say("ann", f"/v1/incidents/{self.id}/actions/{last['number']}/reject", door=0)


def delivery(alert: str, namespace: str, *, pod: str = "api-0") -> bytes:
    """Return what Alertmanager posts."""
    found = {
        "status": "firing",
        "labels": {"alertname": alert, "namespace": namespace, "severity": "warning", "pod": pod},
        "annotations": {},
        "startsAt": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(STARTED)),
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example/graph",
        "fingerprint": sha256(f"{alert}/{namespace}/{pod}".encode()).hexdigest()[:16],
    }
    return json.dumps({"version": "4", "status": "firing", "receiver": "responder", "alerts": [found]}).encode()
