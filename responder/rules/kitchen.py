"""What it takes to run a playbook: its evaluator, and the commands of its actions; also for stored playbooks."""

from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic import BaseModel, ValidationError

from responder.expressions.evaluator import Evaluator
from responder.expressions.places import places
from responder.expressions.schema import Schema
from responder.model import codec
from responder.model.action import ActionWeight
from responder.model.facts import Facts, IncidentFacts
from responder.model.place import Place
from responder.model.playbook import ActionStep, Playbook
from responder.model.target import Target
from responder.model.verdict import Json
from responder.plugins.commands import WORKLOADS
from responder.plugins.registry import Registry
from responder.rules.vouching import is_vouched

_NOTHING = Facts(
    labels={},
    alerts=(),
    incident=IncidentFacts(
        id="",
        severity="",
        status="",
        title="",
        rule="",
        cluster="",
        team="",
        started_at=datetime.fromtimestamp(0, UTC),
        opened_at=datetime.fromtimestamp(0, UTC),
    ),
    target=Target(""),
)
KEPT = 256
"""Evaluators; a deployment has some dozen playbooks, and open incidents may keep older ones."""


class Kitchen:
    """Builds evaluators once for each playbook, by its digest."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._evaluators: OrderedDict[str, Evaluator] = OrderedDict()
        self._seen: OrderedDict[int, tuple[Playbook, str]] = OrderedDict()

    def evaluator(self, playbook: Playbook) -> Evaluator:
        """
        Return the evaluator of a playbook.

        A diagnostic whose plugin is gone is unknown to it: what reads it is undecided.
        """
        digest = self._digest(playbook)
        if digest not in self._evaluators:
            self._evaluators[digest] = Evaluator(schema_of(playbook, self._registry))
        self._evaluators.move_to_end(digest)
        while len(self._evaluators) > KEPT:
            self._evaluators.popitem(last=False)
        return self._evaluators[digest]

    def warm(self, playbook: Playbook) -> None:
        """Compile all that the first turn of an incident evaluates, so that its first message need not wait for it."""
        evaluator = self.evaluator(playbook)
        steps = [(step.plugin, step.params) for step in playbook.diagnostics]
        steps += [(action.plugin, action.params) for action in playbook.actions]
        conditions = [conclusion.when for conclusion in playbook.conclusions]
        conditions += [check.when for check in playbook.resolved_when]
        conditions += [step.when for step in playbook.diagnostics]
        texts = [playbook.title, *(conclusion.say for conclusion in playbook.conclusions)]
        texts += [step.say for step in playbook.steps]
        for condition in filter(None, conditions):
            evaluator.holds(condition, _NOTHING)
        for text in texts:
            evaluator.text(text, _NOTHING)
        for plugin, params in steps:
            if model := self.params_of(plugin):
                evaluator.params(params, model, _NOTHING)
        evaluator.string(playbook.runbook, _NOTHING, Place.URL)

    def params_of(self, plugin: str) -> type[BaseModel] | None:
        """Return what a diagnostic or an action takes; None when there is no such plugin."""
        found = self._registry.diagnostics.get(plugin) or self._registry.actions.get(plugin)
        return found.Params if found else None

    def hidden(self, plugin: str) -> frozenset[str]:
        """Name the parameters of an action whose values nothing may show or store."""
        found = self._registry.actions.get(plugin)
        known = places(found.Params) if found else {}
        return frozenset(path[0] for path, place in known.items() if place is Place.SECRET)

    def approvals(self, plugin: str) -> int:
        """Return how many people must say yes to an action where the rules do not say."""
        found = self._registry.actions.get(plugin)
        return found.approvals if found else 1

    def command(self, step: ActionStep, params: Mapping[str, Json], target: Target) -> tuple[str, ...]:
        """
        Return the commands that a person would type for an action; none for a sequence.

        Raises: ValueError when it cannot be done to such a target, pydantic's ValidationError when the parameters,
        evaluated, are not what the action takes.
        """
        plugin = self._registry.actions.get(step.plugin)
        if plugin is None:
            return ()
        typed = plugin.Params.model_validate(params)
        if plugin.kinds and not plugin.kinds & WORKLOADS and target.kind not in plugin.kinds:
            # A pod leads to its workload; nothing leads from a workload to the one pod or node that is meant.
            kind = " or ".join(sorted(plugin.kinds))
            raise ValueError(f"{plugin.name} acts on a {kind}, not on {target}: name one as its target")
        return plugin.command(typed, target)

    def namespaces(self, step: ActionStep, params: Mapping[str, Json], target: Target) -> tuple[str, ...]:
        """
        Return the namespaces that an action would act in, "" for one that cannot be told; none for a sequence.

        Raises: pydantic's ValidationError when the parameters, evaluated, are not what the action takes.
        """
        plugin = self._registry.actions.get(step.plugin)
        return plugin.namespaces(plugin.Params.model_validate(params), target) if plugin else ()

    def entails(self, step: ActionStep, params: Mapping[str, Json]) -> tuple[str, ...]:
        """
        Return the other actions that an action includes, by name; none for a sequence.

        Of parameters that still hold a template, what they may come to: a flag that nobody knows yet counts as set.

        Raises: pydantic's ValidationError when the parameters, evaluated, are not what the action takes.
        """
        plugin = self._registry.actions.get(step.plugin)
        if plugin is None:
            return ()
        try:
            return plugin.entails(plugin.Params.model_validate(params))
        except ValidationError:
            if "${" not in str(params):
                raise
            return plugin.entails(plugin.Params.model_construct(**params))

    def weight(self, step: ActionStep, params: Mapping[str, Json], playbook: Playbook) -> ActionWeight:
        """
        Return what an action may cost, the worst of one that nobody knows; `playbook` is that of its incident.

        Raises: pydantic's ValidationError when the parameters, evaluated, are not what the action takes.
        """
        plugin = self._registry.actions.get(step.plugin)
        if plugin is None:
            return "destructive"
        if is_vouched(step, playbook):
            return plugin.lightest
        return plugin.weight_of(plugin.Params.model_validate(params), playbook.files)

    def _digest(self, playbook: Playbook) -> str:
        known = self._seen.get(id(playbook))
        if known and known[0] is playbook:
            return known[1]
        digest = codec.PLAYBOOK.digest(playbook)
        self._seen[id(playbook)] = (playbook, digest)
        while len(self._seen) > KEPT:
            self._seen.popitem(last=False)
        return digest


def schema_of(playbook: Playbook, registry: Registry) -> Schema:
    """Declare what the expressions of a playbook may read."""
    results: dict[str, type[BaseModel]] = {}
    for step in playbook.diagnostics:
        plugin = registry.diagnostics.get(step.plugin)
        if plugin is not None:
            results[step.name] = plugin.result_type(dict(step.params))
    inputs = {name: str(wanted.get("type", "string")) for a in playbook.actions for name, wanted in a.inputs.items()}
    return Schema(results=results, vars=playbook.vars, inputs=inputs)
