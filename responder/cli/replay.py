"""`responder replay`: recorded alerts through the whole way, without touching the world."""

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated
from xml.etree import ElementTree as Xml

import structlog
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from responder.cli.config import DEFAULT_FILE, Config
from responder.cli.post import post
from responder.cli.replay_actions import actions_of, show_actions
from responder.cli.rules import count, registry, rule_paths
from responder.cli.running import TokenFile, address, token_of
from responder.clients.render import render
from responder.engine import outcome
from responder.engine.recording import Recording, find
from responder.engine.replay import House, Story, Told
from responder.engine.replay import replay as play
from responder.errors import ConfigError
from responder.model.action import Mode
from responder.model.duration import format_duration
from responder.model.message import Purpose
from responder.rules.kitchen import Kitchen
from responder.rules.loading import load
from responder.settings.process import Settings

DIFFERENT = 1
_ERROR = 40
"""What is logged of a replay: what it comes to is printed."""
POSTED = 60.0
"""Times faster than real time, to a server that looks by itself: at once, an end would come before any finding."""

Paths = Annotated[list[Path], typer.Argument(help="Recordings, deliveries (*.json), or folders of them.")]
Rules = Annotated[list[Path] | None, typer.Option("--rules", help="Rule files and packs instead of the settings'.")]
Speed = Annotated[
    float | None,
    typer.Option(help="How many times faster than real time; 0 is as fast as possible. With --to 60, else 0.", min=0),
]
Expect = Annotated[Path | None, typer.Option(help="File with the outcomes to compare with; exit 1 on a difference.")]
Update = Annotated[bool, typer.Option("--update", help="Write the outcomes into the file of --expect instead.")]
Junit = Annotated[Path | None, typer.Option(help="Write a JUnit report here: one test a recording.")]
To = Annotated[str, typer.Option(help="Post the deliveries to a running server at this address instead, moved to now.")]
Automation = Annotated[
    Mode | None,
    typer.Option(help="How far actions go: off, suggest, approve or auto. As the settings say, else approve."),
]
ApproveAll = Annotated[
    bool, typer.Option("--approve-all", help="Let test persons say yes to every action that people are asked for.")
]
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
    speed: Speed = None,
    expect: Expect = None,
    update: Update = False,
    junit: Junit = None,
    messages: Messages = False,
    automation: Automation = None,
    approve_all: ApproveAll = False,
    to: To = "",
    token_file: TokenFile = None,
) -> None:
    """
    Play recorded alerts through the rules: nothing outside is asked, told or done.

    Prints for each incident the rule, the severity and why, the findings, the message, and of each action whether it
    would have run, waits for people or was refused, and by which guard. What it would have changed, and what people
    said, comes from the recording; what is not recorded is assumed, and said to be. With --to a running server gets
    the deliveries, and does with them what it does with any.

    Examples:

        responder replay fixtures --rules rules

        responder replay fixtures --rules rules --expect fixtures/expected.yaml

        responder replay fixtures --rules rules --automation auto --approve-all

        responder replay fixtures/memory-leak --to http://127.0.0.1:8080 --token-file token --speed 60
    """
    if update and expect is None:
        raise ConfigError("--update needs --expect FILE: the file to write")
    console = Console(highlight=False, emoji=False)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(_ERROR))
    if to:
        _alone(
            rules=rules, expect=expect, junit=junit, messages=messages, automation=automation, approve_all=approve_all
        )
        if not post(
            find(paths),
            address(to),
            token=token_of(token_file),
            speed=POSTED if speed is None else speed,
            console=console,
        ):
            raise typer.Exit(DIFFERENT)
        return
    recordings = find(paths)
    expected = outcome.read(expect) if expect and not update else None
    settings = Settings.load(config or (DEFAULT_FILE if DEFAULT_FILE.exists() else None))
    house = replace(_house(rule_paths(rules, config), settings, automation), approve_all=approve_all)
    results = asyncio.run(_play(recordings, house, speed or 0.0, expected))
    for result in results:
        _show(result, console, every=messages)
    if update and expect:
        _update(expect, results, console)
    if junit:
        junit.write_text(_junit(results), encoding="utf-8")
    different = [result for result in results if result.difference]
    if expected is not None:
        console.print(f"{len(results) - len(different)} as expected, {len(different)} different", markup=False)
    if different:
        raise typer.Exit(DIFFERENT)


