"""In which namespaces the steps of a rule's playbook read and act, as far as the rules alone can tell."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from responder.model.labels import Labels
from responder.model.matcher import Matcher, MatchOp
from responder.model.playbook import Playbook, TargetTemplate
from responder.model.resource import BY_KIND
from responder.model.rule import Rule
from responder.model.target import Target

UNKNOWN = "${?}"
"""Stands for what only an incident tells; so does all that has a template left in it."""
_MOST_WORLDS = 64
_REFERENCE = re.compile(r"\$\{\s*(labels|vars|target)\.([A-Za-z_]\w*)\s*\}")
_WORDS = re.compile(r"[A-Za-z0-9_-]+(?:\|[A-Za-z0-9_-]+)*")
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class World:
    """One case of a rule: the labels that its matchers leave no choice about, and the object that it is about."""

    labels: Labels
    target: Target
    vars: Mapping[str, Any]

    def fill(self, value: Any) -> Any:
        """Fill what is known into every text of a parameter; templates of anything else stay."""
        if isinstance(value, str):
            return _REFERENCE.sub(self._known, value)
        if isinstance(value, Mapping):
            return {key: self.fill(each) for key, each in value.items()}
        return [self.fill(each) for each in value] if isinstance(value, list | tuple) else value

    def aim(self, template: TargetTemplate | None) -> Target:
        """Return the object that a step names itself, else that of the playbook."""
        if template is None:
            return self.target
        namespace = self.fill(template.namespace) or self.target.namespace
        return Target("", template.kind, namespace, self.fill(template.name))

    def _known(self, found: re.Match[str]) -> str:
        place, name = found.groups()
        value: Any = None
        if place == "labels":
            value = self.labels.get(name)
        elif place == "vars":
            value = self.vars.get(name)
        elif name in ("namespace", "name", "kind"):
            value = getattr(self.target, name)
        known = isinstance(value, str | int | float) and not isinstance(value, bool) and is_known(str(value))
        return str(value) if known else found[0]


def worlds(rule: Rule, playbook: Playbook) -> Iterator[World]:
    """List the cases of a rule; there is one at least."""
    for labels in _labels(rule):
        namespace = labels.get("exported_namespace") or labels.get("namespace") or UNKNOWN
        whole = World(labels, Target("", "", namespace, UNKNOWN), playbook.vars)
        yield World(labels, whole.aim(playbook.target), playbook.vars)


def world_of(playbook: Playbook) -> World:
    """Return what holds whatever the alert says: names that are written out, and variables."""
    whole = World({}, Target("", "", UNKNOWN, UNKNOWN), playbook.vars)
    return World({}, whole.aim(playbook.target), playbook.vars)


def is_known(text: str) -> bool:
    """Say whether no template is left in a text."""
    return bool(text) and "${" not in text


def is_namespace(text: str) -> bool:
    """Say whether a namespace can have that name; in any other nothing is ever read."""
    return _NAMESPACE.fullmatch(text) is not None


def is_cluster_wide(kind: str) -> bool:
    """Say whether objects of a kind lie in no namespace."""
    return kind in BY_KIND and not BY_KIND[kind].namespaced


def why_unknown(rule: Rule) -> str:
    """Say why the namespace of a rule's incidents is not known before there is one."""
    found = [matcher for matcher in rule.match if matcher.name in ("namespace", "exported_namespace")]
    return f"takes any of {', '.join(map(str, found))}" if found else "names no namespace"


def _labels(rule: Rule) -> Iterator[Labels]:
    names: list[str] = []
    choices: list[tuple[str, ...]] = []
    cases = 1
    for name in sorted({matcher.name for matcher in rule.match} - {"alertname"}, key=lambda name: name != "namespace"):
        values = _values(name, rule.match)
        if values and cases * len(values) <= _MOST_WORLDS:
            names.append(name)
            choices.append(values)
            cases *= len(values)
    for chosen in product(*choices):
        yield dict(zip(names, chosen, strict=True))


def _values(name: str, matchers: tuple[Matcher, ...]) -> tuple[str, ...]:
    """Return every value that the matchers of a label leave, where they can be counted; none for any."""
    own = [matcher for matcher in matchers if matcher.name == name]
    for matcher in own:
        words = matcher.value.split("|") if _WORDS.fullmatch(matcher.value) else []
        listed = [matcher.value] if matcher.op is MatchOp.EQUAL else words if matcher.op is MatchOp.REGEX else []
        if any(listed):
            return tuple(value for value in listed if all(other.matches({name: value}) for other in own))
    return ()
