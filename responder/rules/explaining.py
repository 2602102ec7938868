"""Says why: which rule takes an alert and why the earlier ones did not; where each value of a playbook comes from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import BaseModel

from responder.model.duration import format_duration
from responder.model.labels import Labels
from responder.model.matcher import Matcher
from responder.model.origin import Origin
from responder.model.rule import Rule
from responder.model.ruleset import RuleSet
from responder.rules.nodes import MappingNode, Node, Scalar, SequenceNode, plain, scalars
from responder.rules.playbook_shapes import ActionShape, ConclusionShape, DiagnosticShape, PlaybookShape
from responder.rules.rulebook import Rulebook


@dataclass(frozen=True, slots=True)
class Tried:
    """A rule that was tried; `failed` is its first matcher that did not hold, None where all did."""

    rule: Rule
    failed: Matcher | None = None
    actual: str = ""


def tried(ruleset: RuleSet, labels: Labels) -> tuple[Tried, ...]:
    """Try the rules in order on a label set; the last one of the answer takes it."""
    found: list[Tried] = []
    for rule in ruleset.rules:
        failed = next((matcher for matcher in rule.match if not matcher.matches(labels)), None)
        found.append(Tried(rule, failed, labels.get(failed.name, "") if failed else ""))
        if failed is None:
            break
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an alert with these labels would become."""

    rule: str
    severity: str
    severity_why: str
    team: str
    roles: tuple[str, ...]
    receivers: tuple[str, ...]


def outcome(rulebook: Rulebook, labels: Labels) -> Verdict:
    """Say what becomes of an alert before anything is diagnosed."""
    rule, scale = rulebook.match(labels), rulebook.ruleset.scale
    word = labels.get(rule.severity.label, "") if rule.severity.label else ""
    level = scale.lookup(word) if word else None
    why = f"label {rule.severity.label}={word}" if level else _otherwise(rule, word)
    name = level.name if level else rule.severity.otherwise
    said = scale.lookup(name)
    team = rulebook.team_of(labels)
    roles = rule.notify_only or (*(said.notify if said else ()), *rule.notify)
    return Verdict(
        rule=rule.name,
        severity=name,
        severity_why=why,
        team=team.name,
        roles=tuple(dict.fromkeys(roles)),
        receivers=tuple(receiver.name for receiver in rulebook.receivers(roles, team)),
    )


def _otherwise(rule: Rule, word: str) -> str:
    if not rule.severity.label:
        return "by the rule"
    return f"no level is called {word}" if word else f"no label {rule.severity.label}"


def purpose(rule: Rule) -> str:
    """Say in a few words what a rule is for."""
    if rule.heartbeat:
        return f"heartbeat every {format_duration(rule.heartbeat.expect_every)}"
    if rule.record_only:
        return "record only"
    return rule.playbook or "no playbook"


@dataclass(frozen=True, slots=True)
class Sourced:
    """One effective value of a playbook and where it was written; no origin means the default."""

    path: str
    value: str
    origin: Origin | None


def sourced(node: MappingNode) -> tuple[Sourced, ...]:
    """List every effective value of a playbook with its place, then the defaults of what is not written."""
    written = [
        Sourced(_path(node, path), _shown(scalar), scalar.spot.origin)
        for path, scalar in scalars(node)
        if scalar.value is not None or scalar.text
    ]
    return (*written, *_defaults(node))


def _path(node: Node, path: Sequence[str | int]) -> str:
    """Write a path with the names of list items instead of their numbers."""
    words: list[str] = []
    for step in path:
        node = _below(node, step)
        named = plain(node).get("name") if isinstance(node, MappingNode) and isinstance(step, int) else None
        words.append(str(named or step))
    return ".".join(words)


def _below(node: Node, step: str | int) -> Node:
    if isinstance(node, SequenceNode) and isinstance(step, int):
        return node.items[step]
    found = node.get(str(step)) if isinstance(node, MappingNode) else None
    return found or node


def _shown(scalar: Scalar) -> str:
    return " ".join(scalar.text.split())


def _defaults(node: MappingNode) -> Iterator[Sourced]:
    yield from _missing(node, PlaybookShape, "")
    for section, shape in (("diagnose", DiagnosticShape), ("actions", ActionShape)):
        below = node.get(section)
        for entry in below.entries if isinstance(below, MappingNode) else ():
            if isinstance(entry.node, MappingNode):
                yield from _missing(entry.node, shape, f"{section}.{entry.key.text}.")
    conclusions = node.get("conclude")
    for item in conclusions.items if isinstance(conclusions, SequenceNode) else ():
        if isinstance(item, MappingNode):
            yield from _missing(item, ConclusionShape, f"conclude.{plain(item).get('name', '')}.")


def _missing(node: MappingNode, shape: type[BaseModel], prefix: str) -> Iterator[Sourced]:
    for name, field in shape.model_fields.items():
        key = field.alias or name
        if key not in node.words and isinstance(field.default, str | int | bool) and field.default not in ("", False):
            yield Sourced(prefix + key, str(field.default), None)
