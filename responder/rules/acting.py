"""The writing steps of a playbook: which plugin, under which guards, verified how."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import re2

from responder.model.guard import VERIFY_WITHIN, too_long
from responder.model.playbook import ActionStep, TargetTemplate
from responder.model.secrecy import SECRET, references
from responder.model.verdict import Json
from responder.plugins.registry import Registry
from responder.rules import parameters
from responder.rules.compiling import Compiler
from responder.rules.diagnosis import circles
from responder.rules.known import Known
from responder.rules.nodes import MappingNode, Node, Scalar, SequenceNode, Spot, at, child, plain
from responder.rules.pack_files import PackFiles
from responder.rules.playbook_shapes import ActionShape, WindowShape
from responder.rules.problems import Problems, meant
from responder.rules.targets import build_target, check_kind

_TYPES = ("int", "double", "bool", "string", "duration", "cidr", "uuid", SECRET)
_LIST = re.compile(r"list\((.*)\)")
_OTHERWISE = ("undo", "escalate", "next")


@dataclass(frozen=True, slots=True)
class Acting:
    """
    What the actions of one playbook have in common.

    `names` are all that it declares, `target` is its own, `files` are collected.
    """

    known: Known
    compiler: Compiler
    names: frozenset[str]
    target: TargetTemplate | None
    files: PackFiles


def build(shapes: Mapping[str, ActionShape], node: Node | None, acting: Acting) -> tuple[ActionStep, ...]:
    """Type the actions in the file's order; note what is wrong."""
    if not isinstance(node, MappingNode):
        return ()
    steps = tuple(
        _build(entry.key.text, entry.key.spot, shapes[entry.key.text], entry.node, acting)
        for entry in node.entries
        if entry.key.text in shapes and isinstance(entry.node, MappingNode)
    )
    for circle in circles({step.name: step.do for step in steps}):
        entry_spot = next(entry.key.spot for entry in node.entries if entry.key.text == circle[0])
        acting.known.problems.error(entry_spot, f"a circle: {' does '.join(f'`{name}`' for name in circle)}")
    return steps


def _build(name: str, spot: Spot, shape: ActionShape, node: MappingNode, acting: Acting) -> ActionStep:
    problems, compiler = acting.known.problems, acting.compiler
    target, reads = build_target(shape.target, child(node, "target"), compiler)
    plugin = ""
    params: Mapping[str, Json] = {}
    if shape.do:
        _check_sequence(node, acting)
    else:
        plugin, params, more = _plugin(node, target or acting.target, acting)
        reads |= more
    _check_guard(shape, child(node, "guard"), acting)
    _check_verify(shape, child(node, "verify"), acting)
    reads |= _check_inputs(shape, child(node, "inputs"), compiler)
    _check_secrets(shape, params, node, compiler)
    if shape.offer and shape.mode == "auto":
        problems.error(spot, f"`{name}` is always offered, so it waits for a person", "mode: suggest or approve")
    return ActionStep(
        name=name,
        plugin=plugin,
        params=params,
        do=tuple(shape.do),
        mode=shape.mode,
        offer=shape.offer,
        target=target,
        temporary=shape.temporary,
        guard=_carried(child(node, "guard")),
        verify=_carried(child(node, "verify")),
        inputs=_carried(child(node, "inputs")),
        reads=tuple(sorted(reads)),
        origin=spot.origin,
    )


def _carried(node: Node | None) -> Mapping[str, Json]:
    data = plain(node) if node is not None else {}
    return data if isinstance(data, dict) else {}


def _plugin(
    node: MappingNode, target: TargetTemplate | None, acting: Acting
) -> tuple[str, Mapping[str, Json], frozenset[str]]:
    problems, compiler = acting.known.problems, acting.compiler
    chosen = parameters.choose(node, ActionShape, acting.known.registry.actions, what="action", problems=problems)
    if chosen is None:
        return "", {}, frozenset()
    check_kind(chosen.name, chosen.plugin.kinds, target, chosen.params, problems)
    params = parameters.check(chosen.params, chosen.plugin.Params, problems)
    acting.files.read(chosen.plugin, chosen.params)
    reads = parameters.compile_params(chosen.params, chosen.plugin.Params, compiler, frozenset())
    return chosen.name, params or {}, reads


def _check_sequence(node: MappingNode, acting: Acting) -> None:
    check_names(child(node, "do"), acting.names, "action", acting.known.problems)
    words = set(ActionShape.model_fields)
    for entry in node.entries:
        if entry.key.text not in words:
            acting.known.problems.error(entry.key.spot, "an action is a plugin or a `do` sequence, not both")


def check_names(node: Node | None, names: Iterable[str], what: str, problems: Problems) -> None:
    """Note every word of a list, or the one word, that names nothing of the playbook."""
    known = frozenset(names)
    items = node.items if isinstance(node, SequenceNode) else (node,) if node is not None else ()
    for item in items:
        if isinstance(item, Scalar) and item.text not in known:
            problems.error(item.spot, f"the playbook has no {what} `{item.text}`", meant(item.text, known))


