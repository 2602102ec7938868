"""Our own house: the store, the rules, the door, where evidence is kept, and who decides about actions."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

from responder.cli.check import contents
from responder.cli.checkup import Check, Finding, State, Watch, timed
from responder.cli.checkup_evidence import evidence
from responder.cli.checkup_systems import Surroundings
from responder.cli.rules import count
from responder.errors import ConfigError, StoreUnavailable
from responder.model.guard import guard_of
from responder.model.playbook import ActionStep
from responder.model.ruleset import RuleSet
from responder.plugins.registry import Registry
from responder.rules.loading import Report
from responder.rules.missing import missing
from responder.rules.problems import Problem
from responder.rules.undertakings import undertakings
from responder.settings.names import names
from responder.settings.process import Settings
from responder.store.condition import condition
from responder.web.entrance import Entrance

_SHOWN = 3
"""Problems of rules that are named; `responder check` shows all."""


def house(around: Surroundings, report: Report, registry: Registry) -> Iterator[Check]:
    """List the checks of what is ours."""
    yield Check("store", partial(_store, around), "database_url")
    yield Check("rules", partial(_rules, around.settings, report), "rules")
    yield Check("door", partial(_door, around.settings), "webhook")
    asked = tuple(_undertaken(report.ruleset, around.settings)) if not report.errors else ()
    yield Check("people", partial(_people, around, None if report.errors else asked, registry), "people")
    yield Check("evidence", partial(evidence, around, asked), "evidence")


async def _store(around: Surroundings) -> Sequence[Finding]:
    watch = Watch.start(around.now)
    try:
        found = await condition(around.settings.database_url.get_secret_value())
    except StoreUnavailable as error:
        return (Finding("store", State.FAILED, str(error), "see that it is up, and that we reach it: database_url"),)
    except ConfigError as error:
        return (Finding("store", State.FAILED, str(error), "correct database_url"),)
    state = State.FAILED if found.trouble else State.WARNING if found.warning else State.OK
    detail = "; ".join(filter(None, (found.detail, found.trouble, found.warning)))
    return (timed(Finding("store", state, detail, found.cure), watch.off(found.at)),)


async def _rules(settings: Settings, report: Report) -> Sequence[Finding]:
    if report.errors:
        return (Finding("rules", State.FAILED, _problems(report.errors, "error"), "responder check shows each place"),)
    if not report.files:
        detail = "no rule files: every alert opens an incident of its own, and nothing is looked at"
        return (Finding("rules", State.WARNING, detail, "set rules: [rules/kubernetes, ...]"),)
    warnings = (*report.warnings, *missing(report.ruleset, names(settings), settings.cluster_label))
    summary = f"{contents(report)}, version {report.ruleset.version}"
    if warnings:
        detail = f"{summary}; {_problems(warnings, 'warning')}"
        return (Finding("rules", State.WARNING, detail, "responder check shows each place"),)
    return (Finding("rules", State.OK, summary),)


def _problems(found: Sequence[Problem], what: str) -> str:
    shown = "; ".join(f"{problem.origin}: {problem.message}" for problem in found[:_SHOWN])
    return f"{count(len(found), what)}: {shown}" + ("; ..." if len(found) > _SHOWN else "")


async def _door(settings: Settings) -> Sequence[Finding]:
    try:
        Entrance.of(settings)
    except ConfigError as error:
        return (Finding("door", State.FAILED, str(error), "correct webhook or tls in the settings"),)
    if settings.webhook.allow_anonymous:
        cure = "set webhook.bearer_tokens, and the same token in Alertmanager's http_config"
        return (Finding("door", State.WARNING, "anybody may deliver alerts (webhook.allow_anonymous)", cure),)
    return (Finding("door", State.OK, f"{settings.listen}{', with TLS' if settings.tls.certificate else ''}"),)


def _undertaken(ruleset: RuleSet, settings: Settings) -> Iterator[ActionStep]:
    found = {
        (rule.playbook, one.step.name): one.step
        for rule in ruleset.rules
        if rule.playbook in ruleset.playbooks
        for one in undertakings(rule, ruleset.playbooks[rule.playbook], ruleset, settings.automation.mode)
    }
    yield from found.values()


async def _people(around: Surroundings, asked: Sequence[ActionStep] | None, registry: Registry) -> Sequence[Finding]:
    settings = around.settings
    mode = settings.automation.mode
    if asked is None:
        return (Finding("people", State.SKIPPED, "the rules do not load"),)
    if not around.acts:
        return (Finding("people", State.SKIPPED, f"automation is {mode}: nobody is asked to approve anything"),)
    people = {name: frozenset(person.roles) for name, person in settings.people.items()}
    troubles = tuple(_short_of(asked, people, registry))
    if troubles:
        cure = "add them: people: {NAME: {token_file: PATH, slack: U012AB3CD, roles: [on-call]}}"
        return tuple(Finding("people", State.FAILED, trouble, cure) for trouble in troubles)
    found = f"{count(len(people), 'person', 'people')}, automation is {mode}"
    by_slack = [name for name, person in settings.people.items() if person.slack and person.token is None]
    if by_slack and settings.slack.signing_secret is None:
        detail = f"{found}; {', '.join(by_slack)} can only press buttons, which count with slack.signing_secret only"
        return (Finding("people", State.WARNING, detail, "set slack.signing_secret, or give them a token"),)
    if settings.automation.stopped:
        cure = "take automation.stopped out when actions may run again"
        return (Finding("people", State.WARNING, f"{found}; stopped: no action starts", cure),)
    return (Finding("people", State.OK, found + (", dry run" if settings.automation.dry_run else "")),)


def _short_of(asked: Iterable[ActionStep], people: Mapping[str, frozenset[str]], registry: Registry) -> Iterator[str]:
    """Say of each number of approvals that cannot come about, whoever is awake."""
    wanted: dict[tuple[int, tuple[str, ...]], list[str]] = {}
    for step in asked:
        guard, plugin = guard_of(step.guard), registry.actions.get(step.plugin)
        least = guard.approvals if guard.approvals is not None else plugin.approvals if plugin else 1
        wanted.setdefault((least, guard.approvers), []).append(step.name)
    for (least, roles), steps in sorted(wanted.items()):
        able = [name for name, own in people.items() if not roles or own & set(roles)]
        if len(able) < least:
            who = f"with the role {' or '.join(roles)}" if roles else "at all"
            there = f"{count(len(able), 'person', 'people')} {who}" if able else f"nobody {who}"
            named = sorted(set(steps))
            need = "needs" if len(named) == 1 else "need"
            yield f"{', '.join(named)} {need} {count(least, 'approval')}, and there is {there}"
