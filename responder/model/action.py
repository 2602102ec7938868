"""Actions: what one would change, what became of it, and the life of every attempt."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, TypeAlias

from responder.model.finding import Diagnosis
from responder.model.target import Target
from responder.model.verdict import Json
from responder.model.written import Written

Mode: TypeAlias = Literal["off", "suggest", "approve", "auto"]
"""How far an action may go by itself, from nothing to everything."""
MODES: tuple[Mode, ...] = ("off", "suggest", "approve", "auto")


ActionWeight: TypeAlias = Literal["harmless", "ordinary", "destructive", "security"]
"""What an action may cost, from nothing to what nobody can bring back."""
HEAVY: frozenset[ActionWeight] = frozenset({"destructive", "security"})
"""What is not done before evidence was kept."""


class ActionState(StrEnum):
    """
    Where an attempt stands.

    PROPOSED waits for its preview or for people; BLOCKED could not be done as things are, and is looked at again;
    APPROVED is being checked once more; CHECKED found all as approved; RUNNING until all its steps ended; VERIFYING
    until it is known whether it helped; UNDOING while its steps are taken back. IN_DOUBT waits for a person to say what
    happened. Every other is an end.
    """

    PROPOSED = "proposed"
    BLOCKED = "blocked"
    APPROVED = "approved"
    CHECKED = "checked"
    RUNNING = "running"
    VERIFYING = "verifying"
    UNDOING = "undoing"
    REJECTED = "rejected"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"
    DONE = "done"
    FAILED = "failed"
    IN_DOUBT = "in doubt"
    VERIFIED = "verified"
    INEFFECTIVE = "ineffective"
    REVERTED = "reverted"
    UNDONE = "undone"
    ESCALATED = "escalated"

    @property
    def live(self) -> bool:
        """Whether something is still to come of it: the same action is not proposed again beside it."""
        return self in _LIVE

    @property
    def at_work(self) -> bool:
        """Whether it holds its targets: nothing else may act on them."""
        return self in _AT_WORK


_WAITING = frozenset({ActionState.PROPOSED, ActionState.BLOCKED, ActionState.APPROVED, ActionState.CHECKED})
_AT_WORK = frozenset({ActionState.RUNNING, ActionState.VERIFYING, ActionState.UNDOING, ActionState.IN_DOUBT})
_LIVE = _WAITING | _AT_WORK


@dataclass(frozen=True, slots=True)
class ActionTraits:
    """What is decided by of an action, read off its plugin: see the contract of `Action`."""

    once: Literal["conditional", "named", "repeatable", "doubtful"] = "conditional"
    weight: ActionWeight = "ordinary"
    lightest: ActionWeight = "ordinary"
    undoable: bool = False
    approvals: int = 1
    until_resolved: bool = False
    by_hand: bool = True


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that will be different: `what` it is, and its value before and after; secrets never stand here."""

    what: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Disturbed:
    """One of several workloads that a step disturbs at the same time: of its `ready` pods, `at_once` may be missing."""

    name: str
    ready: int
    at_once: int


@dataclass(frozen=True, slots=True)
class Preview:
    """
    What one step would do now, read from the world and tried as a server-side dry run; nothing was changed.

    `summary` is one line ("roll api back from revision 42 to 41"). `refusal` says why it cannot be done as things are
    ("" when it can). `basis` is what must still hold when it is done, each a fact by a name that a person understands:
    `{"uid": "...", "its spec": {"replicas": 3, "env": "#1f0c"}}`. `undo` is what taking it back needs, None where it
    cannot be. `pods` counts the pods that it disturbs in all (None: nobody knows), `at_once` those missing at one time
    (None: all of them), of the `ready` ones, of `replicas` wanted; `touches` names them, or other objects, bounded.
    `owner` is the program that keeps the object as it is ("Argo CD (shop)"), `owner_way` how it would be done there.
    `lock` names what is changed, for "one at a time per target": "default/deployment/prod/api"; where that is several
    objects, `beside` names the others.
    """

    summary: str
    changes: tuple[Change, ...] = ()
    refusal: str = ""
    basis: Mapping[str, Json] = field(default_factory=dict)
    undo: Json = None
    namespace: str = ""
    lock: str = ""
    touches: tuple[str, ...] = ()
    pods: int | None = 0
    at_once: int | None = None
    ready: int = 0
    replicas: int = 0
    disruption: str = ""
    budgets: tuple[str, ...] = ()
    owner: str = ""
    owner_way: str = ""
    warnings: tuple[str, ...] = ()
    dry_run: bool = False
    """Whether the server really took the very request as a dry run."""
    among: tuple[str, ...] = ()
    """
    The very things that it acts on one by one, such as sessions, where they come and go by themselves. Of those that
    were approved, it acts on what is still there; on nothing that came since.
    """
    apart: tuple[Disturbed, ...] = ()
    """Where it disturbs several workloads, each by itself: one of them may lose all that serves of it."""
    beside: tuple[str, ...] = ()
    wrote: Mapping[str, str] = field(default_factory=dict)
    """Who wrote last what a fact of `basis` tells of, by its name: "kubectl-edit at 12:03 UTC"."""
    versions: Mapping[str, int] = field(default_factory=dict)
    """
    As which versions it was read. They may move while all of `basis` holds, and nobody is asked about that; after a
    crash, where they have, nobody can tell whether it happened and was taken back.
    """

    prefixes: Mapping[str, str] = field(default_factory=dict)
    """What stands before the names of the facts of an object, by its lock, where that is one of several."""

    @property
    def locks(self) -> tuple[str, ...]:
        """All that is changed, each once."""
        return tuple(dict.fromkeys(filter(None, (self.lock, *self.beside))))


