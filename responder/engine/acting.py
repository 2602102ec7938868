"""
Carries actions out: looks at what they would do, does them at most once, follows what comes of them.

Nothing is done but by who holds the command at that very moment, while nobody has stopped automation and the attempt is
still at it; that it was begun is committed before. Who takes the command over from somebody that had begun knows that
the effect may be there: the action reads it back, or people are asked.
"""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from pydantic import ValidationError

from responder.engine.brains import Brains
from responder.engine.controls import stop_in
from responder.engine.curing import cured
from responder.engine.filled import filled, lacking, not_held
from responder.engine.outcomes import failed, in_doubt, not_done, safe_outcome, safe_preview, safe_progress
from responder.engine.runtime import Runtime
from responder.engine.scrubbing import scrub, scrubbed
from responder.engine.telling import Again, unique
from responder.engine.unpacking import unpack
from responder.engine.vault import Vault
from responder.errors import Barred, CallError, TransientError, Unanswered
from responder.model.action import ActionState, Attempt, Outcome, Preview, Progress, Step
from responder.model.command import Act, Follow, Look
from responder.model.duration import format_duration
from responder.model.incident import Incident
from responder.model.timeline import Acted, Followed, Previewed
from responder.plugins.acting import ActionTools, StepContext
from responder.plugins.action import AnyAction
from responder.plugins.params import Params
from responder.store.rows import CommandRow, micros
from responder.store.store import Store

T = TypeVar("T")

MOST_TRIES = 3
"""Of an effect that could not even be asked for."""
DRY_RUN = "DRY RUN: nothing was changed"
_NO_SECRETS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class _Ready:
    """A step that can be carried out."""

    plugin: AnyAction
    params: Params
    step: Step

    async def limited(self, doing: Awaitable[T]) -> T:
        """Give it the time that the action takes at most. Raises: TimeoutError."""
        async with asyncio.timeout(self.plugin.deadline.total_seconds()):
            return await doing

    @property
    def late(self) -> str:
        return f"no answer within {format_duration(self.plugin.deadline)}"


