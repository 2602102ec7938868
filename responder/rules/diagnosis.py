"""The reading steps of a playbook: which plugin, with what, after which others."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from responder.model.origin import BUILT_IN
from responder.model.playbook import DiagnosticStep
from responder.model.verdict import Json
from responder.plugins.diagnostic import Diagnostic, Result
from responder.plugins.registry import Registry
from responder.rules import parameters
from responder.rules.compiling import Compiler, asked
from responder.rules.nodes import MappingNode, Node, Spot, child
from responder.rules.parameters import Chosen
from responder.rules.playbook_shapes import DiagnosticShape
from responder.rules.problems import Problems
from responder.rules.targets import build_target

RELATED = "alerts.related"
"""Runs on every incident."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A step whose plugin is known; its expressions are not tried yet."""

    name: str
    spot: Spot
    node: MappingNode
    shape: DiagnosticShape
    chosen: Chosen[Diagnostic[Any]]
    params: Mapping[str, Json]
    result: type[Result]


def draft(
    shapes: Mapping[str, DiagnosticShape], node: Node | None, registry: Registry, problems: Problems
) -> tuple[list[Draft], frozenset[str]]:
    """Find the plugins of the steps; answer also the names of those that something is wrong with."""
    if not isinstance(node, MappingNode):
        return [], frozenset()
    drafts: list[Draft] = []
    for entry in node.entries:
        name = entry.key.text
        step = entry.node
        if name in shapes and isinstance(step, MappingNode):
            drafted = _draft(name, entry.key.spot, shapes[name], step, registry, problems)
            drafts += [drafted] if drafted else []
    return drafts, frozenset(node.words) - {item.name for item in drafts}


def _draft(
    name: str, spot: Spot, shape: DiagnosticShape, node: MappingNode, registry: Registry, problems: Problems
) -> Draft | None:
    chosen = parameters.choose(node, DiagnosticShape, registry.diagnostics, what="diagnostic", problems=problems)
    if chosen is None:
        return None
    params = parameters.check(chosen.params, chosen.plugin.Params, problems)
    if params is None:
        return None
    return Draft(name, spot, node, shape, chosen, params, chosen.plugin.result_type(dict(params)))


def build(drafts: list[Draft], compiler: Compiler) -> tuple[DiagnosticStep, ...]:
    """Try the expressions of the steps and put them in order of the file; note what waits for itself."""
    steps = tuple(_build(item, compiler) for item in drafts)
    spots = {item.name: item.spot for item in drafts}
    for circle in circles({step.name: step.reads for step in steps}):
        shown = " waits for ".join(f"`{name}`" for name in circle)
        compiler.problems.error(spots[circle[0]], f"a circle: {shown}", "take one of these readings out")
    _check_only_verify(drafts, steps, compiler.problems)
    return steps


def _build(item: Draft, compiler: Compiler) -> DiagnosticStep:
    when = child(item.node, "when")
    sure = asked(when)
    target, target_reads = build_target(item.shape.target, child(item.node, "target"), compiler, sure)
    reads = (
        compiler.condition(when)
        | parameters.compile_params(item.chosen.params, item.chosen.plugin.Params, compiler, sure)
        | target_reads
    )
    return DiagnosticStep(
        name=item.name,
        plugin=item.chosen.name,
        params=item.params,
        when=item.shape.when,
        reads=tuple(sorted(reads)),
        deadline=item.shape.deadline,
        only=item.shape.only,
        target=target,
        origin=item.spot.origin,
    )


def _check_only_verify(drafts: list[Draft], steps: tuple[DiagnosticStep, ...], problems: Problems) -> None:
    late = {step.name for step in steps if step.only == "verify"}
    for item, step in zip(drafts, steps, strict=True):
        for name in sorted(late & set(step.reads)):
            if step.only != "verify":
                problems.error(item.spot, f"`{item.name}` waits for `{name}`, which only runs to verify an action")


def with_related(steps: tuple[DiagnosticStep, ...], registry: Registry) -> tuple[DiagnosticStep, ...]:
    """Add the look at other incidents, which is on every incident by default."""
    if RELATED not in registry.diagnostics or any(step.plugin == RELATED or step.name == "related" for step in steps):
        return steps
    return (*steps, DiagnosticStep("related", RELATED, origin=BUILT_IN))


def circles(edges: Mapping[str, tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Find names that lead back to themselves: each circle once, its first name again at the end."""
    found: list[tuple[str, ...]] = []
    done: set[str] = set()
    for start in edges:
        path: list[str] = []
        _walk(start, edges, path, done, found)
    return found


def _walk(
    name: str, edges: Mapping[str, tuple[str, ...]], path: list[str], done: set[str], found: list[tuple[str, ...]]
) -> None:
    if name in path:
        found.append((*path[path.index(name) :], name))
        return
    if name in done:
        return
    path.append(name)
    for below in edges.get(name, ()):
        _walk(below, edges, path, done, found)
    path.pop()
    done.add(name)
