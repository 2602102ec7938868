"""
Events: everything that happened on an incident, in the order in which it was written.

Inputs come from outside (alerts, results of commands, people) and are what `decide` takes in. Records are what
`decide` concluded. Both stand on the timeline; neither is ever changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from responder.model.action import Outcome, Preview, Progress
from responder.model.finding import Reading
from responder.model.labels import Labels
from responder.model.message import Purpose, Text
from responder.model.target import Target
from responder.model.verdict import Json

# --- inputs ---


@dataclass(frozen=True, slots=True)
class AlertFired:
    """
    An episode began, or an open one changed its start, labels or annotations.

    `alertmanager` is the address of the user interface of the Alertmanager that told us, "" when unknown.
    """

    fingerprint: str
    started_at: datetime
    labels: Labels
    annotations: Labels
    generator_url: str = ""
    rule: str = ""
    alertmanager: str = ""
    kind: Literal["alert.fired"] = "alert.fired"


@dataclass(frozen=True, slots=True)
class AlertEnded:
    """An episode ended: Alertmanager said so, or no Alertmanager of the cluster knows the alert any more."""

    fingerprint: str
    ended_at: datetime
    why: Literal["resolved", "missing"] = "resolved"
    kind: Literal["alert.ended"] = "alert.ended"


@dataclass(frozen=True, slots=True)
class AlertSilenced:
    """The silences covering an alert changed; empty means none covers it any more."""

    fingerprint: str
    silenced_by: tuple[str, ...]
    kind: Literal["alert.silenced"] = "alert.silenced"


@dataclass(frozen=True, slots=True)
class AlertsLeftOut:
    """Alertmanager left alerts out of a delivery, as it may send no more at once; `receiver` is its name there."""

    count: int
    receiver: str
    kind: Literal["alerts.left_out"] = "alerts.left_out"


@dataclass(frozen=True, slots=True)
class Diagnosed:
    """A diagnostic ended, in whatever way. `took` is in seconds; `attempt` is that which it verifies, 0 for none."""

    name: str
    round: int
    reading: Reading
    took: float = 0.0
    attempt: int = 0
    kind: Literal["diagnosed"] = "diagnosed"


@dataclass(frozen=True, slots=True)
class Notified:
    """A receiver was told. `ref` is what the notifier needs to edit or answer it; `digest` is of what it now shows."""

    receiver: str
    purpose: Purpose
    sequence: int
    ref: Json
    digest: str = ""
    kind: Literal["notified"] = "notified"


@dataclass(frozen=True, slots=True)
class NotifyFailed:
    """A receiver could not be told, and trying the same again would not help."""

    receiver: str
    purpose: Purpose
    sequence: int
    why: str
    kind: Literal["notify.failed"] = "notify.failed"


@dataclass(frozen=True, slots=True)
class Paged:
    """A pager took the event."""

    receiver: str
    event: Literal["trigger", "acknowledge", "resolve"]
    sequence: int
    about: str = ""
    kind: Literal["paged"] = "paged"


@dataclass(frozen=True, slots=True)
class PageFailed:
    """A pager refused the event."""

    receiver: str
    event: Literal["trigger", "acknowledge", "resolve"]
    sequence: int
    why: str
    about: str = ""
    kind: Literal["page.failed"] = "page.failed"


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A person said "mine"."""

    by: str
    kind: Literal["acknowledged"] = "acknowledged"


