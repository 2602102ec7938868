"""`responder doctor`: whether everything is there that the settings and the rules need, and what cures what is not."""

import asyncio
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Literal

import typer
from rich.table import Table
from rich.text import Text

from responder.cli.checkup import Check, Finding, State, examine, without_secrets
from responder.cli.checkup_channels import channels
from responder.cli.checkup_house import house
from responder.cli.checkup_people import correspondents
from responder.cli.checkup_rights import granted
from responder.cli.checkup_systems import Surroundings, systems, unset
from responder.cli.config import Config, settings_of
from responder.cli.rules import console, count, registry
from responder.clients.by_name import load
from responder.clients.client_set import ClientSet
from responder.rules import loading
from responder.settings.acting import EvidenceStore
from responder.settings.process import Settings

_UNBROKEN = 10_000
"""Characters of a line in a file or a pipe: one line for each finding, to search in."""
_LOOKS = {
    State.OK: ("✓", "green"),
    State.WARNING: ("!", "yellow"),
    State.FAILED: ("✗", "bold red"),
    State.SKIPPED: ("–", "dim"),
}


def doctor(
    config: Config = None,
    form: Annotated[Literal["table", "json"], typer.Option("--format", help="table or json.")] = "table",
) -> None:
    """
    Look at everything that the settings and the rules need, and say what to do about what is not well.

    It asks, and changes nothing: each right at the Kubernetes API, Prometheus, databases, credentials, Alertmanagers,
    Slack and its channels, the mail server, the clocks of all of them, the store, the rules, the people who approve,
    the place for evidence. Only a bucket for evidence gets a small object, which is taken away again. A server may be
    running meanwhile.

    Examples:

        responder doctor --config responder.yaml

        responder doctor --format json | jq '.[] | select(.state == "failed")'

    Ends with 0 when nothing failed (there may be warnings), 1 when something did, 2 when the settings are wrong.
    """
    settings = settings_of(config)
    findings = without_secrets(asyncio.run(_examined(settings)), settings)
    if form == "json":
        typer.echo(json.dumps([asdict(one) for one in findings], indent=2))
    else:
        out = console()
        if not out.is_terminal:
            out.width = _UNBROKEN
        out.print(_table(findings), soft_wrap=False)
        out.print(_summary(findings))
    if any(one.state is State.FAILED for one in findings):
        raise typer.Exit(1)


async def _examined(settings: Settings) -> list[Finding]:
    plugins = registry()
    report = loading.check(tuple(settings.rules), plugins)
    # Without the Redis between replicas: what another one has just read says nothing about now.
    own = settings.model_copy(update={"redis_url": None, "evidence": EvidenceStore()})
    clients = ClientSet(own, _now, load)
    try:
        around = Surroundings(settings, clients, _now, load)
        checks: list[Check] = [
            *house(around, report, plugins),
            *systems(around),
            *(unset(around, report.ruleset) if not report.errors else ()),
            *granted(around, None if report.errors else report.ruleset, plugins),
            *correspondents(around),
            *(channels(around, report.ruleset) if not report.errors else ()),
        ]
        with _progress(len(checks)) as told:
            return await examine(checks, told)
    finally:
        await clients.close()


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """Say on a terminal how far it is, in a line that is gone afterwards."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return

    def told(done: int) -> None:
        sys.stderr.write(f"\r\x1b[Klooked at {done} of {total}")
        sys.stderr.flush()

    told(0)
    try:
        yield told
    finally:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


def _table(findings: Iterable[Finding]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for head in ("what", "state", "detail", "cure"):
        table.add_column(head, no_wrap=head == "state", overflow="fold")
    for one in findings:
        mark, style = _LOOKS[one.state]
        state = Text(f"{mark} {one.state.value}", style=style)
        table.add_row(Text(one.what), state, Text(one.detail), Text(one.cure, style="cyan"))
    return table


def _summary(findings: Iterable[Finding]) -> Text:
    states = [one.state for one in findings]
    wrong, doubtful = states.count(State.FAILED), states.count(State.WARNING)
    if not wrong and not doubtful:
        return Text(f"all is well: {count(states.count(State.OK), 'thing')} looked at", style="green")
    parts = [f"{wrong} failed"] if wrong else []
    parts += [count(doubtful, "warning")] if doubtful else []
    return Text(", ".join(parts), style="bold red" if wrong else "yellow")


def _now() -> datetime:
    return datetime.now(UTC)
