"""A whole playbook, from its merged tree to the typed thing that an incident keeps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from responder.errors import ExpressionError
from responder.expressions.schema import Schema
from responder.model.place import Place
from responder.model.playbook import Check, Conclusion, HumanStep, Playbook
from responder.model.secrecy import SECRET
from responder.model.verdict import Json
from responder.rules import acting, diagnosis
from responder.rules.acting import Acting, check_names
from responder.rules.compiling import Compiler, LabelUse
from responder.rules.diagnosis import Draft
from responder.rules.known import Known
from responder.rules.merging import conclusion_names
from responder.rules.nodes import MappingNode, Node, SequenceNode, Spot, at, child, key_spot, plain
from responder.rules.pack_files import PackFiles
from responder.rules.playbook_shapes import ConclusionShape, HumanStepShape, PlaybookShape
from responder.rules.problems import Problems
from responder.rules.shaping import shape
from responder.rules.targets import build_target


@dataclass(frozen=True, slots=True)
class Built:
    """A playbook with what is needed to explain and to check it further: its tree, the labels that it reads."""

    playbook: Playbook
    node: MappingNode
    label_uses: tuple[LabelUse, ...] = ()


def build(name: str, node: MappingNode, spot: Spot, known: Known) -> Built | None:
    """Type a playbook, noting everything that is wrong with it; None when nothing of it can be used."""
    shaped = shape(node, PlaybookShape, known.problems)
    if shaped is None:
        return None
    typed, left = shaped
    variables = _variables(child(left, "vars"), typed.vars, known.problems)
    drafts, broken = diagnosis.draft(typed.diagnose, child(left, "diagnose"), known.registry, known.problems)
    broken |= _names(child(node, "diagnose")) - _names(child(left, "diagnose"))
    inputs = acting.declared_inputs(typed.actions, child(left, "actions"), known.problems)
    drafts, schema = _schema(drafts, variables, inputs, node, known.problems)
    secrets = frozenset(name for name, kind in inputs.items() if kind == SECRET)
    compiler = plainly = Compiler(schema, known.problems, broken, secrets)
    if inputs:
        plainly = Compiler(_schema(drafts, variables, {}, node, known.problems)[1], known.problems, broken, secrets)
    playbook = _assembled(
        name, typed, left, spot, _Making(known, plainly, compiler, drafts, _names(child(node, "actions")))
    )
    uses = (*plainly.label_uses, *compiler.label_uses)
    return Built(playbook, node, tuple(dict.fromkeys(uses)))


@dataclass(frozen=True, slots=True)
class _Making:
    known: Known
    plainly: Compiler
    """Without the inputs, which are there only for actions."""
    compiler: Compiler
    drafts: list[Draft]
    actions: frozenset[str]


def _assembled(name: str, typed: PlaybookShape, node: Node, spot: Spot, making: _Making) -> Playbook:
    known, compiler = making.known, making.plainly
    files = PackFiles(known.problems)
    target = build_target(typed.target, child(node, "target"), compiler)[0]
    steps = diagnosis.build(making.drafts, compiler)
    late = frozenset(step.name for step in steps if step.only == "verify")
    compiler.template(child(node, "title"))
    compiler.template(child(node, "runbook"), Place.URL)
    if (only := at(node, "notify", "only")) is not node and typed.notify:
        known.check_roles(only, needed=True)
    acting.check_forbidden(child(node, "forbid"), known.registry, known.problems)
    return Playbook(
        name=name,
        vars=_variables(child(node, "vars"), typed.vars, Problems()),
        title=typed.title,
        runbook=typed.runbook,
        target=target,
        diagnostics=diagnosis.with_related(steps, known.registry),
        conclusions=_conclusions(typed.conclude, child(node, "conclude"), making, late),
        actions=acting.build(
            typed.actions, child(node, "actions"), Acting(known, making.compiler, making.actions, target, files)
        ),
        steps=_steps(typed.steps, child(node, "steps"), making),
        resolved_when=_checks(typed, child(node, "resolved_when"), making, late),
        forbid=tuple(typed.forbid),
        confidential=typed.confidential,
        notify_only=tuple(typed.notify.only) if typed.notify else (),
        refresh=typed.refresh,
        files=files.found,
        origin=spot.origin,
    )


def _names(node: Node | None) -> frozenset[str]:
    return frozenset(node.words) if isinstance(node, MappingNode) else frozenset()


def _variables(node: Node | None, variables: Mapping[str, Json], problems: Problems) -> Mapping[str, Json]:
    if not isinstance(node, MappingNode):
        return {}
    for entry in node.entries:
        if plain(entry.node) is None:
            problems.error(entry.node.spot, f"the variable `{entry.key.text}` has no value, so no type")
    return {name: value for name, value in variables.items() if value is not None}


def _schema(
    drafts: list[Draft],
    variables: Mapping[str, Json],
    inputs: Mapping[str, str],
    node: MappingNode,
    problems: Problems,
) -> tuple[list[Draft], Schema]:
    """Declare the names; one that no expression could read is noted and left out."""
    for _ in range(len(drafts) + len(variables) + len(inputs)):
        try:
            return drafts, Schema(results={item.name: item.result for item in drafts}, vars=variables, inputs=inputs)
        except ExpressionError as error:
            names = [name for name in (*(d.name for d in drafts), *variables, *inputs) if repr(name) in error.message]
            problems.error(_declared(node, names), error.message, error.hint)
            drafts = [item for item in drafts if item.name not in names]
            variables = {name: value for name, value in variables.items() if name not in names}
            inputs = {name: value for name, value in inputs.items() if name not in names}
    return drafts, Schema(results={}, vars={}, inputs={})


def _declared(node: MappingNode, names: Sequence[str]) -> Spot:
    for section in ("diagnose", "vars"):
        for name in names:
            if isinstance(below := child(node, section), MappingNode) and name in below.words:
                return key_spot(node, (section, name))
    return at(node, "actions").spot


def _conclusions(
    shapes: Sequence[ConclusionShape], node: Node | None, making: _Making, late: frozenset[str]
) -> tuple[Conclusion, ...]:
    if not isinstance(node, SequenceNode):
        return ()
    built: dict[str, Conclusion] = {}
    for typed, name, item in zip(shapes, conclusion_names(node), node.items, strict=True):
        if name in built:
            making.known.problems.error(item.spot, f"a second conclusion is called `{name}`", "give it a name")
        built[name] = _conclusion(typed, name, item, making, late)
    return tuple(built.values())


def _conclusion(typed: ConclusionShape, name: str, node: Node, making: _Making, late: frozenset[str]) -> Conclusion:
    compiler = making.plainly
    reads = compiler.condition(child(node, "when")) | compiler.template(child(node, "say"))
    _check_late(node, reads & late, making.known.problems)
    check_names(child(node, "propose"), making.actions, "action", making.known.problems)
    return Conclusion(
        name=name,
        say=typed.say,
        when=typed.when,
        cause=typed.cause,
        severity=making.known.severity(typed.severity, at(node, "severity")),
        propose=tuple(typed.propose),
        reads=tuple(sorted(reads)),
        origin=node.spot.origin,
    )


def _check_late(node: Node, late: frozenset[str], problems: Problems) -> None:
    for name in sorted(late):
        problems.error(node.spot, f"this waits for `{name}`, which only runs to verify an action")


def _steps(shapes: Sequence[HumanStepShape], node: Node | None, making: _Making) -> tuple[HumanStep, ...]:
    if not isinstance(node, SequenceNode):
        return ()
    for item in node.items:
        making.plainly.template(child(item, "say") or item)
        check_names(child(item, "action"), making.actions, "action", making.known.problems)
    return tuple(HumanStep(step.say, step.action, step.template) for step in shapes)


def _checks(typed: PlaybookShape, node: Node | None, making: _Making, late: frozenset[str]) -> tuple[Check, ...]:
    if not isinstance(node, SequenceNode):
        return ()
    checks: dict[str, Check] = {}
    for item, below in zip(typed.resolved_when, node.items, strict=True):
        reads = making.plainly.condition(child(below, "when"))
        _check_late(below, reads & late, making.known.problems)
        if item.name in checks:
            making.known.problems.error(below.spot, f"a second line of the checklist is called `{item.name}`")
        checks[item.name] = Check(item.name, item.when, tuple(sorted(reads)))
    return tuple(checks.values())
