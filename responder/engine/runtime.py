"""What `wiring` hands to the engine: everything that it works with beside the store."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from responder.errors import NotConfigured
from responder.model.action import ActionWeight, Mode
from responder.model.command import Act, Diagnose, Follow, Look
from responder.model.finding import Reading
from responder.model.incident import Incident
from responder.model.labels import Labels
from responder.model.outside import AmAlert, AmStatus
from responder.model.playbook import ActionStep, Playbook
from responder.model.receiver import Receiver, Team
from responder.model.rule import Rule
from responder.model.ruleset import RuleSet
from responder.model.target import Target
from responder.model.timeline import Acted, Followed, Previewed
from responder.model.verdict import Json
from responder.plugins.acting import ActionTools, StepContext
from responder.plugins.registry import Registry
from responder.plugins.tools import NotifierTools, Tools
from responder.response.brain import Judge
from responder.store.rows import CommandRow


class Rulebook(Protocol):
    """One loaded set of rules."""

    @property
    def ruleset(self) -> RuleSet:
        """The rules as data."""

    def match(self, labels: Labels) -> Rule:
        """Find the rule that takes the alert; there always is one."""

    def playbook(self, name: str) -> Playbook:
        """Find a playbook by its full name; "" is the built-in one that every rule without has."""

    def team_of(self, labels: Labels) -> Team:
        """Find who owns the alert."""

    def team(self, name: str) -> Team:
        """Find a team by its name; `default` when there is none of that name any more."""

    def receivers(self, roles: Sequence[str], team: Team) -> tuple[Receiver, ...]:
        """Look roles up in the team, then in `default`."""


class Kitchen(Protocol):
    """Builds what playbooks need to be evaluated, also those kept with old incidents."""

    def evaluator(self, playbook: Playbook) -> Judge:
        """Return the evaluator of a playbook; the same one for the same playbook."""

    def command(self, step: ActionStep, params: Mapping[str, Json], target: Target) -> tuple[str, ...]:
        """Say what a person would type."""

    def namespaces(self, step: ActionStep, params: Mapping[str, Json], target: Target) -> tuple[str, ...]:
        """Say in which namespaces an action would act, "" for one that cannot be told."""

    def entails(self, step: ActionStep, params: Mapping[str, Json]) -> tuple[str, ...]:
        """Name the other actions that an action includes."""

    def weight(self, step: ActionStep, params: Mapping[str, Json], playbook: Playbook) -> ActionWeight:
        """Say what an action may cost in a playbook."""


class Metrics(Protocol):
    """Counts what the engine does."""

    def turned(self, took: timedelta) -> None:
        """Count a turn."""

    def performed(self, kind: str, took: timedelta) -> None:
        """Count a command that ended, in whatever way."""

    def diagnosed(self, plugin: str, outcome: str) -> None:
        """Count a diagnostic that ended."""

    def notified(self, notifier: str, outcome: str) -> None:
        """Count a sending or paging that ended."""

    def acted(self, plugin: str, outcome: str, took: timedelta) -> None:
        """Count a step of an action that was tried, or taken back, and is written down."""

    def moved(self, state: str) -> None:
        """Count an attempt at an action that came to another state."""


class NoMetrics:
    """Counts nothing."""

    def turned(self, took: timedelta) -> None:
        """Do nothing."""

    def performed(self, kind: str, took: timedelta) -> None:
        """Do nothing."""

    def diagnosed(self, plugin: str, outcome: str) -> None:
        """Do nothing."""

    def notified(self, notifier: str, outcome: str) -> None:
        """Do nothing."""

    def acted(self, plugin: str, outcome: str, took: timedelta) -> None:
        """Do nothing."""

    def moved(self, state: str) -> None:
        """Do nothing."""


class Looking(Protocol):
    """An Alertmanager that can be asked. Both raise CallError."""

    async def alerts(self) -> Sequence[AmAlert]:
        """List every alert that it holds now."""

    async def status(self) -> AmStatus:
        """Say since when it runs."""


@dataclass(frozen=True, slots=True)
class Watched:
    """One Alertmanager: the cluster that it serves and the name of its receiver that points at us."""

    cluster: str
    receiver: str
    source: Looking


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much is done at once, and how long things are kept or held."""

    diagnostics: int = 32
    """Diagnostics that run at the same time, over all incidents."""
    actions: int = 16
    """Actions that are carried out at the same time, and looks at actions, over all incidents."""
    per_receiver: int = 2
    """Sendings under way to one receiver."""
    storm: int = 10
    """New incidents a minute that a receiver is told of one by one, the most severe aside; 0 for any number."""
    lease: timedelta = timedelta(seconds=15)
    """How long a command is ours without a sign of life; after a crash another process waits so long."""
    poll: timedelta = timedelta(seconds=0.5)
    """How often the store is asked for work that nobody told us of."""
    slice: int = 200
    """Alerts correlated in one transaction: more would hold up those who wait for the store."""
    intake: int = 64 * 1024 * 1024
    """Bytes of deliveries that wait for their commit."""
    kept_rejected: int = 200
    """Refused deliveries kept to look at."""
    keep_resolved: timedelta = timedelta(days=90)
    """How long resolved incidents stay, with all that belongs to them."""
    keep_commands: timedelta = timedelta(days=7)
    """How long commands stay after they are done."""
    keep_runs: timedelta = timedelta(days=90)
    """How long starts of actions are counted by guards."""
    keep_evidence: timedelta = timedelta(days=90)
    """How long the files of an incident stay after its end, where they lie in a folder."""


