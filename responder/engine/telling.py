"""
Runs one sending: the living message is built when it is sent, from what is known then.

What may work later is tried again; what the destination refuses is told to the incident, which decides.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import ValidationError

from responder.engine.brains import Brains, find_receiver, params_of
from responder.engine.readings import safe_message
from responder.engine.runtime import Runtime
from responder.errors import PermanentError, TransientError
from responder.model import codec
from responder.model.command import Notify, Page
from responder.model.duration import format_duration
from responder.model.incident import Incident
from responder.model.receiver import Receiver
from responder.model.timeline import Input, Notified, NotifyFailed, Paged, PageFailed
from responder.model.verdict import Json
from responder.plugins.notifier import Alarm, Notifier, Outgoing
from responder.plugins.tools import NotifierTools
from responder.response.message import living
from responder.store.rows import CommandRow, micros

SENT_WITHIN = timedelta(seconds=120)
"""Until a sending is taken to have failed: a crowded channel lets one message a second pass."""


@dataclass(frozen=True, slots=True)
class Again:
    """It did not work this time; `delay` is what the other side asked for."""

    why: str
    delay: timedelta | None = None


@dataclass(frozen=True, slots=True)
class _Sent:
    ref: Json


@dataclass(frozen=True, slots=True)
class _Refused:
    why: str


@dataclass(frozen=True, slots=True)
class Telling:
    """Tells receivers."""

    runtime: Runtime
    brains: Brains

    async def notify(self, row: CommandRow, command: Notify, incident: Incident) -> Input | Again:
        """Send or edit a message."""
        what = (command.receiver, command.purpose, command.sequence)
        receiver, notifier = self._destination(command.receiver)
        if receiver is None or notifier is None:
            return NotifyFailed(*what, _gone(command.receiver))
        message = command.reply or living(incident, await self.brains.of(incident), self.runtime.now())
        outgoing = Outgoing(
            message=safe_message(message),
            key=f"{unique(incident)}/{command.key}",
            ref=incident.posts[command.receiver].ref if command.receiver in incident.posts else None,
            retry=row.epoch > 1,
        )
        outcome = await self._guard(receiver, _notified(notifier, receiver, outgoing, self.runtime.notifier_tools))
        match outcome:
            case Again():
                return outcome
            case _Refused(why=why):
                return NotifyFailed(*what, why)
            case _Sent(ref=ref):
                return Notified(*what, ref, codec.MESSAGE.digest(message))

    async def page(self, command: Page, incident: Incident) -> Input | Again:
        """Wake somebody, or tell the pager that it is over."""
        what = (command.receiver, command.event, command.sequence)
        receiver, notifier = self._destination(command.receiver)
        if receiver is None or notifier is None:
            return PageFailed(*what, _gone(command.receiver))
        message = living(incident, await self.brains.of(incident), self.runtime.now())
        alarm = Alarm(command.event, safe_message(message), dedup_key=unique(incident))
        outcome = await self._guard(receiver, _paged(notifier, receiver, alarm, self.runtime.notifier_tools))
        match outcome:
            case Again():
                return outcome
            case _Refused(why=why):
                return PageFailed(*what, why)
            case _Sent():
                return Paged(*what)

    def _destination(self, name: str) -> tuple[Receiver | None, Notifier[Any] | None]:
        receiver = find_receiver(self.runtime.rulebook(), name)
        return receiver, self.runtime.registry.notifiers.get(receiver.notifier) if receiver else None

    async def _guard(self, receiver: Receiver, sending: Awaitable[Json]) -> "_Sent | _Refused | Again":
        """Wait for one plugin call, and turn what it raises into what is to be done about it."""
        outcome: _Sent | _Refused | Again | None = None
        try:
            async with asyncio.timeout(SENT_WITHIN.total_seconds()):
                outcome = _Sent(await sending)
        except TransientError as error:
            outcome = Again(str(error), error.delay)
        except TimeoutError:
            outcome = Again(f"no answer within {format_duration(SENT_WITHIN)}")
        except PermanentError as error:
            outcome = _Refused(str(error))
        except ValidationError as error:
            outcome = _Refused(f"the receiver's entry in the rules is wrong: {error.errors()[0]['msg']}")
        finally:
            name = type(outcome).__name__.strip("_").lower() if outcome is not None else "broke"
            self.runtime.metrics.notified(receiver.notifier, name)
        return outcome


async def _notified(notifier: Notifier[Any], receiver: Receiver, outgoing: Outgoing, tools: NotifierTools) -> Json:
    return await notifier.notify(params_of(receiver, notifier.Params), outgoing, tools)


async def _paged(notifier: Notifier[Any], receiver: Receiver, alarm: Alarm, tools: NotifierTools) -> Json:
    await notifier.page(params_of(receiver, notifier.Params), alarm, tools)


def _gone(receiver: str) -> str:
    return f"no receiver is called {receiver} in the rules any more, or its notifier is not installed"


def unique(incident: Incident) -> str:
    """Name an incident so that no other deployment has the same name for another: pagers share one account."""
    return f"{incident.id}-{micros(incident.opened_at)}"
