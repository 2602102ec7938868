"""
Tells many stories: `python -m tests.simulation --seeds 20000 --jobs 2`, or one step by step: `--seed N`.

Ends with 1 when a law was broken; the seeds are then told, and each is the same story again.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from time import monotonic

from tests.simulation.plan import plan_of
from tests.simulation.run import tell

_AT_ONCE = 20
"""Stories that one piece of work tells."""
_EVERY = 500
"""Stories after which something is said."""


@dataclass
class Sum:
    """What many stories came to."""

    stories: int = 0
    incidents: int = 0
    effects: int = 0
    deaths: int = 0
    points: int = 0
    broken: list[tuple[int, str]] | None = None

    def __str__(self) -> str:
        """Show the figures."""
        told = f"{self.stories} stories, {self.incidents} incidents, {self.effects} effects, {self.deaths} deaths"
        return f"{told}, {self.points} points passed, {len(self.broken or [])} laws broken"


def several(seeds: Sequence[int]) -> Sum:
    """Tell some stories."""
    total = Sum(broken=[])
    for seed in seeds:
        told = tell(plan_of(seed))
        total.stories += 1
        total.incidents += told.incidents
        total.effects += told.effects
        total.deaths += told.deaths
        total.points += told.points
        if told.broken and total.broken is not None:
            total.broken.append((seed, told.broken))
    return total


def many(*, first: int, count: int, jobs: int) -> Sum:
    """Tell many stories in several processes, and say how it goes."""
    pieces = [range(at, min(at + _AT_ONCE, first + count)) for at in range(first, first + count, _AT_ONCE)]
    total, began = Sum(broken=[]), monotonic()
    with ProcessPoolExecutor(jobs) as pool:
        for one in pool.map(several, pieces):
            before = total.stories // _EVERY
            _add(total, one)
            for seed, why in one.broken or []:
                print(f"seed {seed}: {why}", flush=True)
            if total.stories // _EVERY > before:
                print(f"{total} ({monotonic() - began:.0f} s)", flush=True)
    return total


def _add(total: Sum, one: Sum) -> None:
    total.stories += one.stories
    total.incidents += one.incidents
    total.effects += one.effects
    total.deaths += one.deaths
    total.points += one.points
    if total.broken is not None:
        total.broken += one.broken or []


def main(arguments: Iterable[str]) -> int:
    """Tell stories as the arguments say; returns 1 when a law was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="tell this one story step by step")
    parser.add_argument("--seeds", type=int, default=1000, help="how many stories")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    asked = parser.parse_args(list(arguments))
    if asked.seed is not None:
        told = tell(plan_of(asked.seed))
        print("\n".join(told.trace), told.broken or "every law held", sep="\n")
        return int(bool(told.broken))
    total = many(first=asked.first, count=asked.seeds, jobs=asked.jobs)
    print(total)
    return int(bool(total.broken))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
