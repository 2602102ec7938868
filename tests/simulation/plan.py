"""What stories are made of, by their seeds, and how they went."""

import random
from dataclasses import dataclass, field
from datetime import timedelta

from tests.simulation import books


@dataclass(frozen=True)
class Plan:
    """What a story is made of. At the points in `deaths` and `freezes` the process that gets there ends, or freezes."""

    seed: int
    variant: int
    replicas: int = 1
    steps: int = 150
    deaths: frozenset[int] = frozenset()
    freezes: frozenset[int] = frozenset()
    trouble: float = 0.02
    """How often something goes wrong in the world, the store or a process, of all things that happen."""
    peril: float = 0.0
    """How often whoever is about to cause an effect, or just has, ends or freezes."""
    fine: bool = False
    unsure: float = 0.0
    lossy: float = 0.0
    breaks: float = 0.0
    stubborn: float = 0.5
    halting: float = 0.0
    """How often all is stopped when something has just been started."""
    only: str = ""
    """The plugin of the one action of a story in which nothing happens but one alert, and people who answer."""


def plan_of(seed: int) -> Plan:
    """Make a plan of a seed."""
    rng = random.Random(seed)
    points = [rng.randrange(1, 900) for _ in range(8)]
    return Plan(
        seed,
        variant=rng.randrange(books.VARIANTS),
        replicas=rng.choice((1, 2, 2, 3)),
        steps=rng.randrange(120, 420),
        deaths=frozenset(points[: rng.randrange(4)]),
        freezes=frozenset(points[4 : 4 + rng.randrange(4)]),
        trouble=rng.choice((0.0, 0.01, 0.03)),
        peril=rng.choice((0.0, 0.15, 0.4)),
        fine=rng.random() < 0.25,
        unsure=rng.choice((0.0, 0.0, 0.03)),
        lossy=rng.choice((0.0, 0.0, 0.2)),
        breaks=rng.choice((0.0, 0.0, 0.1)),
        stubborn=rng.choice((0.4, 0.8, 1.0)),
        halting=rng.choice((0.0, 0.0, 0.1, 0.4)),
    )


def one_of(plugin: str, replicas: int = 2) -> Plan:
    """Make the plan of a small story: one alert, one action that does not help, taken back where it can be."""
    return Plan(1, 0, replicas, steps=0, trouble=0.0, stubborn=1.0, only=plugin)


@dataclass
class Told:
    """How a story went."""

    lines: list[tuple[timedelta, str]] = field(default_factory=list)
    points: int = 0
    effects: int = 0
    incidents: int = 0
    deaths: int = 0
    broken: str = ""

    @property
    def trace(self) -> list[str]:
        """Show it step by step, with the seconds since it began."""
        return [f"{since.total_seconds():8.1f} {line}" for since, line in self.lines]
