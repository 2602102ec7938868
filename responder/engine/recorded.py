"""Answers in place of diagnostics with what was recorded, so that nothing outside is asked."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pydantic import ValidationError

from responder.engine.readings import could_not_look, reading_of
from responder.engine.recording import Recording
from responder.engine.recording_actions import try_of
from responder.engine.recording_readings import Figure, Recorded, moments
from responder.model.command import Diagnose
from responder.model.finding import Reading
from responder.model.incident import Incident
from responder.model.message import Chart, Line, Point
from responder.model.verdict import Json
from responder.plugins.registry import Registry

Sleep = Callable[[timedelta], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedReadings:
    """
    Answers from a recording. `playbooks` names the playbook of a rule; `sleep` lets the time pass that a run took;
    `faster` is how many times faster than it was recorded the story is played.

    A result is checked against the diagnostic's own type, so that a recording which no longer fits is found.
    """

    find: Callable[[Incident], Recording | None]
    playbook_of: Callable[[Incident], str]
    registry: Registry
    now: Callable[[], datetime]
    sleep: Sleep
    faster: float = 1.0

    async def __call__(self, command: Diagnose, incident: Incident) -> Reading:
        """Answer for one run of a step; what was not recorded could not be looked at."""
        began = self.now()
        recording = self.find(incident)
        if recording is None:
            return could_not_look(command.name, "nothing was recorded for this incident")
        run = self._verifying(command, incident, recording)
        if run is None:
            elapsed = (began - recording.start) * self.faster
            run = recording.result(playbook=self.playbook_of(incident), step=command.name, elapsed=elapsed)
        if run is None:
            return could_not_look(command.name, "not in the recording")
        await self.sleep(run.took)
        return self._reading(command, run, recording, began)

    def _verifying(self, command: Diagnose, incident: Incident, recording: Recording) -> Recorded | None:
        """Find what was read to see whether the action helped; else the ordinary rounds have to tell."""
        name, again = try_of(incident, command.attempt)
        recorded = recording.acts.actions.get(name)
        if recorded is None or command.since is None:
            return None
        return recorded.verified(command.name, (self.now() - command.since) * self.faster, again=again)

    def _reading(self, command: Diagnose, run: Recorded, recording: Recording, began: datetime) -> Reading:
        plugin = self.registry.diagnostics.get(command.plugin)
        if run.result is None or plugin is None:
            return could_not_look(command.name, run.failed or f"no diagnostic is called {command.plugin}")
        fields: Mapping[str, Json] = moments(run.result, recording.start)
        try:
            result = plugin.result_type(dict(command.params)).model_validate(fields)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            return could_not_look(command.name, f"the recording does not fit {command.plugin}: {where}: {first['msg']}")
        reading = reading_of(command.name, result)
        chart = _chart(command.name, run.chart, began) if run.chart else reading.chart
        return replace(reading, chart=chart, headline=run.headline or reading.headline)


def _chart(name: str, figure: Figure, end: datetime) -> Chart:
    lines = tuple(Line(called, _points(values, figure.over, end)) for called, values in figure.named.items())
    return Chart(name, lines, unit=figure.unit)


def _points(values: Sequence[float | None], over: timedelta, end: datetime) -> tuple[Point, ...]:
    step = over / (len(values) - 1)
    return tuple(Point(end - over + step * place, value) for place, value in enumerate(values))
