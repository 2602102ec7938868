"""
Puts right when an alert says that it began or ended, where that cannot be: in the year 1, or days from now.

Whoever sends the zero time has no time to tell, and whose clock is days ahead would never see an end after its start.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from responder.model.alert import Alert
from responder.response.episodes import Known

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""There was no alert before."""
AHEAD = timedelta(days=1)
"""A clock that is ahead by more is not believed."""


def plausible(alert: Alert, received_at: datetime, episodes: Sequence[Known]) -> Alert:
    """
    Return the alert with moments that can be: those of its open episode, else when it was received.

    The open one is taken so that a repeated delivery is seen to be one.
    """
    ends_at = alert.ends_at if alert.ends_at is not None and _can_be(alert.ends_at, received_at) else None
    starts_at = alert.starts_at
    if not _can_be(starts_at, received_at):
        known = [episode.latest_at for episode in episodes if episode.ended_at is None]
        starts_at = max(known, default=min(received_at, ends_at or received_at))
    if (starts_at, ends_at) == (alert.starts_at, alert.ends_at):
        return alert
    return replace(alert, starts_at=starts_at, ends_at=ends_at)


def _can_be(moment: datetime, received_at: datetime) -> bool:
    return EARLIEST <= moment <= received_at + AHEAD
