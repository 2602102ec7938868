"""What is read to see whether an action helped, and how that was before."""

from collections.abc import Mapping
from dataclasses import replace

from responder.errors import ExpressionError
from responder.model.action import Attempt, Figure, Verification
from responder.model.finding import Diagnosis
from responder.model.guard import verify_of
from responder.response.draft import Draft


def reads_of(draft: Draft, until: str) -> frozenset[str]:
    """Return the diagnostics that a condition reads; none where it does not compile, and so never holds."""
    try:
        return draft.brain.evaluator.compile(until, want="bool").reads
    except ExpressionError:
        return frozenset()


def before(draft: Draft, attempt: Attempt) -> Verification | None:
    """Keep what was read before the action; None where it is not verified. Raises: ValueError."""
    verify = verify_of(attempt.verify)
    if not verify.until or attempt.dry_run:
        return None
    readings = ((name, draft.incident.diagnoses.get(name)) for name in sorted(reads_of(draft, verify.until)))
    figures = tuple(Figure(name, _told(read)) for name, read in readings)
    return Verification(verify.until, draft.now, draft.now + verify.within, verify.hold, figures=figures)


def after(figures: tuple[Figure, ...], readings: Mapping[str, Diagnosis]) -> tuple[Figure, ...]:
    """Put beside them what is read now."""
    return tuple(replace(figure, after=_told(readings.get(figure.name)) or figure.after) for figure in figures)


def _told(read: Diagnosis | None) -> str:
    return read.reading.headline if read is not None and read.reading is not None else ""
