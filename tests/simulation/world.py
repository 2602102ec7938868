"""A world of a few objects, in which everything that anybody does leaves a line."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from responder.errors import Conflict, Exists, TransientError, Unanswered

_PODS = (1, 1, 2, 3)


@dataclass
class Thing:
    """An object; its generation moves with every change, and it bears the name of the last effect of ours."""

    value: int = 1
    generation: int = 7
    attempt: str = ""
    ready: int = 3
    pods: int = 1
    """Those that changing it disturbs, one after the other."""


@dataclass(frozen=True)
class Effect:
    """
    Something that happened by our doing: under which `name`, to what, and when it `began`, counted in commits.

    A `stale` one was caused so long after its beginning that somebody else may have taken it over. `to` is the value
    that was given, `pods` and `ready` are the object's when it happened.
    """

    name: str
    plugin: str
    lock: str
    namespace: str
    at: datetime
    process: str
    began: int | None
    stale: bool
    retry: bool
    to: int
    pods: int
    ready: int


@dataclass
class World:
    """The world. `away` cannot be asked; `lossy` is how often a request or its answer is lost."""

    now: Callable[[], datetime]
    rng: Random
    things: dict[str, Thing] = field(default_factory=dict)
    made: dict[str, str] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    effects: list[Effect] = field(default_factory=list)
    sick: float = 1.0
    stubborn: float = 0.5
    """How often an effect does not help."""
    away: bool = False
    chat_away: bool = False
    lossy: float = 0.0
    breaks: float = 0.0

    def thing(self, name: str) -> Thing:
        """Return an object; there is always one."""
        if name not in self.things:
            self.things[name] = Thing(pods=self.rng.choice(_PODS))
        return self.things[name]

    def ask(self) -> None:
        """Raise TransientError when it cannot be asked."""
        if self.away:
            raise TransientError("the world is away")

    def send(self) -> None:
        """Raise Unanswered when the request is lost, TransientError when there is nobody to send it to."""
        self.ask()
        if self.rng.random() < self.lossy:
            raise Unanswered("the request was lost")

    def answer(self) -> None:
        """Raise when the answer is lost, or what asked breaks behind the effect."""
        if self.rng.random() < self.lossy:
            raise Unanswered("the answer was lost")
        if self.rng.random() < self.breaks:
            raise ZeroDivisionError("a plugin broke")

    def happened(self, effect: Effect) -> None:
        """Write an effect down; it may have helped."""
        self.effects.append(effect)
        if not effect.name.endswith("/undo"):
            self.sick = 0.0 if self.rng.random() > self.stubborn else self.sick

    def switch(self, name: str, value: int, *, generation: int, by: str) -> None:
        """Compare and set. Raises: Conflict."""
        thing = self.thing(name)
        if thing.generation != generation:
            raise Conflict(f"generation was {generation}, is {thing.generation} now")
        thing.value, thing.attempt = value, by
        thing.generation += 1

    def make(self, name: str, by: str) -> None:
        """Create an object of a name of its own, which is never free again. Raises: Exists."""
        if name in self.made or name in self.gone:
            raise Exists(f"{name} is there already")
        self.made[name] = by

    def meddle(self, name: str) -> None:
        """Let somebody else change an object, who leaves our annotation alone as often as not."""
        thing = self.thing(name)
        thing.generation += 1
        thing.value = self.rng.randrange(10, 20)
        thing.ready, thing.pods = self.rng.choice((1, 2, 3, 3, 3)), self.rng.choice(_PODS)
        if self.rng.random() < 0.5:
            thing.attempt = ""

    def has(self, name: str) -> bool:
        """Whether an effect of that name happened."""
        return any(effect.name == name for effect in self.effects)
