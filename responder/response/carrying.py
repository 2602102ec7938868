"""
From one step of a sequence to the next on the same object: what the first one wrote there was approved with it.

That, and nothing else, may be other than people saw it when they agreed to the second one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from responder.model.action import Attempt, Preview, Step
from responder.model.basis import moved, since
from responder.model.verdict import Json
from responder.model.written import Written
from responder.response import attempts, weights
from responder.response.brain import Brain


@dataclass(frozen=True, slots=True)
class _Expected:
    """What a step should find: the facts, and who has written them last."""

    basis: Mapping[str, Json]
    wrote: Mapping[str, str]


def is_touched(brain: Brain, attempt: Attempt, place: int) -> bool:
    """Whether an earlier step of the attempt has changed an object of this one."""
    objects = set(attempts.objects_of(attempt.steps[place]))
    earlier = [step for step in attempt.steps[:place] if step.outcome is not None and _changes(brain, step)]
    return any(not objects.isdisjoint(attempts.objects_of(step)) for step in earlier)


def against(attempt: Attempt, place: int, seen: Preview) -> str:
    """
    Say what is other than it was approved, as `seen` now, and was not written by the steps before; "" for nothing.

    What it would do has to be the same, too: one more than there are is another number after a step that scaled.
    """
    step = attempt.steps[place]
    if seen.refusal:
        return f"{attempts.title(step)}: {seen.refusal}"
    if step.preview is None:
        return f"{attempts.title(step)} was not previewed before it was approved"
    expected = _expected(attempt, place, step.preview)
    told = [*moved(expected.basis, seen.basis, by=since(expected.wrote, seen.wrote))]
    if not told and _effects(step.preview) != _effects(seen):
        told = ["after the steps before, it would do something else than was shown"]
    return f"{attempts.title(step)} is not what was approved: {'; '.join(told)}" if told else ""


def as_approved(attempt: Attempt, place: int) -> Preview | None:
    """Return what a step finds where nobody but the steps before it wrote; None for one that was never previewed."""
    approved = attempt.steps[place].preview
    if approved is None:
        return None
    expected = _expected(attempt, place, approved)
    return replace(approved, basis=expected.basis, wrote=expected.wrote)


def _expected(attempt: Attempt, place: int, approved: Preview) -> _Expected:
    expected = _Expected(approved.basis, approved.wrote)
    for step in attempt.steps[:place]:
        for written in step.outcome.writes if step.outcome is not None else ():
            if written.lock in approved.locks:
                expected = _after(expected, written, approved.prefixes.get(written.lock, ""))
    return expected


def _after(expected: _Expected, written: Written, prefix: str) -> _Expected:
    """Carry a write on; a fact that was not the same for both steps is nobody's to carry."""
    names = [name for name, fact in written.before.items() if expected.basis.get(prefix + name) == fact]
    basis = {prefix + name: written.after.get(name) for name in names}
    wrote = {prefix + name: written.by[name] for name in names if name in written.by}
    return replace(expected, basis={**expected.basis, **basis}, wrote={**expected.wrote, **wrote})


def _effects(preview: Preview) -> list[tuple[str, str]]:
    return [(change.what, change.after) for change in preview.changes]


def _changes(brain: Brain, step: Step) -> bool:
    return not weights.is_harmless(brain, step)
