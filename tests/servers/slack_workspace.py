"""The workspace behind the fake Slack: its channels and messages, and what each method of the Web API does to them."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.servers.slack_checks import MAX_POST_TEXT, error_of, pings, strings, view_troubles

TOKEN = "xoxb-test-0123456789-abcdefghijkl"
SCOPES = frozenset({"chat:write", "chat:write.public", "files:write", "channels:read", "channels:history"})
TRIGGER_LASTS = 3.0
"""Seconds."""
_NEEDS = {
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "conversations.history": "channels:history",
    "conversations.replies": "channels:history",
    "conversations.list": "channels:read",
    "users.conversations": "channels:read",
    "files.getUploadURLExternal": "files:write",
    "files.completeUploadExternal": "files:write",
}


@dataclass
class Message:
    """One message as it stands now. `thread_ts` is "" for one in the channel itself; `edits` counts chat.update."""

    channel: str
    ts: str
    text: str
    blocks: list[Any] = field(default_factory=list)
    attachments: list[Any] = field(default_factory=list)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    thread_ts: str = ""
    broadcast: bool = False
    edits: int = 0
    files: list[Mapping[str, Any]] = field(default_factory=list)
    by_webhook: bool = False

    @property
    def shown(self) -> str:
        """Every text that a reader sees, one a line, with Slack's markup."""
        return "\n".join([*strings(self.blocks), *strings(self.attachments)]) or self.text

    @property
    def pings(self) -> list[str]:
        """Whom it notifies."""
        return pings({"text": self.text, "blocks": self.blocks, "attachments": self.attachments})

    def as_json(self) -> dict[str, Any]:
        """Return it as conversations.history does."""
        shown: dict[str, Any] = {"type": "message", "ts": self.ts, "text": self.text, "blocks": self.blocks}
        shown |= {"user": "U0BOT", "bot_id": "B0BOT", "metadata": dict(self.metadata)}
        if self.thread_ts:
            shown["thread_ts"] = self.thread_ts
        if self.files:
            shown["files"] = list(self.files)
        if self.edits:
            shown["edited"] = {"user": "U0BOT", "ts": self.ts}
        return shown


@dataclass
class Channel:
    """A conversation; `member` says whether the bot is in it."""

    id: str
    name: str
    member: bool = True
    archived: bool = False
    private: bool = False
    messages: dict[str, Message] = field(default_factory=dict)


@dataclass
class View:
    """A dialog as it was opened."""

    id: str
    content: Mapping[str, Any]

    @property
    def shown(self) -> str:
        """Every text that a reader sees, one a line."""
        return "\n".join(strings(self.content))


class Refused(Exception):
    """What a method answers instead: `ok: false`, or a bare status."""

    def __init__(self, error: str, *, status: int = 200, **extra: Any) -> None:
        super().__init__(error)
        self.error, self.status, self.extra = error, status, extra


