"""What has been started, here and in every other incident: locks that are held, runs that count."""

from collections.abc import Iterator

from responder.model.action import Attempt, Run, Step
from responder.model.guard import Limits, Rate
from responder.response.attempts import namespace_of, object_of
from responder.response.draft import Draft


def runs_of(draft: Draft, attempt: Attempt, *, undo: bool = False) -> tuple[Run, ...]:
    """Return the runs that a start of an attempt counts as: one for each step."""
    incident = draft.incident
    return tuple(
        Run(
            incident=incident.number,
            attempt=attempt.number,
            plugin=step.plugin,
            action=attempt.name,
            lock=object_of(step),
            rule=incident.rule,
            namespace=namespace_of(step),
            cluster=step.target.cluster,
            started_at=draft.now,
            step=place,
            undo=undo,
        )
        for place, step in enumerate(attempt.steps)
    )


def held(draft: Draft, attempt: Attempt, lock: str) -> Iterator[Run]:
    """Yield who else holds a lock: as the store counted, and what this very incident is at."""
    own = {each.number: each for each in draft.incident.attempts}
    for run in _known(draft):
        mine = run.incident == draft.incident.number
        at_work = own[run.attempt].state.at_work if mine and run.attempt in own else run.ended_at is None
        if run.lock == lock and at_work and not (mine and run.attempt == attempt.number):
            yield run
            return
    for other in own.values():
        if other.number != attempt.number and other.state.at_work:
            yield from (run for run in runs_of(draft, other) if run.lock == lock)


def last(draft: Draft, attempt: Attempt, step: Step) -> Run | None:
    """Return the last run of the same kind of action on the same object, None for none."""
    return max(alike(draft, attempt, step), key=lambda run: run.ended_at or run.started_at, default=None)


def alike(draft: Draft, attempt: Attempt, step: Step) -> list[Run]:
    """Return the runs of the same kind of action on the same object, of any incident but of this attempt."""
    return [run for run in _others(draft, attempt) if _is_alike(run, step)]


def counts(
    draft: Draft, attempt: Attempt, step: Step, limits: Limits, *, every: bool = False
) -> Iterator[tuple[str, Rate, list[Run]]]:
    """
    Yield for each limit what counts in it within its span, the steps of this attempt before this one included.

    Of a playbook's guard only the same kind of action counts; with `every` all but harmless ones do.
    """
    if every and _is_harmless(draft, step.plugin):
        return
    place = next(place for place, each in enumerate(attempt.steps) if each is step)
    own = runs_of(draft, attempt)[:place]
    runs = [run for run in (*_others(draft, attempt), *own) if _counts(draft, run, step, every=every)]
    lock, rule, namespace = object_of(step), draft.incident.rule, namespace_of(step)
    wanted = (
        (f"on {step.target}", limits.target, [run for run in runs if run.lock == lock]),
        (f"for the rule {rule}", limits.rule, [run for run in runs if run.rule == rule]),
        (f"in namespace {namespace}", limits.namespace, [run for run in runs if run.namespace == namespace]),
        ("over everything", limits.overall, runs),
    )
    for what, rate, counted in wanted:
        if rate is not None:
            yield what, rate, [run for run in counted if run.started_at + rate.span > draft.now]


def _counts(draft: Draft, run: Run, step: Step, *, every: bool) -> bool:
    return not _is_harmless(draft, run.plugin) if every else run.plugin == step.plugin


def _is_harmless(draft: Draft, plugin: str) -> bool:
    known = draft.brain.action(plugin)
    return known is not None and known.weight == "harmless"


def _is_alike(run: Run, step: Step) -> bool:
    return run.plugin == step.plugin and run.lock == object_of(step)


def _known(draft: Draft) -> tuple[Run, ...]:
    return (*draft.brain.usage, *draft.starts)


def _others(draft: Draft, attempt: Attempt) -> Iterator[Run]:
    for run in _known(draft):
        if not run.undo and (run.incident, run.attempt) != (draft.incident.number, attempt.number):
            yield run
