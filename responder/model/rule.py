"""Rules: which alerts, which incident, how severe, which playbook."""

from dataclasses import dataclass, field
from datetime import timedelta

from responder.model.matcher import Matcher
from responder.model.origin import BUILT_IN, Origin


@dataclass(frozen=True, slots=True)
class SeveritySource:
    """Read the severity from `label`; where it is missing or unknown take `otherwise`. `label` "" takes it always."""

    otherwise: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """An alert that must keep coming; its absence for `expect_every` opens an incident, once it has been seen."""

    by: tuple[str, ...]
    expect_every: timedelta
    severity: str


@dataclass(frozen=True, slots=True)
class Rule:
    """
    One rule; the first whose matchers all hold takes the alert.

    `name` is "pack/rule". `correlate_by` names labels, or `workload`, which is derived; the cluster is always part of
    the key. Rules of one `correlate_as` share an incident. Exactly one of `playbook`, `heartbeat` and `record_only`
    says what happens. `notify_only` replaces the severity's roles, `notify` adds to them.
    """

    name: str
    match: tuple[Matcher, ...]
    correlate_by: tuple[str, ...] = ()
    correlate_as: str = ""
    severity: SeveritySource = field(default_factory=lambda: SeveritySource(otherwise="warning", label="severity"))
    playbook: str = ""
    heartbeat: Heartbeat | None = None
    record_only: bool = False
    notify: tuple[str, ...] = ()
    notify_only: tuple[str, ...] = ()
    origin: Origin = BUILT_IN