@dataclass(frozen=True, slots=True)
class Kept:
    """A piece of evidence: its `name`, its SHA-256 in hexadecimal, its `size` in bytes, `place` where it is kept."""

    name: str
    sha256: str
    size: int
    place: str
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What became of one try at one step, or at taking it back.

    `done` has happened. `not_done` changed nothing: what was approved no longer holds. `failed` was refused or broke,
    and `say` tells what was left behind. `in_doubt` may have happened, and nobody can tell by asking. `undo` replaces
    that of the preview. `follow` asks for the rollout to be followed.
    """

    status: Literal["done", "not_done", "failed", "in_doubt"]
    say: str
    details: tuple[str, ...] = ()
    undo: Json = None
    follow: bool = False
    kept: tuple[Kept, ...] = ()
    basis: Mapping[str, Json] = field(default_factory=dict)
    """What must still hold for it to be taken back or to be still in force: as the write left it."""
    writes: tuple[Written, ...] = ()
    """What it made of objects, where that is known: the next step of the same attempt goes by it."""
    lacks: tuple[str, ...] = ()
    """Secret inputs whose values nobody holds any more: nothing was done, and people are asked for them again."""


@dataclass(frozen=True, slots=True)
class Progress:
    """
    How far the world has followed a step: a rollout under way, a target getting ready. `details` are lines of a log.

    `failed` says why it will not get there (image, quota, probe); `reverted` who changed it back. `ready` is whether
    all pods of the target are.
    """

    say: str
    complete: bool = True
    ready: bool = True
    failed: str = ""
    reverted: str = ""
    updated: int = 0
    wanted: int = 0
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """
    One effect of an attempt, its parameters frozen as they were proposed.

    `name` is the action's in the playbook, `plugin` who does it. `commands` is what a person would type. `guards`
    are those within a sequence, beside that of the whole. A step that `verifies` runs once the others are done, to see
    whether they helped; it is never taken back. `retaken` counts how often a person asked anew for what could not be
    undone.
    """

    name: str
    plugin: str
    params: Mapping[str, Json]
    target: Target
    commands: tuple[str, ...] = ()
    preview: Preview | None = None
    outcome: Outcome | None = None
    undone: Outcome | None = None
    progress: Progress | None = None
    began_at: datetime | None = None
    ended_at: datetime | None = None
    guards: tuple[Mapping[str, Json], ...] = ()
    verifies: bool = False
    retaken: int = 0


@dataclass(frozen=True, slots=True)
class Approval:
    """A named person's yes or no. `why` is the written reason where one is asked for; `broke_glass` skips guards."""

    by: str
    at: datetime
    yes: bool
    roles: tuple[str, ...] = ()
    via: str = ""
    why: str = ""
    broke_glass: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """What a diagnostic said before an action and after it."""

    name: str
    before: str
    after: str = ""


