"""One incident with one action, from its alert to its end, and what must hold there whatever happened on the way."""

import json
import time
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from tests.crashes.fleet import Fleet, until
from tests.crashes.platform import BEFORE, WANTED

STARTED = time.time() - 30


@dataclass
class Case:
    """An incident in a namespace of its own."""

    fleet: Fleet
    namespace: str
    alert: str = "TooFewPods"
    id: str = ""
    alerts: int = 0
    wanted: int = WANTED
    """Replicas after what is being done."""

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

        self.id = await until(find)
        if told:
            await until(self._is_told)

    async def fires_again(self) -> None:
        """Let one more alert come in, upon which everything is looked at again."""
        self.alerts += 1
        await self.fleet.deliver(delivery(self.alert, self.namespace, pod=f"api-{self.alerts}"))

    async def comes_to(self, *states: str) -> dict[str, Any]:
        """Do what people do until the last attempt stands in one of these states; what is in doubt they look up."""

        async def act() -> dict[str, Any]:
            actions = (await self.detail())["actions"]
            newest = dict(actions[-1]) if actions else {"state": "", "digest": ""}
            if newest["state"] in states and (newest["state"] != "proposed" or newest["digest"]):
                return newest
            match newest["state"]:
                case "proposed" if newest["digest"]:
                    await self.says("approve")
                case "refused" | "expired":
                    await self.says("approve")
                case "" | "blocked":
                    await self.fires_again()
                case "in doubt":
                    there = self.fleet.platform.replicas(self.namespace) == self.wanted
                    await self.says("happened" if there else "not-happened")
            return {}

        try:
            return await until(act)
        except TimeoutError:
            raise AssertionError(
                f"{self.namespace}: {json.dumps((await self.detail())['actions'], indent=1)}"
            ) from None

    async def _is_told(self) -> bool:
        return any(entry["what"]["kind"] == "notified" for entry in (await self.detail())["timeline"])

    async def detail(self) -> Any:
        """Return all that is known."""
        return await self.fleet.get(f"/v1/incidents/{self.id}?limit=1000")

    async def attempt(self, *states: str) -> dict[str, Any]:
        """Wait until the last attempt stands in one of these states, people being asked where it is proposed."""
        seen: dict[str, Any] = {}

        async def look() -> dict[str, Any]:
            seen.update(await self.detail())
            newest = dict(seen["actions"][-1]) if seen["actions"] else {}
            ready = newest.get("state") != "proposed" or newest.get("digest")
            return newest if newest.get("state") in states and ready else {}

        try:
            return await until(look)
        except TimeoutError:
            moves = [
                entry for entry in seen["timeline"] if entry["what"]["kind"] in ("action.moved", "acted", "trouble")
            ]
            told = json.dumps({"actions": seen["actions"][-1:], "moves": moves}, indent=1)
            raise AssertionError(f"{self.namespace} never came to {states}: {told}") from None

    async def says(self, word: str, person: str = "ann", *, door: int = 0) -> int:
        """Say a word on the last attempt until a door takes it; returns the status."""
        attempt = (await self.detail())["actions"][-1]
        path = f"/v1/incidents/{self.id}/actions/{attempt['number']}/{word}"
        shown = {"digest": attempt["digest"]} if word == "approve" else {}

        async def speak() -> int:
            status, _ = await self.fleet.say(person, path, door=door, **shown)
            return 0 if status == 503 else status

        return await until(speak)

    async def happened(self) -> list[dict[str, Any]]:
        """List what is told of efforts to do it or take it back."""
        return [entry["what"] for entry in (await self.detail())["timeline"] if entry["what"]["kind"] == "acted"]

    async def is_sound(self, *, effects: int) -> None:
        """Hold what must be so at every end: as many effects as were wanted, told once each, and one message."""
        name = self.namespace
        done = [one for one in await self.happened() if one["outcome"]["status"] == "done"]
        platform = self.fleet.platform
        if self.alert == "AgentsHang":
            assert platform.posted.count(f"/{name}") == effects, platform.posted
        else:
            assert platform.writes(name) == effects, (name, platform.cluster.written)
            assert platform.replicas(name) == (WANTED if effects % 2 else BEFORE)
            assert len(done) == effects, (name, done)
        assert len([one for one in done if not one["undo"]]) <= 1
        assert len([one for one in done if one["undo"]]) <= 1
        shown = [m.shown for m in self.fleet.slack.messages("incidents") if f"in {name}" in m.shown and not m.thread_ts]
        assert len(shown) == 1, shown


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
