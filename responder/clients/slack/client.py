"""One Slack workspace by bot token: posts, edits, looks for what an earlier try left there, uploads."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from responder.clients.slack.blocks import Rendering, render
from responder.clients.slack.failures import code_of
from responder.clients.slack.pacing import EDITS, ONE_MESSAGE, POSTS, Together
from responder.clients.slack.web_api import HELD, Time, WebApi
from responder.errors import PermanentError
from responder.model.message import Block, Message, Purpose

EVENT_TYPE = "responder_incident"
"""What the metadata of our messages is called, for other apps too."""
ADOPT_WITHIN = timedelta(days=2)
"""How far back a message is looked for that an earlier try may have left."""
_PAGE = 200
_HISTORY_PAGES = 10
_CHANNEL_PAGES = 20
_SYSTEM = Time()

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Standing:
    """Who we are in a workspace ("TEAM as USER"), and the token's scopes, None where Slack does not say them.

    `date` is Slack's time as HTTP writes it.
    """

    who: str
    scopes: frozenset[str] | None
    date: str


class SlackClient:
    """
    A workspace.

    No request is repeated in here after which Slack may have posted: that is `look_first` on the caller's next try.
    """

    def __init__(
        self,
        *,
        token: str,
        base_url: str = "https://slack.com/api/",
        time: Time = _SYSTEM,
        together: Together | None = None,
        pressed: bool = False,
    ) -> None:
        """`pressed` says that somebody answers when a button is pressed; else messages show commands instead."""
        self._pressed = pressed
        self._api = WebApi(token=token, base_url=base_url, time=time, together=together)
        self._now = time.now
        self._ids: dict[str, str] = {}

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()

    async def check(self) -> str:
        """Ask Slack who we are: "TEAM as USER"."""
        return (await self.standing()).who

    async def standing(self) -> Standing:
        """Ask Slack who we are and what we may. Raises: CallError."""
        answer, headers = await self._api.standing()
        said = headers.get("x-oauth-scopes")
        scopes = None if said is None else frozenset(scope.strip() for scope in said.split(",") if scope.strip())
        who = f"{answer.get('team', '?')} as {answer.get('user', answer.get('user_id', '?'))}"
        return Standing(who, scopes, headers.get("date", ""))

    def overflow(self, message: Message) -> tuple[Block, ...]:
        """Return the blocks of a message that do not fit whole into it, which says that they are in the thread."""
        return self._render(message).rest

    async def post(
        self, channel: str, message: Message, *, thread: str = "", key: str, look_first: bool
    ) -> Mapping[str, str]:
        """
        Post a message; answers `{"channel": id, "ts": ts}`. `channel` is a name, with # or without, or an id.

        With `look_first` the channel, or the thread, is searched for `key`; what is found is edited instead.
        """
        if look_first:
            found = await self._find(channel, message.incident, key=key, thread=thread)
            if found is not None:
                log.info("slack.adopted", incident=message.incident, channel=channel, key=key)
                return await self.update(found, message)
        place = f"posts/{self._ids.get(channel, channel)}"
        await self._api.turn(place, POSTS, who=key, urgent=message.rank == 0 or message.purpose is Purpose.REPLY)
        body = self._posting(self._ids.get(channel, channel), message, thread=thread, key=key)
        answer = await self._api.call("chat.postMessage", body, channel=channel, pace=place)
        ref = {"channel": str(answer["channel"]), "ts": str(answer["ts"])}
        self._learn(channel, ref["channel"])
        return ref

    async def update(self, ref: Mapping[str, str], message: Message) -> Mapping[str, str]:
        """Edit a message in place; its metadata stays. Raises MessageGone when that is impossible for good."""
        channel, ts = ref["channel"], ref["ts"]
        who, place = f"{channel}/{ts}", f"edits/{channel}"
        await self._api.turn(place, HELD, who=who)
        await self._api.turn(f"edit/{who}", ONE_MESSAGE, who=who)
        await self._api.turn("edits", EDITS, who=who, urgent=message.rank == 0 or message.status == "resolved")
        rendering = self._render(message)
        body = {"channel": channel, "ts": ts, "text": rendering.text, "blocks": rendering.blocks}
        await self._api.call("chat.update", body, channel=self._name(channel), repeat=True, pace=place)
        return {"channel": channel, "ts": ts}

    async def open_view(self, trigger: str, view: Mapping[str, Any]) -> None:
        """Show a dialog to the person whose press gave the trigger, which is good for 3 seconds and once."""
        await self._api.call("views.open", {"trigger_id": trigger, "view": view})

    async def respond(self, url: str, text: str) -> None:
        """Tell something to the person alone whose press gave the address, in markup."""
        await self._api.respond(url, {"response_type": "ephemeral", "replace_original": False, "text": text})

    async def upload(
        self, ref: Mapping[str, str], *, name: str, title: str, content: bytes, look_first: bool = False
    ) -> None:
        """
        Put a file into the thread of a message.

        With `look_first` nothing is done if the thread has a file of that name already.
        """
        if look_first and name in await self._files(ref):
            return
        wanted = {"filename": name, "length": len(content)}
        place = await self._api.call("files.getUploadURLExternal", wanted, repeat=True)
        await self._api.send(str(place["upload_url"]), content)
        share = {
            "files": [{"id": place["file_id"], "title": title[:200] or name}],
            "channel_id": ref["channel"],
            "thread_ts": ref["ts"],
        }
        await self._api.call("files.completeUploadExternal", share, channel=self._name(ref["channel"]))

    async def _find(self, channel: str, incident: str, *, key: str, thread: str) -> Mapping[str, str] | None:
        """Find our message with that key; None when there is none, or when the app may not look."""
        try:
            identity = await self._identify(channel)
            recent = await self._recent(identity, thread) if identity else []
        except PermanentError as error:
            log.warning("slack.cannot_look", channel=channel, error=str(error))
            return None
        ts = next((str(m["ts"]) for m in recent if _is_ours(m, incident, key)), "")
        return {"channel": identity, "ts": ts} if ts else None

    async def _recent(self, identity: str, thread: str) -> list[Mapping[str, Any]]:
        args: dict[str, Any] = {"channel": identity, "include_all_metadata": "true", "limit": _PAGE}
        if thread:
            args["ts"] = thread
            return await self._api.pages("conversations.replies", args, "messages", most=_HISTORY_PAGES)
        args["oldest"] = f"{(self._now() - ADOPT_WITHIN).timestamp():.6f}"
        return await self._api.pages("conversations.history", args, "messages", most=_HISTORY_PAGES)

    async def _files(self, ref: Mapping[str, str]) -> set[str]:
        try:
            messages = await self._recent(ref["channel"], ref["ts"])
        except PermanentError as error:
            log.warning("slack.cannot_look", channel=ref["channel"], error=str(error))
            return set()
        return {str(file.get("name", "")) for message in messages for file in message.get("files") or ()}

    async def _identify(self, channel: str) -> str:
        """Return the id of a channel that the bot is in; "" when it is in none of that name."""
        if channel in self._ids:
            return self._ids[channel]
        if channel[:1] in {"C", "G", "D"} and channel.isalnum() and channel.isupper():
            return channel
        name = channel.removeprefix("#")
        for entry in await self._memberships():
            if entry.get("name") == name:
                self._learn(channel, str(entry["id"]))
                return str(entry["id"])
        return ""

    async def _memberships(self) -> list[Mapping[str, Any]]:
        """List the channels that the bot is in; the public ones only when the app may not see the others."""
        args = {"types": "public_channel,private_channel", "exclude_archived": "true", "limit": _PAGE}
        try:
            return await self._api.pages("users.conversations", args, "channels", most=_CHANNEL_PAGES)
        except PermanentError as error:
            if code_of(error) != "missing_scope":
                raise
        args["types"] = "public_channel"
        return await self._api.pages("users.conversations", args, "channels", most=_CHANNEL_PAGES)

    async def memberships(self) -> frozenset[str]:
        """Return the names, without #, and the ids of the channels that the bot is in. Raises: CallError."""
        return _names(await self._memberships())

    async def public_channels(self) -> frozenset[str]:
        """Return the names and the ids of the public channels that are in use. Raises: CallError."""
        args = {"types": "public_channel", "exclude_archived": "true", "limit": _PAGE}
        return _names(await self._api.pages("conversations.list", args, "channels", most=_CHANNEL_PAGES))

    def _learn(self, channel: str, identity: str) -> None:
        if self._ids.get(channel) != identity:
            self._api.pacer.rename(f"posts/{channel}", f"posts/{identity}")
            self._ids[channel] = identity

    def _render(self, message: Message) -> Rendering:
        return render(message, pressed=self._pressed)

    def _posting(self, channel: str, message: Message, *, thread: str, key: str) -> dict[str, Any]:
        rendering = self._render(message)
        body: dict[str, Any] = {
            "channel": channel,
            "text": rendering.text,
            "blocks": rendering.blocks,
            "metadata": {"event_type": EVENT_TYPE, "event_payload": {"key": key, "incident": message.incident}},
            "unfurl_links": False,
            "unfurl_media": False,
        }
        if thread:
            body |= {"thread_ts": thread, "reply_broadcast": message.broadcast}
        return body

    def _name(self, identity: str) -> str:
        """Return what the rules call a channel, for people."""
        return next((name for name, known in self._ids.items() if known == identity), identity)


def _names(channels: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    return frozenset(str(channel[key]) for channel in channels for key in ("id", "name") if channel.get(key))


def _is_ours(message: Mapping[str, Any], incident: str, key: str) -> bool:
    metadata = message.get("metadata") or {}
    payload = metadata.get("event_payload") or {}
    return bool(
        metadata.get("event_type") == EVENT_TYPE and payload.get("incident") == incident and payload.get("key") == key
    )