@dataclass(frozen=True, slots=True)
class Acting:
    """Carries actions out. `vault` holds the secrets that people gave to this process."""

    store: Store
    runtime: Runtime
    brains: Brains
    vault: Vault

    async def look(self, command: Look, incident: Incident) -> Previewed:
        """Say what each step would do now, and what stands in its way."""
        found: list[Preview] = []
        attempt = _find(incident, command.attempt)
        for place, step in enumerate(command.steps, command.first):
            context = await self._context(incident, command.attempt, place)
            preview = cured(await self._preview(step, incident, context), step, attempt, incident)
            found.append(safe_preview(preview))
        return Previewed(command.attempt, command.look, tuple(found), self.vault.lacks(command.tickets), command.first)

    async def act(self, row: CommandRow, command: Act, incident: Incident) -> Acted | Again:
        """Do a step, or take it back; at most once, whoever else may be at it."""
        values = {} if command.undo else self.vault.values(command.tickets)
        outcome = await self._act(row, command, incident, values)
        if isinstance(outcome, Again):
            return replace(outcome, why=scrub(outcome.why, values.values()))
        outcome = scrubbed(outcome, values.values())
        return Acted(command.attempt, command.step, safe_outcome(outcome), command.undo)

    async def follow(self, command: Follow, incident: Incident) -> Followed:
        """Say how far the world has followed a step."""
        undo = command.what.undone is not None
        context = await self._context(incident, command.attempt, command.step, undo=undo)
        progress = safe_progress(await self._progress(command.what, incident, context))
        return Followed(command.attempt, command.step, command.look, progress)

    # --- reading ---

    async def _preview(self, step: Step, incident: Incident, context: StepContext) -> Preview:
        ready = self._ready(step)
        if isinstance(ready, str):
            return Preview("", refusal=ready)
        try:
            tools = self.runtime.action_tools(incident, context)
            return await ready.limited(ready.plugin.preview(ready.params, step.target, tools))
        except TimeoutError:
            return Preview("", refusal=f"could not look: {ready.late}")
        except CallError as error:
            return Preview("", refusal=f"could not look: {error}")

    async def _progress(self, step: Step, incident: Incident, context: StepContext) -> Progress:
        ready = self._ready(step)
        if isinstance(ready, str):
            return _not_seen(ready)
        outcome = step.undone or step.outcome or Outcome("done", "")
        try:
            tools = self.runtime.action_tools(incident, context)
            return await ready.limited(ready.plugin.progress(ready.params, step.target, outcome, tools))
        except TimeoutError:
            return _not_seen(ready.late)
        except CallError as error:
            return _not_seen(str(error))

    # --- writing ---

    async def _act(
        self, row: CommandRow, command: Act, incident: Incident, values: Mapping[str, str]
    ) -> Outcome | Again:
        ready = self._ready(command.what, values)
        if isinstance(ready, _Ready) and command.undo and not ready.plugin.undoable:
            ready = f"{ready.plugin.name} cannot be undone"
        if isinstance(ready, str):
            return in_doubt(ready) if row.begun else not_done(ready)
        if command.dry_run or self.runtime.dry_run:
            return await self._rehearse(row, command, ready, incident)
        if lacks := lacking(command, type(ready.params), values):
            return not_held(lacks, begun=row.begun)
        if row.begun and ready.plugin.once == "doubtful":
            return in_doubt(f"{_holder(row)} did not say what came of it")
        if barred := await self._begin(row, command, ready):
            return in_doubt(f"it may have been done, and {barred}") if row.begun else not_done(barred)
        try:
            return await self._once(row, command, ready, incident)
        except Barred as error:
            return in_doubt(f"it may have been done, and {error}") if row.begun else not_done(str(error))
        except TransientError as error:
            return await self._later(row, error)
        except CallError as error:
            return in_doubt(f"it could not be read back: {error}") if row.begun else failed(str(error))

    async def _once(self, row: CommandRow, command: Act, ready: _Ready, incident: Incident) -> Outcome:
        """Do it; where no answer came, ask once whether it happened, where that can be told."""
        try:
            return await self._do(row, command, ready, incident)
        except (Unanswered, TimeoutError) as error:
            lost = str(error) if isinstance(error, Unanswered) else ready.late
        if ready.plugin.once == "doubtful" or await self._begin(row, command, ready):
            return in_doubt(lost)
        try:
            return await self._do(replace(row, begun=True), command, ready, incident)
        except TimeoutError:
            return in_doubt(f"{lost}; then, read back: {ready.late}")
        except CallError as error:
            return in_doubt(f"{lost}; then, read back: {error}")

    async def _do(self, row: CommandRow, command: Act, ready: _Ready, incident: Incident) -> Outcome:
        async def hold() -> None:
            if barred := await self._begin(row, command, ready):
                raise Barred(barred)

        context = await self._context(incident, command.attempt, command.step, undo=command.undo)
        context = replace(context, reason=command.reason, retry=row.begun, hold=hold)
        tools = self.runtime.action_tools(incident, context)
        return await ready.limited(_effect(ready, command, tools))

    async def _begin(self, row: CommandRow, command: Act, ready: _Ready) -> str:
        """Commit that the effect begins now; answer why it may not, "" when it may."""
        now = self.runtime.now()
        lease = micros(now + self.runtime.limits.lease)
        async with self.store.transaction() as tx:
            ((data, stop),) = await tx.fetch("incident_gate", row.incident)
            ends = command.undo and ready.plugin.until_resolved
            if (self.runtime.stopped or stop_in(stop, now)) and not ends:
                return "all automation is stopped"
            if barred := _barred(command, data):
                return barred
            ours = await tx.fetch("effect_begin", row.id, row.epoch, lease, micros(now))
        return "" if ours else "somebody else has taken it over"

    async def _later(self, row: CommandRow, error: TransientError) -> Outcome | Again:
        """Try again what was not even asked for, a few times; what may have been begun by another stays in doubt."""
        if row.attempt + 1 >= MOST_TRIES:
            why = f"tried {MOST_TRIES} times: {error}"
            return in_doubt(f"it could not be read back: {why}") if row.begun else failed(why)
        if not row.begun:
            async with self.store.transaction() as tx:
                tx.run("effect_void", row.id, row.epoch)
        return Again(str(error), error.delay)

    async def _rehearse(self, row: CommandRow, command: Act, ready: _Ready, incident: Incident) -> Outcome:
        """Try it as a dry run."""
        if row.begun:
            return in_doubt("it was begun before the dry run, and nobody knows what came of it")
        if not command.dry_run:
            return not_done("this server has begun a dry run since: nothing was changed")
        if command.undo:
            return Outcome("done", DRY_RUN)
        context = await self._context(incident, command.attempt, command.step)
        preview = await self._preview(command.what, incident, replace(context, reason=command.reason))
        return not_done(preview.refusal) if preview.refusal else Outcome("done", DRY_RUN, (preview.summary,))

    # --- both ---

    def _ready(self, step: Step, values: Mapping[str, str] = _NO_SECRETS) -> _Ready | str:
        """Type its parameters, with secrets where they are known, elsewhere with what stands for them."""
        plugin = self.runtime.registry.actions.get(step.plugin)
        if plugin is None:
            return f"no action is called {step.plugin}"
        try:
            params = plugin.Params.model_validate(dict(filled(step, plugin.Params, values)))
            return _Ready(plugin, params, step)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            return f"its parameters are not what {step.plugin} takes: {where}: {first['msg']}"

    async def _context(self, incident: Incident, attempt: int, step: int, *, undo: bool = False) -> StepContext:
        playbook = await self.brains.playbook(incident)
        return StepContext(
            attempt=f"{unique(incident)}/{attempt}/{step}{'/undo' if undo else ''}",
            reason=incident.id,
            by=_people(_find(incident, attempt)),
            labels=incident.labels,
            files=playbook.files,
        )


async def _effect(ready: _Ready, command: Act, tools: ActionTools) -> Outcome:
    plugin, params, step = ready.plugin, ready.params, ready.step
    preview = step.preview or Preview("")
    if not command.undo:
        return await plugin.act(params, step.target, preview, tools)
    before = step.outcome.undo if step.outcome is not None and step.outcome.undo is not None else preview.undo
    return await plugin.undo(params, step.target, before, tools)


def _barred(command: Act, data: str) -> str:
    """Say why an effect may not begin, as the store has the incident now."""
    attempt = _find(unpack(data), command.attempt)
    wanted = ActionState.UNDOING if command.undo else ActionState.RUNNING
    if attempt is None or attempt.state is not wanted:
        return f"the attempt is {attempt.state if attempt else 'gone'}, no longer {wanted}"
    return ""


def _holder(row: CommandRow) -> str:
    """Name the process that began it: its host, its process number there, and since when."""
    host, _, rest = row.begun_by.partition("/")
    if not host:
        return "whoever was at it"
    return f"{host} (process {rest.partition('/')[0]}), at it since {row.begun_at:%Y-%m-%d %H:%M:%S} UTC,"


def _find(incident: Incident, number: int) -> Attempt | None:
    return next((attempt for attempt in incident.attempts if attempt.number == number), None)


def _people(attempt: Attempt | None) -> str:
    if attempt is None:
        return ""
    return ", ".join(attempt.approved_by) or attempt.proposed_by


def _not_seen(why: str) -> Progress:
    return Progress(f"could not look: {why}", complete=False, ready=False)
