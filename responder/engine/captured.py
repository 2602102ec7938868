"""Notifiers that tell nobody: they keep what they were asked to send, for replays."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from responder.errors import NotConfigured
from responder.model.message import Message, Purpose
from responder.model.verdict import Json
from responder.plugins.notifier import Alarm, Notifier, Outgoing
from responder.plugins.registry import Registry
from responder.plugins.tools import NotifierTools


@dataclass(frozen=True, slots=True)
class Sent:
    """One sending: `edit` says that it changed an earlier one, `event` is what a pager was told, "" for chat."""

    at: datetime
    notifier: str
    message: Message
    edit: bool = False
    event: str = ""


class Nothing:
    """Stands in for every tool: a replay that would reach outside fails instead."""

    def __getattr__(self, name: str) -> Any:
        """Refuse."""
        raise NotConfigured(f"a replay touches nothing outside: {name}")


class Captured(Notifier[Any]):
    """Stands in for one notifier: what it takes and can do is the same."""

    def __init__(self, original: Notifier[Any], now: Callable[[], datetime], keep: Callable[[Sent], None]) -> None:
        self._now, self._keep = now, keep
        self.name, self.Params = original.name, original.Params  # type: ignore[misc]
        self.pages, self.edits = original.pages, original.edits  # type: ignore[misc]

    async def notify(self, params: Any, outgoing: Outgoing, tools: NotifierTools) -> Json:
        """Keep it."""
        edited = outgoing.ref is not None and outgoing.message.purpose is Purpose.MESSAGE
        self._keep(Sent(self._now(), self.name, outgoing.message, edit=edited))
        return {"key": outgoing.key}

    async def page(self, params: Any, alarm: Alarm, tools: NotifierTools) -> None:
        """Keep it."""
        self._keep(Sent(self._now(), self.name, alarm.message, event=alarm.event))


def captured(registry: Registry, now: Callable[[], datetime], keep: Callable[[Sent], None]) -> Registry:
    """Return the registry with every notifier replaced."""
    notifiers: Mapping[str, Notifier[Any]] = {
        name: Captured(notifier, now, keep) for name, notifier in registry.notifiers.items()
    }
    return replace(registry, notifiers=notifiers)
