"""What a person says, at whatever door: judged as far as it is plain, written where the incident's turn finds it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from responder.model.action import ActionState, Attempt, Stop
from responder.model.incident import Incident, Status, number_of
from responder.model.playbook import Playbook
from responder.model.press import ANSWERS, Word
from responder.model.timeline import ActionAsked, Answered
from responder.model.verdict import Json
from responder.model.wanted import Wanted, typed, wanted_of
from responder.web.answers import Refused
from responder.web.api import reading
from responder.web.judging import judge
from responder.web.metrics import Metrics
from responder.web.people import Person
from responder.web.ports import Answers, Controls, Reader

_AFTER = 3
"""Attempts named to who asks for one that there is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A person's word on an attempt. `digest` is of the preview that they saw, or how it begins."""

    by: Person
    word: Word
    via: str
    digest: str = ""
    inputs: Mapping[str, Json] = field(default_factory=dict)
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """Takes people's words. Every method raises Refused, also with 503 when the store does not answer."""

    reader: Reader
    answers: Answers
    controls: Controls
    metrics: Metrics
    now: Callable[[], datetime]

    async def incident(self, name: str) -> Incident:
        """Load an incident by its name."""
        number = number_of(name)
        incident = await reading(self.reader.incident(number)) if number is not None else None
        if incident is None:
            raise Refused(404, f"there is no incident {name[:40]!r}; GET /v1/incidents lists them")
        return incident

    async def answer(self, incident: Incident, number: int, said: Said) -> Answered:
        """Write a person's word on an attempt."""
        attempt = attempt_of(incident, number)
        digest = judge(incident, attempt, word=said.word, by=said.by, digest=said.digest)
        inputs = await self._inputs(incident, attempt, said) if attempt.state is ActionState.PROPOSED else {}
        answered = Answered(
            attempt=attempt.number,
            answer=ANSWERS[said.word],
            by=said.by.name,
            roles=said.by.roles,
            digest=digest,
            inputs=inputs,
            why=said.why,
            via=said.via,
        )
        if not await reading(self.answers.answer(incident.number, answered)):
            raise Refused(404, f"{incident.id} is not kept any more")
        self.metrics.answered(answered.answer, said.via)
        return answered

    async def ask(self, incident: Incident, asked: ActionAsked) -> ActionAsked:
        """Write that a person asks for an action."""
        if incident.status is Status.RESOLVED:
            raise Refused(409, f"{incident.id} is resolved: nothing is begun for it any more")
        if not await reading(self.answers.ask(incident.number, asked)):
            raise Refused(404, f"{incident.id} is not kept any more")
        self.metrics.answered("ask", asked.via)
        return asked

    async def stop(self, by: Person, *, until: datetime | None, why: str, via: str) -> Stop:
        """Stop all automation."""
        stop = await reading(self.controls.stop(by.name, until=until, why=why))
        self.metrics.answered("stop", via)
        return stop

    async def resume(self, by: Person, *, why: str, via: str) -> bool:
        """Let automation go on; False when nobody had stopped it."""
        stood = await reading(self.controls.lift(by.name, why=why))
        if stood:
            self.metrics.answered("resume", via)
        return stood

    async def standing(self) -> Stop | None:
        """Return the stop that stands."""
        return await reading(self.controls.standing())

    async def wanted(self, incident: Incident, attempt: Attempt) -> Mapping[str, Wanted]:
        """Return what a person is asked for when approving an attempt, by name."""
        playbook = None if attempt.proposed_by else await reading(self.reader.playbook(incident))
        try:
            return declared(playbook, attempt.name) if playbook is not None else {}
        except ValueError as error:
            raise Refused(409, f"what {attempt.name} asks for cannot be read from the rules: {error}") from None

    async def _inputs(self, incident: Incident, attempt: Attempt, said: Said) -> Mapping[str, Json]:
        wanted = await self.wanted(incident, attempt) if said.word == "approve" else {}
        problems = {name: "there is no such input" for name in said.inputs if name not in wanted}
        inputs: dict[str, Json] = {}
        for name, one in wanted.items():
            if name in said.inputs:
                try:
                    inputs[name] = typed(one, said.inputs[name])
                except ValueError as error:
                    problems[name] = str(error)
            elif name not in attempt.inputs:
                problems[name] = f"it is missing{f': {one.describe}' if one.describe else ''}"
        if problems:
            raise WrongInputs(problems)
        return inputs


class WrongInputs(Refused):
    """Inputs that cannot be taken: `problems` by name."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        told = "; ".join(f"inputs.{name[:60]}: {why}" for name, why in problems.items())
        super().__init__(400, told)
        self.problems = problems


def attempt_of(incident: Incident, number: int) -> Attempt:
    """Find an attempt. Raises: Refused with 404, naming those that there are."""
    found = next((attempt for attempt in incident.attempts if attempt.number == number), None)
    if found is None:
        known = ", ".join(f"{incident.id}/{attempt.number}" for attempt in incident.attempts[-_AFTER:]) or "none yet"
        raise Refused(404, f"there is no attempt {incident.id}/{number}; the last are: {known}")
    return found


def declared(playbook: Playbook, name: str) -> Mapping[str, Wanted]:
    """Return the inputs that an action of a playbook asks for; of a sequence also its steps'."""
    by_name = {action.name: action for action in playbook.actions}
    if name not in by_name:
        return {}
    steps = [by_name[name], *(by_name[step] for step in by_name[name].do if step in by_name)]
    found: dict[str, Wanted] = {}
    for step in steps:
        for key, written in step.inputs.items():
            if isinstance(written, Mapping):
                found[key] = wanted_of(written)
    return found
