"""
The working copy of one slice of correlation: episodes as they change, events as they come, incidents to be found.

Nothing is written until the end, in a few statements for the whole slice. What is new has a negative number until the
store has given it one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from responder.model import codec
from responder.model.alert import Alert
from responder.model.rule import Rule
from responder.model.target import Target
from responder.model.timeline import AlertEnded, AlertFired, AlertsLeftOut
from responder.response.episodes import Join, Known
from responder.store.rows import EpisodeRow, compact, micros
from responder.store.store import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """One alert at its place in the inbox; `left_out` tells of others that its delivery lacks."""

    alert: Alert
    source: str
    received_at: datetime
    alertmanager: str
    cluster: str
    rule: Rule
    left_out: AlertsLeftOut | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """An incident to be found by its key, or opened by this alert."""

    key: str
    sight: Sight
    target: Target


@dataclass(slots=True)
class _Entry:
    known: Known
    cluster: str
    rule: str
    changed: bool = False


@dataclass(slots=True)
class Ledger:
    """One slice. `wanted` are incidents to be found; the first is known as -1, the second as -2, ..."""

    wanted: list[Wanted] = field(default_factory=list)
    _places: dict[str, int] = field(default_factory=dict)
    _entries: dict[int, _Entry] = field(default_factory=dict)
    _by_fingerprint: dict[str, list[int]] = field(default_factory=dict)
    _events: list[tuple[int, str, str, int]] = field(default_factory=list)
    _left_out: dict[int, tuple[AlertsLeftOut, datetime]] = field(default_factory=dict)
    _new: int = 0

    async def load(self, tx: Transaction, fingerprints: Iterable[str]) -> None:
        """Read the latest episodes of the alerts."""
        rows = await tx.fetch_each("episodes_of", [(f,) for f in sorted(set(fingerprints))])
        for row in map(EpisodeRow.of, rows):
            self._put(_known(row), row.cluster, row.rule)

    def episodes(self, fingerprint: str) -> list[Known]:
        """Return the episodes of an alert as they stand now."""
        return [self._entries[key].known for key in self._by_fingerprint.get(fingerprint, ())]

    def incident_of(self, wanted: Wanted) -> int:
        """Return the number, for now, of the incident that an alert wants."""
        place = self._places.setdefault(wanted.key, len(self.wanted))
        if place == len(self.wanted):
            self.wanted.append(wanted)
        return -1 - place

    def take(self, sight: Sight, join: Join, incident: int) -> None:
        """Take in what an alert was; `incident` is for the rows that have none yet, 0 for none at all."""
        why: Literal["resolved", "missing"] = "missing" if sight.source == "missing" else "resolved"
        numbers = [self._row(row, sight, incident) for row in join.rows]
        owner = next((number for number in reversed(numbers) if number), 0)
        if join.also_ended is not None:
            before, ending = join.also_ended
            self._event(before.incident, ending, sight.received_at)
        for happening in join.happenings:
            if isinstance(happening, AlertFired):
                told = replace(happening, rule=sight.rule.name, alertmanager=sight.alertmanager)
                self._event(owner, told, sight.received_at)
            else:
                self._event(owner, replace(happening, why=why), sight.received_at)
        if sight.left_out is not None:
            firing = (known.incident for known in self.episodes(sight.alert.fingerprint) if known.ended_at is None)
            concerns = owner if join.happenings else next(firing, 0)
            if concerns:
                self._left_out[concerns] = sight.left_out, sight.received_at

    async def write(self, tx: Transaction, numbers: Sequence[int], now: datetime) -> list[int]:
        """
        Note everything; `numbers` are the incidents that were wanted, in their order.

        Returns the incidents that have something new, sorted.
        """
        new, changed = [], []
        for key, entry in self._entries.items():
            if key < 0:
                new.append(_added(entry, _settled(entry.known.incident, numbers)))
            elif entry.changed:
                changed.append(_changed(entry.known))
        events = [(_settled(number, numbers), kind, body, at, 0) for number, kind, body, at in self._events]
        told = [
            (_settled(number, numbers), what.kind, codec.HAPPENING.dump(what), micros(at))
            for number, (what, at) in self._left_out.items()
        ]
        fresh = await tx.fetch_each("event_add_fresh", told) if told else ()
        woken = sorted({*(incident for incident, *_ in events), *(incident for (incident,) in fresh)})
        tx.run_each("incident_wake", [(incident, micros(now)) for incident in woken])
        tx.run_each("episode_add", new)
        tx.run_each("episode_change", changed)
        tx.run_each("event_add", events)
        return woken

    def _row(self, row: Known, sight: Sight, incident: int) -> int:
        if row.id == 0:
            self._new -= 1
            row = replace(row, id=self._new, incident=row.incident or (incident if row.ended_at is None else 0))
            self._put(row, sight.cluster, sight.rule.name)
        else:
            entry = self._entries[row.id]
            entry.known, entry.changed = row, True
        return row.incident

    def _put(self, known: Known, cluster: str, rule: str) -> None:
        self._entries[known.id] = _Entry(known, cluster, rule)
        self._by_fingerprint.setdefault(known.fingerprint, []).append(known.id)

    def _event(self, incident: int, what: AlertFired | AlertEnded, at: datetime) -> None:
        if incident:
            self._events.append((incident, what.kind, codec.HAPPENING.dump(what), micros(at)))


def _settled(incident: int, numbers: Sequence[int]) -> int:
    return numbers[-1 - incident] if incident < 0 else incident


def _known(row: EpisodeRow) -> Known:
    return Known(
        fingerprint=row.fingerprint,
        started_at=row.started_at,
        latest_at=row.latest_at,
        ended_at=row.ended_at,
        labels=row.labels,
        annotations=row.annotations,
        generator_url=row.generator_url,
        incident=row.incident,
        id=row.id,
    )


def _added(entry: _Entry, incident: int) -> tuple[object, ...]:
    fingerprint, *rest = _fields(entry.known)
    started, latest, ended, labels, annotations, url = rest
    return (fingerprint, started, latest, ended, incident, entry.cluster, entry.rule, labels, annotations, url)


def _changed(known: Known) -> tuple[object, ...]:
    _, *rest = _fields(known)
    return (known.id, *rest)


def _fields(known: Known) -> tuple[object, ...]:
    ended = micros(known.ended_at) if known.ended_at else None
    labels, annotations = compact(known.labels), compact(known.annotations)
    started, latest = micros(known.started_at), micros(known.latest_at)
    return (known.fingerprint, started, latest, ended, labels, annotations, known.generator_url)