@dataclass(frozen=True, slots=True)
class Verification:
    """
    Whether it helped, as far as that is known.

    `until` is the condition; it has held since `held_since`, and must for `hold`, before `deadline`. `rounds` counts
    the looks. `why` tells what is missing yet, or what it ended with. `readings` are those of the look at hand, begun
    at `looked_at` and after the action's end; the ordinary rounds of diagnosis go on beside them.
    """

    until: str
    began_at: datetime
    deadline: datetime
    hold: timedelta = timedelta(0)
    held_since: datetime | None = None
    next_look_at: datetime | None = None
    rounds: int = 0
    figures: tuple[Figure, ...] = ()
    why: str = ""
    readings: Mapping[str, Diagnosis] = field(default_factory=dict)
    looked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """
    One attempt at one action, from its proposal to its end.

    `number` counts the attempts of the incident from 1; shown as INC-17/3. `digest` is of what people are asked to
    agree to: previews, parameters and inputs; a yes to another digest is not a yes to this. `steps` are done in order
    and taken back in reverse; `at_step` is the one at work. `guard`, `verify` and `temporary` are those of the
    playbook's action, as written; `when` of the guard is evaluated with the incident's evaluator. `proposed_by` is ""
    when the playbook did. `blocks` say why it cannot go on now. `looks` counts the looks asked for; `pending` is the
    key of the command that is waited for, `retry_at` when a block is looked at again, or a look that nobody answered
    is asked for again. `why` is how it ended.
    `temporary_until` is when people are reminded that it still stands, `reminded` how often they were. `then` is what
    is still to follow when it did not help: undo, escalate, next. `lapsed` says that after its end the playbook did not
    call for it for a while, `called` that people were called about it. While only that is taken back which was to
    last as long as the incident, `ending` is the end that it had. `wants` tells of the inputs without which nobody can
    look at what it would do, "rps (int): Requests a second to allow"; until a person gives them its steps have no
    parameters. `handed_back` counts how often it was about to start and its secrets had to be asked for again.
    `forbidden` says why what waits for people must not happen any more, "" when it may: nobody is shown its commands.
    Once it was taken back, or while it is, `helped` says whether it had helped until then, and `undone_by` who wanted
    that, "" for nobody.
    """

    number: int
    name: str
    steps: tuple[Step, ...]
    mode: Mode
    proposed_at: datetime
    state: ActionState = ActionState.PROPOSED
    digest: str = ""
    because: str = ""
    proposed_by: str = ""
    reason: str = ""
    inputs: Mapping[str, Json] = field(default_factory=dict)
    guard: Mapping[str, Json] = field(default_factory=dict)
    verify: Mapping[str, Json] = field(default_factory=dict)
    temporary: timedelta | None = None
    approvals: tuple[Approval, ...] = ()
    expires_at: datetime | None = None
    blocks: tuple[str, ...] = ()
    at_step: int = 0
    looks: int = 0
    pending: str = ""
    retry_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    why: str = ""
    verification: Verification | None = None
    temporary_until: datetime | None = None
    reminded: int = 0
    dry_run: bool = False
    then: tuple[str, ...] = ()
    lapsed: bool = False
    called: bool = False
    ending: ActionState | None = None
    wants: tuple[str, ...] = ()
    handed_back: int = 0
    forbidden: str = ""
    helped: bool = False
    undone_by: str = ""

    @property
    def approved_by(self) -> tuple[str, ...]:
        """The people who said yes, each once, in their order."""
        return tuple(dict.fromkeys(approval.by for approval in self.approvals if approval.yes))


@dataclass(frozen=True, slots=True)
class Run:
    """
    A start of a step that counts in budgets: the store keeps one for each; `ended_at` None still holds its locks.

    All steps of an attempt start with it. Taking one back is a run of its own, which holds the locks and counts in no
    budget. `lock` and `beside` are those of the preview: however many it holds, it is one start. One of a `dry_run`
    counts in no budget of what is done in earnest; one that `entails` other actions counts as one of each, too.
    """

    incident: int
    attempt: int
    plugin: str
    action: str
    lock: str
    rule: str
    namespace: str
    cluster: str
    started_at: datetime
    ended_at: datetime | None = None
    outcome: str = ""
    step: int = 0
    undo: bool = False
    beside: tuple[str, ...] = ()
    dry_run: bool = False
    entails: tuple[str, ...] = ()

    @property
    def locks(self) -> frozenset[str]:
        """All that it holds, or held."""
        return frozenset((self.lock, *self.beside))

    def does(self, plugin: str) -> bool:
        """Whether it was such an action, or included one."""
        return plugin == self.plugin or plugin in self.entails


@dataclass(frozen=True, slots=True)
class Stop:
    """The global stop: nothing is started while it stands, until a moment, or until it is lifted (None)."""

    by: str
    at: datetime
    until: datetime | None = None
    why: str = ""
