"""Attempts that are not over, as the store counts them: how many stand where, and how long people have been asked."""

from datetime import datetime

from responder.model.action import ActionState, Attempt
from responder.model.incident import Incident
from responder.store.rows import micros
from responder.store.store import Transaction


def asks(attempt: Attempt) -> bool:
    """Whether people are asked for a yes: it was looked at, and nothing but their word is missing."""
    return attempt.state is ActionState.PROPOSED and attempt.expires_at is not None and not attempt.pending


def write(tx: Transaction, before: Incident, after: Incident, now: datetime) -> None:
    """Keep what changed in a turn; what is over is kept no more."""
    stood = {attempt.number: (attempt.state, asks(attempt)) for attempt in before.attempts if attempt.state.live}
    stands = {attempt.number: (attempt.state, asks(attempt)) for attempt in after.attempts if attempt.state.live}
    moved = [(number, *how) for number, how in stands.items() if stood.get(number) != how]
    rows = [(after.number, number, state.value, int(asking), micros(now)) for number, state, asking in moved]
    tx.run_each("attempt_put", rows)
    tx.run_each("attempt_over", [(after.number, number) for number in stood if number not in stands])
