"""Going to the next receiver because nobody acknowledged in time."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal


@dataclass(frozen=True, slots=True)
class EscalationStep:
    """`after` counts from the opening of the incident; `when` is CEL, "" for always; `notify` names roles."""

    after: timedelta
    unless: Literal["acknowledged", "resolved"]
    notify: tuple[str, ...]
    when: str = ""
