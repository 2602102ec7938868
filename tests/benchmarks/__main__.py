"""
`python -m tests.benchmarks [--quick] [NAME...]`: measure and print.

Without names everything is measured, in under five minutes; `--quick` takes less time and says less.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from tests.benchmarks.accept import accepting
from tests.benchmarks.batches import batching
from tests.benchmarks.diagnosing import diagnosing
from tests.benchmarks.evidence import capturing
from tests.benchmarks.place import Measure, Place
from tests.benchmarks.standing import idling, starting
from tests.benchmarks.storm import storming
from tests.benchmarks.table import HEAD, LEGEND
from tests.benchmarks.telling import first_message
from tests.servers.postgres import start_postgres
from tests.servers.processes import Bench

FIGURES: Mapping[str, Measure] = {
    "accept": accepting,
    "batches": batching,
    "first": first_message,
    "diagnoses": diagnosing,
    "storm": storming,
    "start": starting,
    "idle": idling,
    "evidence": capturing,
}


async def measure(names: Sequence[str], *, quick: bool) -> None:
    """Measure what is named, and print each figure when it is there."""
    began = time.monotonic()
    sys.stdout.write(f"{HEAD}\n")
    with tempfile.TemporaryDirectory(prefix="responder-bench-", ignore_cleanup_errors=True) as folder:
        bench = Bench(Path(folder))
        place = Place(Path(folder), partial(start_postgres, bench, durable=True), quick)
        try:
            for name in names:
                async for row in FIGURES[name](place):
                    sys.stdout.write(f"{row}\n")
                    sys.stdout.flush()
        finally:
            bench.stop()
    sys.stdout.write(f"{LEGEND}took           {time.monotonic() - began:.0f} s\n")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(FIGURES)}; everything without")
    parser.add_argument("--quick", action="store_true", help="short loads and few repetitions")
    given = parser.parse_args()
    unknown = sorted(set(given.names) - set(FIGURES))
    if unknown:
        parser.error(f"there is no figure {unknown[0]!r}; there are: {', '.join(FIGURES)}")
    asyncio.run(measure(given.names or list(FIGURES), quick=given.quick))


if __name__ == "__main__":
    main()
