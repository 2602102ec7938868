"""Slack by bot token: one living message, notes and evidence in its thread."""

import re
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Annotated

import structlog
from pydantic import Field

from responder.errors import MessageGone, NotConfigured, PermanentError, TransientError
from responder.model.message import Block, Chart, Mention, Message, Own, Paragraph, Purpose
from responder.model.verdict import Json
from responder.plugins import params
from responder.plugins.notifier import Notifier, Outgoing
from responder.plugins.tools import NotifierTools

Who = Annotated[str, Field(pattern=r"^(here|channel|[UW][A-Z0-9]{5,}|S[A-Z0-9]{5,})$")]
"""Whom to mention: a name would be shown and notify nobody, so only an id will do."""

_NUMBER = re.compile(r"/(\d+)$")

log = structlog.get_logger()


class Slack(Notifier["Slack.Params"]):
    """
    Tell a Slack channel: one message an incident, edited as facts arrive, which notifies nobody. What needs a person is
    a reply in its thread with the mentions; long evidence and charts go into the thread too.

    The app needs the scopes chat:write, chat:write.public (or an invitation to each channel), files:write, and to find
    again what a crash left: channels:read and channels:history (groups:... for private channels).

    Source: docs.slack.dev, chat.postMessage, chat.update, files.completeUploadExternal.

    Example:

        incidents: {slack: {channel: "#incidents", mention: [here, S0123ABCD]}}
    """

    name = "slack"

    class Params(params.Params):
        """What a receiver's entry takes."""

        channel: str = Field(pattern=r"^#?[^\s#@<>|]{1,80}$", description="Name, with or without #, or id.")
        mention: tuple[Who, ...] = Field(
            (), max_length=10, description="Whom replies notify: here, channel, ids of users (U...) or groups (S...)."
        )

    async def notify(self, params: Params, outgoing: Outgoing, tools: NotifierTools) -> Json:
        """Post or edit the living message, or put a note or evidence into its thread; answers where the message is."""
        ref = _ref(outgoing.ref)
        match outgoing.message.purpose:
            case Purpose.MESSAGE:
                return dict(await self._tell(params, outgoing, tools, ref))
            case Purpose.REPLY:
                return await self._reply(params, outgoing, tools, ref)
            case Purpose.EVIDENCE:
                await self._put_beside(outgoing, tools, ref)
                return outgoing.ref

    async def _tell(
        self, params: Params, outgoing: Outgoing, tools: NotifierTools, ref: Mapping[str, str]
    ) -> Mapping[str, Json]:
        """
        Post or edit. Before the first answer any earlier sending may have reached Slack, so all of them have one key.
        """
        message, key = outgoing.message, _NUMBER.sub("", outgoing.key)
        try:
            if ref:
                told = await tools.slack.update(ref, message)
                return await self._put_rest(message, dict(ref), told, tools)
        except MessageGone as gone:
            log.warning("slack.message_gone", incident=message.incident, why=str(gone))
            key = outgoing.key
        look_first = outgoing.retry or _number(outgoing.key) > 1
        told = await tools.slack.post(params.channel, message, key=key, look_first=look_first)
        return await self._put_rest(message, {}, told, tools)

    async def _reply(self, params: Params, outgoing: Outgoing, tools: NotifierTools, ref: Mapping[str, str]) -> Json:
        mentions = [part for who in params.mention for part in (_mention(who), Own(" "))]
        message = outgoing.message
        if mentions:
            message = replace(message, blocks=(Paragraph(tuple(mentions)), *message.blocks))
        told = await tools.slack.post(
            ref.get("channel", params.channel),
            message,
            thread=ref.get("ts", ""),
            key=outgoing.key,
            look_first=outgoing.retry,
        )
        return outgoing.ref if ref else dict(told)

    async def _put_beside(self, outgoing: Outgoing, tools: NotifierTools, ref: Mapping[str, str]) -> None:
        if not ref:
            raise PermanentError("there is no message yet to put the evidence beside")
        message = outgoing.message
        blocks = (*message.blocks, *message.thread)
        texts = tuple(block for block in blocks if not isinstance(block, Chart))
        if texts:
            shown = replace(message, blocks=texts, thread=())
            where = await tools.slack.post(
                ref["channel"], shown, thread=ref["ts"], key=outgoing.key, look_first=outgoing.retry
            )
            await self._attach(shown, {**where, "ts": ref["ts"]}, tools, look_first=outgoing.retry)
        for chart in blocks:
            if isinstance(chart, Chart):
                await self._draw(chart, message.incident, ref, tools=tools, look_first=outgoing.retry)

    async def _draw(
        self, chart: Chart, incident: str, ref: Mapping[str, str], *, tools: NotifierTools, look_first: bool
    ) -> None:
        """Upload a chart. That it cannot be drawn or uploaded for good must not hold up the messages: it is logged."""
        try:
            picture = await tools.draw(chart)
            name = f"{incident}-{_slug(chart.title)}-{_digest(chart)}.png"
            await tools.slack.upload(ref, name=name, title=chart.title, content=picture, look_first=look_first)
        except NotConfigured as error:
            log.debug("slack.chart_not_drawn", incident=incident, why=str(error))
        except PermanentError as error:
            log.warning("slack.upload_refused", incident=incident, why=str(error))

    async def _attach(
        self, message: Message, ref: Mapping[str, str], tools: NotifierTools, *, look_first: bool
    ) -> None:
        """Upload as a file what is too long even for the thread."""
        if not tools.slack.overflow(message):
            return
        text = tools.render(message, "text").encode()
        name = f"{message.incident}-evidence-{sha256(text).hexdigest()[:12]}.txt"
        try:
            await tools.slack.upload(ref, name=name, title="All of it", content=text, look_first=look_first)
        except PermanentError as error:
            log.warning("slack.upload_refused", incident=message.incident, why=str(error))

    async def _put_rest(
        self, message: Message, before: dict[str, str], told: Mapping[str, str], tools: NotifierTools
    ) -> Mapping[str, Json]:
        """
        Keep what does not fit into the message in one reply, edited like it; answers the new reference.

        While the incident goes on a failure here must not hold up the message: the next edit tries again.
        """
        ref = {**before, **told}
        rest = tools.slack.overflow(message)
        if not rest or before.get("rest_digest") == _digest(rest):
            return ref
        shown = replace(message, purpose=Purpose.EVIDENCE, title=(Own("The rest", "bold"),), blocks=rest, thread=())
        try:
            if "rest_ts" in before:
                await tools.slack.update({"channel": ref["channel"], "ts": before["rest_ts"]}, shown)
            else:
                key = f"{ref['ts']}/rest"
                look_first = "rest_tried" in before or message.status == "resolved"
                posted = await tools.slack.post(ref["channel"], shown, thread=ref["ts"], key=key, look_first=look_first)
                ref["rest_ts"] = posted["ts"]
            await self._attach(shown, told, tools, look_first=False)
            ref["rest_digest"] = _digest(rest)
        except TransientError as error:
            if message.status == "resolved":
                raise
            log.info("slack.rest_delayed", incident=message.incident, why=str(error))
            ref["rest_tried"] = "yes"
        except PermanentError as error:
            log.warning("slack.rest_refused", incident=message.incident, why=str(error))
            ref.pop("rest_ts", None)
        return ref


def _ref(ref: Json) -> dict[str, str]:
    """Read where the living message is; empty before the first answer."""
    if not isinstance(ref, Mapping) or "channel" not in ref or "ts" not in ref:
        return {}
    return {name: str(value) for name, value in ref.items()}


def _number(key: str) -> int:
    found = _NUMBER.search(key)
    return int(found[1]) if found else 1


def _mention(who: str) -> Mention:
    match who:
        case "here":
            return Mention("here")
        case "channel":
            return Mention("channel")
        case _:
            return Mention("group" if who[0] == "S" else "user", who)


def _digest(shown: Chart | tuple[Block, ...]) -> str:
    return sha256(repr(shown).encode(errors="replace")).hexdigest()[:12]


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40] or "chart"
