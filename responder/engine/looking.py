"""Runs one diagnostic: its parameters typed, its time limited, its refusals turned into "could not look"."""

import asyncio
from datetime import timedelta
from time import perf_counter

from pydantic import ValidationError

from responder.engine.readings import could_not_look, reading_of
from responder.engine.runtime import Runtime
from responder.errors import CallError
from responder.model.command import Diagnose
from responder.model.duration import format_duration
from responder.model.finding import Reading
from responder.model.incident import Incident
from responder.model.timeline import Diagnosed


async def look(command: Diagnose, incident: Incident, runtime: Runtime) -> Diagnosed:
    """Run a diagnostic and say what came of it. What the plugin throws beside CallError passes through."""
    began = perf_counter()
    outcome = "broke"
    try:
        reading, outcome = await _look(command, incident, runtime)
    finally:
        runtime.metrics.diagnosed(command.plugin, outcome)
    took = round(perf_counter() - began, 4)
    return Diagnosed(command.name, command.round, reading, took=took, attempt=command.attempt)


async def _look(command: Diagnose, incident: Incident, runtime: Runtime) -> tuple[Reading, str]:
    if runtime.recorded is not None:
        return await runtime.recorded(command, incident), "recorded"
    plugin = runtime.registry.diagnostics.get(command.plugin)
    if plugin is None:
        return could_not_look(command.name, f"no diagnostic is called {command.plugin}"), "missing"
    deadline = command.deadline or plugin.deadline
    try:
        params = plugin.Params.model_validate(dict(command.params))
        async with asyncio.timeout(deadline.total_seconds()):
            result = await plugin.diagnose(params, command.target, runtime.tools(incident))
        return reading_of(command.name, result), "found"
    except TimeoutError:
        return could_not_look(command.name, _late(deadline)), "timeout"
    except CallError as error:
        return could_not_look(command.name, str(error)), "failed"
    except ValidationError as error:
        return could_not_look(command.name, f"its parameters are not what it takes: {_first(error)}"), "failed"


def _late(deadline: timedelta) -> str:
    return f"no answer within {format_duration(deadline)}"


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