class Workspace:
    """One workspace. With `burst` set, more posts at once to a channel than that, refilled one a second, answer 429."""

    def __init__(self, *, token: str, scopes: frozenset[str], burst: int) -> None:
        self.token = token
        self.scopes = scopes
        self.burst = burst
        self.url = ""
        self.channels: dict[str, Channel] = {}
        self.uploads: dict[str, bytes] = {}
        self.views: list[View] = []
        self.told: list[tuple[str, Mapping[str, Any]]] = []
        self._triggers: dict[str, float] = {}
        self._response_urls: dict[str, tuple[str, int]] = {}
        self._pending: dict[str, dict[str, Any]] = {}
        self._tokens: dict[str, tuple[float, float]] = {}
        self._counter = 0

    def _authorize(self, token: str, method: str) -> None:
        if not token:
            raise Refused("not_authed")
        if token != self.token:
            raise Refused("invalid_auth")
        needed = _NEEDS.get(method, "")
        if needed and needed not in self.scopes:
            raise Refused("missing_scope", needed=needed, provided=",".join(sorted(self.scopes)))

    def _pace(self, channel: Channel) -> None:
        if not self.burst:
            return
        now = time.monotonic()
        level, at = self._tokens.get(channel.id, (float(self.burst), now))
        level = min(float(self.burst), level + now - at)
        self._tokens[channel.id] = (level if level < 1 else level - 1, now)
        if level < 1:
            raise Refused("ratelimited", status=429, retry_after=1)

    # -- the methods

    def _auth_test(self, _: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "url": "https://example.slack.com/",
            "team": "Example",
            "team_id": "T0",
            "user_id": "U0BOT",
            "bot_id": "B0",
        }

    def _chat_postMessage(self, args: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        channel = self._open_channel(str(args.get("channel", "")), member="chat:write.public" not in self.scopes)
        self._check(args)
        if args.get("thread_ts") and args["thread_ts"] not in channel.messages:
            raise Refused("thread_not_found")
        self._pace(channel)
        message = self._add(channel, args)
        return {"channel": channel.id, "ts": message.ts, "message": message.as_json()}

    def _chat_update(self, args: Mapping[str, Any]) -> dict[str, Any]:
        message = self._find(args)
        if message.by_webhook:
            raise Refused("cant_update_message")
        self._check(args, update=True)
        message.text = str(args.get("text") or "")
        message.blocks, message.attachments = args.get("blocks") or [], args.get("attachments") or []
        message.metadata = args.get("metadata", message.metadata)
        message.edits += 1
        return {"channel": message.channel, "ts": message.ts, "text": message.text}

    def _chat_getPermalink(self, args: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        message = self._find({"channel": args.get("channel"), "ts": args.get("message_ts")})
        link = f"https://example.slack.com/archives/{message.channel}/p{message.ts.replace('.', '')}"
        return {"channel": message.channel, "permalink": link}

    def _conversations_history(self, args: Mapping[str, Any]) -> dict[str, Any]:
        channel = self._by_id(args)
        top = [m for m in channel.messages.values() if not m.thread_ts or m.broadcast]
        return self._history(sorted(top, key=lambda m: m.ts, reverse=True), args)

    def _conversations_replies(self, args: Mapping[str, Any]) -> dict[str, Any]:
        channel = self._by_id(args)
        if args.get("ts") not in channel.messages:
            raise Refused("thread_not_found")
        found = [m for m in channel.messages.values() if args["ts"] in {m.ts, m.thread_ts}]
        return self._history(sorted(found, key=lambda m: m.ts), args)

    def _users_conversations(self, args: Mapping[str, Any]) -> dict[str, Any]:
        return self._list([c for c in self.channels.values() if c.member], args)

    def _conversations_list(self, args: Mapping[str, Any]) -> dict[str, Any]:
        return self._list(list(self.channels.values()), args)

    def _views_open(self, args: Mapping[str, Any]) -> dict[str, Any]:
        issued = self._triggers.pop(str(args.get("trigger_id", "")), None)
        if issued is None:
            raise Refused("exchanged_trigger_id")
        if time.monotonic() - issued > TRIGGER_LASTS:
            raise Refused("expired_trigger_id")
        trouble = next(view_troubles(args.get("view") or {}), "")
        if trouble:
            raise Refused("invalid_arguments", response_metadata={"messages": [f"[ERROR] {trouble}"]})
        self._counter += 1
        view = View(f"V{self._counter:08d}", args["view"])
        self.views.append(view)
        return {"view": {"id": view.id, **view.content}}

    def trigger(self) -> str:
        """Issue what opens a dialog, once and soon."""
        self._counter += 1
        name = f"trigger.{self._counter}"
        self._triggers[name] = time.monotonic()
        return name

    def response_url(self, member: str) -> str:
        """Issue an address at which a person can be told something, five times."""
        self._counter += 1
        name = f"r{self._counter:08d}"
        self._response_urls[name] = (member, 5)
        return f"{self.url}/actions/{name}"

    def _respond(self, name: str, body: Mapping[str, Any]) -> tuple[int, str]:
        """Take what an app says at a response_url; the member, who alone sees it, stands beside it in `told`."""
        member, left = self._response_urls.get(name, ("", 0))
        if not left:
            return 404, "used_url"
        error, _ = error_of(body)
        if error:
            return 400, error
        self._response_urls[name] = (member, left - 1)
        self.told.append((member, body))
        return 200, "ok"

    def _files_getUploadURLExternal(self, args: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        if not args.get("filename") or int(args.get("length") or 0) <= 0:
            raise Refused("invalid_arguments")
        self._counter += 1
        file = f"F{self._counter:08d}"
        self._pending[file] = {"name": str(args["filename"]), "length": int(args["length"])}
        return {"upload_url": f"{self.url}/upload/{file}", "file_id": file}

    def _files_completeUploadExternal(self, args: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        files = [f for f in args.get("files") or [] if f.get("id") in self.uploads]
        if not files or len(files) != len(args["files"]):
            raise Refused("file_not_found")
        channel = self.channels.get(str(args.get("channel_id", "")))
        if channel is None:
            raise Refused("channel_not_found")
        if args.get("thread_ts") and args["thread_ts"] not in channel.messages:
            raise Refused("thread_not_found")
        message = self._add(channel, {"text": args.get("initial_comment", ""), "thread_ts": args.get("thread_ts")})
        for file in files:
            name = self._pending[file["id"]]["name"]
            message.files.append({"id": file["id"], "name": name, "title": file.get("title") or name})
        return {"files": [{"id": f["id"], "title": f.get("title", "")} for f in files]}

    # -- the workspace

    def _check(self, args: Mapping[str, Any], *, update: bool = False) -> None:
        error, detail = error_of(args, update=update)
        if error:
            raise Refused(error, response_metadata={"messages": [f"[ERROR] {detail}"]})

    def _open_channel(self, wanted: str, *, member: bool) -> Channel:
        name = wanted.removeprefix("#")
        channel = self.channels.get(wanted) or next((c for c in self.channels.values() if c.name == name), None)
        if channel is None or (channel.private and not channel.member):
            raise Refused("channel_not_found")
        if channel.archived:
            raise Refused("is_archived")
        if not channel.member and member:
            raise Refused("not_in_channel")
        return channel

    def _by_id(self, args: Mapping[str, Any]) -> Channel:
        channel = self.channels.get(str(args.get("channel", "")))
        if channel is None:
            raise Refused("channel_not_found")
        if not channel.member:
            raise Refused("not_in_channel")
        return channel

    def _find(self, args: Mapping[str, Any]) -> Message:
        channel = self.channels.get(str(args.get("channel", "")))
        if channel is None:
            raise Refused("channel_not_found")
        if channel.archived:
            raise Refused("is_archived")
        message = channel.messages.get(str(args.get("ts", "")))
        if message is None:
            raise Refused("message_not_found")
        return message

    def _add(self, channel: Channel, args: Mapping[str, Any], *, by_webhook: bool = False) -> Message:
        self._counter += 1
        ts = f"{int(time.time())}.{self._counter:06d}"
        message = Message(
            channel=channel.id,
            ts=ts,
            text=str(args.get("text") or "")[:MAX_POST_TEXT],
            blocks=args.get("blocks") or [],
            attachments=args.get("attachments") or [],
            metadata=args.get("metadata") or {},
            thread_ts=str(args.get("thread_ts") or ""),
            broadcast=bool(args.get("reply_broadcast")),
            by_webhook=by_webhook,
        )
        channel.messages[ts] = message
        return message

    def _history(self, found: list[Message], args: Mapping[str, Any]) -> dict[str, Any]:
        found = [m for m in found if float(m.ts) >= float(args.get("oldest") or 0)]
        start, size = int(args.get("cursor") or 0), min(int(args.get("limit") or 100), 999)
        shown = [m.as_json() for m in found[start : start + size]]
        if str(args.get("include_all_metadata", "")).lower() not in {"1", "true"}:
            for message in shown:
                message.pop("metadata", None)
        return {"messages": shown, **_cursor(start + size, len(found))}

    def _list(self, found: list[Channel], args: Mapping[str, Any]) -> dict[str, Any]:
        kinds = str(args.get("types") or "public_channel")
        if "private_channel" in kinds and "groups:read" not in self.scopes:
            raise Refused("missing_scope", needed="groups:read", provided=",".join(sorted(self.scopes)))
        found = [c for c in found if not c.private or "private_channel" in kinds]
        found = [c for c in found if not c.archived or str(args.get("exclude_archived", "")).lower() != "true"]
        start, size = int(args.get("cursor") or 0), min(int(args.get("limit") or 100), 1000)
        shown = [{"id": c.id, "name": c.name, "is_archived": c.archived} for c in found[start : start + size]]
        return {"channels": shown, **_cursor(start + size, len(found))}


def _cursor(following: int, total: int) -> dict[str, Any]:
    more = following < total
    return {"has_more": more, "response_metadata": {"next_cursor": str(following) if more else ""}}
