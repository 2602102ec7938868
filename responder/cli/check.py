"""`responder check`: every problem in the rule files."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from responder.cli.config import Config, settings_of
from responder.cli.rules import console, count, registry
from responder.rules import loading
from responder.rules.lacking import lacking
from responder.rules.loading import Report
from responder.rules.matching import BUILT_IN_PACK
from responder.rules.powerless import powerless
from responder.rules.problems import Gravity, Problem, render

_STYLES = {Gravity.ERROR: "bold red", Gravity.WARNING: "yellow"}


def check(
    paths: Annotated[list[Path] | None, typer.Argument(help="Files and folders; else those of the settings.")] = None,
    config: Config = None,
) -> None:
    """
    Find every problem in the rule files: where it is, and what was probably meant.

    Examples:

        responder check

        responder check rules/ deployment.yaml

    Also what actions would be refused for, or go further in than they look. With the settings (--config, or no paths)
    each name of a database, of credentials, of a cluster or of a destination that they lack, too, and the programs and
    people that actions need.

    Ends with 0 when the rules can be used (there may be warnings), 1 when they cannot.
    """
    out = console()
    settings = settings_of(config) if config or not paths else None
    wanted = tuple(paths or (settings.rules if settings else ()))
    if not wanted:
        out.print("no rule files: give a path, or set `rules`. Without any, every alert opens an incident of its own.")
        return
    plugins = registry()
    report = loading.check(wanted, plugins)
    more = lacking(report.ruleset, plugins, settings) if settings else powerless(report.ruleset, plugins)
    report = replace(report, problems=(*report.problems, *more))
    for problem in report.problems:
        _show(problem, out)
    out.print(Text(_summary(report), style="bold red" if report.errors else "green"))
    if report.errors:
        raise typer.Exit(1)


def _show(problem: Problem, out: Console) -> None:
    head, *below = render(problem).split("\n")
    text = Text(head)
    text.stylize("bold", 0, len(str(problem.origin)))
    begin = len(str(problem.origin)) + 2
    text.stylize(_STYLES[problem.gravity], begin, begin + len(problem.gravity.value))
    out.print(text)
    for line in below[:-1]:
        out.print(Text(line))
    out.print(Text(below[-1] if below else "", style="cyan"))


def _summary(report: Report) -> str:
    files = count(len(report.files), "file")
    if not report.problems:
        return f"no problems in {files}: {contents(report)}"
    found = [count(len(report.errors), "error")] if report.errors else []
    found += [count(len(report.warnings), "warning")] if report.warnings else []
    return f"{', '.join(found)} in {files}: {contents(report)}"


def contents(report: Report) -> str:
    """Say how much there is: "5 rules, 3 playbooks, 2 teams"."""
    own = f"{BUILT_IN_PACK}/"
    rules = {rule.name for rule in report.ruleset.rules if not rule.name.startswith(own)}
    playbooks = [name for name in report.ruleset.playbooks if not name.startswith(own)]
    parts = (count(len(rules), "rule"), count(len(playbooks), "playbook"), count(len(report.ruleset.teams), "team"))
    return ", ".join(parts)
