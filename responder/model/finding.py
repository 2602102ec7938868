"""What diagnosis established: the state of each diagnostic, the findings drawn from them, the actions proposed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from responder.model.message import Chart, Text
from responder.model.target import Target
from responder.model.verdict import Json


class Weight(StrEnum):
    """How much a fact matters to somebody who has ten seconds."""

    TROUBLE = "trouble"
    NOTABLE = "notable"
    NORMAL = "normal"


class DiagnosticStatus(StrEnum):
    """Where a diagnostic stands. FAILED is "could not look", which is not the same as "looked and found nothing"."""

    WAITING = "waiting"
    RUNNING = "running"
    FOUND = "found"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Reading:
    """
    What one diagnostic yielded in one round, ready to be stored and shown; secrets are already out.

    `result` has the fields of the plugin's `Result`; `has_data` is False where it looked and there was nothing to
    measure. `headline` is one line, `evidence` the lines behind it, bounded. `error` says why it could not look.
    """

    name: str
    status: DiagnosticStatus
    result: Mapping[str, Json] = field(default_factory=dict)
    has_data: bool = True
    headline: str = ""
    evidence: tuple[str, ...] = ()
    weight: Weight = Weight.NORMAL
    chart: Chart | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """
    One diagnostic of an incident.

    `round` counts its runs from 1; 0 has not run. While a later round runs, `reading` is still the earlier one, read
    `as_of`.
    """

    name: str
    status: DiagnosticStatus = DiagnosticStatus.WAITING
    round: int = 0
    reading: Reading | None = None
    as_of: datetime | None = None
    running: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One conclusion that holds, or that held `until` a moment. `cause` is "" where it names none."""

    name: str
    say: Text
    cause: str = ""
    severity: str = ""
    as_of: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Doubt:
    """A condition that could not be decided, and why."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """
    An action named to people, its parameters frozen as they were when it was proposed.

    `commands` is what a person would type, one command a line. `because` names the finding; "" for one always offered.
    `forbidden` says why it must not happen, by hand neither, "" when it may: nobody is shown its commands then.
    """

    name: str
    plugin: str
    target: Target
    params: Mapping[str, Json]
    commands: tuple[str, ...]
    mode: str
    proposed_at: datetime
    because: str = ""
    inputs: Mapping[str, Json] = field(default_factory=dict)
    forbidden: str = ""