class Rehearsing(Protocol):
    """Stands in for what carries actions out."""

    async def look(self, command: Look, incident: Incident) -> Previewed:
        """Say what each step would do now."""

    async def act(self, row: CommandRow, command: Act, incident: Incident) -> Acted:
        """Say what became of a step, or of taking it back."""

    async def follow(self, command: Follow, incident: Incident) -> Followed:
        """Say how far the world has followed a step."""


def no_actions(incident: Incident, step: StepContext) -> ActionTools:
    """Refuse. Raises: NotConfigured."""
    raise NotConfigured("this process carries out no actions")


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """
    What the engine works with.

    `rulebook` gives the newest rules. `tools` builds what a diagnostic may use, bound to an incident and its cluster,
    `action_tools` what one try at one step of an action may. With `dry_run` actions are decided and previewed, and
    change nothing; `stopped` keeps them from starting while this process runs.
    `now` is the clock: aware, UTC. `clusters` are the names in the settings; with one, the label is not consulted.
    """

    rulebook: Callable[[], Rulebook]
    kitchen: Kitchen
    registry: Registry
    tools: Callable[[Incident], Tools]
    notifier_tools: NotifierTools
    now: Callable[[], datetime]
    action_tools: Callable[[Incident, StepContext], ActionTools] = no_actions
    metrics: Metrics = field(default_factory=NoMetrics)
    clusters: tuple[str, ...] = ("default",)
    cluster_label: str = "cluster"
    alertmanagers: tuple[Watched, ...] = ()
    automation: Mode = "suggest"
    dry_run: bool = False
    stopped: bool = False
    quiet_for: timedelta = timedelta(minutes=5)
    group_wait: timedelta = timedelta(seconds=5)
    group_interval: timedelta = timedelta(minutes=1)
    reconcile_every: timedelta = timedelta(minutes=1)
    stop_within: timedelta = timedelta(seconds=20)
    external_url: str = ""
    sweep_evidence: Callable[[datetime, Collection[str]], Awaitable[int]] | None = None
    """Removes the evidence kept before a moment, but that of the incidents named; None where it is not ours to do."""
    limits: Limits = field(default_factory=Limits)
    recorded: Callable[[Diagnose, Incident], Awaitable[Reading]] | None = None
    """Answers in place of every diagnostic: for replays, which read nothing outside."""
    rehearsal: Rehearsing | None = None
    """Answers in place of every action: for replays, which do nothing outside."""
