"""Actions that would be refused as the settings and the teams are, and those that go further than they look."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from responder.model.action import Mode
from responder.model.guard import Guard, is_in
from responder.model.origin import Origin
from responder.model.playbook import ActionStep, Playbook
from responder.model.program import allows
from responder.model.ruleset import RuleSet
from responder.plugins.registry import Registry
from responder.rules.evidence_first import weight_of
from responder.rules.problems import Gravity, Problem
from responder.rules.reach import is_known, world_of
from responder.rules.undertakings import Undertaking, steps_of, undertakings

PROGRAMS_IN = {"kubernetes.exec": "", "evidence.capture": "exec"}
"""The actions that run programs, each with the parameter that lists them; "" for its own `argv`."""


@dataclass(frozen=True, slots=True)
class House:
    """
    What the settings give to actions: `people` with their roles, command lines of `programs` that may run.

    `automation` is the ceiling: what may only be suggested is refused nothing.
    """

    automation: Mode = "auto"
    people: Mapping[str, Sequence[str]] = field(default_factory=dict)
    programs: tuple[str, ...] = ()


def powerless(ruleset: RuleSet, registry: Registry, house: House | None = None) -> tuple[Problem, ...]:
    """
    Warn of each, in the order of the files. Without a `house` only of what the rules alone tell.

    Of a playbook that no rule leads to, and of what may only be suggested, nothing is said.
    """
    automation = house.automation if house else "auto"
    found: dict[tuple[Origin, str], Problem] = {}
    for rule in ruleset.rules:
        playbook = ruleset.playbooks.get(rule.playbook)
        if playbook is None:
            continue
        done = tuple(undertakings(rule, playbook, ruleset, automation))
        told = (*_forbidden(playbook, registry), *_of_rules(playbook, done, registry, automation))
        for problem in (*told, *_of_house(playbook, done, registry, house)):
            found.setdefault((problem.origin, problem.message), problem)
    return tuple(sorted(found.values(), key=lambda p: (p.origin.file, p.origin.line, p.origin.column, p.message)))


# --- what the rules alone tell ---


def _of_rules(
    playbook: Playbook, done: Sequence[Undertaking], registry: Registry, automation: Mode
) -> Iterator[Problem]:
    world = world_of(playbook)
    for one in done:
        plugin = registry.actions.get(one.step.plugin)
        if plugin is None:
            continue
        params, target = one.params(world, plugin.Params), world.aim(one.step.target)
        for namespace in dict.fromkeys(plugin.namespaces(params, target)):
            if is_known(namespace) and (why := _barred(one, namespace)):
                yield _warning(one.step, playbook, f"acts in {namespace}, {why}: it is always refused")
    if automation == "auto":
        yield from _by_itself(playbook, done, registry)


def _forbidden(playbook: Playbook, registry: Registry) -> Iterator[Problem]:
    """Warn of actions that do, themselves or among other things, what their own playbook forbids."""
    world = world_of(playbook)
    for action in playbook.actions:
        plugin = registry.actions.get(action.plugin)
        if plugin is None:
            continue
        params = Undertaking(action, (), (), {}, {}).params(world, plugin.Params)
        for name in (plugin.name, *plugin.entails(params)):
            if name in playbook.forbid:
                message = f"does {name}, which its own playbook forbids (`forbid`): it is never offered"
                yield _warning(action, playbook, message)


def _barred(one: Undertaking, namespace: str) -> str:
    if is_in(namespace, one.never):
        return "where nothing is ever done (`never`)"
    outside = next((patterns for patterns in one.within if not is_in(namespace, patterns)), None)
    return f"which is none of {', '.join(outside)} (`only_in`, or the namespaces of its team)" if outside else ""


def _by_itself(playbook: Playbook, done: Sequence[Undertaking], registry: Registry) -> Iterator[Problem]:
    acting = {one.step.name for one in done}
    for action in playbook.actions:
        for step, _ in steps_of(action, playbook) if action.mode == "auto" else ():
            plugin = registry.actions.get(step.plugin)
            if plugin is None or step.name not in acting:
                continue
            if weight_of(step, plugin, playbook) == "destructive":
                message = f"goes by itself (`auto`), and {plugin.name} destroys what cannot be brought back"
                yield _warning(action, playbook, message, "mode: approve asks a person")


# --- what it takes of the settings ---


def _of_house(
    playbook: Playbook, done: Sequence[Undertaking], registry: Registry, house: House | None
) -> Iterator[Problem]:
    if house is None:
        return
    for one in done:
        for argv in _programs(one.step):
            if not allows(house.programs, argv, is_known):
                hint = "add it there, if it shall run in your pods"
                told = f"runs `{' '.join(argv)[:100]}`, which actions.programs does not allow"
                yield _warning(one.step, playbook, told, hint)
    acting = {one.step.name for one in done}
    for action in playbook.actions:
        known = tuple(steps_of(action, playbook))
        asks = action.mode == "approve" or (action.mode == "auto" and house.automation == "approve")
        if asks and any(step.name in acting for step, _ in known):
            yield from _people(playbook, action, known, registry, house)


def _programs(step: ActionStep) -> Iterator[tuple[str, ...]]:
    """List the argument lists whose program is named as it stands."""
    if step.plugin not in PROGRAMS_IN:
        return
    listed = PROGRAMS_IN[step.plugin]
    runs: Any = step.params.get(listed, ()) if listed else (step.params,)
    for run in runs if isinstance(runs, list | tuple) else ():
        argv = run.get("argv", ()) if isinstance(run, Mapping) else ()
        if isinstance(argv, list | tuple) and argv and is_known(str(argv[0])):
            yield tuple(map(str, argv))


def _people(
    playbook: Playbook,
    action: ActionStep,
    steps: Sequence[tuple[ActionStep, tuple[Guard, ...]]],
    registry: Registry,
    house: House,
) -> Iterator[Problem]:
    guards = dict.fromkeys(guard for _, all_of_it in steps for guard in all_of_it)
    held = {role for roles in house.people.values() for role in roles}
    lacking = [role for guard in guards for role in guard.approvers if role not in held]
    for role in dict.fromkeys(lacking):
        yield _warning(action, playbook, f"asks for the yes of the role {role}, which nobody in `people` has")
    may = [name for name, roles in house.people.items() if all(_has(roles, guard.approvers) for guard in guards)]
    wanted = _wanted(steps, registry, tuple(guards))
    if len(may) < wanted and not lacking:
        people = "1 person" if wanted == 1 else f"{wanted} people"
        message = f"needs the yes of {people}, and of those in `people` {len(may) or 'nobody'} may say it"
        yield _warning(action, playbook, message, "give `people` a token or a Slack member each, and their roles")


def _has(roles: Sequence[str], wanted: Sequence[str]) -> bool:
    return not wanted or any(role in wanted for role in roles)


def _wanted(steps: Sequence[tuple[ActionStep, object]], registry: Registry, guards: Sequence[Guard]) -> int:
    """Count as it is counted when people are asked: what is written, else the most careful of the plugins."""
    written = [guard.approvals for guard in guards if guard.approvals is not None]
    plugins = [registry.actions[step.plugin].approvals for step, _ in steps if step.plugin in registry.actions]
    return max([1, *(written or plugins)])


def _warning(step: ActionStep, playbook: Playbook, message: str, hint: str = "") -> Problem:
    return Problem(Gravity.WARNING, f"action {step.name} of {playbook.name} {message}", step.origin, hint=hint)
