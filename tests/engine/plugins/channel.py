"""
A destination that is a folder: each sending is a line of `sent`, and what stands beside it tells how it behaves.

Such a channel survives its senders, so that tests can count what reached it over crashes.
"""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

from pydantic import Field

from responder.errors import PermanentError, TransientError
from responder.model.verdict import Json
from responder.plugins.notifier import Alarm, Notifier, Outgoing
from responder.plugins.params import Params
from responder.plugins.tools import NotifierTools


class FolderParams(Params):
    """Where."""

    folder: Path = Field(description="The folder.")


class Channel(Notifier[FolderParams]):
    """
    Write each sending down.

    A file `down` makes it fail for now, `refuse` for good, `hang` never answer after it wrote, `wait` not begin.
    """

    name = "channel"
    Params = FolderParams

    async def notify(self, params: FolderParams, outgoing: Outgoing, tools: NotifierTools) -> Json:
        """Post, edit or adopt."""
        while (params.folder / "wait").exists():
            await asyncio.sleep(0.005)
        if (params.folder / "down").exists():
            raise TransientError("the channel is down")
        if (params.folder / "refuse").exists():
            raise PermanentError("the channel refuses")
        earlier = [line for line in sent(params.folder) if line["key"] == outgoing.key and line["kind"] == "post"]
        if outgoing.retry and earlier:
            write(params.folder, {"kind": "adopt", "key": outgoing.key, "ref": earlier[0]["ref"]})
            return earlier[0]["ref"]
        message = outgoing.message
        posted = outgoing.ref is None or message.purpose != "message"
        ref = f"{os.getpid()}-{len(sent(params.folder))}" if posted else outgoing.ref
        line = {"incident": message.incident, "status": message.status, "severity": message.severity}
        shown = {"summary": message.summary, "text": repr(message), "purpose": str(message.purpose), **line}
        write(params.folder, {"kind": "post" if posted else "edit", "key": outgoing.key, "ref": ref, **shown})
        while (params.folder / "hang").exists():
            await asyncio.sleep(0.005)
        return ref


class Pager(Notifier[FolderParams]):
    """Write each event down."""

    name = "pager"
    Params = FolderParams
    pages = True

    async def notify(self, params: FolderParams, outgoing: Outgoing, tools: NotifierTools) -> Json:
        """Refuse: it pages."""
        raise PermanentError("a pager takes no messages")

    async def page(self, params: FolderParams, alarm: Alarm, tools: NotifierTools) -> None:
        """Write the event down; a file `refuse-page` makes it fail for good."""
        if (params.folder / "refuse-page").exists():
            raise PermanentError("the pager refuses")
        write(params.folder, {"kind": "page", "event": alarm.event, "key": alarm.dedup_key})


def write(folder: Path, line: dict[str, Any]) -> None:
    """Append a line, as one write."""
    with (folder / "sent").open("ab", buffering=0) as file:
        file.write(json.dumps({**line, "pid": os.getpid()}).encode() + b"\n")


def sent(folder: Path) -> list[dict[str, Any]]:
    """Read what reached the channel."""
    path = folder / "sent"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
