"""
Keeps channels readable when incidents begin faster than anybody reads: those beyond the limit share one message.

Which are beyond it follows from the order in which their first sendings were asked for, so that every process comes to
the same answer and a sending that is tried again does too. The most severe always have a message of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
from pydantic import TypeAdapter

from responder.engine.runtime import Runtime
from responder.model.incident import Incident
from responder.model.message import Message, Purpose
from responder.model.verdict import Json
from responder.response.storm import StormLine, line_of, storm_message
from responder.store.rows import CommandRow, compact, micros, moment
from responder.store.store import Store

WITHIN = timedelta(minutes=1)
"""The span in which incidents are counted."""
OVER_AFTER = timedelta(minutes=10)
"""A storm without a new line for so long is over: the next one has a message of its own."""
MARK = "storm"
"""What stands in the place of a message's reference where the incident is a line of a storm."""

_LINE: TypeAdapter[StormLine] = TypeAdapter(StormLine)


@dataclass(frozen=True, slots=True)
class DueStorm:
    """A storm whose message is behind; `tries` counts those since the last that worked, with this one."""

    id: int
    receiver: str
    started_at: datetime
    version: int
    ref: str
    tries: int

    @property
    def name(self) -> str:
        """What stands in the place of an incident's id."""
        return f"STORM-{self.id}"

    @property
    def key(self) -> str:
        """The key of its sendings: no other deployment has the same, and it ends as that of a first message."""
        return f"{self.name}-{micros(self.started_at)}/notify/{self.receiver}/{Purpose.MESSAGE}/1"


@dataclass(frozen=True, slots=True)
class Storms:
    """Decides which incidents become lines, and keeps the lines."""

    store: Store
    runtime: Runtime

    async def joins(self, row: CommandRow, incident: Incident, *, rank: int, ref: Json) -> int | None:
        """
        Put an incident into the storm of a receiver, if it belongs there, and return the storm's number.

        None when it has, or shall have, a message of its own. `row` is the sending of its living message, `rank` the
        place of its severity on the scale, `ref` what an earlier sending answered.
        """
        storm = storm_of(ref)
        if ref is not None and storm is None:
            return None
        if rank == 0:
            await self._leave(storm, incident)
            return None
        if storm is None and not await self._beyond(row):
            return None
        return await self._put(receiver_of(row), incident, rank, storm)

    async def ref(self, storm: int) -> Json:
        """Return the reference of a storm's message; None while it has none."""
        rows = await self.store.read("storm_ref", storm)
        return orjson.loads(rows[0][0]) if rows else None

    async def due(self) -> list[DueStorm]:
        """List the storms whose message is behind."""
        rows = await self.store.read("storms_due", micros(self.runtime.now()))
        return [DueStorm(key, receiver, moment(at), *rest) for key, receiver, at, *rest in rows]

    async def take(self, storm: DueStorm, until: datetime) -> bool:
        """Take a storm's message on until then; False when another process has."""
        now = micros(self.runtime.now())
        async with self.store.transaction() as tx:
            return bool(await tx.fetch("storm_take", storm.id, micros(until), now))

    async def message(self, storm: DueStorm) -> Message | None:
        """Build the message of a storm; None when all its incidents have left it."""
        rows = await self.store.read("storm_lines", storm.id)
        lines = [_LINE.validate_json(row[0]) for row in rows]
        return storm_message(storm.name, lines, limit=self.runtime.limits.storm) if lines else None

    async def sent(self, storm: DueStorm, ref: Json, next_at: datetime) -> None:
        """Note that a storm's message shows what it should."""
        async with self.store.transaction() as tx:
            tx.run("storm_sent", storm.id, storm.version, compact(ref), micros(next_at))

    async def postpone(self, storm: DueStorm, until: datetime) -> None:
        """Try again later."""
        async with self.store.transaction() as tx:
            tx.run("storm_postpone", storm.id, micros(until))

    async def _beyond(self, row: CommandRow) -> bool:
        """Whether the receiver was asked, in the minute before, for as many first sendings as it can take."""
        limit = self.runtime.limits.storm
        since = micros(row.asked_at - WITHIN)
        rows = await self.store.read("first_sendings", row.lane, row.key, since, micros(row.asked_at), row.id)
        return bool(limit) and rows[0][0] >= limit

    async def _put(self, receiver: str, incident: Incident, rank: int, storm: int | None) -> int:
        now = self.runtime.now()
        async with self.store.transaction() as tx:
            await tx.fetch("storm_lock", receiver)
            if storm is None:
                rows = await tx.fetch("storm_current", receiver, micros(now - OVER_AFTER))
                rows = rows or await tx.fetch("storm_add", receiver, micros(now))
                storm = int(rows[0][0])
                tx.run("storm_grew", storm, micros(now))
            tx.run("storm_put", storm, incident.number, _LINE.dump_json(line_of(incident, rank)).decode())
            tx.run("storm_touch", storm)
        return storm

    async def _leave(self, storm: int | None, incident: Incident) -> None:
        """It has become one of the most severe: it gets a message of its own, and is no line any more."""
        if storm is None:
            return
        async with self.store.transaction() as tx:
            tx.run("storm_leave", storm, incident.number)
            tx.run("storm_touch", storm)


def receiver_of(row: CommandRow) -> str:
    """Read the receiver out of the lane of a sending."""
    return row.lane.partition("/")[2]


def storm_of(ref: Json) -> int | None:
    """Read the number of the storm out of a reference; None for the reference of a message."""
    return int(ref[MARK]) if isinstance(ref, Mapping) and MARK in ref else None
