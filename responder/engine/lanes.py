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
_HELD_BY = "@"
_OWN = (ACT, LOOK)
"""Lanes of which a process may have one of its own."""


def lane_of(command: Command) -> str:
    """Name the lane of a command: a receiver that is slow holds up nobody else, and chat never holds up a pager."""
    match command:
        case Diagnose():
            return DIAGNOSE
        case Notify(receiver=receiver):
            return f"notify/{receiver}"
        case Page(receiver=receiver):
            return f"page/{receiver}"
        case Act(held_by=owner):
            return _of(ACT, owner)
        case Look(held_by=owner):
            return _of(LOOK, owner)
        case Follow():
            return LOOK


def is_effect(lane: str) -> bool:
    """Whether what runs in a lane changes something."""
    return lane.partition(_HELD_BY)[0] == ACT


def _of(lane: str, owner: str) -> str:
    """Name the lane of one process alone, where that holds what a command needs."""
    return f"{lane}{_HELD_BY}{owner}" if owner else lane


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
    """Counts what runs, by lane. `owner` is the name of this process in the store."""

    limits: Limits
    owner: str = ""
    busy: Counter[str] = field(default_factory=Counter)

    def free(self, lane: str) -> int:
        """Say how many more may run in a lane."""
        most = {DIAGNOSE: self.limits.diagnostics, ACT: self.limits.actions, LOOK: self.limits.actions}
        kind, _, owner = lane.partition(_HELD_BY)
        name = kind if owner and kind in _OWN else lane
        return most.get(name, self.limits.per_receiver) - self.busy[lane]

    def is_ours(self, lane: str) -> bool:
        """Whether commands of a lane are for this process; not those for which another one holds the secrets."""
        kind, _, owner = lane.partition(_HELD_BY)
        return not owner or kind not in _OWN or owner == self.owner

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