@dataclass(frozen=True, slots=True)
class SeveritySet:
    """A person set the severity; from now on machines only suggest."""

    by: str
    severity: str
    kind: Literal["severity.set"] = "severity.set"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that people must see though no step asked for it: a turn that failed, a bad alert, a full log."""

    what: str
    kind: Literal["trouble"] = "trouble"


@dataclass(frozen=True, slots=True)
class Previewed:
    """
    What each step of an attempt would do now, in their order; `look` is the one that was asked for.

    `lacks` names secret inputs whose values nobody holds any more. Between two steps only the next one was looked at;
    `first` is the place of the first of `previews`.
    """

    attempt: int
    look: int
    previews: tuple[Preview, ...]
    lacks: tuple[str, ...] = ()
    first: int = 0
    kind: Literal["previewed"] = "previewed"


@dataclass(frozen=True, slots=True)
class ActionAsked:
    """
    A person asks for an action that nothing calls for; `params` are as given, still to be checked.

    `plugin` may be the name of an action of the playbook instead: then they are its inputs. `target` None is that of
    the incident.
    """

    by: str
    plugin: str
    params: Mapping[str, Json]
    roles: tuple[str, ...] = ()
    reason: str = ""
    via: str = ""
    target: Target | None = None
    kind: Literal["action.asked"] = "action.asked"


@dataclass(frozen=True, slots=True)
class Answered:
    """
    A person's word on an attempt.

    `yes` and `no` answer what `digest` showed them; `inputs` are theirs. `undo` asks to take it back. `happened` and
    `not_happened` settle a doubt. `break_glass` is one admin's yes past the guards, with a written reason.
    """

    attempt: int
    answer: Literal["yes", "no", "undo", "happened", "not_happened", "break_glass"]
    by: str
    roles: tuple[str, ...] = ()
    digest: str = ""
    inputs: Mapping[str, Json] = field(default_factory=dict)
    why: str = ""
    via: str = ""
    kind: Literal["answered"] = "answered"


@dataclass(frozen=True, slots=True)
class Acted:
    """A step was tried, or with `undo` taken back."""

    attempt: int
    step: int
    outcome: Outcome
    undo: bool = False
    kind: Literal["acted"] = "acted"


@dataclass(frozen=True, slots=True)
class Followed:
    """How far the world has followed a step; `look` is the one that was asked for."""

    attempt: int
    step: int
    look: int
    progress: Progress
    kind: Literal["followed"] = "followed"


@dataclass(frozen=True, slots=True)
class AutomationChanged:
    """Somebody stopped all automation, or lifted the stop; every open incident says so."""

    by: str
    stopped: bool
    why: str = ""
    until: datetime | None = None
    kind: Literal["automation.changed"] = "automation.changed"


# --- records ---


@dataclass(frozen=True, slots=True)
class ActionMoved:
    """
    An attempt went on to another state, from "" where it was made: `by` a person, or "" by itself; `why` in a line.

    `guards` are the names of those that stand against it.
    """

    attempt: int
    name: str
    before: str
    after: str
    why: str = ""
    by: str = ""
    guards: tuple[str, ...] = ()
    kind: Literal["action.moved"] = "action.moved"


@dataclass(frozen=True, slots=True)
class AnswerRefused:
    """A person's word did not count, and why: a role that is missing, an old preview, an attempt that is over."""

    attempt: int
    by: str
    answer: str
    why: str
    kind: Literal["answer.refused"] = "answer.refused"


@dataclass(frozen=True, slots=True)
class Opened:
    """The incident began."""

    rule: str
    severity: str
    why: str
    kind: Literal["opened"] = "opened"


@dataclass(frozen=True, slots=True)
class SeverityRaised:
    """The severity went up; `why` names the rule, alert or conclusion."""

    before: str
    after: str
    why: str
    kind: Literal["severity.raised"] = "severity.raised"


@dataclass(frozen=True, slots=True)
class Found:
    """A conclusion began to hold."""

    name: str
    say: Text
    cause: str = ""
    kind: Literal["found"] = "found"


@dataclass(frozen=True, slots=True)
class Retracted:
    """A conclusion no longer holds."""

    name: str
    kind: Literal["retracted"] = "retracted"


@dataclass(frozen=True, slots=True)
class Proposed:
    """An action was named to people."""

    name: str
    plugin: str
    commands: tuple[str, ...]
    because: str = ""
    kind: Literal["proposed"] = "proposed"


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """The incident moved to another status."""

    before: str
    after: str
    why: str
    kind: Literal["status.changed"] = "status.changed"


Input: TypeAlias = (
    AlertFired
    | AlertEnded
    | AlertSilenced
    | AlertsLeftOut
    | Diagnosed
    | Notified
    | NotifyFailed
    | Paged
    | PageFailed
    | Acknowledged
    | SeveritySet
    | Trouble
    | Previewed
    | ActionAsked
    | Answered
    | Acted
    | Followed
    | AutomationChanged
)
Record: TypeAlias = Opened | SeverityRaised | Found | Retracted | Proposed | StatusChanged | ActionMoved | AnswerRefused
Happening: TypeAlias = Input | Record


@dataclass(frozen=True, slots=True)
class Event:
    """A happening with its moment; `id` is its place in the store, 0 before it is written."""

    at: datetime
    what: Happening
    id: int = 0
