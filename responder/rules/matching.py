"""Rules: typed, put in order, and tried against one another for those that can never match."""

import re
from collections.abc import Sequence

from responder.model.matcher import Matcher, MatchOp
from responder.model.rule import Heartbeat, Rule, SeveritySource
from responder.model.severity import Scale
from responder.rules.deployment import read_matchers
from responder.rules.known import Known
from responder.rules.nodes import Node, at, child
from responder.rules.problems import Problems
from responder.rules.shapes import RuleShape

BUILT_IN_PACK = "built-in"
UNMATCHED = f"{BUILT_IN_PACK}/unmatched"
UNMATCHED_INFO = f"{BUILT_IN_PACK}/unmatched-info"
_WORDS = re.compile(r"[A-Za-z0-9_ :/-]*(?:\|[A-Za-z0-9_ :/-]*)*")


def default_severity(scale: Scale) -> str:
    """Return what an alert without a word for its severity gets: `warning`, else the middle of the scale."""
    level = scale.lookup("warning") or scale.lookup("medium") or scale.levels[len(scale.levels) // 2]
    return level.name


def built_in_rules(scale: Scale) -> tuple[Rule, ...]:
    """Return the rules behind all others: no alert is dropped; unmatched `info` is recorded only."""
    source = SeveritySource(otherwise=default_severity(scale), label="severity")
    info = Matcher("severity", MatchOp.REGEX, "(?i:info)")
    by = ("alertname", "namespace", "workload")
    return (
        Rule(UNMATCHED_INFO, (info,), correlate_by=by, severity=source, record_only=True),
        Rule(UNMATCHED, (), correlate_by=by, severity=source, playbook=UNMATCHED),
    )


def build_rule(name: str, typed: RuleShape, node: Node, playbook: str, known: Known) -> Rule:
    """Type a rule; `playbook` is the full name of its playbook, "" where it has none."""
    matchers = read_matchers(child(node, "match"), known.problems)
    _check_possible(matchers, node, known.problems)
    for key in ("add", "only"):
        roles = at(node, "notify", key)
        if getattr(typed.notify, key):
            known.check_roles(roles, needed=key == "only")
    return Rule(
        name=name,
        match=matchers,
        correlate_by=tuple(typed.correlate_by),
        correlate_as=typed.correlate_as,
        severity=_severity(typed, node, known),
        playbook=playbook,
        heartbeat=_heartbeat(typed, node, known),
        record_only=typed.record_only,
        notify=tuple(typed.notify.add),
        notify_only=tuple(typed.notify.only),
        origin=node.spot.origin,
    )


def _severity(typed: RuleShape, node: Node, known: Known) -> SeveritySource:
    word = known.severity(typed.severity.otherwise, at(node, "severity", "otherwise"))
    return SeveritySource(otherwise=word or default_severity(known.scale), label=typed.severity.label)


def _heartbeat(typed: RuleShape, node: Node, known: Known) -> Heartbeat | None:
    if typed.heartbeat is None:
        return None
    word = known.severity(typed.heartbeat.severity, at(node, "heartbeat", "severity"))
    top = known.scale.lookup("critical") or known.scale.levels[0]
    return Heartbeat(tuple(typed.heartbeat.by), typed.heartbeat.expect_every, word or top.name)


def _check_possible(matchers: Sequence[Matcher], node: Node, problems: Problems) -> None:
    for exact in (m for m in matchers if m.op is MatchOp.EQUAL):
        for other in matchers:
            if other.name == exact.name and not other.matches({exact.name: exact.value}):
                problems.warn(node.spot, f"this rule can never match: {exact} and {other} exclude each other")
                return


def shadowed_by(rule: Rule, earlier: Sequence[Rule]) -> Rule | None:
    """Find an earlier rule that takes every alert this one could, as far as that can be proved."""
    return next((o for o in earlier if o.match and all(_implied(m, rule.match) for m in o.match)), None)


def _implied(wanted: Matcher, given: Sequence[Matcher]) -> bool:
    if wanted in given:
        return True
    for matcher in (m for m in given if m.name == wanted.name):
        values = _values(matcher)
        if values and all(wanted.matches({wanted.name: value}) for value in values):
            return True
    return False


def _values(matcher: Matcher) -> tuple[str, ...]:
    """Return every value that a matcher allows, where they can be counted."""
    if matcher.op is MatchOp.EQUAL:
        return (matcher.value,)
    if matcher.op is MatchOp.REGEX and _WORDS.fullmatch(matcher.value):
        return tuple(matcher.value.split("|"))
    return ()


def guaranteed(rule: Rule) -> frozenset[str]:
    """Return the labels that all alerts of an incident of the rule have in common."""
    return frozenset(m.name for m in rule.match if m.op is MatchOp.EQUAL and m.value) | frozenset(rule.correlate_by)
