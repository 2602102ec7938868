"""Who may be busy with how much at once: diagnostics over all incidents, sendings for each receiver by itself."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from responder.engine.runtime import Limits
from responder.model.command import Act, Command, Diagnose, Follow, Look, Notify, Page

DIAGNOSE = "diagnose"
ACT = "act"
LOOK = "look"


def lane_of(command: Command) -> str:
    """Name the lane of a command: a receiver that is slow holds up nobody else, and chat never holds up a pager."""
    match command:
        case Diagnose():
            return DIAGNOSE
        case Notify(receiver=receiver):
            return f"notify/{receiver}"
        case Page(receiver=receiver):
            return f"page/{receiver}"
        case Act():
            return ACT
        case Look() | Follow():
            return LOOK


@dataclass(slots=True)
class Reservation:
    """Places taken for commands that may yet come to nothing."""

    lanes: "Lanes"
    taken: list[str] = field(default_factory=list)

    def take(self, lane: str) -> bool:
        """Take a place, if there is one."""
        free = self.lanes.free(lane) > 0
        if free:
            self.lanes.busy[lane] += 1
            self.taken.append(lane)
        return free

    def all_of(self, lane: str) -> int:
        """Take every free place of a lane, and say how many they are."""
        free = max(self.lanes.free(lane), 0)
        self.lanes.busy[lane] += free
        self.taken.extend([lane] * free)
        return free

    def keep(self, used: Sequence[str]) -> None:
        """Keep those places; the rest is given back."""
        for lane in used:
            self.taken.remove(lane)


@dataclass(slots=True)
class Lanes:
    """Counts what runs, by lane."""

    limits: Limits
    busy: Counter[str] = field(default_factory=Counter)

    def free(self, lane: str) -> int:
        """Say how many more may run in a lane."""
        most = {DIAGNOSE: self.limits.diagnostics, ACT: self.limits.actions, LOOK: self.limits.actions}
        return most.get(lane, self.limits.per_receiver) - self.busy[lane]

    def give(self, lane: str) -> None:
        """Give a place back."""
        self.busy[lane] -= 1
        if self.busy[lane] <= 0:
            del self.busy[lane]

    @contextmanager
    def reservation(self) -> Iterator[Reservation]:
        """Take places while something is being decided; what is not kept is given back."""
        reserved = Reservation(self)
        try:
            yield reserved
        finally:
            for lane in reserved.taken:
                self.give(lane)
