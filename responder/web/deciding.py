"""What a person says, at whatever door: judged as far as it is plain, written where the incident's turn finds it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from responder.engine.vault import VaultFull
from responder.model.action import ActionState, Attempt, Stop
from responder.model.incident import Incident, Status, number_of
from responder.model.near import did_you_mean
from responder.model.playbook import Playbook
from responder.model.press import ANSWERS, Word
from responder.model.secrecy import Held, secrets_in
from responder.model.timeline import ActionAsked, Answered
from responder.model.verdict import Json
from responder.model.wanted import Wanted, secret_of, typed, wanted_of
from responder.response.answerable import stands_for_now
from responder.web.answers import Refused
from responder.web.api import reading
from responder.web.judging import judge
from responder.web.metrics import Metrics
from responder.web.people import Person
from responder.web.ports import Answers, Controls, Reader, Vault

SLACK = "slack"
"""How what people do in Slack comes here."""
_AFTER = 3
"""Attempts named to who asks for one that there is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """
    A person's word on an attempt. `digest` is of the preview that they saw, or how it begins.

    `inputs` may hold secrets, as they were given.
    """

    by: Person
    word: Word
    via: str
    digest: str = ""
    inputs: Mapping[str, Json] = field(default_factory=dict, repr=False)
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """
    Takes people's words. Every method raises Refused, also with 503 when the store does not answer.

    `vault` holds the secrets among them, which go nowhere else; `hidden` names the parameters of an action that are
    secrets; `approvals` says how many people one wants where its rules do not.
    """

    reader: Reader
    answers: Answers
    controls: Controls
    vault: Vault
    hidden: Callable[[str], frozenset[str]]
    approvals: Callable[[str], int]
    metrics: Metrics
    now: Callable[[], datetime]

    async def incident(self, name: str) -> Incident:
        """Load an incident by its name."""
        number = number_of(name)
        incident = await reading(self.reader.incident(number)) if number is not None else None
        if incident is None:
            raise Refused(404, f"there is no incident {name[:40]!r}; GET /v1/incidents lists them")
        return incident

    async def acting(self) -> Sequence[tuple[Incident, Attempt]]:
        """List, over all incidents, the attempts that are not over and those that stand for a while, newest first."""
        found = await reading(self.reader.acting())
        every = ((incident, attempt) for incident in found for attempt in incident.attempts)
        return [(incident, one) for incident, one in every if one.state.live or stands_for_now(one)]

    async def answer(self, incident: Incident, number: int, said: Said) -> Answered:
        """Write a person's word on an attempt."""
        attempt = attempt_of(incident, number)
        digest = judge(incident, attempt, word=said.word, by=said.by, digest=said.digest)
        asked = attempt.state is ActionState.PROPOSED or said.word == "break-glass"
        inputs, secrets = await self._inputs(incident, attempt, said) if asked else ({}, {})
        held = self._hold(incident, attempt, secrets)
        answered = Answered(
            attempt=attempt.number,
            answer=ANSWERS[said.word],
            by=said.by.name,
            roles=said.by.roles,
            digest=digest,
            inputs={**inputs, **{name: one.mark for name, one in held.items()}},
            why=said.why,
            via=said.via,
        )
        written = False
        try:
            written = await reading(self.answers.answer(incident.number, answered))
        finally:
            if not written:
                self.vault.forget(one.ticket for one in held.values())
        if not written:
            raise Refused(404, f"{incident.id} is not kept any more")
        self.metrics.answered(answered.answer, said.via)
        return answered

    async def ask(self, incident: Incident, asked: ActionAsked) -> ActionAsked:
        """Write that a person asks for an action."""
        if incident.status is Status.RESOLVED:
            raise Refused(409, f"{incident.id} is resolved: nothing is begun for it any more")
        secret = sorted((self.hidden(asked.plugin) | await self._secrets(incident, asked)) & set(asked.params))
        if secret:
            told = (
                "a secret is no parameter, which everybody reads: have an action of the playbook ask for it as an input"
            )
            raise Refused(400, f"params.{secret[0]}: {told} (type: secret)")
        if not await reading(self.answers.ask(incident.number, asked)):
            raise Refused(404, f"{incident.id} is not kept any more")
        self.metrics.answered("ask", asked.via)
        return asked

    async def _secrets(self, incident: Incident, asked: ActionAsked) -> frozenset[str]:
        """Name the inputs that are secrets of what is asked for by its name in the playbook."""
        playbook = await reading(self.reader.playbook(incident))
        try:
            wanted = declared(playbook, asked.plugin) if playbook is not None else {}
        except ValueError:
            return frozenset(asked.params)
        return frozenset(name for name, one in wanted.items() if one.secret)

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

    async def _inputs(
        self, incident: Incident, attempt: Attempt, said: Said
    ) -> tuple[Mapping[str, Json], Mapping[str, str]]:
        """Check what was given, and tell the secrets among it from the rest."""
        wanted = await self._asked(incident, attempt, said)
        problems = {
            name: f"there is no such input{did_you_mean(name, wanted)}" for name in said.inputs if name not in wanted
        }
        inputs: dict[str, Json] = {}
        secrets: dict[str, str] = {}
        for name, one in wanted.items():
            if name in said.inputs:
                try:
                    if one.secret:
                        secrets[name] = _secret(one, said, name)
                    else:
                        inputs[name] = typed(one, said.inputs[name])
                except ValueError as error:
                    problems[name] = str(error)
            elif name not in attempt.inputs and not one.secret:
                problems[name] = f"it is missing{f': {one.describe}' if one.describe else ''}"
        if problems:
            raise WrongInputs(problems)
        return inputs, secrets

    async def _asked(self, incident: Incident, attempt: Attempt, said: Said) -> Mapping[str, Wanted]:
        """Return what a person may give with this word: who breaks the glass takes all but secrets as it stands."""
        if said.word not in ("approve", "break-glass"):
            return {}
        wanted = await self.wanted(incident, attempt)
        return {name: one for name, one in wanted.items() if one.secret or said.word == "approve"}

    def _hold(self, incident: Incident, attempt: Attempt, secrets: Mapping[str, str]) -> Mapping[str, Held]:
        held: dict[str, Held] = {}
        try:
            for name, value in secrets.items():
                held[name] = self.vault.hold(value, incident=incident.number, attempt=attempt.number)
        except VaultFull as error:
            self.vault.forget(one.ticket for one in held.values())
            raise Refused(503, str(error)) from None
        return held


class WrongInputs(Refused):
    """Inputs that cannot be taken: `problems` by name."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        told = "; ".join(f"inputs.{name[:60]}: {why}" for name, why in problems.items())
        super().__init__(400, told)
        self.problems = problems


def ungiven(incident: Incident, attempt: Attempt, wanted: Mapping[str, Wanted]) -> str:
    """Say how to give the secrets that nobody has given yet, where they cannot be; "" when none is missing."""
    names = [name for name, one in wanted.items() if one.secret and name not in secrets_in(attempt.inputs)]
    if not names:
        return ""
    how = " ".join(f"--input {name}=@FILE" for name in names)
    return (
        f"it takes a secret, which does not go through Slack: `responder approve {incident.id}/{attempt.number} {how}`"
    )


def _secret(wanted: Wanted, said: Said, name: str) -> str:
    if said.via == SLACK:
        raise ValueError("a secret does not go through Slack: give it with `responder approve`")
    return secret_of(wanted, said.inputs[name])


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
