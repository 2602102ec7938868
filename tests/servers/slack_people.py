"""
People of the fake Slack: they press buttons of posted messages and fill in dialogs, signed as Slack does.

    ann = SlackPerson(slack, f"{url}/v1/slack/interactions", "signing-secret", member="U0ANN")
    await ann.press(slack.messages()[0], "Approve")
    await ann.submit(slack.views[-1], {"input.count": "4"})
    slack.told  # what was said to people alone
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hmac import new
from typing import Any
from urllib.parse import urlencode

import aiohttp

from tests.servers.slack import FakeSlack
from tests.servers.slack_workspace import Message, View


def signed(secret: str, body: bytes, at: datetime) -> dict[str, str]:
    """Return the headers with which Slack sends a body."""
    stamp = str(int(at.timestamp()))
    digest = new(secret.encode(), f"v0:{stamp}:".encode() + body, "sha256").hexdigest()
    return {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": f"v0={digest}",
    }


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class SlackPerson:
    """A member of the workspace; `url` is where the app takes interactions, `secret` its signing secret."""

    slack: FakeSlack
    url: str
    secret: str
    member: str = "U0ANN"
    now: Callable[[], datetime] = _now

    async def press(self, message: Message, label: str) -> int:
        """Press the button of that label; returns the HTTP status that the app answered with."""
        buttons = [b for block in message.blocks if block["type"] == "actions" for b in block["elements"]]
        button = next((b for b in buttons if b["text"]["text"] == label), None)
        assert button is not None, f"no button {label!r} in {[b['text']['text'] for b in buttons]}"
        return (await self.send(self.block_actions(message, button)))[0]

    def block_actions(self, message: Message, button: Mapping[str, Any]) -> dict[str, Any]:
        """Build what Slack sends when a button is pressed."""
        place = {"type": "message", "message_ts": message.ts, "channel_id": message.channel, "is_ephemeral": False}
        action = {"type": "button", "block_id": "b1", "action_ts": "1.0", **button}
        return {
            "type": "block_actions",
            "user": {"id": self.member, "username": "somebody", "name": "somebody", "team_id": "T0"},
            "api_app_id": "A0",
            "token": "legacy",
            "container": place,
            "trigger_id": self.slack.trigger(),
            "team": {"id": "T0", "domain": "example"},
            "enterprise": None,
            "channel": {"id": message.channel, "name": "incidents"},
            "message": message.as_json(),
            "state": {"values": {}},
            "response_url": self.slack.response_url(self.member),
            "actions": [action],
        }

    async def submit(self, view: View, values: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        """Fill in a dialog and send it; returns the status and what the app answered."""
        blanks = [block for block in view.content["blocks"] if block["type"] == "input"]
        state = {
            block["block_id"]: {
                block["element"]["action_id"]: {
                    "type": "plain_text_input",
                    "value": values.get(block["block_id"], block["element"].get("initial_value")),
                }
            }
            for block in blanks
        }
        payload = {
            "type": "view_submission",
            "user": {"id": self.member, "name": "somebody", "team_id": "T0"},
            "view": {**view.content, "id": view.id, "state": {"values": state}},
            "response_urls": [],
        }
        status, text = await self.send(payload)
        return status, json.loads(text) if text else {}

    async def send(self, payload: Mapping[str, Any]) -> tuple[int, str]:
        """Send a payload, signed."""
        body = urlencode({"payload": json.dumps(payload)}).encode()
        headers = signed(self.secret, body, self.now())
        async with aiohttp.ClientSession() as session, session.post(self.url, data=body, headers=headers) as answer:
            return answer.status, await answer.text()
