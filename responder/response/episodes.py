"""
Joins one delivered alert to the stored episodes of its fingerprint: per alert, never per delivery.

What a delivery says of its group (status, common labels, truncation) is not read: it describes only what was sent. The
outcome does not depend on the order in which the ends and the last start of an alert arrive.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from responder.model.alert import Alert, AlertStatus
from responder.model.labels import Labels
from responder.model.timeline import AlertEnded, AlertFired

SENDERS_DISAGREE = timedelta(seconds=30)
"""Two senders of one alert see it start up to an evaluation and a scrape apart; a later start beyond that is a flap."""


@dataclass(frozen=True, slots=True)
class Known:
    """
    One stored episode.

    `latest_at` is the latest startsAt seen of it: an end before that belongs to an earlier span. `presumed` says that
    its end was never told, only concluded from the next start. `incident` is 0 for an episode that was over before we
    heard of it; it is kept so that a late firing of it is known to be stale. `id` is the row's, 0 for one that is not
    stored yet.
    """

    fingerprint: str
    started_at: datetime
    latest_at: datetime
    ended_at: datetime | None
    labels: Labels
    annotations: Labels
    generator_url: str = ""
    presumed: bool = False
    incident: int = 0
    id: int = 0


class Outcome(StrEnum):
    """What an alert was, in the light of what is stored."""

    OPENED = "opened"
    """A new episode: store `rows`, find or make its incident, write `happenings` there."""
    CHANGED = "changed"
    """An open episode changed visibly: its start, labels or annotations."""
    CLOSED = "closed"
    """An open episode ended."""
    PAST = "past"
    """A whole episode that was over before we heard of it; it belongs to no incident."""
    REPEATED = "repeated"
    """Nothing new; `rows` may still sharpen what is stored."""
    STALE = "stale"
    """A firing of what has already ended: an Alertmanager that did not know yet. Nothing is stored."""


@dataclass(frozen=True, slots=True)
class Join:
    """
    The answer: write `rows` in their order (insert where `id` is 0, else update), then `happenings`.

    The happenings belong to the incident of the rows. For OPENED that is the one that the correlation key finds or
    makes, and the row without `id` gets it; `also_ended` is set when an older episode, of whichever incident, ends by
    it, and its happening comes first.
    """

    outcome: Outcome
    rows: tuple[Known, ...] = ()
    happenings: tuple[AlertFired | AlertEnded, ...] = ()
    also_ended: tuple[Known, AlertEnded] | None = None


def join(
    episodes: Sequence[Known],
    alert: Alert,
    received_at: datetime,
    *,
    source: Literal["delivery", "look"] = "delivery",
) -> Join:
    """
    Decide what the alert is.

    `episodes` are the open one and the latest ended ones of its fingerprint, in any order. With `source` "look" the
    alert was seen firing in an Alertmanager just now, so that it cannot be stale.
    """
    history = _History.of(episodes)
    if alert.status is AlertStatus.FIRING:
        return _fired(history, alert, received_at if source == "look" else None)
    return _resolved(history, alert, alert.ends_at or received_at)


@dataclass(frozen=True, slots=True)
class _History:
    open: Known | None
    ended: tuple[Known, ...]

    @classmethod
    def of(cls, episodes: Sequence[Known]) -> "_History":
        still = [e for e in episodes if e.ended_at is None]
        return cls(
            open=max(still, key=lambda e: e.started_at, default=None),
            ended=tuple(sorted((e for e in episodes if e.ended_at is not None), key=lambda e: e.started_at)),
        )

    @property
    def last_end(self) -> datetime | None:
        return max((e.ended_at for e in self.ended if e.ended_at), default=None)

    def over(self, moment: datetime) -> bool:
        """Whether the moment lies before the end of an episode that has ended."""
        return self.last_end is not None and moment <= self.last_end


# --- firing ---


def _fired(history: _History, alert: Alert, seen_at: datetime | None) -> Join:
    known = history.open
    if known is not None and known.started_at <= alert.starts_at <= known.latest_at + SENDERS_DISAGREE:
        return _again(known, alert, known.started_at)
    if history.over(alert.starts_at):
        if seen_at is None or known is not None or history.last_end is None:
            return Join(Outcome.STALE)
        return _begin(replace(alert, starts_at=max(history.last_end + timedelta(microseconds=1), alert.starts_at)))
    if known is None:
        return _begin(alert)
    if alert.starts_at < known.started_at:
        return _again(known, alert, alert.starts_at)
    return _flap(known, alert)


def _begin(alert: Alert) -> Join:
    row = _row(alert, alert.starts_at, None)
    return Join(Outcome.OPENED, rows=(row,), happenings=(_firing(row),))


def _again(known: Known, alert: Alert, started_at: datetime) -> Join:
    row = replace(
        known,
        started_at=started_at,
        latest_at=max(known.latest_at, alert.starts_at),
        labels=alert.labels,
        annotations=alert.annotations,
        generator_url=alert.generator_url,
    )
    if row == known:
        return Join(Outcome.REPEATED)
    seen = (known.started_at, known.labels, known.annotations, known.generator_url)
    if seen == (row.started_at, row.labels, row.annotations, row.generator_url):
        return Join(Outcome.REPEATED, rows=(row,))
    return Join(Outcome.CHANGED, rows=(row,), happenings=(_firing(row),))


def _flap(known: Known, alert: Alert) -> Join:
    """End the open episode where the next begins: it ended unseen between two deliveries."""
    before = replace(known, ended_at=alert.starts_at, presumed=True)
    begun = _begin(alert)
    return replace(begun, rows=(before, *begun.rows), also_ended=(before, _ending(before)))


# --- resolved ---


def _resolved(history: _History, alert: Alert, ended_at: datetime) -> Join:
    known = history.open
    earlier = known is not None and alert.starts_at < known.started_at and ended_at <= known.started_at
    if known is not None and ended_at >= known.latest_at and not earlier:
        return _close(history, known, alert, ended_at)
    for episode in (*([known] if known else []), *history.ended):
        if episode.started_at <= ended_at < episode.latest_at:
            return _split(episode, alert, ended_at)
    for episode in reversed(history.ended):
        if episode.ended_at and alert.starts_at <= episode.ended_at and ended_at >= episode.started_at:
            return _told_again(history, episode, alert, ended_at)
    return Join(Outcome.PAST, rows=(_row(alert, min(alert.starts_at, ended_at), ended_at),))


def _close(history: _History, known: Known, alert: Alert, ended_at: datetime) -> Join:
    if alert.starts_at > known.latest_at + SENDERS_DISAGREE:
        first = replace(known, ended_at=alert.starts_at, presumed=True)
        second = replace(_row(alert, alert.starts_at, ended_at), incident=known.incident)
        return Join(Outcome.CLOSED, rows=(first, second), happenings=(_ending(replace(first, ended_at=ended_at)),))
    row = replace(
        known,
        started_at=known.started_at if history.over(alert.starts_at) else min(known.started_at, alert.starts_at),
        latest_at=max(known.latest_at, min(alert.starts_at, ended_at)),
        ended_at=ended_at,
        annotations=alert.annotations or known.annotations,
    )
    return Join(Outcome.CLOSED, rows=(row,), happenings=(_ending(row),))


def _split(episode: Known, alert: Alert, ended_at: datetime) -> Join:
    """Tell spans apart that looked like one, because a later start was heard of before an earlier."""
    last = replace(episode, started_at=episode.latest_at)
    first = replace(episode, id=0, latest_at=episode.started_at, ended_at=ended_at, presumed=False)
    rows: tuple[Known, ...] = (last, first)
    if alert.starts_at > episode.started_at + SENDERS_DISAGREE:
        hidden = replace(first, started_at=alert.starts_at, latest_at=alert.starts_at)
        rows = (last, replace(first, ended_at=alert.starts_at, presumed=True), hidden)
    if episode.ended_at is not None:
        return Join(Outcome.REPEATED, rows=rows)
    return Join(Outcome.CHANGED, rows=rows, happenings=(_ending(first), _firing(last)))


def _told_again(history: _History, episode: Known, alert: Alert, ended_at: datetime) -> Join:
    """Sharpen an ended episode by another report of its end; insert the span that a flap hid in a presumed one."""
    if episode.presumed and alert.starts_at > episode.latest_at + SENDERS_DISAGREE:
        hidden = replace(_row(alert, alert.starts_at, ended_at), incident=episode.incident)
        return Join(Outcome.REPEATED, rows=(replace(episode, ended_at=alert.starts_at), hidden))
    row = replace(
        episode,
        started_at=_earlier(history, episode, alert.starts_at),
        ended_at=ended_at if episode.presumed else max(episode.ended_at or ended_at, ended_at),
        presumed=False,
    )
    return Join(Outcome.REPEATED, rows=() if row == episode else (row,))


def _earlier(history: _History, episode: Known, starts_at: datetime) -> datetime:
    before = [e.ended_at for e in history.ended if e.ended_at and e.ended_at < episode.started_at]
    return episode.started_at if before and starts_at <= max(before) else min(episode.started_at, starts_at)


# --- rows and happenings ---


def _row(alert: Alert, started_at: datetime, ended_at: datetime | None) -> Known:
    return Known(
        fingerprint=alert.fingerprint,
        started_at=started_at,
        latest_at=started_at,
        ended_at=ended_at,
        labels=alert.labels,
        annotations=alert.annotations,
        generator_url=alert.generator_url,
    )


def _firing(row: Known) -> AlertFired:
    return AlertFired(
        fingerprint=row.fingerprint,
        started_at=row.started_at,
        labels=row.labels,
        annotations=row.annotations,
        generator_url=row.generator_url,
    )


def _ending(row: Known) -> AlertEnded:
    return AlertEnded(fingerprint=row.fingerprint, ended_at=row.ended_at or row.latest_at)
