"""What `decide` is handed beside the incident, and what it answers."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

from pydantic import BaseModel

from responder.expressions.evaluator import Evaluator
from responder.model.action import ActionTraits, ActionWeight, Mode, Run, Stop
from responder.model.ceilings import Ceilings
from responder.model.command import Planned
from responder.model.incident import Incident, Status
from responder.model.playbook import ActionStep, Playbook
from responder.model.receiver import Receiver, Team
from responder.model.resource import namespace_of
from responder.model.rule import Rule
from responder.model.severity import Scale
from responder.model.target import Target
from responder.model.timeline import Event
from responder.model.verdict import Json

Judge: TypeAlias = Evaluator
"""Who decides the conditions of one playbook."""


@dataclass(frozen=True, slots=True)
class Brain:
    """
    What one incident is decided with: its own playbook, and the newest of everything else.

    `receivers` looks roles up in a team, given by name. `edits` and `pages` say what a receiver's notifier can do.
    `plugin_params` gives the `Params` of a diagnostic or action by name, None when there is none of that name.
    `command_of` says what a person would type; it raises ValueError or ResponderError when the action cannot be done to
    that target. `rule_of` finds a rule by its full name, None when it is gone. `cluster_known` says whether the
    settings have a cluster of that name. `teams` are those of the newest rules: their packs act only in their
    namespaces; `namespaces_of` says in which an action would act, "" for one that cannot be told. `external_url` is
    where people reach us, "" for nowhere.

    `entails` names the other actions that one includes, by its parameters; `weight_of` says what it may cost with them,
    None for as much as its traits say. Both raise as `command_of` does.
    `action` tells the traits of an action, None when there is none of that name: it is then named and never run.
    `actions` are the names of all there are.
    `automation` is the ceiling of the process, `ceilings` those of the newest rules; `forbidden` are the actions that
    the newest playbooks of the incident's rules forbid. `stop` is the global stop, `dry_run` whether effects are only
    tried. `usage` are the starts that budgets count and the locks that are held, of all incidents, as read in the
    transaction of the turn.
    """

    playbook: Playbook
    evaluator: Judge
    scale: Scale
    receivers: Callable[[Sequence[str], str], Sequence[Receiver]]
    edits: Callable[[Receiver], bool]
    pages: Callable[[Receiver], bool]
    plugin_params: Callable[[str], type[BaseModel] | None]
    command_of: Callable[[ActionStep, Mapping[str, Json], Target], tuple[str, ...]]
    rule_of: Callable[[str], Rule | None]
    cluster_known: Callable[[str], bool] = lambda cluster: True
    teams: Sequence[Team] = ()
    namespaces_of: Callable[[ActionStep, Mapping[str, Json], Target], Sequence[str]] = lambda step, params, target: (
        namespace_of(target),
    )
    entails: Callable[[ActionStep, Mapping[str, Json]], Sequence[str]] = lambda step, params: ()
    weight_of: Callable[[ActionStep, Mapping[str, Json]], ActionWeight | None] = lambda step, params: None
    action: Callable[[str], ActionTraits | None] = lambda plugin: None
    automation: Mode = "suggest"
    ceilings: Ceilings = field(default_factory=Ceilings)
    forbidden: Sequence[str] = ()
    stop: Stop | None = None
    dry_run: bool = False
    actions: Collection[str] = ()
    usage: Sequence[Run] = ()
    quiet_for: timedelta = timedelta(minutes=5)
    external_url: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """
    What a turn came to: write all of it in one transaction.

    `records` go onto the timeline after the events that were taken in. A timer of None is cancelled; one that is not
    named stays. Commands are unique by their key within the incident. `starts` are to be counted from now on.
    """

    incident: Incident
    records: tuple[Event, ...] = ()
    commands: tuple[Planned, ...] = ()
    timers: Mapping[str, datetime | None] = field(default_factory=dict)
    starts: tuple[Run, ...] = ()

    @property
    def released(self) -> bool:
        """Whether the incident no longer holds its open key: the next firing opens another."""
        return self.incident.status is Status.RESOLVED
