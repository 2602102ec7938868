"""What has been started, here and in every other incident: locks that are held, runs that count."""

from collections.abc import Iterator

from responder.errors import ResponderError
from responder.model.action import Attempt, Run, Step
from responder.model.guard import Limits, Rate
from responder.model.playbook import ActionStep
from responder.response import weights
from responder.response.attempts import named, namespace_of, objects_of
from responder.response.draft import Draft


def runs_of(draft: Draft, attempt: Attempt, *, undo: bool = False) -> tuple[Run, ...]:
    """Return the runs that a start of an attempt counts as: one for each step."""
    return tuple(_run(draft, attempt, place, undo=undo) for place in range(len(attempt.steps)))


def _run(draft: Draft, attempt: Attempt, place: int, *, undo: bool) -> Run:
    incident, step = draft.incident, attempt.steps[place]
    lock, *beside = objects_of(step)
    return Run(
        incident=incident.number,
        attempt=attempt.number,
        plugin=step.plugin,
        action=attempt.name,
        lock=lock,
        rule=incident.rule,
        namespace=namespace_of(step),
        cluster=step.target.cluster,
        started_at=draft.now,
        step=place,
        undo=undo,
        beside=tuple(beside),
        dry_run=attempt.dry_run,
        entails=_included(draft, step),
    )


def _included(draft: Draft, step: Step) -> tuple[str, ...]:
    if weights.is_harmless(draft.brain, step):
        return ()  # keeping what a program says is no reason to run none
    try:
        return tuple(draft.brain.entails(ActionStep(step.name, step.plugin), step.params))
    except (ValueError, ResponderError):
        return ()  # what cannot be told is refused where anything of it may be forbidden


def held(draft: Draft, attempt: Attempt, step: Step) -> Iterator[tuple[str, Run]]:
    """Yield each object of a step that somebody else holds: as the store counted, and what this very incident is at."""
    at_work = tuple(_at_work(draft, attempt))
    for lock in objects_of(step):
        holder = next((run for run in at_work if lock in run.locks), None)
        if holder is not None:
            yield lock, holder


def _at_work(draft: Draft, attempt: Attempt) -> Iterator[Run]:
    own = {each.number: each for each in draft.incident.attempts}
    for run in _known(draft):
        mine = run.incident == draft.incident.number
        at_work = own[run.attempt].state.at_work if mine and run.attempt in own else run.ended_at is None
        if at_work and not (mine and run.attempt == attempt.number):
            yield run
    for other in own.values():
        if other.number != attempt.number and other.state.at_work:
            yield from runs_of(draft, other)


def last(draft: Draft, attempt: Attempt, step: Step) -> Run | None:
    """Return the last run that did the same to one of the same objects, None for none."""
    return max(alike(draft, attempt, step), key=lambda run: run.ended_at or run.started_at, default=None)


def alike(draft: Draft, attempt: Attempt, step: Step) -> list[Run]:
    """Return the runs that did the same to one of the same objects, of any incident but of this attempt."""
    objects, light = objects_of(step), weights.is_harmless(draft.brain, step)
    same = (run for run in _others(draft, attempt) if run.does(step.plugin) and (light or not _is_harmless(draft, run)))
    return [run for run in same if not run.locks.isdisjoint(objects)]


def counts(
    draft: Draft, attempt: Attempt, step: Step, limits: Limits, *, every: bool = False
) -> Iterator[tuple[str, Rate, list[Run]]]:
    """
    Yield for each limit what counts in it within its span, the steps of this attempt before this one included.

    Of a playbook's guard only what did the same counts, also as a part of something else; with `every` all but harmless
    ones do. The limit of a target holds for every object by itself; in any other one a step counts once, however many
    it touches.
    """
    if every and weights.is_harmless(draft.brain, step):
        return
    place = next(place for place, each in enumerate(attempt.steps) if each is step)
    own = runs_of(draft, attempt)[:place]
    runs = [run for run in (*_others(draft, attempt), *own) if _counts(draft, run, step, every=every)]
    rule, namespace = draft.incident.rule, namespace_of(step)
    lock = _fullest(step, limits.target, runs)
    wanted = (
        (f"on {named(lock)}", limits.target, [run for run in runs if lock in run.locks]),
        (f"for the rule {rule}", limits.rule, [run for run in runs if run.rule == rule]),
        (f"in namespace {namespace}", limits.namespace, [run for run in runs if run.namespace == namespace]),
        ("over everything", limits.overall, runs),
    )
    for what, rate, counted in wanted:
        if rate is not None:
            yield what, rate, [run for run in counted if run.started_at + rate.span > draft.now]


def _fullest(step: Step, rate: Rate | None, runs: list[Run]) -> str:
    """Name the object of a step that has to wait for its limit the longest."""

    def frees(lock: str) -> float:
        started = sorted(run.started_at.timestamp() for run in runs if lock in run.locks)
        return started[-rate.count] if rate is not None and len(started) >= rate.count else 0.0

    return max(objects_of(step), key=frees)


def _counts(draft: Draft, run: Run, step: Step, *, every: bool) -> bool:
    return not _is_harmless(draft, run) if every else run.does(step.plugin)


def _is_harmless(draft: Draft, run: Run) -> bool:
    """Whether a start only read and kept: of its parameters it tells no more than what they included."""
    known = draft.brain.action(run.plugin)
    return known is not None and "harmless" in (known.weight, known.lightest if not run.entails else "")


def _known(draft: Draft) -> tuple[Run, ...]:
    return (*draft.brain.usage, *draft.starts)


def _others(draft: Draft, attempt: Attempt) -> Iterator[Run]:
    """Yield the starts of others; what was only tried counts as long as all else is, and for nothing in earnest."""
    trying = attempt.dry_run or draft.brain.dry_run
    for run in _known(draft):
        if (
            not run.undo
            and (trying or not run.dry_run)
            and (run.incident, run.attempt) != (draft.incident.number, attempt.number)
        ):
            yield run
