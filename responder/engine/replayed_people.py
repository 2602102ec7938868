"""People in a replay: they say what was recorded of them, or somebody made up for it says yes to everything."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from responder.engine.answers import Answers
from responder.engine.reader import Reader
from responder.engine.recording import Recording
from responder.engine.recording_actions import RecordedAnswer, RecordedRequest
from responder.engine.views import Wanted
from responder.model.action import ActionState, Attempt
from responder.model.duration import format_duration
from responder.model.incident import Incident, Status
from responder.model.secrecy import Held, references
from responder.model.timeline import ActionAsked, Answered
from responder.model.verdict import Json
from responder.response.guards import guards_of

TESTER = "test person"
"""Who says yes where everything is to be approved; the others of several have a number."""
_MOST_TESTERS = 9
_PATIENCE = timedelta(minutes=1)
"""How long a recorded answer waits for its question: played again, that may come a little later."""
_HELD = timedelta(minutes=15)
"""How long what stands for a secret counts as held."""
_DECIDES = frozenset({"yes", "no", "break_glass"})


@dataclass(slots=True, kw_only=True)
class People:
    """What people say in one replay; `missed` is what they had said, and nobody asked for."""

    recording: Recording
    reader: Reader
    answers: Answers
    approve_all: bool = False
    missed: list[str] = field(default_factory=list)
    _said: set[tuple[int, int, str, str]] = field(default_factory=set)
    _left: list[RecordedAnswer] = field(default_factory=list)
    _asked: int = 0

    def __post_init__(self) -> None:
        self._left = [one for one in self.recording.acts.answers if not (self.approve_all and one.answer in _DECIDES)]

    async def speak(self, now: datetime) -> bool:
        """Say what is to be said now; whether anything was."""
        spoken = False
        if self._due(now):
            incidents = await self._open()
            spoken = await self._request(incidents, now) or await self._recorded(incidents, now)
        if self.approve_all and not spoken:
            spoken = await self._agree(await self._open(), now)
        return spoken

    def next(self, now: datetime) -> datetime | None:
        """Say when they speak next; None for never."""
        moments = [self.recording.start + at for at in self._times]
        return min((moment if moment > now else moment + _PATIENCE for moment in moments), default=None)

    def end(self) -> None:
        """Note what was never said."""
        self.missed += [_told(one) for one in self._left]
        self._left = []

    def _due(self, now: datetime) -> bool:
        return any(self.recording.start + at <= now for at in self._times)

    @property
    def _times(self) -> list[timedelta]:
        return [*(one.at for one in self._left), *(one.at for one in self._requests)]

    @property
    def _requests(self) -> Sequence[RecordedRequest]:
        return self.recording.acts.requests[self._asked :]

    async def _open(self) -> Sequence[Incident]:
        incidents = await self.reader.incidents(Wanted(limit=1000))
        return sorted(incidents, key=lambda incident: incident.number)

    async def _request(self, incidents: Sequence[Incident], now: datetime) -> bool:
        one = next(iter(self._requests), None)
        if one is None or self.recording.start + one.at > now:
            return False
        self._asked += 1
        incident = next((each for each in incidents if each.status is not Status.RESOLVED), None)
        if incident is None:
            self.missed.append(f"{one.by} asked for {one.plugin}: there was no open incident")
            return False
        told = ActionAsked(one.by, one.plugin, one.params, tuple(one.roles), one.reason, "replay", one.target)
        return await self.answers.ask(incident.number, told)

    async def _recorded(self, incidents: Sequence[Incident], now: datetime) -> bool:
        for one in [one for one in self._left if self.recording.start + one.at <= now]:
            for incident, attempt in _named(incidents, one):
                self._left.remove(one)
                told = Answered(
                    attempt.number,
                    one.answer,
                    one.by,
                    tuple(one.roles),
                    attempt.digest,
                    {**one.inputs, **_rehearsed(one.withheld, now)},
                    one.why,
                    "replay",
                )
                return await self.answers.answer(incident.number, told)
            if self.recording.start + one.at + _PATIENCE <= now:
                self._left.remove(one)
                self.missed.append(_told(one))
        return False

    async def _agree(self, incidents: Sequence[Incident], now: datetime) -> bool:
        """Let the next of the testers say yes to whatever waits for people."""
        for incident in incidents:
            for attempt in filter(_waits, incident.attempts):
                for name in _testers():
                    said = (incident.number, attempt.number, attempt.digest, name)
                    if name in attempt.approved_by or said in self._said:
                        continue
                    self._said.add(said)
                    secrets = _rehearsed(_secrets_of(attempt), now)
                    told = Answered(
                        attempt.number,
                        "yes",
                        name,
                        _roles(attempt),
                        attempt.digest,
                        secrets,
                        why="--approve-all",
                        via="replay",
                    )
                    return await self.answers.answer(incident.number, told)
        return False


def _testers() -> Iterator[str]:
    yield TESTER
    yield from (f"{TESTER} {number}" for number in range(2, _MOST_TESTERS + 1))


def _waits(attempt: Attempt) -> bool:
    return attempt.state is ActionState.PROPOSED and not attempt.pending and attempt.expires_at is not None


def _roles(attempt: Attempt) -> tuple[str, ...]:
    """Return every role that may say yes to it: who tests has them all."""
    try:
        return tuple(dict.fromkeys(role for guard in guards_of(attempt) for role in guard.approvers))
    except ValueError:
        return ()


def _secrets_of(attempt: Attempt) -> list[str]:
    """Name the secrets that an attempt takes: of all inputs only these are left in its parameters."""
    return list(dict.fromkeys(name for step in attempt.steps for name in references(step.params)))


def _rehearsed(names: Iterable[str], now: datetime) -> dict[str, Json]:
    """Stand for secrets, which no recording knows: nothing is done with them in a replay."""
    return {name: Held("replayed", "replay", now + _HELD).mark for name in names}


def _named(incidents: Sequence[Incident], one: RecordedAnswer) -> Iterator[tuple[Incident, Attempt]]:
    """Yield the newest attempt of that name that the answer can be meant for."""
    for incident in incidents:
        for attempt in reversed(incident.attempts):
            if attempt.name == one.action and (one.answer not in _DECIDES or _waits(attempt)):
                yield incident, attempt


def _told(one: RecordedAnswer) -> str:
    at = format_duration(one.at)
    return f"{one.by} said {one.answer} to {one.action} after {at}: nobody was asked then"
