"""
Takes deliveries out of the inbox and joins their alerts to episodes and incidents: per alert, never per delivery.

A slice is one transaction. One process correlates at a time, so that alerts join in the order in which they came. An
alert that makes its slice fail is found by halving the slice, set aside and shown; its neighbours go on.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from typing import Literal

from responder.engine.accept import rejected_row
from responder.engine.brains import Brains
from responder.engine.delivery import BadAlert, Parsed, parse
from responder.engine.ledger import Ledger, Sight, Wanted
from responder.engine.plausible import plausible
from responder.engine.runtime import Runtime
from responder.engine.sources import HEARTBEAT_LABEL, Source
from responder.engine.views import Rejected
from responder.errors import RejectedDelivery
from responder.model import codec
from responder.model.alert import Alert, AlertStatus, Delivery
from responder.model.rule import Heartbeat, Rule, SeveritySource
from responder.model.timeline import AlertsLeftOut
from responder.response import targets
from responder.response.decide import Sighting, opening
from responder.response.episodes import Outcome, join
from responder.store.rows import compact, incident_fields, micros, moment
from responder.store.store import Store, Transaction, Waiting

_READ_AT_ONCE = 4 * 1024 * 1024
"""Bytes of bodies read for one slice, unless a single one is larger."""
_LARGE = 128 * 1024
"""Bytes of a body that are read in a thread."""
_REMEMBERED = 16
"""Parsed deliveries kept for their next slice."""
_BREATH = 25
"""Alerts after which whoever waits for the loop comes in between."""
_LONGEST_KEY = 400
"""Bytes of a correlation key that an index takes as it is; a longer one is digested."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """Some alerts of one delivery: those from `first` to `last`, without it."""

    row: Waiting
    parsed: Parsed
    first: int
    last: int

    @property
    def finished(self) -> bool:
        return self.last >= len(self.parsed.delivery.alerts)


@dataclass(slots=True)
class Correlator:
    """Works the inbox off. `lag` is how long the delivery last worked on had waited."""

    store: Store
    runtime: Runtime
    brains: Brains
    _parsed: OrderedDict[int, Parsed] = field(default_factory=OrderedDict)
    lag: timedelta = timedelta(0)
    _limit: int = 0

    async def step(self) -> Sequence[int] | None:
        """
        Correlate one slice.

        Returns the incidents that have something new; None when the inbox is empty. After any error but
        StoreUnavailable call `failed`.
        """
        limit = self._limit or self.runtime.limits.slice
        async with self.store.transaction() as tx:
            await tx.fetch("lock_correlate")
            pieces = await self._pieces(tx, limit)
            if not pieces:
                return None
            self.lag = self.runtime.now() - moment(pieces[-1].row.received_at)
            woken = await self._correlate(tx, pieces)
            self._settle(tx, pieces)
            if woken:
                tx.hint("turn")
        self._done(pieces)
        return woken

    async def failed(self, error: Exception) -> None:
        """Try a smaller slice next time; where it was a single alert, set that aside."""
        limit = self._limit or self.runtime.limits.slice
        if limit > 1:
            self._limit = limit // 2
            return
        async with self.store.transaction() as tx:
            await tx.fetch("lock_correlate")
            pieces = await self._pieces(tx, 1)
            for piece in pieces:
                for alert in piece.parsed.delivery.alerts[piece.first : piece.last]:
                    body = codec.ALERT.dump(alert).encode()
                    self._set_aside(tx, piece, BadAlert(piece.first + 1, f"it could not be stored: {error}", body))
            self._settle(tx, pieces)
        self._done(pieces)

    # --- the slice ---

    async def _pieces(self, tx: Transaction, limit: int) -> list[_Piece]:
        rows = _within(await self.store.inbox.waiting(tx, limit), _READ_AT_ONCE)
        unknown = [row.id for row in rows if row.id not in self._parsed]
        bodies = await self.store.inbox.bodies(tx, unknown) if unknown else {}
        pieces: list[_Piece] = []
        for row in rows:
            if limit <= 0:
                break
            parsed = self._parsed.get(row.id) or await _parsed(bodies[row.id])
            self._parsed[row.id] = parsed
            last = min(row.done + limit, len(parsed.delivery.alerts))
            limit -= last - row.done
            pieces.append(_Piece(row, parsed, row.done, last))
        return pieces

    def _settle(self, tx: Transaction, pieces: Sequence[_Piece]) -> None:
        finished = [piece.row.id for piece in pieces if piece.finished]
        partly = next(((piece.row.id, piece.last) for piece in pieces if not piece.finished), None)
        self.store.inbox.settle(tx, finished, partly)

    def _done(self, pieces: Sequence[_Piece]) -> None:
        self._limit = 0
        for piece in pieces:
            if piece.finished:
                self._parsed.pop(piece.row.id, None)
        while len(self._parsed) > _REMEMBERED:
            self._parsed.popitem(last=False)

    # --- the alerts ---

    async def _correlate(self, tx: Transaction, pieces: Sequence[_Piece]) -> list[int]:
        ledger = Ledger()
        sights = [sight for piece in pieces for sight in self._sights(piece)]
        await ledger.load(tx, [sight.alert.fingerprint for sight in sights])
        for place, sight in enumerate(sights):
            self._join(tx, ledger, sight)
            if place % _BREATH == _BREATH - 1:
                await asyncio.sleep(0)
        for piece in pieces:
            for bad in piece.parsed.bad if piece.first == 0 else ():
                self._set_aside(tx, piece, bad)
        numbers = await self._incidents(tx, ledger.wanted)
        return await ledger.write(tx, numbers, self.runtime.now())

    def _sights(self, piece: _Piece) -> list[Sight]:
        delivery, received_at = piece.parsed.delivery, moment(piece.row.received_at)
        left_out = AlertsLeftOut(delivery.truncated, delivery.receiver) if delivery.truncated else None
        return [
            Sight(
                alert=alert,
                source=piece.row.source,
                received_at=received_at,
                alertmanager=delivery.external_url,
                cluster=self._cluster(alert),
                rule=self._rule(alert, piece.row.source),
                left_out=left_out,
            )
            for alert in delivery.alerts[piece.first : piece.last]
        ]

    def _cluster(self, alert: Alert) -> str:
        """With one cluster its label is not consulted; a name that the settings lack stays as it is."""
        clusters = self.runtime.clusters
        return clusters[0] if len(clusters) == 1 else alert.labels.get(self.runtime.cluster_label, "")

    def _rule(self, alert: Alert, source: str) -> Rule:
        rulebook = self.runtime.rulebook()
        if source != Source.HEARTBEAT:
            return rulebook.match(alert.labels)
        name = alert.labels.get(HEARTBEAT_LABEL, "")
        rule = next((rule for rule in rulebook.ruleset.rules if rule.name == name and rule.heartbeat), None)
        if rule is None or rule.heartbeat is None:
            return rulebook.match(alert.labels)
        return absence(rule, rule.heartbeat)

    def _join(self, tx: Transaction, ledger: Ledger, sight: Sight) -> None:
        rule, alert = sight.rule, sight.alert
        if rule.heartbeat is not None:
            if alert.status is AlertStatus.FIRING and sight.source == Source.DELIVERY:
                tx.run("heartbeat_seen", *_heartbeat(sight, rule.heartbeat))
            return
        how: Literal["delivery", "look"] = "look" if sight.source == Source.LOOK else "delivery"
        episodes = ledger.episodes(alert.fingerprint)
        alert = plausible(alert, sight.received_at, episodes)
        sight = replace(sight, alert=alert)
        joined = join(episodes, alert, sight.received_at, source=how)
        incident = 0
        if joined.outcome is Outcome.OPENED and not rule.record_only:
            target = targets.derive(alert.labels, sight.cluster)
            incident = ledger.incident_of(Wanted(targets.correlation_key(rule, alert.labels, target), sight, target))
        ledger.take(sight, joined, incident)

    # --- incidents ---

    async def _incidents(self, tx: Transaction, wanted: Sequence[Wanted]) -> list[int]:
        """Find or open the incidents; the open ones are locked in the order of their keys."""
        keys = {_open_key(one.key): one for one in wanted}
        rows = await tx.fetch_each("incident_by_key", [(key,) for key in sorted(keys)])
        numbers: dict[str, int] = {open_key: number for number, open_key in rows}
        missing = [key for key in keys if key not in numbers]
        if missing:
            ((last,),) = await tx.fetch("incident_numbers", len(missing))
            for number, key in enumerate(missing, start=last - len(missing) + 1):
                self._open(tx, number, key, keys[key])
                numbers[key] = number
        return [numbers[key] for key in keys]

    def _open(self, tx: Transaction, number: int, open_key: str, wanted: Wanted) -> None:
        sight = wanted.sight
        brain, digest = self.brains.opening(sight.rule, tx)
        sighting = Sighting(
            number=number,
            alert=sight.alert,
            rule=sight.rule,
            key=wanted.key,
            cluster=sight.cluster,
            team=self.runtime.rulebook().team_of(sight.alert.labels).name,
            at=sight.received_at,
            playbook=digest,
            alertmanager=sight.alertmanager,
        )
        incident = opening(sighting, brain)
        place = (number, incident.rule, incident.cluster, open_key, digest)
        when = (micros(incident.opened_at), micros(self.runtime.now()))
        tx.run("incident_add", *place, *incident_fields(incident), *when)

    def _set_aside(self, tx: Transaction, piece: _Piece, bad: BadAlert) -> None:
        total = len(piece.parsed.delivery.alerts) + len(piece.parsed.bad)
        rejected = Rejected(
            received_at=moment(piece.row.received_at),
            status=422,
            reason=f"alert {bad.place} of {total} was set aside: {bad.reason}" if total > 0 else bad.reason,
            sender=f"{piece.parsed.delivery.receiver} {piece.parsed.delivery.external_url}".strip(),
            size=len(bad.body),
            body=bad.body,
        )
        tx.run("rejected_add", *rejected_row(rejected))
        tx.run("rejected_trim", self.runtime.limits.kept_rejected)
        tx.run("counter_add", "set_aside", 1)


def absence(rule: Rule, heartbeat: Heartbeat) -> Rule:
    """Make of a heartbeat rule the rule for the incident that its absence opens."""
    return Rule(
        name=rule.name,
        match=rule.match,
        correlate_by=(HEARTBEAT_LABEL, *heartbeat.by),
        severity=SeveritySource(otherwise=heartbeat.severity),
        playbook=rule.playbook,
        notify=rule.notify,
        notify_only=rule.notify_only,
        origin=rule.origin,
    )


def _within(rows: Sequence[Waiting], size: int) -> Sequence[Waiting]:
    total = 0
    for place, row in enumerate(rows):
        total += row.size
        if place and total > size:
            return rows[:place]
    return rows


async def _parsed(body: bytes) -> Parsed:
    """Read a delivery; a large one in a thread, so that nobody waits for it."""
    return await asyncio.to_thread(_parse, body) if len(body) > _LARGE else _parse(body)


def _parse(body: bytes) -> Parsed:
    """Read a delivery; one that cannot be read, though the door let it in, is one bad alert."""
    try:
        return parse(body)
    except RejectedDelivery as error:
        return Parsed(Delivery("", "", 0, ()), (BadAlert(0, str(error), body),))


def _open_key(key: str) -> str:
    return key if len(key.encode()) <= _LONGEST_KEY else sha256(key.encode()).hexdigest()


def _heartbeat(sight: Sight, heartbeat: Heartbeat) -> tuple[object, ...]:
    labels = {name: sight.alert.labels.get(name, "") for name in heartbeat.by}
    key = compact({**labels, "": sight.cluster})
    return (sight.rule.name, key[:_LONGEST_KEY], sight.cluster, compact(labels), micros(sight.received_at))
