"""
Answers in place of actions: what was recorded, or what is assumed, which is always said. Nothing is ever done.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from responder.engine.recording import Recording
from responder.engine.recording_actions import RecordedAction, RecordedLook, try_of
from responder.model.action import Kept, Outcome, Preview, Progress, Step
from responder.model.command import Act, Follow, Look
from responder.model.incident import Incident
from responder.model.timeline import Acted, Followed, Previewed
from responder.response.attempts import title
from responder.response.carrying import as_approved
from responder.response.evidence import CAPTURE
from responder.store.rows import CommandRow

NOTHING_DONE = "REPLAY: nothing was done"
ASSUMED = "the recording does not say what it would do: taken as possible"
OTHERWISE = "the recording says what something else would do: taken as possible"
READY = "not recorded: taken as ready"
_NOT_KNOWN = "whom it disturbs and who keeps it is not known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """
    Stands in for what carries actions out. `assume` is told of the incident, the action, and what is assumed of it.

    `faster` is how many times faster than it was recorded the story is played.
    """

    find: Callable[[Incident], Recording | None]
    now: Callable[[], datetime]
    assume: Callable[[Incident, str, str], None] = lambda incident, action, what: None
    faster: float = 1.0

    async def look(self, command: Look, incident: Incident) -> Previewed:
        """Answer what each step would have done then."""
        recorded, name, _ = self._recorded(incident, command.attempt)
        recording = self.find(incident)
        look = None
        if recorded is not None and recording is not None:
            elapsed = (self.now() - recording.start) * self.faster
            look = recorded.look(elapsed, command.steps, first=command.first)
        carried = _carried(incident, command)
        previews = [_preview(look, place, step, carried) for place, step in enumerate(command.steps)]
        for assumed in filter(None, (each[1] for each in previews)):
            self.assume(incident, name, assumed)
        return Previewed(command.attempt, command.look, tuple(each[0] for each in previews), first=command.first)

    async def act(self, row: CommandRow, command: Act, incident: Incident) -> Acted:
        """Answer what became of it then; where that was not recorded, as if it had been done."""
        recorded, _, again = self._recorded(incident, command.attempt)
        known = recorded.outcome(command.step, undo=command.undo, again=again) if recorded else None
        if known is not None:
            outcome = replace(known, say=f"as recorded: {known.say}", undo=True)
        else:
            outcome = Outcome("done", NOTHING_DONE, undo=True, kept=_kept(command.what))
        return Acted(command.attempt, command.step, outcome, command.undo)

    async def follow(self, command: Follow, incident: Incident) -> Followed:
        """Answer how far the world had followed then."""
        recorded, name, again = self._recorded(incident, command.attempt)
        after = (self.now() - (command.what.ended_at or self.now())) * self.faster
        progress = recorded.followed(command.step, after, again=again) if recorded else None
        if progress is None:
            self.assume(incident, name, f"whether the target is ready was {READY}")
            progress = Progress(READY)
        return Followed(command.attempt, command.step, command.look, progress)

    def _recorded(self, incident: Incident, number: int) -> tuple[RecordedAction | None, str, int]:
        recording, (name, again) = self.find(incident), try_of(incident, number)
        return (recording.acts.actions.get(name) if recording else None), name, again


def _preview(look: RecordedLook | None, place: int, step: Step, carried: Preview | None) -> tuple[Preview, str]:
    """Return the preview and what is assumed of it, "" for nothing; `carried` is what a next step should find."""
    recorded = look.steps[place] if look is not None and place < len(look.steps) else None
    if recorded is not None and recorded.fits(step):
        return recorded.preview, ""
    assumed = ASSUMED if recorded is None else OTHERWISE
    # As if it had been tried: that nobody looked is what the warning says, not that nobody could.
    preview = Preview(f"run {title(step)}", undo=True, warnings=(f"{assumed}; {_NOT_KNOWN}",), dry_run=True)
    return carried or preview, assumed


def _carried(incident: Incident, command: Look) -> Preview | None:
    """Return what the next of an attempt's steps finds if nothing came between; None before the first one."""
    attempt = next((attempt for attempt in incident.attempts if attempt.number == command.attempt), None)
    return as_approved(attempt, command.first) if attempt is not None and command.first else None


def _kept(step: Step) -> tuple[Kept, ...]:
    """Let evidence count as kept: what needs some can go on."""
    return (Kept("evidence", "0" * 64, 0, "nowhere: a replay keeps nothing"),) if step.plugin == CAPTURE else ()
