"""The contract of an action: one writing step, seen before it is done, done once, and taken back where that can be."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar, Generic, Literal, TypeVar

from responder.model.action import ActionWeight, Outcome, Preview, Progress
from responder.model.resource import namespace_of
from responder.model.target import Target
from responder.model.verdict import Json
from responder.plugins.acting import ActionTools
from responder.plugins.params import Params
from responder.plugins.rights import Verb

P = TypeVar("P", bound=Params)


class Action(ABC, Generic[P]):
    """
    One writing step. Subclasses set `name`, `Params` and `needs`, and what else of these differs.

    The class docstring is the manual, with `Source:` and a YAML `Example:` that a test loads.
    """

    name: ClassVar[str]
    Params: ClassVar[type[Params]]
    needs: ClassVar[tuple[Verb, ...]] = ()
    """The rights that it takes; `needs_in` may say more, or less."""
    kinds: ClassVar[frozenset[str]] = frozenset()
    """The kinds of target that it can act on; empty for any, or none."""
    beyond_target: ClassVar[bool] = False
    """Whether it acts on workloads other than its target: the kind of the target then does not narrow its rights."""
    once: ClassVar[Literal["conditional", "named", "repeatable", "doubtful"]] = "conditional"
    """
    Why it cannot happen twice: `conditional` when the write carries a condition and can be read back, `named` when what
    it creates has a name of its own, `repeatable` when twice is the same as once; `doubtful` when nobody can tell after
    a crash, and people are asked.
    """
    weight: ClassVar[ActionWeight] = "ordinary"
    """
    What it may cost at most: `harmless` counts in no budget, `destructive` and `security` need evidence to be kept
    first. `weight_of` may say less of some parameters.
    """
    lightest: ClassVar[ActionWeight] = "ordinary"
    """What it costs at least, where `weight_of` says less; what may be `harmless` is, where it `entails` nothing."""
    cost: ClassVar[str] = ""
    """Why it is of that weight, and with which parameters: part of a sentence that people read before they say yes."""
    undoable: ClassVar[bool] = False
    """Whether `undo` can put back what was before."""
    until_resolved: ClassVar[bool] = False
    """Whether it is taken back without a question when the incident resolves, as a silence is."""
    by_hand: ClassVar[bool] = True
    """
    Whether people may ask for it with parameters of their own. What it runs may be the rules' to say: then they ask by
    the name of an action of the playbook.
    """
    approvals: ClassVar[int] = 1
    """How many people must say yes where the rules do not say."""
    deadline: ClassVar[timedelta] = timedelta(seconds=30)
    """The time that one call of `preview`, `act`, `undo` or `progress` may take."""
    files: ClassVar[Mapping[str, str]] = {}
    """Parameters that name a manifest of the pack, each with the path that its value makes: `jobs/{}.yaml`."""

    @abstractmethod
    def command(self, params: P, target: Target) -> tuple[str, ...]:
        """
        Return the exact commands that a person would type instead, one a line, every value quoted for the shell.

        Pure: no I/O.
        """

    def namespaces(self, params: P, target: Target) -> tuple[str, ...]:
        """
        Return every namespace that it acts in: the parameter `namespace`, else the target's; "" where none is told.

        Pure: no I/O.
        """
        return (getattr(params, "namespace", "") or namespace_of(target),)

    def entails(self, params: P) -> tuple[str, ...]:
        """
        Return the other actions that it includes, by name: where one of them is forbidden, so is this.

        Pure: no I/O.
        """
        return ()

    def weight_of(self, params: P, files: Mapping[str, str]) -> ActionWeight:
        """
        Return what it may cost with these parameters, never more than `weight`; `files` are the pack's.

        It is asked of rules, too: a parameter that still holds a template is one that nobody knows.

        Pure: no I/O.
        """
        return self.weight

    def needs_in(self, namespace: str, params: P, target: Target, files: Mapping[str, str]) -> tuple[Verb, ...]:
        """
        Return what it needs in one of its `namespaces`, or at objects of none: `needs`, where it says nothing else.

        It is asked for the generated RBAC, before there is an incident: where a template is left in a parameter, none
        of them is validated, and "${" stands in a namespace that nobody knows yet. `files` are the pack's.

        Pure: no I/O.
        """
        return self.needs

    @abstractmethod
    async def preview(self, params: P, target: Target, tools: ActionTools) -> Preview:
        """
        Read the target, say exactly what would change, and try the very request as a server-side dry run.

        What stands in the way as things are is the preview's `refusal`. Changes nothing.

        Raises: `CallError` when it could not look; that too keeps the action from being offered.
        """

    @abstractmethod
    async def act(self, params: P, target: Target, preview: Preview, tools: ActionTools) -> Outcome:
        """
        Do it, once, on the facts of `preview.basis`: the write itself is conditioned on them.

        With `tools.retry` an earlier try may have happened: read back first, and answer `done` when the world bears the
        mark of this attempt, `in_doubt` where that cannot be told. A world that has moved on is `not_done`.

        Raises: `CallError`; `Unanswered` means that it may have happened.
        """

    async def undo(self, params: P, target: Target, before: Json, tools: ActionTools) -> Outcome:
        """
        Put back what `before` (the outcome's `undo`, else the preview's) recorded, unless others have changed it since.

        Done once as `act` is. Raises as `act` does.
        """
        raise NotImplementedError(f"{self.name} cannot be undone")

    async def progress(self, params: P, target: Target, outcome: Outcome, tools: ActionTools) -> Progress:
        """Say how far the world has followed, for outcomes with `follow` and while it is verified. Reads only."""
        return Progress(outcome.say)


AnyAction = Action[Any]
"""Some action, whatever it takes."""
