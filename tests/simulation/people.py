"""People of a story: they see what is committed, sometimes what was a while ago, and speak through a door."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from types import MappingProxyType
from typing import Literal

from responder.engine.telling import unique
from responder.model.action import ActionState, Attempt
from responder.model.incident import Incident
from responder.model.timeline import ActionAsked, Answered
from responder.model.verdict import Json
from tests.simulation.books import TOO_MUCH
from tests.simulation.world import World

ROLES = {"ann": ("on-call", "admin"), "bob": ("on-call",), "cem": ("on-call",), "dan": ()}
Word = Literal["yes", "no", "undo", "happened", "not_happened", "break_glass"]
_OFTEN: tuple[Word, ...] = ("yes", "yes", "yes", "yes", "no", "undo", "break_glass")


@dataclass(frozen=True)
class Said:
    """What somebody said to an incident."""

    incident: int
    what: Answered | ActionAsked


@dataclass
class People:
    """They remember what they were shown, and `said` everything that may have been heard."""

    world: World
    rng: Random
    said: list[Said] = field(default_factory=list)
    shown: dict[tuple[int, int], list[str]] = field(default_factory=dict)

    def see(self, incident: Incident) -> None:
        """Look at an incident."""
        for attempt in incident.attempts:
            seen = self.shown.setdefault((incident.number, attempt.number), [])
            if attempt.digest and attempt.digest not in seen:
                seen.append(attempt.digest)

    def anything(self, incident: Incident) -> Said | None:
        """Say something, sensible or not."""
        rng = self.rng
        if rng.random() < 0.08:
            plugin = rng.choice(("sim.switch", "sim.press", "sim.make"))
            asked = ActionAsked(rng.choice(list(ROLES)), plugin, {"object": rng.choice(("api", "db")), "to": 4})
            return self.say(incident, asked)
        if not incident.attempts:
            return None
        attempt = rng.choice(incident.attempts[-3:])
        if attempt.state is ActionState.IN_DOUBT:
            return self.settle(incident, attempt, rng.choice(list(ROLES)))
        by, digests = rng.choice(list(ROLES)), self.shown.get((incident.number, attempt.number), [])
        digest = rng.choice(digests) if digests and rng.random() < 0.15 else attempt.digest
        word = rng.choice(_OFTEN)
        return self.answer(incident, attempt, word, by=by, digest=digest, inputs=self._given(attempt, word))

    def _given(self, attempt: Attempt, word: Word) -> dict[str, Json]:
        """Think of what to give an action that asks for something, now and then of what it does not take."""
        rng = self.rng
        takes = attempt.wants or (attempt.inputs and rng.random() < 0.2) or rng.random() < 0.02
        return {"to": rng.choice((2, 7, 7, 8, 8, TOO_MUCH, "many"))} if takes and word == "yes" else {}

    def needed(self, incident: Incident) -> Said | None:
        """Say what an incident waits for, if it waits for people."""
        for attempt in incident.attempts:
            if attempt.state is ActionState.IN_DOUBT:
                return self.settle(incident, attempt, "ann")
            if attempt.state is ActionState.PROPOSED and attempt.digest and not attempt.pending:
                had = (*attempt.approved_by, attempt.proposed_by)  # who asks for it is not one of two who agree
                by = next((one for one in ("bob", "cem", "ann") if one not in had), None)
                if by is not None:
                    inputs: dict[str, Json] = {"to": 7} if attempt.wants else {}
                    return self.answer(incident, attempt, "yes", by=by, digest=attempt.digest, inputs=inputs)
        return None

    def settle(self, incident: Incident, attempt: Attempt, by: str) -> Said:
        """Look at the world, and say what happened."""
        step = attempt.steps[attempt.at_step]
        undo = step.undone is not None and step.undone.status == "in_doubt"
        happened = self.world.has(effect_name(incident, attempt, attempt.at_step, undo=undo))
        return self.answer(incident, attempt, "happened" if happened else "not_happened", by=by, digest="")

    def answer(
        self,
        incident: Incident,
        attempt: Attempt,
        word: Word,
        *,
        by: str,
        digest: str,
        inputs: Mapping[str, Json] = MappingProxyType({}),
    ) -> Said:
        """Answer."""
        why = "it burns" if word == "break_glass" else ""
        return self.say(incident, Answered(attempt.number, word, by, ROLES[by], digest, dict(inputs), why))

    def say(self, incident: Incident, what: Answered | ActionAsked) -> Said:
        """Say something."""
        said = Said(incident.number, what)
        self.said.append(said)
        return said


def effect_name(incident: Incident, attempt: Attempt, step: int, *, undo: bool = False) -> str:
    """Return the name that an effect has in the world."""
    return f"{unique(incident)}/{attempt.number}/{step}{'/undo' if undo else ''}"
