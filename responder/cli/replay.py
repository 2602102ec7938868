"""`responder replay`: recorded alerts through the whole way, without touching the world."""

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated
from xml.etree import ElementTree as Xml

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from responder.cli.rules import DEFAULT_FILE, Config, count, registry, rule_paths
from responder.clients.render import render
from responder.engine import outcome
from responder.engine.recording import Recording, find
from responder.engine.replay import House, Story, Told
from responder.engine.replay import replay as play
from responder.errors import ConfigError
from responder.model.duration import format_duration
from responder.model.message import Purpose
from responder.rules.kitchen import Kitchen
from responder.rules.loading import load
from responder.settings.process import Settings

DIFFERENT = 1

Paths = Annotated[list[Path], typer.Argument(help="Recordings, deliveries (*.json), or folders of them.")]
Rules = Annotated[list[Path] | None, typer.Option("--rules", help="Rule files and packs instead of the settings'.")]
Speed = Annotated[float, typer.Option(help="How many times faster than real time; 0 is as fast as possible.", min=0)]
Expect = Annotated[Path | None, typer.Option(help="File with the outcomes to compare with; exit 1 on a difference.")]
Update = Annotated[bool, typer.Option("--update", help="Write the outcomes into the file of --expect instead.")]
Junit = Annotated[Path | None, typer.Option(help="Write a JUnit report here: one test a recording.")]
Messages = Annotated[
    bool, typer.Option("--messages", help="Print every message that would be sent, not the last only.")
]


@dataclass(frozen=True, slots=True)
class Result:
    """One recording played: what became of it, and how that differs from what was expected."""

    story: Story
    outcome: outcome.Outcome
    difference: str = ""


def replay(
    paths: Paths,
    rules: Rules = None,
    config: Config = None,
    speed: Speed = 0.0,
    expect: Expect = None,
    update: Update = False,
    junit: Junit = None,
    messages: Messages = False,
) -> None:
    """
    Play recorded alerts through the rules: nothing outside is asked or told.

    Prints for each incident the rule, the severity and why, the findings, the proposals and the message.

    Examples:

        responder replay fixtures --rules rules

        responder replay fixtures --rules rules --expect fixtures/expected.yaml
    """
    if update and expect is None:
        raise ConfigError("--update needs --expect FILE: the file to write")
    recordings = find(paths)
    console = Console(highlight=False, emoji=False)
    expected = outcome.read(expect) if expect and not update else None
    house = _house(
        rule_paths(rules, config), Settings.load(config or (DEFAULT_FILE if DEFAULT_FILE.exists() else None))
    )
    results = asyncio.run(_play(recordings, house, speed, expected))
    for result in results:
        _show(result, console, every=messages)
    if update and expect:
        expect.write_text(outcome.write({r.story.recording.name: r.outcome for r in results}), encoding="utf-8")
        console.print(f"{count(len(results), 'outcome')} written to {expect}", markup=False)
    if junit:
        junit.write_text(_junit(results), encoding="utf-8")
    different = [result for result in results if result.difference]
    if expected is not None:
        console.print(f"{len(results) - len(different)} as expected, {len(different)} different", markup=False)
    if different:
        raise typer.Exit(DIFFERENT)


async def _play(
    recordings: Sequence[Recording], house: House, speed: float, expected: Mapping[str, outcome.Outcome] | None
) -> list[Result]:
    results: list[Result] = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with (
        Progress(*columns, console=Console(stderr=True), transient=True) as progress,
        tempfile.TemporaryDirectory(prefix="responder-replay-") as folder,
    ):
        task = progress.add_task("replaying", total=len(recordings))
        for recording in recordings:
            progress.update(task, description=recording.name)
            pace = _Pace(speed, recording.start)
            story = await play(recording, house, folder=Path(folder), progress=pace.wait if speed else None)
            shown = outcome.outcome_of(story, lambda message: render(message, "text"))
            differs = outcome.difference(expected.get(recording.name), shown) if expected is not None else ""
            results.append(Result(story, shown, differs))
            progress.advance(task)
    return results


@dataclass(slots=True)
class _Pace:
    """Lets the clock go on no faster than asked: `speed` times real time."""

    speed: float
    at: datetime

    async def wait(self, to: datetime) -> None:
        """Wait as long as it takes to get there."""
        await asyncio.sleep((to - self.at).total_seconds() / self.speed)
        self.at = to


def _house(rules: Sequence[Path], settings: Settings) -> House:
    plugins = registry()
    return House(
        rulebook=load(rules, plugins),
        kitchen=Kitchen(plugins),
        registry=plugins,
        clusters=tuple(settings.every_cluster),
        quiet_for=settings.quiet_for,
        automation=settings.automation,
    )


# --- what is printed ---


def _show(result: Result, console: Console, *, every: bool) -> None:
    story = result.story
    console.rule(story.recording.name, align="left")
    if story.recording.about:
        console.print(story.recording.about, style="italic", markup=False)
    for why in story.rejected:
        console.print(f"rejected: {why}", style="red", markup=False)
    for told in story.told:
        _show_incident(told, console, every=every)
    if not story.told:
        console.print("No incident came of it: the alerts were recorded only, or had already ended.", markup=False)
    if result.difference:
        console.print("differs from what was expected:", style="bold red")
        for line in result.difference.splitlines():
            console.print(line, style=_DIFF.get(line[:1], ""), markup=False)


_DIFF = {"+": "green", "-": "red", "@": "cyan"}


def _show_incident(told: Told, console: Console, *, every: bool) -> None:
    incident = told.incident
    took = f" after {format_duration(incident.resolved_at - incident.opened_at)}" if incident.resolved_at else ""
    console.print(f"{incident.id}  {incident.title}", style="bold", markup=False)
    console.print(f"  rule      {incident.rule}", markup=False)
    console.print(f"  severity  {incident.severity}: {incident.severity_why}", markup=False)
    console.print(f"  status    {incident.status.value}{took}", markup=False)
    console.print(f"  sent      {_counted(told)}", markup=False)
    living = [sent for sent in told.sent if sent.message.purpose is Purpose.MESSAGE and not sent.event]
    shown = told.sent if every else living[-1:]
    for sent in shown:
        console.print()
        console.print(f"{sent.at:%H:%M:%S} UTC to {sent.notifier}{' (edited)' if sent.edit else ''}", style="dim")
        console.out(render(sent.message, "ansi" if console.is_terminal else "text"), highlight=False)
    console.print()


def _counted(told: Told) -> str:
    words = {"replies": "reply", "evidence": "evidence"}
    parts = [count(number, words.get(name, name[:-1]), name) for name, number in outcome.sent(told).items()]
    return ", ".join(parts) or "nothing"


def _junit(results: Sequence[Result]) -> str:
    failures = sum(bool(result.difference) for result in results)
    suite = Xml.Element("testsuite", name="responder replay", tests=str(len(results)), failures=str(failures))
    for result in results:
        case = Xml.SubElement(suite, "testcase", classname="replay", name=result.story.recording.name)
        if result.difference:
            failure = Xml.SubElement(case, "failure", message="differs from what was expected")
            failure.text = result.difference
    return Xml.tostring(suite, encoding="unicode", xml_declaration=True)
