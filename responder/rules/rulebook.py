"""One loaded, immutable set of rules: which rule takes an alert, whose it is, who is told."""

from collections.abc import Sequence
from typing import Any

import re2

from responder.errors import ConfigError
from responder.model.labels import Labels
from responder.model.matcher import MatchOp
from responder.model.playbook import Playbook
from responder.model.receiver import Receiver, Team
from responder.model.rule import Rule
from responder.model.ruleset import RuleSet
from responder.rules.deployment import CONSOLE, DEFAULT_TEAM
from responder.rules.matching import UNMATCHED


class Rulebook:
    """Answers for one `RuleSet`; rules that name their `alertname` are looked up by it."""

    def __init__(self, ruleset: RuleSet) -> None:
        self.ruleset = ruleset
        self._by_name: dict[str, tuple[tuple[int, Rule], ...]] = {}
        self._open = tuple((n, rule) for n, rule in enumerate(ruleset.rules) if _alertname(rule) is None)
        named: dict[str, list[tuple[int, Rule]]] = {}
        for number, rule in enumerate(ruleset.rules):
            if (name := _alertname(rule)) is not None:
                named.setdefault(name, []).append((number, rule))
        for name, rules in named.items():
            self._by_name[name] = tuple(sorted((*rules, *self._open), key=lambda pair: pair[0]))
        self._namespaces = tuple((team, tuple(map(_anchored, team.namespaces))) for team in ruleset.teams)
        self._rules = {rule.name: rule for rule in reversed(ruleset.rules)}
        self._teams = {team.name: team for team in ruleset.teams}

    def match(self, labels: Labels) -> Rule:
        """Find the first rule whose matchers all hold; the built-in last one takes everything."""
        for _, rule in self._by_name.get(labels.get("alertname", ""), self._open):
            if all(matcher.matches(labels) for matcher in rule.match):
                return rule
        raise ConfigError("the rule set has no last rule that takes every alert")

    def rule(self, name: str) -> Rule | None:
        """Find a rule by its full name; None when there is none of that name any more."""
        return self._rules.get(name)

    def playbook(self, name: str) -> Playbook:
        """
        Find a playbook by its full name; "" is the built-in one, for incidents of rules that name none.

        Raises: ConfigError when the set has none of that name.
        """
        found = self.ruleset.playbooks.get(name or UNMATCHED)
        if found is None:
            raise ConfigError(f"no playbook is called {name}")
        return found

    def team_of(self, labels: Labels) -> Team:
        """Find the first team whose matchers all hold or whose namespaces have the alert's; else `default`."""
        namespace = labels.get("namespace", "")
        for team, patterns in self._namespaces:
            if team.match and all(matcher.matches(labels) for matcher in team.match):
                return team
            if namespace and any(pattern.fullmatch(namespace) for pattern in patterns):
                return team
        return self.team(DEFAULT_TEAM)

    def team(self, name: str) -> Team:
        """Find a team by its name; `default` when there is none of that name any more."""
        return self._teams.get(name) or self._teams.get(DEFAULT_TEAM, CONSOLE)

    def receivers(self, roles: Sequence[str], team: Team) -> tuple[Receiver, ...]:
        """Look the roles up in the team, then in `default`; a role that nobody has is left out."""
        default = self.team(DEFAULT_TEAM)
        found = (team.receivers.get(role) or default.receivers.get(role) for role in dict.fromkeys(roles))
        return tuple({receiver.name: receiver for receiver in found if receiver}.values())


def _alertname(rule: Rule) -> str | None:
    return next((m.value for m in rule.match if m.name == "alertname" and m.op is MatchOp.EQUAL), None)


def _anchored(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options)
