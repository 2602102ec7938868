"""Guards: why an attempt may not run now, each reason a sentence for somebody tired. What cannot be read refuses."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from responder.errors import ExpressionError, ResponderError
from responder.model.action import Attempt, Run, Step, Stop
from responder.model.duration import format_duration
from responder.model.guard import Guard, Rate, guard_of, is_in, verify_of
from responder.model.incident import Status
from responder.model.playbook import ActionStep
from responder.model.window import Window, shown
from responder.response import blast, budgets, forbidding, territory, weights
from responder.response.attempts import clock, named, namespace_of, title
from responder.response.ceilings import ceiling
from responder.response.draft import Draft
from responder.response.evidence import lacking
from responder.response.proposals import with_inputs


@dataclass(frozen=True, slots=True)
class Refusal:
    """
    One reason against it.

    `until` is when it ends by itself, where that is known. A `firm` one binds also who breaks the glass. `guard` names
    the guard that has it.
    """

    why: str
    until: datetime | None = None
    firm: bool = False
    guard: str = ""


def refusals(draft: Draft, attempt: Attempt) -> tuple[Refusal, ...]:
    """Return every reason against starting an attempt now, each once; none means that it may start."""
    return _of(draft, attempt, _GUARDS)


def early_refusals(draft: Draft, attempt: Attempt) -> tuple[Refusal, ...]:
    """Return every reason against asking people for the inputs without which nobody can look at an attempt."""
    return _of(draft, attempt, _EARLY)


def _of(draft: Draft, attempt: Attempt, guards: Iterable[str]) -> tuple[Refusal, ...]:
    found: dict[str, Refusal] = {}
    for guard in guards:
        for refusal in _GUARDS[guard](draft, attempt):
            found.setdefault(refusal.why, replace(refusal, guard=guard))
    return tuple(found.values())


def undo_refusals(draft: Draft, attempt: Attempt, *, past_stop: bool = False) -> tuple[str, ...]:
    """Return every reason against taking an attempt back now: the stop, what is forbidden, never lists, who works."""
    found: dict[str, None] = {}
    for refuse in (_never, _busy) if past_stop else (_stopped, _forbidden, _never, _busy):
        found |= {refusal.why: None for refusal in refuse(draft, attempt)}
    return tuple(found)


def stop_of(draft: Draft) -> Stop | None:
    """Return the global stop while it stands."""
    stop = draft.brain.stop
    return None if stop is None or (stop.until is not None and stop.until <= draft.now) else stop


def told_stop(stop: Stop, now: datetime) -> str:
    """Say who stopped all automation, why, and until when."""
    until = f" until {clock(stop.until, now)}" if stop.until else ""
    return f"all automation was stopped by {stop.by or 'the settings'}{until}{f': {stop.why}' if stop.why else ''}"


def guards_of(attempt: Attempt) -> list[Guard]:
    """Return the guards of an attempt and of its steps. Raises: ValueError where one cannot be read."""
    return [guard_of(attempt.guard), *(guard_of(each) for step in attempt.steps for each in step.guards)]


# --- what stands whoever else acts ---


def _stopped(draft: Draft, attempt: Attempt) -> Iterator[Refusal]:
    stop = stop_of(draft)
    if stop is not None:
        yield Refusal(told_stop(stop, draft.now), until=stop.until, firm=True)


def _readable(draft: Draft, attempt: Attempt) -> Iterator[Refusal]:
    try:
        guards_of(attempt)
        until = verify_of(attempt.verify).until
        if until:
            draft.brain.evaluator.compile(until, want="bool")
    except (ValueError, ExpressionError) as error:
        yield Refusal(f"its guard or verification cannot be read: {error}", firm=True)


def _previewed(draft: Draft, attempt: Attempt) -> Iterator[Refusal]:
    for step in attempt.steps:
        if step.preview is None:
            yield Refusal(f"{title(step)} has not been previewed", firm=True)
        elif step.preview.refusal:
            yield Refusal(step.preview.refusal, firm=True)


def _forbidden(draft: Draft, attempt: Attempt) -> Iterator[Refusal]:
    for step in attempt.steps:
        if draft.brain.action(step.plugin) is None:
            yield Refusal(f"no action is called {step.plugin}", firm=True)
        why = forbidding.forbids(draft.brain, step.plugin, step.params)
        if why:
            yield Refusal(why, firm=True)


def _over(draft: Draft, attempt: Attempt) -> Iterator[Refusal]:
    status = draft.incident.status
    if status is Status.RESOLVED:
        yield Refusal("the incident is resolved", firm=True)
    elif status is Status.MONITORING and not attempt.proposed_by:
        yield Refusal("no alert fires any more", firm=True)


def _never(draft: Draft, attempt: Attempt) -> Iterator[Refusal]:
    ceilings = draft.brain.ceilings
    for step, guard in _each(attempt):
        for namespace in filter(None, namespaces(draft, step)):
            if is_in(namespace, (*ceilings.never, *guard.never)):
                yield Refusal(f"nothing may be done in {namespace}: it is on a `never` list", firm=True)


def _outside(draft: Draft, attempt: Attempt) -> Iterator[Refusal]:
    teams = () if attempt.proposed_by else draft.brain.teams
    pack = territory.pack_of(draft.brain.playbook)
    for step, guard in _each(attempt):
        reached = namespaces(draft, step)
        for allowed in filter(None, (draft.brain.ceilings.only_in, guard.only_in)):
            for namespace in reached:
                if not namespace or not is_in(namespace, allowed):
                    where = f"in {namespace}" if namespace else "outside of any namespace"
                    yield Refusal(f"it may run only in {', '.join(allowed)}; {title(step)} acts {where}", firm=True)
        refused = territory.outside(pack=pack, namespaces=reached, teams=teams)
        if refused:
            yield Refusal(refused, firm=True)


def _ceiling(draft: Draft, attempt: Attempt) -> Iterator[Refusal]:
    for step in attempt.steps:
        mode, why = ceiling(draft.brain, draft.incident, attempt.mode, namespaces(draft, step))
        if mode in ("off", "suggest"):
            yield Refusal(why, firm=True)


def _windows(draft: Draft, attempt: Attempt) -> Iterator[Refusal]:
    for windows in (draft.brain.ceilings.windows, *(guard.windows for _, guard in _each(attempt))):
        yield from _hours(windows, draft.now)


def _hours(windows: tuple[Window, ...], now: datetime) -> Iterator[Refusal]:
    try:
        frozen = [window for window in windows if window.freeze and window.covers(now)]
        allowed = [window for window in windows if not window.freeze]
        if frozen:
            yield from map(partial(_frozen, now), frozen)
        elif allowed and not any(window.covers(now) for window in allowed):
            yield Refusal(f"it may run only in these hours: {'; '.join(map(str, allowed))}")
    except (ValueError, KeyError, OSError, OverflowError) as error:
        yield Refusal(f"its hours cannot be read: {error}", firm=True)


def _frozen(now: datetime, window: Window) -> Refusal:
    until = window.ends(now)
    return Refusal(f"change freeze until {shown(until, now)}" if until else f"changes are frozen: {window}", until)


def _evidence(draft: Draft, attempt: Attempt) -> Iterator[Refusal]:
    wanted = [name for _, guard in _each(attempt) for name in guard.evidence]
    for why in lacking(draft, attempt, tuple(dict.fromkeys(wanted))):
        yield Refusal(why)


def _when(draft: Draft, attempt: Attempt) -> Iterator[Refusal]:
    facts = with_inputs(draft.facts(), attempt.inputs)
    for when in dict.fromkeys(guard.when for _, guard in _each(attempt) if guard.when):
        verdict = draft.brain.evaluator.holds(when, facts)
        if verdict.undecided:
            yield Refusal(f"could not decide whether {when}: {verdict.undecided.why}")
        elif not verdict.holds:
            yield Refusal(f"{when} does not hold")


def _blast(draft: Draft, attempt: Attempt) -> Iterator[Refusal]:
    yield from (Refusal(why) for why in blast.too_many(attempt))


# --- what is counted over all incidents ---


def _busy(draft: Draft, attempt: Attempt) -> Iterator[Refusal]:
    soon = draft.now + timedelta(seconds=30)
    for step in attempt.steps:
        if weights.is_harmless(draft.brain, step):
            continue  # what only reads and keeps is most wanted while something else is at work, or in doubt
        for run, locks in _by_holder(budgets.held(draft, attempt, step)).items():
            since = f"since {clock(run.started_at, draft.now)}"
            whose = f"{run.plugin} of INC-{run.incident}/{run.attempt} is at work on it {since}"
            objects = ", ".join(map(named, locks))
            yield Refusal(f"{whose}; one action at a time on {objects}", until=soon, firm=True)


def _by_holder(held: Iterable[tuple[str, Run]]) -> dict[Run, list[str]]:
    found: dict[Run, list[str]] = {}
    for lock, run in held:
        found.setdefault(run, []).append(lock)
    return found


def _cooldown(draft: Draft, attempt: Attempt) -> Iterator[Refusal]:
    for step, guard in _each(attempt):
        last = budgets.last(draft, attempt, step) if guard.cooldown else None
        if last is None or guard.cooldown is None:
            continue
        until = (last.ended_at or last.started_at) + guard.cooldown
        if until > draft.now:
            ago = format_duration(draft.now - (last.ended_at or last.started_at))
            whose = f"{title(step)} ran {ago} ago (INC-{last.incident})"
            yield Refusal(
                f"{whose}; its cooldown is {format_duration(guard.cooldown)}, until {clock(until, draft.now)}", until
            )


def _limits(draft: Draft, attempt: Attempt) -> Iterator[Refusal]:
    for step, guard in _each(attempt):
        for what, rate, runs in budgets.counts(draft, attempt, step, guard.at_most):
            yield from _counted(draft, f"{step.plugin} ran", what, rate, runs)
        for what, rate, runs in budgets.counts(draft, attempt, step, draft.brain.ceilings.at_most, every=True):
            yield from _counted(draft, "actions ran", what, rate, runs)


def _counted(draft: Draft, subject: str, what: str, rate: Rate, runs: list[Run]) -> Iterator[Refusal]:
    if len(runs) < rate.count:
        return
    frees = sorted(run.started_at for run in runs)[len(runs) - rate.count] + rate.span
    times = "once" if len(runs) == 1 else f"{len(runs)} times"
    last = max(runs, key=lambda run: run.started_at)
    told = f"{subject} {times} {what} within {format_duration(rate.span)} (last for INC-{last.incident})"
    yield Refusal(f"{told}; at most {rate} is allowed, again from {clock(frees, draft.now)}", frees)


def namespaces(draft: Draft, step: Step) -> tuple[str, ...]:
    """Return where a step acts: as its plugin tells, and as its preview found; "" where that cannot be told."""
    try:
        action = ActionStep(step.name, step.plugin)
        told = tuple(draft.brain.namespaces_of(action, step.params, step.target))
    except (ValueError, ResponderError):
        told = ("",)
    found = namespace_of(step) if step.preview is not None and step.preview.namespace else ""
    return tuple(dict.fromkeys((*told, found) if found else told))


def _each(attempt: Attempt) -> Iterator[tuple[Step, Guard]]:
    """Pair every step with each guard that binds it; those that cannot be read refuse by themselves."""
    for step in attempt.steps:
        for written in (attempt.guard, *step.guards):
            try:
                yield step, guard_of(written)
            except ValueError:
                continue


_Refuse = Callable[[Draft, Attempt], Iterator[Refusal]]
_GUARDS: Mapping[str, _Refuse] = {
    "stop": _stopped,
    "guard": _readable,
    "preview": _previewed,
    "forbid": _forbidden,
    "status": _over,
    "never": _never,
    "only_in": _outside,
    "mode": _ceiling,
    "windows": _windows,
    "evidence": _evidence,
    "when": _when,
    "blast_radius": _blast,
    "one at a time": _busy,
    "cooldown": _cooldown,
    "at_most": _limits,
}
"""By the words of the rules, where they have one. The last three count what has been started, here and elsewhere."""
_EARLY = ("stop", "guard", "status", "windows", "evidence")
"""Those that need no parameters."""
