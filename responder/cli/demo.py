"""`responder demo`: the whole product on recorded alerts, in one terminal, with nothing else installed."""

import asyncio
import json
import secrets
import tempfile
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer
import uvloop
import yaml
from rich.console import Console

from responder.clients.posting import Door, Webhook
from responder.engine.recorded import RecordedReadings
from responder.engine.recording import FILE, Recording, find
from responder.engine.rehearsed import Rehearsal
from responder.errors import ConfigError
from responder.model.incident import Incident
from responder.settings.process import Settings
from responder.wiring import Server, plugins, start

HERE = Path(__file__).parents[2]
STORIES = ("high-error-rate", "memory-leak", "authentication-failures")
APART = timedelta(seconds=2)
"""Between the first deliveries of two stories."""
FASTER = 60
"""A recorded minute takes a second; the diagnostics take as long as they took."""
QUIET = timedelta(seconds=3)
PERSON = "ann"
FASTER_PODS = 5
"""So much faster do pods follow: slowly enough to be seen."""
_GOES_ON = frozenset({"proposed", "approved", "checked", "running", "verifying"})
LOOK_EVERY = timedelta(seconds=0.5)
MOST_LOOKS = 80
OWN_RULES = {
    "ceilings": {
        "rules": {"ai-orchestrator/memory-leak": "suggest", "ai-orchestrator/authentication-failures": "suggest"}
    },
    "override": {"ai-orchestrator/high-error-rate": {"actions": {"roll-back": {"verify": {"hold": "0s"}}}}},
}
"""What a deployment would write for itself: one action may be approved, and need not be watched for minutes."""

Fast = Annotated[bool, typer.Option("--fast", help="Do not wait: for trying whether it works.")]


