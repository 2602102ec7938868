"""What became of every action in a replay: which would have run, which wait for people, which were refused, and why."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from responder.model.action import ActionState, Attempt
from responder.model.incident import Incident
from responder.model.timeline import ActionMoved, Event, Previewed, Proposed
from responder.response.attempts import title
from responder.response.guards import guards_of

BY_RULE = "rule (auto)"


class Word(StrEnum):
    """What became of an action, in a word or two."""

    RAN = "would run"
    WAITED = "waits for approval"
    REFUSED = "refused"
    ENDED = "was not decided on"
    SUGGESTED = "only suggested"


@dataclass(frozen=True, slots=True)
class Fate:
    """
    What became of one attempt, or of an action that was only named (`attempt` 0).

    `at` is when that was decided. `doing` is what it would do to what, `why` who approved it, whom it waits for or what
    refused it, `guards` the names of the guards that did, `then` what came of it in the end.
    """

    name: str
    word: Word
    at: datetime
    attempt: int = 0
    doing: str = ""
    why: str = ""
    guards: tuple[str, ...] = ()
    then: str = ""

    @property
    def told(self) -> str:
        """Tell it in one line, without its name and time: what files of expected outcomes hold."""
        by = f" by {', '.join(self.guards)}" if self.guards else ""
        if self.word is Word.WAITED:
            return f"waits for {self.why}{f'; then {self.then}' if self.then else ''}"
        why = f"{', ' if self.word is Word.RAN else ': '}{self.why}" if self.why else ""
        return f"{self.word}{by}{why}{f'; then {self.then}' if self.then else ''}"


def fates_of(incident: Incident, timeline: Sequence[Event], approvals: Callable[[str], int]) -> tuple[Fate, ...]:
    """
    Tell the fate of every action that was named, in the order of their attempts; those only named come last.

    `approvals` says how many people an action of that name needs where the rules do not say.
    """
    tried = [_fate(attempt, timeline, approvals) for attempt in incident.attempts]
    names = {attempt.name for attempt in incident.attempts}
    named: dict[str, Fate] = {}
    for event in timeline:
        if isinstance(event.what, Proposed) and event.what.name not in names:
            word = Fate(event.what.name, Word.SUGGESTED, event.at, doing=event.what.plugin)
            named.setdefault(event.what.name, word)
    return (*tried, *named.values())


def _fate(attempt: Attempt, timeline: Sequence[Event], approvals: Callable[[str], int]) -> Fate:
    moves = [
        (event.at, event.what)
        for event in timeline
        if isinstance(event.what, ActionMoved) and event.what.attempt == attempt.number
    ]
    looked = any(isinstance(event.what, Previewed) and event.what.attempt == attempt.number for event in timeline)
    doing = "; ".join(title(step) for step in attempt.steps if not step.verifies)
    word, at, why, guards = _word(attempt, moves, looked=looked, approvals=approvals)
    then = _then(attempt, word)
    return Fate(attempt.name, word, at, attempt.number, doing, why, guards, then)


_Moves = Sequence[tuple[datetime, ActionMoved]]


def _word(
    attempt: Attempt, moves: _Moves, *, looked: bool, approvals: Callable[[str], int]
) -> tuple[Word, datetime, str, tuple[str, ...]]:
    started = next((at for at, move in moves if move.after == ActionState.RUNNING), None)
    if started is not None:
        return Word.RAN, started, f"approved by {', '.join(attempt.approved_by) or BY_RULE}", ()
    against = next(iter(_against(moves)), None)
    if against is not None:
        at, move = against
        return Word.REFUSED, at, move.why, move.guards
    if not looked:
        return Word.ENDED, attempt.proposed_at, "it was not looked at yet", ()
    if attempt.state is ActionState.APPROVED and attempt.blocks:
        return Word.REFUSED, attempt.proposed_at, "; ".join(attempt.blocks), ()
    return Word.WAITED, attempt.proposed_at, _people(attempt, approvals), ()


def _against(moves: _Moves) -> Iterator[tuple[datetime, ActionMoved]]:
    """Yield what refused it last, where nothing has let it pass since."""
    for at, move in reversed(moves):
        if move.after in (ActionState.BLOCKED, ActionState.REFUSED):
            yield at, move
        if move.before != ActionState.BLOCKED:
            return


def _people(attempt: Attempt, approvals: Callable[[str], int]) -> str:
    try:
        guards = guards_of(attempt)
    except ValueError as error:
        return str(error)
    written = [guard.approvals for guard in guards if guard.approvals is not None]
    wanted = max([1, *(written or (approvals(step.plugin) for step in attempt.steps))])
    roles = dict.fromkeys(role for guard in guards for role in guard.approvers)
    left = wanted - len(attempt.approved_by)
    more = " more" if attempt.approved_by else ""
    who = f" by {' or '.join(roles)}" if roles else ""
    return f"{left}{more} {'approval' if left == 1 else 'approvals'}{who}"


def _then(attempt: Attempt, word: Word) -> str:
    """Say how it ended, where that is more than what `word` says."""
    if attempt.state.live:
        return f"{attempt.state} when the recording ended" if word is Word.RAN else ""
    if attempt.state is ActionState.REFUSED and word is Word.REFUSED:
        return ""
    if attempt.state is ActionState.DONE:
        return ""
    return f"{attempt.state}: {attempt.why}" if attempt.why else str(attempt.state)
