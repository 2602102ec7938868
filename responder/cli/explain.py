"""`responder explain`: which rule takes an alert, where values come from, what a plugin does."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from responder.cli.config import Config
from responder.cli.rules import console, count, registry, rule_paths
from responder.errors import ConfigError, ExpressionError
from responder.model.matcher import MatchOp
from responder.plugins.registry import Registry
from responder.response.targets import correlation_key, derive
from responder.rules import explaining, loading, manuals
from responder.rules.loading import Report
from responder.rules.manuals import Entry, Manual
from responder.rules.matchers import parse_matchers
from responder.rules.problems import RuleErrors, meant
from responder.rules.rulebook import Rulebook


def explain(
    subject: Annotated[str, typer.Argument(help="A plugin, or with --origin a playbook (PACK/NAME).")] = "",
    labels: Annotated[str, typer.Option("--labels", "-l", help="Labels of an alert: alertname=X,namespace=y")] = "",
    origin: Annotated[bool, typer.Option("--origin", help="Say where each value of the playbooks comes from.")] = False,
    actions: Annotated[bool, typer.Option("--actions", help="List all actions: what each may cost, and why.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="With --actions: write README's table.")] = False,
    rules: Annotated[list[Path] | None, typer.Option("--rules", help="Rule files, instead of the settings'.")] = None,
    config: Config = None,
) -> None:
    """
    List the rules; or say which one takes an alert, where values come from, what a plugin does.

    What is destructive or touches security waits for evidence (`guard: {evidence: [...]}`).

    Examples:

        responder explain

        responder explain --labels 'alertname=HighErrorRate,namespace=prod'

        responder explain kubernetes.logs

        responder explain --actions

        responder explain --origin ai-orchestrator/high-error-rate
    """
    out, plugins = console(), registry()
    if actions or as_markdown:
        _actions(plugins, out, as_markdown=as_markdown)
        return
    if subject and not origin:
        _manual(subject, plugins, out)
        return
    report = loading.check(rule_paths(rules, config), plugins)
    if report.errors:
        raise RuleErrors(report.errors)
    if origin:
        _origins(report, subject, out)
    elif labels:
        _labels(report, read_labels(labels), out)
    else:
        _rules(report, out)


def read_labels(text: str) -> Mapping[str, str]:
    """Read `a=b,c="d"`. Raises: ConfigError, saying how labels are written."""
    try:
        matchers = parse_matchers(text)
    except ExpressionError as error:
        raise ConfigError(f"--labels: {error.message} (at character {error.offset + 1}); {error.hint}") from error
    if wrong := next((m for m in matchers if m.op is not MatchOp.EQUAL), None):
        raise ConfigError(f"--labels: {wrong} is no label; write name=value")
    return {matcher.name: matcher.value for matcher in matchers}


def _rules(report: Report, out: Console) -> None:
    table = _table("", "rule", "takes", "for", "severity", "at")
    for number, rule in enumerate(report.ruleset.rules, start=1):
        takes = ", ".join(str(matcher) for matcher in rule.match) or "everything"
        severity = rule.severity.otherwise
        shown = f"{rule.severity.label}, else {severity}" if rule.severity.label else severity
        table.add_row(*map(Text, (str(number), rule.name, takes, explaining.purpose(rule), shown, str(rule.origin))))
    out.print(table)
    out.print(f"{count(len(report.ruleset.rules), 'rule')}; the first whose matchers all hold takes the alert")


def _labels(report: Report, labels: Mapping[str, str], out: Console) -> None:
    *passed, taken = explaining.tried(report.ruleset, labels)
    for item in passed:
        actual = f'is "{item.actual}"' if item.failed and item.failed.name in labels else "is missing"
        named = item.failed.name if item.failed else ""
        out.print(Text(f"  - {item.rule.name} does not: {item.failed}, but {named} {actual}", style="dim"))
    rulebook = Rulebook(report.ruleset)
    verdict = explaining.outcome(rulebook, labels)
    target = derive(labels, labels.get("cluster", "default"))
    out.print(Text(f"  ✓ {taken.rule.name} takes it ({taken.rule.origin})", style="bold green"))
    rows = {
        "for": explaining.purpose(taken.rule),
        "severity": f"{verdict.severity} ({verdict.severity_why})",
        "target": str(target),
        "incident": correlation_key(taken.rule, labels, target),
        "team": verdict.team,
        "told": ", ".join(verdict.receivers) or "nobody",
        "roles": ", ".join(verdict.roles) or "none",
    }
    for name, value in rows.items():
        out.print(Text(f"    {name:<9} {value}"))


def _origins(report: Report, subject: str, out: Console) -> None:
    names = [name for name in report.built if not subject or name.split(" where ", maxsplit=1)[0] == subject]
    if not names:
        hint = meant(subject, report.built) if subject else "there are no playbooks"
        raise ConfigError(f"no playbook is called {subject}: {hint}" if subject else hint)
    for name in names:
        out.print(Text(name, style="bold"))
        table = _table("value", "is", "at")
        for item in explaining.sourced(report.built[name].node):
            table.add_row(*map(Text, (item.path, _cut(item.value), str(item.origin or "default"))))
        out.print(table)


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"


def _manual(name: str, plugins: Registry, out: Console) -> None:
    plugin = manuals.find(plugins, name)
    if plugin is None:
        known = [*plugins.diagnostics, *plugins.actions, *plugins.notifiers]
        raise ConfigError(f"no plugin is called {name}: {meant(name, known)}")
    found = manuals.manual(plugin)
    out.print(Text.assemble((found.name, "bold"), f" ({found.kind})\n"))
    out.print(Text(found.text))
    _entries("Takes", found.params, out)
    _entries("Yields", found.result, out)
    _needs(found, out)


def _actions(plugins: Registry, out: Console, *, as_markdown: bool) -> None:
    if as_markdown:
        typer.echo(manuals.actions_markdown(plugins))
        return
    table = _table("name", "weight", "why")
    for action in sorted(plugins.actions.values(), key=lambda each: each.name):
        table.add_row(*map(Text, (action.name, manuals.weight(action), action.cost)))
    out.print(table)


def _entries(title: str, entries: Iterable[Entry], out: Console) -> None:
    rows = tuple(entries)
    if not rows:
        return
    out.print(Text(f"\n{title}", style="bold"))
    table = _table("name", "type", "default", "")
    for entry in rows:
        table.add_row(*map(Text, ("  " * entry.depth + entry.name, entry.type, entry.default, entry.about)))
    out.print(table)


def _needs(found: Manual, out: Console) -> None:
    if found.facts:
        out.print(Text("\n" + "\n".join(found.facts)))
    if found.needs:
        out.print(Text("\nNeeds in Kubernetes", style="bold"))
        for right in found.needs:
            out.print(Text(f"  {right}"))


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in ("at", "rule", "name", "type"))
    return table
