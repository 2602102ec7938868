"""
A Slack that speaks HTTP, as strict as the real one: tokens, scopes, limits, membership, rate limits, outages on demand.

    async with FakeSlack() as slack:
        slack.channel("incidents")
        ... SlackClient(token=slack.token, base_url=slack.base_url) ...
        slack.messages("incidents")[0].text
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import pytest_asyncio
from aiohttp import web

from tests.servers.slack_workspace import SCOPES, TOKEN, Channel, Message, Refused, Workspace


@dataclass(frozen=True)
class Call:
    """One request as it arrived: `at` is time.monotonic(), `error` what was answered, "" for ok."""

    method: str
    args: Mapping[str, Any]
    at: float
    status: int
    error: str


@dataclass
class Outage:
    """
    What is wrong with the next `times` calls of `method` ("*" is any, "webhook" an incoming one) to `channel`.

    `error` is an `ok: false`; `status` a bare HTTP status; `hang` seconds without an answer; `drop` closes the
    connection "before" or "after" the call had its effect.
    """

    method: str = "*"
    times: int = 1
    channel: str = ""
    status: int = 0
    error: str = ""
    retry_after: int = 0
    hang: float = 0.0
    drop: str = ""
    body: str = "upstream connect error"


class FakeSlack(Workspace):
    """A workspace that listens. With `burst`, posts to a channel beyond so many, refilled one a second, answer 429."""

    def __init__(self, *, token: str = TOKEN, scopes: frozenset[str] = SCOPES, burst: int = 0) -> None:
        super().__init__(token=token, scopes=scopes, burst=burst)
        self.calls: list[Call] = []
        self.outages: list[Outage] = []
        self.webhooks: dict[str, str] = {}
        self._closing = asyncio.Event()
        self._runner: web.AppRunner | None = None

    # -- arranging

    async def start(self, port: int = 0) -> Self:
        """Listen on a free loopback port, or on `port` again after `stop`; state is kept."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/api/{method}", self._api)
        app.router.add_post("/upload/{file}", self._upload)
        app.router.add_post("/services/{path:.+}", self._webhook)
        app.router.add_post("/actions/{name}", self._answer_to_press)
        self._closing = asyncio.Event()
        self._runner = web.AppRunner(app, shutdown_timeout=0.5, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def stop(self) -> None:
        """Stop listening."""
        self._closing.set()
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def base_url(self) -> str:
        """What goes into `slack.base_url`."""
        return f"{self.url}/api/"

    def channel(
        self, name: str, *, member: bool = True, archived: bool = False, private: bool = False, identity: str = ""
    ) -> str:
        """Create a channel (without the #); returns its id."""
        identity = identity or f"C{len(self.channels):08d}"
        self.channels[identity] = Channel(identity, name, member, archived, private)
        return identity

    def webhook(self, channel: str) -> str:
        """Create an incoming webhook for a channel's name; returns its URL."""
        path = f"T000/B{len(self.webhooks):03d}/{'x' * 20}{len(self.webhooks):04d}"
        self.webhooks[path] = channel
        return f"{self.url}/services/{path}"

    def fail(self, method: str = "*", **what: Any) -> Outage:
        """Arrange an outage; see `Outage`. Set its `times` to 0 to end it."""
        outage = Outage(method, **what)
        self.outages.append(outage)
        return outage

    # -- looking

    def messages(self, channel: str = "") -> list[Message]:
        """List what stands in a channel itself (by name or id; "" is all of them), oldest first; not the threads."""
        return [m for m in self._all(channel) if not m.thread_ts or m.broadcast]

    def thread(self, message: Message) -> list[Message]:
        """List the replies to a message, oldest first."""
        return [m for m in self._all(message.channel) if m.thread_ts == message.ts]

    def requests(self, method: str) -> list[Call]:
        """List the calls of a method, oldest first."""
        return [call for call in self.calls if call.method == method]

    def _all(self, channel: str) -> list[Message]:
        wanted = channel.removeprefix("#")
        found = [c for c in self.channels.values() if not wanted or wanted in {c.id, c.name}]
        return sorted((m for c in found for m in c.messages.values()), key=lambda m: m.ts)

    # -- the doors

    async def _api(self, request: web.Request) -> web.StreamResponse:
        at, method = time.monotonic(), request.match_info["method"]
        args = await _arguments(request)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ") or str(args.pop("token", ""))
        outage = self._outage(method, str(args.get("channel", args.get("channel_id", ""))))
        try:
            broken = await self._suffer(request, outage)
            if broken is not None:
                self.calls.append(Call(method, args, at, broken.status, "outage"))
                return broken
            self._authorize(token, method)
            handler = getattr(self, "_" + method.replace(".", "_"), None)
            if handler is None:
                raise Refused("unknown_method")
            answer = {"ok": True, **handler(args)}
        except Refused as refused:
            self.calls.append(Call(method, args, at, refused.status, refused.error))
            return _refusal(refused)
        self.calls.append(Call(method, args, at, 200, ""))
        if outage and outage.drop == "after":
            return _hang_up(request)
        return web.json_response(answer, headers={"X-OAuth-Scopes": ",".join(sorted(self.scopes))})

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        at, file = time.monotonic(), request.match_info["file"]
        content = await request.read()
        if request.content_type == "multipart/form-data":
            return web.Response(status=415, text="this fake takes raw bytes")
        broken = await self._suffer(request, self._outage("upload", ""))
        pending = self._pending.get(file)
        status = broken.status if broken else 200 if pending and pending["length"] == len(content) else 400
        self.calls.append(Call("upload", {"file": file, "length": len(content)}, at, status, ""))
        if broken is not None:
            return broken
        if status != 200:
            return web.Response(status=status, text="length does not match")
        self.uploads[file] = content
        return web.Response(text=f"OK - {len(content)}")

    async def _answer_to_press(self, request: web.Request) -> web.StreamResponse:
        at, name = time.monotonic(), request.match_info["name"]
        args = json.loads(await request.read())
        status, text = self._respond(name, args)
        self.calls.append(Call("response_url", args, at, status, "" if status == 200 else text))
        return web.Response(status=status, text=text)

    async def _webhook(self, request: web.Request) -> web.StreamResponse:
        at, path = time.monotonic(), request.match_info["path"]
        outage = self._outage("webhook", self.webhooks.get(path, ""))
        broken = await self._suffer(request, outage)
        if broken is not None:
            self.calls.append(Call("webhook", {}, at, broken.status, "outage"))
            return broken
        try:
            args = json.loads(await request.read())
        except ValueError:
            return web.Response(status=400, text="invalid_payload")
        error, status = self._take_webhook(path, args)
        self.calls.append(Call("webhook", args, at, status, error))
        if outage and outage.drop == "after":
            return _hang_up(request)
        headers = {"Retry-After": "1"} if status == 429 else {}
        return web.Response(status=status, text=error or "ok", headers=headers)

    def _take_webhook(self, path: str, args: Mapping[str, Any]) -> tuple[str, int]:
        if path not in self.webhooks:
            return "no_service", 404
        try:
            channel = self._open_channel(self.webhooks[path], member=False)
            self._check(args)
            self._pace(channel)
        except Refused as refused:
            gone = {"channel_not_found": 404, "is_archived": 410, "ratelimited": 429}
            return refused.error, gone.get(refused.error, 400)
        self._add(channel, args, by_webhook=True)
        return "", 200

    # -- what goes wrong

    def _outage(self, method: str, channel: str) -> Outage | None:
        for outage in self.outages:
            same = outage.channel.removeprefix("#") in {"", channel.removeprefix("#"), self._name(channel)}
            if outage.times > 0 and outage.method in {"*", method} and same:
                outage.times -= 1
                return outage
        return None

    def _name(self, channel: str) -> str:
        return self.channels[channel].name if channel in self.channels else channel.removeprefix("#")

    async def _suffer(self, request: web.Request, outage: Outage | None) -> web.Response | None:
        if outage is None or outage.drop == "after":
            return None
        if outage.hang:
            try:
                await asyncio.wait_for(self._closing.wait(), outage.hang)
            except TimeoutError:
                return web.json_response({"ok": False, "error": "fatal_error"})
            return _hang_up(request)
        if outage.drop:
            return _hang_up(request)
        if outage.error or outage.retry_after:
            status = 429 if outage.retry_after else 200
            return _refusal(Refused(outage.error or "ratelimited", status=status, retry_after=outage.retry_after))
        return web.Response(status=outage.status, text=outage.body, content_type="text/html")


def _refusal(refused: Refused) -> web.Response:
    wait = refused.extra.pop("retry_after", 0)
    headers = {"Retry-After": str(wait)} if wait else {}
    body = {"ok": False, "error": refused.error, **refused.extra}
    return web.json_response(body, status=refused.status, headers=headers)


def _hang_up(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=499)


async def _arguments(request: web.Request) -> dict[str, Any]:
    args: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        args |= json.loads(await request.read() or b"{}")
    elif request.can_read_body:
        args |= {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    for name in ("blocks", "attachments", "metadata", "files", "view"):
        if isinstance(args.get(name), str):
            args[name] = json.loads(args[name])
    return args


@pytest_asyncio.fixture
async def fake_slack() -> AsyncIterator[FakeSlack]:
    """Start a Slack with the channel #incidents."""
    async with FakeSlack() as slack:
        slack.channel("incidents")
        yield slack
