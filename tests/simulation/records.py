"""What is known of a story from outside: deliveries taken in, timers set and fired, when all was stopped."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from responder.engine.controls import STOP, stop_in
from responder.engine.runtime import Limits
from tests.simulation.stores import SeenTransaction

LASTING = "sim.mark"
"""What is taken back though all is stopped."""


@dataclass(frozen=True)
class Taken:
    """An alert that was taken in: its door said so."""

    start: int
    fingerprint: str
    ended: bool


@dataclass(frozen=True)
class Begun:
    """An effect that is begun: `after` so many commits its transaction was; which `command` it is of."""

    after: int
    committed: int
    at: datetime
    command: int


@dataclass(frozen=True)
class Standing:
    """A stop: from which commit to which it stood, and until when."""

    since: int
    until: datetime | None
    lifted: int | None = None


@dataclass
class Records:
    """Everything that was committed, as far as laws are about it."""

    now: Callable[[], datetime]
    taken: dict[tuple[str, str], list[Taken]] = field(default_factory=dict)
    timers: set[tuple[int, str]] = field(default_factory=set)
    stops: list[Standing] = field(default_factory=list)
    begun: dict[int, int] = field(default_factory=dict)

    def is_stale(self, begun: Begun) -> bool:
        """Whether somebody else may be at what was begun: he has begun it too, or the lease is over."""
        return self.begun.get(begun.command, 0) > begun.committed or self.now() - begun.at >= Limits().lease

    def accepted(self, key: tuple[str, str], start: int, fingerprint: str, *, ended: bool) -> None:
        """Note that a delivery was taken in."""
        self.taken.setdefault(key, []).append(Taken(start, fingerprint, ended))

    def was_accepted(self, key: tuple[str, str], start: int) -> bool:
        """Whether the alert that began then was taken in."""
        return any(one.start == start for one in self.taken.get(key, []))

    def stopped_since(self) -> int | None:
        """Return the commit since which all is stopped, None while it is not."""
        last = self.stops[-1] if self.stops else None
        return last.since if last is not None and last.lifted is None else None

    def stood(self, began: int, at: datetime) -> bool:
        """Whether a stop stood for what began after so many commits."""
        for stop in self.stops:
            over = stop.until is not None and stop.until <= at
            if stop.since <= began and (stop.lifted is None or stop.lifted > began) and not over:
                return True
        return False

    def committed(self, tx: SeenTransaction, commits: int) -> str:
        """Note a commit; answers which law it breaks, "" for none."""
        broken = ""
        for name, args in tx.written:
            match name:
                case "timer_set":
                    self.timers.add((args[0], args[1]))
                case "timer_cancel":
                    self.timers.discard((args[0], args[1]))
                case "timer_fired" if (args[0], args[1]) in self.timers:
                    self.timers.remove((args[0], args[1]))
                case "timer_fired":
                    broken = f"the timer {args[1]} of INC-{args[0]} fired twice"
                case "run_begin" if self.stood(tx.after, self.now()) and not (args[3] and args[4] == LASTING):
                    broken = f"INC-{args[0]}/{args[1]} was started after all had been stopped"
                case "control_write" if args[0] == STOP:
                    stop = stop_in(str(args[1]), self.now())
                    self._lift(commits)
                    self.stops.append(Standing(commits, stop.until if stop else self.now()))
                case "control_drop":
                    self._lift(commits)
        return broken

    def _lift(self, commits: int) -> None:
        if self.stops and self.stops[-1].lifted is None:
            last = self.stops.pop()
            self.stops.append(Standing(last.since, last.until, commits))