def _check_guard(shape: ActionShape, node: Node | None, acting: Acting) -> None:
    if node is None:
        return
    problems = acting.known.problems
    check_names(child(node, "evidence"), acting.names, "action", problems)
    acting.compiler.condition(child(node, "when"))
    for key in ("only_in", "never"):
        check_patterns(child(node, key), problems)
    if (approvers := child(node, "approvers")) is not None:
        acting.known.check_roles(approvers, needed=True)
    check_windows(shape.guard.windows, node, problems)


def check_windows(windows: Iterable[WindowShape], guard: Node, problems: Problems) -> None:
    """Note every window of a guard in a time zone that nobody knows."""
    for index, window in enumerate(windows):
        try:
            ZoneInfo(window.zone)
        except (ZoneInfoNotFoundError, ValueError):
            spot = at(guard, "windows", index, "zone").spot
            problems.error(spot, f"unknown time zone `{window.zone}`", "write it as in Europe/Berlin")


def check_patterns(node: Node | None, problems: Problems) -> None:
    """Note every word of a list, or the one word, that is not a regular expression."""
    options = re2.Options()
    options.log_errors = False
    items = node.items if isinstance(node, SequenceNode) else (node,) if node is not None else ()
    for item in (item for item in items if isinstance(item, Scalar)):
        try:
            re2.compile(item.text, options)
        except re2.error:
            problems.error(item.spot, f"`{item.text}` is not a regular expression of RE2")


def _check_verify(shape: ActionShape, node: Node | None, acting: Acting) -> None:
    if shape.verify is None or node is None:
        return
    problems = acting.known.problems
    if not shape.verify.until and not shape.verify.run:
        problems.error(node.spot, "`until` is missing", "the expression that must come true; or `run` an action")
    hold, within = shape.verify.hold or timedelta(0), shape.verify.within or VERIFY_WITHIN
    if hold >= within:
        spot = at(node, "hold").spot if shape.verify.hold else node.spot
        problems.error(spot, too_long(hold, within), "give it more time by a longer `within`, which is 10m if absent")
    acting.compiler.condition(child(node, "until"))
    check_names(child(node, "run"), acting.names, "action", problems)
    otherwise = child(node, "otherwise")
    items = otherwise.items if isinstance(otherwise, SequenceNode) else (otherwise,) if otherwise else ()
    for item in (item for item in items if isinstance(item, Scalar)):
        if item.text not in _OTHERWISE:
            problems.error(item.spot, f"`{item.text}` is not valid here", meant(item.text, _OTHERWISE))


def _check_inputs(shape: ActionShape, node: Node | None, compiler: Compiler) -> frozenset[str]:
    reads: frozenset[str] = frozenset()
    for name, wanted in shape.inputs.items() if node is not None else ():
        below = at(node, name) if node is not None else None
        if below is None:
            continue
        if not _valid_type(wanted.type):
            spot = at(below, "type").spot
            compiler.problems.error(spot, f"unknown type `{wanted.type}`", f"{meant(wanted.type, _TYPES)}, list(TYPE)")
        reads |= compiler.value(child(below, "suggest"))
        check_patterns(child(below, "pattern"), compiler.problems)
        refuse = child(below, "refuse")
        for item in refuse.items if isinstance(refuse, SequenceNode) else ():
            compiler.value(item)
    return reads


def _check_secrets(shape: ActionShape, params: Mapping[str, Json], node: MappingNode, compiler: Compiler) -> None:
    """Note secret inputs that the action itself does not declare or use, or that a machine would have to know."""
    problems = compiler.problems
    secrets = {name: wanted for name, wanted in shape.inputs.items() if wanted.type == SECRET}
    used = frozenset(references(params))
    for name, wanted in secrets.items():
        spot = at(node, "inputs", name).spot
        if wanted.suggest or wanted.refuse:
            problems.error(spot, f"nobody but a person knows the secret input `{name}`", "drop `suggest` and `refuse`")
        if name not in used:
            hint = f'a parameter that takes a secret, of this very action: "${{inputs.{name}}}"'
            problems.error(spot, f"nothing takes the secret input `{name}`", hint)
    for name in sorted((used & compiler.secrets) - set(secrets)):
        problems.error(node.spot, f"the secret input `{name}` is declared at another action", "declare it here too")


def _valid_type(text: str) -> bool:
    found = _LIST.fullmatch(text)
    return (found.group(1) if found else text) in _TYPES and not (found and found.group(1) == SECRET)


def declared_inputs(shapes: Mapping[str, ActionShape], node: Node | None, problems: Problems) -> Mapping[str, str]:
    """Collect the inputs of all actions with their types; note one that has two types."""
    inputs: dict[str, str] = {}
    for action, shape in shapes.items():
        for name, wanted in shape.inputs.items():
            if inputs.setdefault(name, wanted.type) != wanted.type and node is not None:
                spot = at(node, action, "inputs", name).spot
                problems.error(spot, f"the input `{name}` is {inputs[name]} elsewhere in this playbook")
    return inputs


def check_forbidden(node: Node | None, registry: Registry, problems: Problems) -> None:
    """Note forbidden actions that there are none of."""
    for item in node.items if isinstance(node, SequenceNode) else ():
        if isinstance(item, Scalar) and item.text not in registry.actions:
            problems.error(item.spot, f"unknown action `{item.text}`", meant(item.text, registry.actions))