def _alone(**others: object) -> None:
    """Refuse what has no meaning with --to."""
    given = next((name.replace("_", "-") for name, value in others.items() if value), None)
    if given:
        raise ConfigError(
            f"--{given} does not go with --to: the server decides by its own rules, and says nothing here"
        )


async def _play(
    recordings: Sequence[Recording], house: House, speed: float, expected: Mapping[str, outcome.Outcome] | None
) -> list[Result]:
    results: list[Result] = []
    seen = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with (
        Progress(*columns, console=seen, transient=True, disable=not seen.is_terminal) as progress,
        tempfile.TemporaryDirectory(prefix="responder-replay-") as folder,
    ):
        task = progress.add_task("replaying", total=sum(len(recording.deliveries) for recording in recordings))
        for recording in recordings:
            progress.update(task, description=recording.name)
            pace = _Pace(speed, recording.start)
            story = await play(
                recording,
                house,
                folder=Path(folder),
                progress=pace.wait if speed else None,
                delivered=lambda: progress.advance(task),
            )
            shown = outcome.outcome_of(story, lambda message: render(message, "text"))
            differs = outcome.difference(_expected(expected, recording), shown) if expected is not None else ""
            results.append(Result(story, shown, differs))
    return results


def _expected(expected: Mapping[str, outcome.Outcome], recording: Recording) -> outcome.Outcome | None:
    """Find what was expected; a recording that is played alone may stand there by its path."""
    if recording.name in expected:
        return expected[recording.name]
    place = recording.place.as_posix()
    found = [name for name in expected if "/" in name and place.endswith(f"/{name}")]
    return expected[found[0]] if len(found) == 1 else None


@dataclass(slots=True)
class _Pace:
    """Lets the clock go on no faster than asked: `speed` times real time."""

    speed: float
    at: datetime

    async def wait(self, to: datetime) -> None:
        """Wait as long as it takes to get there."""
        await asyncio.sleep((to - self.at).total_seconds() / self.speed)
        self.at = to


def _house(rules: Sequence[Path], settings: Settings, automation: Mode | None) -> House:
    plugins = registry()
    told = "mode" in settings.automation.model_fields_set
    return House(
        rulebook=load(rules, plugins),
        kitchen=Kitchen(plugins),
        registry=plugins,
        clusters=tuple(settings.every_cluster),
        quiet_for=settings.quiet_for,
        automation=automation or (settings.automation.mode if told else "approve"),
    )


# --- what is printed ---


def _show(result: Result, console: Console, *, every: bool) -> None:
    story = result.story
    console.rule(story.recording.name, align="left")
    if story.recording.about:
        console.print(story.recording.about, style="italic", markup=False)
    for why in story.rejected:
        console.print(f"rejected: {why}", style="red", markup=False)
    for what in story.missed:
        console.print(f"not as recorded: {what}", style="yellow", markup=False)
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
    show_actions(told, console)
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


def _update(expect: Path, results: Sequence[Result], console: Console) -> None:
    """Write the outcomes; what the file says of recordings that were not played stays."""
    before = outcome.read(expect) if expect.exists() else {}
    now = {r.story.recording.name: r.outcome for r in results}
    kept = [name for name in before if name not in now]
    expect.write_text(outcome.write({**before, **now}), encoding="utf-8")
    console.print(f"{count(len(now), 'outcome')} written to {expect}", markup=False)
    if kept:
        console.print(f"kept, though not played now: {', '.join(kept)}", markup=False)


def _junit(results: Sequence[Result]) -> str:
    failures = sum(bool(result.difference) for result in results)
    suite = Xml.Element("testsuite", name="responder replay", tests=str(len(results)), failures=str(failures))
    for result in results:
        case = Xml.SubElement(suite, "testcase", classname="replay", name=result.story.recording.name)
        Xml.SubElement(case, "system-out").text = actions_of(result.story)
        if result.difference:
            failure = Xml.SubElement(case, "failure", message="differs from what was expected")
            failure.text = result.difference
    return Xml.tostring(suite, encoding="unicode", xml_declaration=True)
