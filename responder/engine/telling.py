"""
Runs one sending: the living message is built when it is sent, from what is known then.

What may work later is tried again; what the destination refuses is told to the incident, which decides.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import structlog
from pydantic import ValidationError

from responder.engine.brains import Brains, find_receiver, params_of
from responder.engine.readings import safe_message
from responder.engine.runtime import Runtime
from responder.engine.storms import MARK, DueStorm, Storms, storm_of
from responder.errors import PermanentError, TransientError
from responder.model import codec
from responder.model.command import Notify, Page
from responder.model.duration import format_duration
from responder.model.incident import Incident
from responder.model.message import Purpose
from responder.model.receiver import Receiver
from responder.model.timeline import Input, Notified, NotifyFailed, Paged, PageFailed
from responder.model.verdict import Json
from responder.plugins.notifier import Alarm, Notifier, Outgoing
from responder.plugins.tools import NotifierTools
from responder.response.message import living
from responder.response.wording import one_line
from responder.store.rows import CommandRow, micros

SENT_WITHIN = timedelta(seconds=120)
"""Until a sending is taken to have failed: a crowded channel lets one message a second pass."""


_BETWEEN_EDITS = timedelta(seconds=2)
_BETWEEN_POSTS = timedelta(minutes=1)
"""Of the message of a storm, where it can be edited and where it cannot."""
_NO_TIME = timedelta(0)

_log = structlog.get_logger()


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
    storms: Storms

    async def notify(self, row: CommandRow, command: Notify, incident: Incident) -> Input | Again:
        """Send or edit a message, or put the incident into the receiver's storm."""
        what = (command.receiver, command.purpose, command.sequence)
        receiver, notifier = self._destination(command.receiver)
        if receiver is None or notifier is None:
            return NotifyFailed(*what, _gone(command.receiver))
        message = command.reply or living(incident, await self.brains.of(incident), self.runtime.now())
        ref = incident.posts[command.receiver].ref if command.receiver in incident.posts else None
        if command.purpose is Purpose.MESSAGE:
            storm = await self.storms.joins(row, incident, rank=message.rank, ref=ref)
            if storm is not None:
                return Notified(*what, {MARK: storm}, codec.MESSAGE.digest(message))
        place = await self._place(command, ref)
        if isinstance(place, Again | Notified):
            return place
        key = f"{unique(incident)}/{command.key}"
        outgoing = Outgoing(message=safe_message(message), key=key, ref=place, retry=row.epoch > 1)
        outcome = await self._guard(receiver, _notified(notifier, receiver, outgoing, self.runtime.notifier_tools))
        match outcome:
            case Again():
                return outcome
            case _Refused(why=why):
                return NotifyFailed(*what, why)
            case _Sent(ref=told):
                kept = told if command.purpose is Purpose.MESSAGE else ref
                return Notified(*what, kept, codec.MESSAGE.digest(message))

    async def storm(self, storm: DueStorm) -> None:
        """Send or edit the message of a storm, unless another process does."""
        now = self.runtime.now()
        if not await self.storms.take(storm, now + 2 * SENT_WITHIN):
            return
        receiver, notifier = self._destination(storm.receiver)
        message = await self.storms.message(storm)
        ref = await self.storms.ref(storm.id)
        if receiver is None or notifier is None or message is None:
            await self.storms.sent(storm, ref, now)
            return
        retry = storm.tries > 0 and ref is None
        outgoing = Outgoing(message=safe_message(message), key=storm.key, ref=ref, retry=retry)
        outcome = await self._guard(receiver, _notified(notifier, receiver, outgoing, self.runtime.notifier_tools))
        now = self.runtime.now()
        match outcome:
            case _Sent(ref=told):
                await self.storms.sent(storm, told, now + (_BETWEEN_EDITS if notifier.edits else _BETWEEN_POSTS))
            case Again(why=why, delay=delay):
                _log.info("storm.again", storm=storm.name, receiver=storm.receiver, why=why)
                await self.storms.postpone(storm, now + max(_BETWEEN_EDITS * (storm.tries + 1), delay or _NO_TIME))
            case _Refused(why=why):
                _log.warning("storm.refused", storm=storm.name, receiver=storm.receiver, why=why)
                await self.storms.postpone(storm, now + _BETWEEN_POSTS)

    async def _place(self, command: Notify, ref: Json) -> Json | Again | Notified:
        """Say what to edit, or to put a note beside; of notes to lines of a storm only those that notify are sent."""
        storm = storm_of(ref)
        if storm is None or command.purpose is Purpose.MESSAGE:
            return ref if storm is None else None
        if command.purpose is Purpose.EVIDENCE:
            return Notified(command.receiver, command.purpose, command.sequence, ref)
        place = await self.storms.ref(storm)
        return place if place is not None else Again("the storm has no message yet", _BETWEEN_EDITS)

    async def page(self, command: Page, incident: Incident) -> Input | Again:
        """Wake somebody, or tell the pager that it is over."""
        what = (command.receiver, command.event, command.sequence)
        receiver, notifier = self._destination(command.receiver)
        if receiver is None or notifier is None:
            return PageFailed(*what, _gone(command.receiver), command.about)
        message = living(incident, await self.brains.of(incident), self.runtime.now())
        if command.say:
            message = replace(message, summary=one_line(command.say, 300))
        about = f"/{command.about}" if command.about else ""
        alarm = Alarm(command.event, safe_message(message), dedup_key=f"{unique(incident)}{about}")
        outcome = await self._guard(receiver, _paged(notifier, receiver, alarm, self.runtime.notifier_tools))
        match outcome:
            case Again():
                return outcome
            case _Refused(why=why):
                return PageFailed(*what, why, command.about)
            case _Sent():
                return Paged(*what, command.about)

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
