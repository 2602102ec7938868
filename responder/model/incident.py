"""The incident: our record of what is wrong, and everything that has been established about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, TypeAlias

from responder.model.action import Attempt
from responder.model.alert import Episode
from responder.model.finding import Diagnosis, Doubt, Finding, Proposal
from responder.model.labels import Labels, common
from responder.model.message import Message
from responder.model.target import Target
from responder.model.verdict import Json

Stage: TypeAlias = Literal["", "opened", "diagnosed", "resolved"]
"""How far a receiver that cannot be edited has been told."""


class Status(StrEnum):
    """Where an incident stands. MONITORING means all its episodes have ended and the quiet time runs."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    MONITORING = "monitoring"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Post:
    """
    The living message at one receiver.

    `ref` is what its notifier needs to edit it, None before the first sending. `digest` is of the content last sent.
    `sequence` counts the sendings asked for; while `in_flight` no other is asked for. `replies` counts likewise what is
    sent beside it: `waiting` holds those not sent yet, oldest first, the first of them asked for while `replying`.
    After a failure nothing is asked for before `retry_at`; `failures` counts those in a row; what is sent beside it has
    its own `note_error`, `note_retry_at` and `note_failures`, and holds up nothing else. Where the notifier cannot
    edit, `stage` is what its people have been told and `asked` what the sending in flight will tell them.
    `evidence` is the digest of what was last put beside the message, `evidences` how often.
    """

    receiver: str
    ref: Json = None
    digest: str = ""
    sent_at: datetime | None = None
    sequence: int = 0
    in_flight: bool = False
    replies: int = 0
    error: str = ""
    edits: bool = True
    waiting: tuple[Message, ...] = ()
    replying: bool = False
    retry_at: datetime | None = None
    failures: int = 0
    stage: Stage = ""
    asked: Stage = ""
    evidence: str = ""
    evidences: int = 0
    note_error: str = ""
    note_retry_at: datetime | None = None
    note_failures: int = 0


@dataclass(frozen=True, slots=True)
class Paging:
    """
    What a pager has been told: `asked` is the last event asked for. Retries as in a post.

    `about` is what people are woken for beside the incident itself, "" for that one; `say` tells it. `seen_by` is who
    had acknowledged the incident before.
    """

    receiver: str
    asked: Literal["", "trigger", "acknowledge", "resolve"] = ""
    sequence: int = 0
    error: str = ""
    in_flight: bool = False
    retry_at: datetime | None = None
    failures: int = 0
    about: str = ""
    say: str = ""
    seen_by: str = ""

    @property
    def name(self) -> str:
        """Name it among the pagings of an incident."""
        return f"{self.receiver}/{self.about}" if self.about else self.receiver


@dataclass(frozen=True, slots=True)
class Incident:
    """
    One incident, as of its last turn.

    `number` is its identity, shown as INC-<number>. `rule` is the one that opened it; `rules` all whose alerts joined.
    `key` is the correlation key. `started_at` is the earliest startsAt of its episodes, `opened_at` when we took it
    in. `playbook` is the digest of the one kept. `earlier` are findings that no longer hold but named a cause or raised
    the severity, the latest first.
    `proposals` are what is called for now; `attempts` everything that was offered to people or begun, oldest first.
    `round` counts the rounds of diagnosis, the last begun at `round_at`; the next begins at `next_round_at`.
    `suggested` is the severity that machines would raise to had a person not set it. `alertmanager` is the address of
    the user interface of the Alertmanager that told us. `left_out` counts the alerts that it left out of its delivery
    to its receiver `left_out_of`, as far as it said so last. `stopped_until` is when the stop of all automation ends by
    itself that stood at the last turn.
    """

    number: int
    rule: str
    key: str
    cluster: str
    target: Target
    severity: str
    title: str
    opened_at: datetime
    started_at: datetime
    playbook: str = ""
    rules: tuple[str, ...] = ()
    team: str = "default"
    status: Status = Status.OPEN
    severity_by: Literal["rule", "conclusion", "person"] = "rule"
    severity_why: str = ""
    resolved_at: datetime | None = None
    monitoring_since: datetime | None = None
    acknowledged_by: str = ""
    episodes: tuple[Episode, ...] = ()
    diagnoses: Mapping[str, Diagnosis] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    earlier: tuple[Finding, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    checks: Mapping[str, bool | None] = field(default_factory=dict)
    troubles: tuple[str, ...] = ()
    posts: Mapping[str, Post] = field(default_factory=dict)
    pagings: Mapping[str, Paging] = field(default_factory=dict)
    refires: int = 0
    round: int = 0
    round_at: datetime | None = None
    next_round_at: datetime | None = None
    suggested: str = ""
    suggested_why: str = ""
    alertmanager: str = ""
    left_out: int = 0
    left_out_of: str = ""
    stopped_until: datetime | None = None

    @property
    def id(self) -> str:
        """The name that people and the API use."""
        return f"INC-{self.number}"

    @property
    def firing(self) -> tuple[Episode, ...]:
        """The episodes still open, earliest first."""
        return _digest(self.episodes).firing

    @property
    def labels(self) -> Labels:
        """The labels common to all firing alerts; of all its alerts when none fires."""
        return _digest(self.episodes).labels

    @property
    def silenced(self) -> bool:
        """Whether every firing alert is covered by a silence."""
        return _digest(self.episodes).silenced


@dataclass(frozen=True, slots=True)
class _Digest:
    """What is asked of the same episodes again and again in one turn; an incident can have hundreds."""

    episodes: tuple[Episode, ...]
    firing: tuple[Episode, ...]
    labels: Labels
    silenced: bool


_DIGESTS: dict[int, _Digest] = {}
_MOST_DIGESTS = 8


def _digest(episodes: tuple[Episode, ...]) -> _Digest:
    """Digest the episodes, or take what was made of this very tuple: both are held, so that no other has its id."""
    known = _DIGESTS.get(id(episodes))
    if known is None or known.episodes is not episodes:
        firing = tuple(
            sorted((e for e in episodes if e.firing), key=lambda e: (e.started_at.timestamp(), e.fingerprint))
        )
        silenced = bool(firing) and all(e.silenced_by for e in firing)
        known = _Digest(episodes, firing, common(e.labels for e in firing or episodes), silenced)
        while len(_DIGESTS) >= _MOST_DIGESTS:
            del _DIGESTS[next(iter(_DIGESTS))]
        _DIGESTS[id(episodes)] = known
    return known


def number_of(name: str) -> int | None:
    """Read "INC-17", "inc-17" or "17"; None for anything else."""
    digits = name.strip().upper().removeprefix("INC-")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else None