def demo(fast: Fast = False) -> None:
    """
    Play three recorded alerts through the real HTTP door and print the messages that the channel would get.

    Starts a server on a free port of 127.0.0.1 with a store that is thrown away. Slack, a cluster or a database are not
    needed: what the diagnostics found was recorded, and so was what became of the one action that somebody made up
    approves. Nothing is done anywhere.

    Examples:

        responder demo

        responder demo --fast
    """
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(_ERROR))
    recordings = find([_shipped("fixtures") / name / FILE for name in STORIES])
    with (
        tempfile.TemporaryDirectory(prefix="responder-demo-") as folder,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(_demo(recordings, Path(folder), Console(highlight=False, emoji=False), fast=fast))


_ERROR = 40


def _shipped(name: str) -> Path:
    place = HERE / name
    if not place.is_dir():
        raise ConfigError(f"the demonstration needs the folder {name} of a checkout: run it there, with `make demo`")
    return place


@dataclass(slots=True)
class _Stories:
    """The recordings, moved to now, by the alerts that they tell of."""

    by_fingerprint: dict[str, Recording]

    def of(self, incident: Incident) -> Recording | None:
        found = (self.by_fingerprint.get(episode.fingerprint) for episode in incident.episodes)
        return next((recording for recording in found if recording is not None), None)


async def _demo(recordings: Sequence[Recording], folder: Path, console: Console, *, fast: bool) -> None:
    began = datetime.now(UTC)
    apart = timedelta(0) if fast else APART
    moved = [recording.moved(began + apart * place) for place, recording in enumerate(recordings)]
    token, own = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    settings = _settings(folder, token, own)
    faster = FASTER * 6 if fast else FASTER
    stories = _Stories({print_: recording for recording in moved for print_ in recording.fingerprints})
    recorded = RecordedReadings(
        find=stories.of,
        playbook_of=lambda _: "",
        registry=plugins(),
        now=lambda: datetime.now(UTC),
        sleep=_no_wait if fast else _wait,
        faster=FASTER,
    )
    rehearsal = Rehearsal(find=stories.of, now=lambda: datetime.now(UTC), faster=FASTER_PODS)
    server = await start(settings, recorded=recorded, rehearsal=rehearsal)
    try:
        async with Webhook(f"{server.addresses[0]}/v1/webhooks/alertmanager", token) as webhook:
            _say_hello(console, server)
            person = asyncio.create_task(_approve(server.addresses[0], own, console))
            await asyncio.gather(*(_tell(recording, webhook, faster, person) for recording in moved))
            await asyncio.sleep(QUIET.total_seconds() + 2)
    finally:
        await server.stop()
    _say_how_to_go_on(console, datetime.now(UTC) - began)


def _settings(folder: Path, token: str, own: str) -> Settings:
    rules = folder / "demo.yaml"
    rules.write_text(yaml.safe_dump(OWN_RULES), encoding="utf-8")
    return Settings.model_validate(
        {
            "listen": "127.0.0.1:0",
            "database_url": f"sqlite:///{folder / 'demo.db'}",
            "rules": [str(_shipped("rules") / "ai-orchestrator"), str(rules)],
            "webhook": {"bearer_tokens": [token]},
            "automation": "approve",
            "people": {PERSON: {"token": own, "roles": ["on-call"]}},
            "quiet_for": QUIET,
        }
    )


async def _approve(url: str, token: str, console: Console) -> None:
    """Say yes to the first action that people are asked for, as somebody who has read it, and see what comes of it."""
    watched = ""
    async with Door(url, token) as door:
        for _ in range(MOST_LOOKS):
            await asyncio.sleep(LOOK_EVERY.total_seconds())
            for incident in [watched] if watched else await _listed(door):
                attempts = (await door.say("GET", f"/v1/incidents/{incident}"))["actions"]
                asked = next(filter(_is_asked, attempts), None)
                if watched and not any(attempt["state"] in _GOES_ON for attempt in attempts):
                    return
                if not watched and asked is not None:
                    watched = incident
                    console.rule(f"{PERSON} reads it, and says yes to {asked['name']}", align="left", style="green")
                    path = f"/v1/incidents/{incident}/actions/{asked['number']}/approve"
                    await door.say("POST", path, {"digest": asked["digest"]})


async def _listed(door: Door) -> list[str]:
    return [incident["id"] for incident in (await door.say("GET", "/v1/incidents"))["incidents"]]


def _is_asked(attempt: Mapping[str, Any]) -> bool:
    return attempt["state"] == "proposed" and bool(attempt["digest"]) and attempt["expires_at"] is not None


async def _tell(recording: Recording, webhook: Webhook, faster: int, person: Awaitable[None]) -> None:
    """Post the deliveries of a story, so much faster than they came; it ends no sooner than the action in it does."""
    for place, (at, body) in enumerate(recording.deliveries):
        if place and recording.acts.answers:
            await person
        due = recording.start + at / faster
        await asyncio.sleep(max(0.0, (due - datetime.now(UTC)).total_seconds()))
        await webhook.post(_sooner(body, recording.start, faster))


def _sooner(body: bytes, start: datetime, faster: int) -> bytes:
    """Let the alerts end when they are said to have ended, not minutes from now."""
    delivery = json.loads(body)
    for alert in delivery["alerts"]:
        if alert["status"] == "resolved":
            ended = start + (datetime.fromisoformat(alert["endsAt"]) - start) / faster
            alert["endsAt"] = ended.isoformat()
    return json.dumps(delivery).encode()


async def _wait(span: timedelta) -> None:
    await asyncio.sleep(span.total_seconds())


async def _no_wait(_: timedelta) -> None:
    return


def _say_hello(console: Console, server: Server) -> None:
    console.rule("Responder: three alerts arrive", align="left", style="bold")
    console.print(f"The server listens on {server.addresses[0]}; its store is a file that is thrown away.")
    console.print("What follows is what the incident channel would show. A message is edited there, not repeated.\n")


def _say_how_to_go_on(console: Console, took: timedelta) -> None:
    console.rule(f"That was it, in {took.total_seconds():.0f} s. How to go on", align="left", style="bold")
    console.print(
        "1. Write responder.yaml: a token for Alertmanager, your rules, a Slack bot token (README.md, Settings).\n"
        "2. `responder check` says whether the rules work, `responder explain --labels a=b` which one takes an alert.\n"
        "3. `responder serve`, and point Alertmanager at it: deploy/alertmanager/alertmanager.yml.",
        markup=False,
    )
