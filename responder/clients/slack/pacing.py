"""
When the next request to Slack may go: a bucket for each channel and message, and the waits that Slack asked for.

Nothing here sleeps. Whoever has to wait long is told how long, so that one full channel holds up no other.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

FORGET_AFTER = 600.0
"""Seconds after which an idle bucket, or a caller who never came back, is forgotten."""


@dataclass(frozen=True, slots=True)
class Rate:
    """
    One request every so many seconds, `burst` of them at once; an urgent one may overdraw by `overdraft` more.

    `together` says that it is Slack's limit for all replicas, not one of ours for each.
    """

    every: float
    burst: int = 1
    overdraft: int = 0
    together: bool = False

    def allowance(self, *, urgent: bool) -> float:
        """Seconds by which requests may be ahead of the pace."""
        return (self.burst - 1 + (self.overdraft if urgent else 0)) * self.every


POSTS = Rate(every=1.0, burst=4, overdraft=3, together=True)
"""A channel takes about one post a second and short bursts (docs.slack.dev, "Rate limits")."""
EDITS = Rate(every=1.2, burst=30, overdraft=20, together=True)
"""chat.update is Tier 3: 50 a minute or more, for all channels together."""
ONE_MESSAGE = Rate(every=1.0)
"""Edits of one message."""


class Together(Protocol):
    """The buckets that all replicas share."""

    async def take(self, key: str, rate: Rate, *, urgent: bool = False) -> float | None:
        """Take a place: 0.0 means go; otherwise the seconds to wait. None when nobody knows."""

    async def hold(self, key: str, seconds: float) -> None:
        """Let no replica through for so many seconds."""


@dataclass(slots=True)
class _Bucket:
    """`empty_at` is when the allowance is used up to, `held_until` the end of a wait that Slack asked for; seconds."""

    empty_at: float = 0.0
    held_until: float = 0.0
    turned_away: dict[str, float] = field(default_factory=dict)


class Pacer:
    """The buckets, by key; `clock` answers monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}
        self._swept_at = clock()

    def __len__(self) -> int:
        """Count the buckets that are remembered."""
        return len(self._buckets)

    def take(self, key: str, rate: Rate, *, who: str, urgent: bool = False) -> float:
        """
        Take a place in the bucket: 0.0 means go; otherwise nothing was taken, and it is the seconds to come back after.

        Those turned away are told different times, one slot apart, so that they do not all come back at once.
        """
        return self.settle(key, rate, self.look(key, rate, urgent=urgent), who=who, urgent=urgent)

    def look(self, key: str, rate: Rate, *, urgent: bool = False) -> float:
        """Say how many seconds are to be waited for a place, 0 or less for none; nothing is taken."""
        now = self._clock()
        bucket = self._buckets.get(key, _Bucket())
        ahead = max(bucket.empty_at - now, 0.0)
        return max(ahead - rate.allowance(urgent=urgent), bucket.held_until - now)

    def settle(self, key: str, rate: Rate, wait: float, *, who: str, urgent: bool = False) -> float:
        """Take a place if there is nothing to wait for; otherwise tell who asks when to come back. As `take`."""
        now = self._clock()
        self._sweep(now)
        bucket = self._buckets.setdefault(key, _Bucket())
        if wait <= 0:
            bucket.empty_at = max(bucket.empty_at, now) + rate.every
            bucket.turned_away.pop(who, None)
            return 0.0
        place = list(bucket.turned_away).index(who) if who in bucket.turned_away else len(bucket.turned_away)
        bucket.turned_away[who] = now
        return wait + (0.0 if urgent else place * rate.every)

    def hold(self, key: str, seconds: float) -> None:
        """Let nothing through for so many seconds, because Slack said so."""
        bucket = self._buckets.setdefault(key, _Bucket())
        bucket.held_until = max(bucket.held_until, self._clock() + seconds)

    def rename(self, old: str, new: str) -> None:
        """Go on with a bucket under another key: a channel's name has turned out to be that id."""
        if old != new and old in self._buckets:
            moved, there = self._buckets.pop(old), self._buckets.setdefault(new, _Bucket())
            there.empty_at = max(there.empty_at, moved.empty_at)
            there.held_until = max(there.held_until, moved.held_until)
            there.turned_away |= moved.turned_away

    def _sweep(self, now: float) -> None:
        if now - self._swept_at < FORGET_AFTER / 10:
            return
        self._swept_at = now
        for key, bucket in list(self._buckets.items()):
            bucket.turned_away = {w: at for w, at in bucket.turned_away.items() if now - at < FORGET_AFTER}
            if max(bucket.empty_at, bucket.held_until) < now and not bucket.turned_away:
                del self._buckets[key]
