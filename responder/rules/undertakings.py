"""What the rules let Responder do itself, under the ceilings: which actions, and in which namespaces at most."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from responder.model.action import MODES, Mode
from responder.model.guard import Guard, guard_of, is_in
from responder.model.playbook import ActionStep, Playbook
from responder.model.rule import Rule
from responder.model.ruleset import RuleSet
from responder.plugins.params import Params
from responder.rules.reach import UNKNOWN, World, is_known

_DEEPEST = 4
"""Levels of sequences within sequences, as when they are done."""
_LITERAL = re.compile(r"[a-z0-9-]+")


@dataclass(frozen=True, slots=True)
class Undertaking:
    """
    An action that may be done; `files` are those of its pack. What is done `by_hand` has parameters nobody knows yet.

    `within` are lists of patterns, each of which must have the namespace, `never` those that must not; `namespaces` are
    ceilings.
    """

    step: ActionStep
    within: tuple[tuple[str, ...], ...]
    never: tuple[str, ...]
    namespaces: Mapping[str, Mode]
    files: Mapping[str, str]
    by_hand: bool = False

    def params(self, world: World, model: type[Params]) -> Any:
        """Type the parameters; as they are written where a template keeps that from being done."""
        filled = world.fill(dict(self.step.params))
        try:
            return model.model_validate(filled)
        except ValidationError:
            return model.model_construct(**filled)

    def bounded(self, namespace: str) -> Iterator[str]:
        """Return where it may be done of where it would be: one that is not known may be one of a list."""
        listed = next((names for names in self.within if all(map(_LITERAL.fullmatch, names))), ())
        candidates = (namespace,) if is_known(namespace) else listed or (namespace or UNKNOWN,)
        yield from (name for name in candidates if self._may(name))

    def _may(self, namespace: str) -> bool:
        if not is_known(namespace):
            return not any(pattern == ".*" and not acts(mode) for pattern, mode in self.namespaces.items())
        inside = all(is_in(namespace, patterns) for patterns in self.within)
        held = any(is_in(namespace, (pattern,)) and not acts(mode) for pattern, mode in self.namespaces.items())
        return inside and not held and not is_in(namespace, self.never)


def undertakings(rule: Rule, playbook: Playbook, ruleset: RuleSet, automation: Mode) -> Iterator[Undertaking]:
    """List the actions that may be done for incidents of a rule; what is only suggested is not among them."""
    ceilings = ruleset.ceilings
    if not acts(automation) or not acts(ceilings.rules.get(rule.name, "auto")):
        return
    known = {step.name: step for step in playbook.actions}
    team = next((team for team in ruleset.teams if playbook.name.partition("/")[0] in team.packs), None)
    wide = tuple(filter(None, (ceilings.only_in, team.namespaces if team else ())))
    for action in playbook.actions:
        if not acts(action.mode):
            continue
        for step, guards in _steps(action, known):
            if step.plugin not in playbook.forbid:
                never = (*ceilings.never, *(name for guard in guards for name in guard.never))
                within = (*(guard.only_in for guard in guards if guard.only_in), *wide)
                yield Undertaking(step, within, never, ceilings.namespaces, playbook.files)


def by_hand(
    rule: Rule, playbook: Playbook, ruleset: RuleSet, automation: Mode, names: Iterable[str]
) -> Iterator[Undertaking]:
    """List actions that people may ask for in incidents of a rule, wherever its playbook does not forbid them."""
    ceilings = ruleset.ceilings
    if not acts(automation) or not acts(ceilings.rules.get(rule.name, "auto")):
        return
    within = (ceilings.only_in,) if ceilings.only_in else ()
    for name in names:
        if name not in playbook.forbid:
            step = ActionStep(name, name, mode="approve")
            yield Undertaking(step, within, ceilings.never, ceilings.namespaces, playbook.files, by_hand=True)


def steps_of(action: ActionStep, playbook: Playbook) -> Iterator[tuple[ActionStep, tuple[Guard, ...]]]:
    """Walk through an action: itself or its sequence, and what shows whether it helped; each with what guards it."""
    return _steps(action, {step.name: step for step in playbook.actions})


def _steps(
    action: ActionStep, known: Mapping[str, ActionStep], above: tuple[Guard, ...] = (), depth: int = 0
) -> Iterator[tuple[ActionStep, tuple[Guard, ...]]]:
    """Walk through a sequence, and through what shows whether an action helped; each with the guards that bind it."""
    try:
        guards = (*above, guard_of(action.guard))
    except ValueError:
        return  # a guard that cannot be read refuses
    below = [*action.do, action.verify.get("run", "")]
    for name in below:
        step = known.get(str(name))
        if step is not None and depth < _DEEPEST:
            yield from _steps(step, known, guards, depth + 1)
    if action.plugin:
        yield action, guards


def acts(mode: Mode) -> bool:
    """Say whether a mode lets anything be done; what is only suggested is not."""
    return MODES.index(mode) >= MODES.index("approve")
