"""
The bare handler that others are measured against: `python -m tests.benchmarks.baseline PORT [SLACK_URL]`.

aiohttp that reads the body and parses its JSON, nothing else; with a Slack it also posts one message before it answers.
"""

import asyncio
import json
import sys

import aiohttp
import uvloop
from aiohttp import web

from tests.servers.slack_workspace import TOKEN


class Bare:
    """The handler. `slack` is the base address of a Slack, "" for none."""

    def __init__(self, slack: str) -> None:
        self.slack = slack
        self.session: aiohttp.ClientSession | None = None

    async def handle(self, request: web.Request) -> web.Response:
        """Parse, and tell Slack."""
        delivery = json.loads(await request.read())
        if self.slack:
            await self.tell(delivery["alerts"][0]["labels"]["namespace"])
        return web.Response(text="accepted\n")

    async def tell(self, channel: str) -> None:
        """Post one message."""
        self.session = self.session or aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"})
        message = {"channel": f"#{channel}", "text": "It fires."}
        async with self.session.post(f"{self.slack}chat.postMessage", json=message) as answer:
            await answer.read()


async def main(port: int, slack: str) -> None:
    """Serve until killed."""
    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.router.add_post("/v1/webhooks/alertmanager", Bare(slack).handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    sys.stderr.write("ready\n")
    sys.stderr.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as asyncio_runner:
        asyncio_runner.run(main(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else ""))
