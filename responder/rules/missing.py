"""What rules name that the settings lack: a step that could never look, a receiver that nobody would hear."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from responder.model.matcher import MatchOp
from responder.model.origin import Origin
from responder.model.playbook import ActionStep, DiagnosticStep
from responder.model.ruleset import RuleSet
from responder.model.verdict import Json
from responder.rules.problems import Gravity, Problem, meant

_OF_STEPS = {
    ("postgres", "source"): "datasources.postgres",
    ("redis", "source"): "datasources.redis",
    ("http", "credentials"): "credentials",
}
"""The setting that a parameter names an entry of, by the family of the plugin."""

_OF_RECEIVERS = {
    "slack": ("", "slack.bot_token"),
    "slack_webhook": ("to", "slack.webhooks"),
    "pagerduty": ("service", "pagerduty.services"),
    "webhook": ("to", "outgoing"),
    "email": ("", "mail.host"),
}
"""By the notifier: the parameter that names an entry, "" for none, and the setting."""


@dataclass(frozen=True, slots=True)
class _Use:
    """One use of a setting; `name` is "" where there is only one."""

    place: str
    name: str
    by: str
    origin: Origin


def missing(ruleset: RuleSet, names: Mapping[str, frozenset[str]], cluster_label: str) -> tuple[Problem, ...]:
    """
    Warn of each name that is used and not there, in the order of the files.

    `names` are those there are, by setting; what a setting that is not among them would hold is not checked.
    """
    uses = (*_steps(ruleset), *_receivers(ruleset), *_clusters(ruleset, cluster_label))
    lacking = {use for use in uses if use.place in names and use.name not in names[use.place]}
    ordered = sorted(lacking, key=lambda use: (use.origin.file, use.origin.line, use.origin.column, use.by))
    return tuple(_problem(use, names[use.place]) for use in ordered)


def _steps(ruleset: RuleSet) -> Iterator[_Use]:
    for playbook in ruleset.playbooks.values():
        steps: tuple[DiagnosticStep | ActionStep, ...] = (*playbook.diagnostics, *playbook.actions)
        for step in steps:
            for param, name in _texts(step.params):
                place = _OF_STEPS.get((step.plugin.partition(".")[0], param))
                if place:
                    yield _Use(place, name, f"step {step.name} of {playbook.name}", step.origin)


def _receivers(ruleset: RuleSet) -> Iterator[_Use]:
    for team in ruleset.teams:
        for receiver in team.receivers.values():
            param, place = _OF_RECEIVERS.get(receiver.notifier, ("", ""))
            name = dict(_texts(receiver.params)).get(param, "") if param else ""
            if place and (name or not param):
                yield _Use(place, name, f"receiver {receiver.name}", receiver.origin)


def _clusters(ruleset: RuleSet, label: str) -> Iterator[_Use]:
    for rule in ruleset.rules:
        for matcher in rule.match:
            if matcher.name == label and matcher.op is MatchOp.EQUAL and matcher.value:
                yield _Use("clusters", matcher.value, f"rule {rule.name}", rule.origin)


def _texts(params: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """List the parameters that are texts as they stand; what a template yields is not known before an alert."""
    for name, value in params.items():
        if isinstance(value, str) and value and "${" not in value:
            yield name, value


def _problem(use: _Use, known: frozenset[str]) -> Problem:
    if not use.name:
        return Problem(Gravity.WARNING, f"{use.by} needs {use.place}, which is not in the settings", use.origin)
    message = f"{use.by} names {use.place}.{use.name}, which is not in the settings"
    return Problem(Gravity.WARNING, message, use.origin, hint=meant(use.name, known))
