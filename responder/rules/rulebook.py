"""One loaded, immutable set of rules: which rule takes an alert, whose it is, who is told."""

from collections.abc import Sequence
from typing import Any

import re2

from responder.errors import ConfigError
from responder.model.labels import Labels
from responder.model.matcher import Matcher
from responder.model.playbook import Playbook
from responder.model.receiver import Receiver, Team
from responder.model.rule import Rule
from responder.model.ruleset import RuleSet
from responder.rules.deployment import CONSOLE, DEFAULT_TEAM
from responder.rules.matching import UNMATCHED

REMEMBERED = 4096
"""Names of alerts; whoever sends more of them is not sending alerts."""


class Rulebook:
    """Answers for one `RuleSet`. Which rules an `alertname` leaves in question is remembered, for many names."""

    def __init__(self, ruleset: RuleSet) -> None:
        self.ruleset = ruleset
        self._candidates: dict[str, tuple[tuple[Rule, tuple[Matcher, ...]], ...]] = {}
        self._namespaces = tuple((team, tuple(map(_anchored, team.namespaces))) for team in ruleset.teams)
        self._rules = {rule.name: rule for rule in reversed(ruleset.rules)}
        self._teams = {team.name: team for team in ruleset.teams}

    def match(self, labels: Labels) -> Rule:
        """Find the first rule whose matchers all hold; the built-in last one takes everything."""
        for rule, rest in self._left(labels.get("alertname", "")):
            if all(matcher.matches(labels) for matcher in rest):
                return rule
        raise ConfigError("the rule set has no last rule that takes every alert")

    def _left(self, alertname: str) -> tuple[tuple[Rule, tuple[Matcher, ...]], ...]:
        """Return the rules that an alert of that name may match, each with its other matchers."""
        known = self._candidates.get(alertname)
        if known is None:
            if len(self._candidates) >= REMEMBERED:
                self._candidates.clear()
            named = {"alertname": alertname}
            known = self._candidates[alertname] = tuple(
                (rule, tuple(m for m in rule.match if m.name != "alertname"))
                for rule in self.ruleset.rules
                if all(matcher.matches(named) for matcher in rule.match if matcher.name == "alertname")
            )
        return known

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


def _anchored(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options)
