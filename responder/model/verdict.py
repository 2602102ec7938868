"""What became of evaluating a condition or a template."""

from dataclasses import dataclass
from typing import Any, TypeAlias

Json: TypeAlias = Any
"""A JSON value: dict, list, str, int, float, bool or None."""


@dataclass(frozen=True, slots=True)
class Undecided:
    """
    No value could be had.

    `why` is one line for people. `pending` names the diagnostics whose results are still to come: with any pending,
    the same question may be asked again later. `lacks` names the inputs that only a person can give.
    """

    why: str
    pending: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to a condition. It `holds` only when it evaluated to the boolean true."""

    holds: bool
    undecided: Undecided | None = None


HOLDS = Verdict(holds=True)
HOLDS_NOT = Verdict(holds=False)
