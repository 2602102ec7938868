"""How much one decision may disturb: so many pods, or so many in a hundred, and never the last that is ready."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from responder.model.action import Attempt, Disturbed, Preview, Step
from responder.model.guard import Blast, guard_of
from responder.model.verdict import Json
from responder.response.attempts import named, objects_of, title


@dataclass(frozen=True, slots=True)
class _Reach:
    """What is disturbed of the same objects: `pods` of the `ready` ones, of `whole`, which are all that there are."""

    objects: frozenset[str]
    pods: int
    ready: int
    whole: int


def too_many(attempt: Attempt) -> Iterator[str]:
    """Say why an attempt would disturb more than its guards allow; one that cannot be read refuses by itself."""
    for written, steps in _bound(attempt):
        try:
            guard = guard_of(written)
        except ValueError:
            continue
        previews = [step.preview for step in steps if step.preview is not None]
        if guard.blast_radius is not None:
            yield from _above(steps, guard.blast_radius)
        if not guard.last_replica:
            yield from (why for preview in previews for why in _last(preview))


def _bound(attempt: Attempt) -> list[tuple[Mapping[str, Json], list[Step]]]:
    """Pair each guard with the steps that it binds: that of a sequence bounds what all of them disturb together."""
    found: list[tuple[Mapping[str, Json], list[Step]]] = [(attempt.guard, list(attempt.steps))]
    for step in attempt.steps:
        for written in step.guards:
            same = next((steps for guard, steps in found[1:] if guard == written), None)
            if same is None:
                found.append((written, [step]))
            elif step not in same:
                same.append(step)
    return found


def _above(steps: Iterable[Step], most: Blast) -> Iterator[str]:
    unknown = [step for step in steps if step.preview is not None and step.preview.pods is None]
    for step in unknown:
        yield f"nobody knows how many pods {title(step)} disturbs; at most {most} may be"
    reached = _together(steps)
    pods, ready = sum(each.pods for each in reached), sum(each.ready for each in reached)
    allowed = most.pods if most.pods is not None else _share(most, sum(each.whole for each in reached))
    if not unknown and pods > allowed:
        yield f"it would disturb {pods} pods, {ready} are ready; at most {most} may be"
    elif most.percent is not None:
        every = dict.fromkeys((*reached, *_by_lock(steps)))
        yield from (_too_much_of(each, most) for each in every if each.pods > _share(most, each.whole))


def _share(most: Blast, whole: int) -> int:
    return (most.percent or 0) * whole // 100


def _too_much_of(reach: _Reach, most: Blast) -> str:
    whose = ", ".join(map(named, sorted(reach.objects)))
    return f"it would disturb {reach.pods} pods of {whose}, {reach.ready} are ready; at most {most} of each may be"


def _together(steps: Iterable[Step]) -> list[_Reach]:
    """Add up what steps disturb; where they share objects, no more than all of those that there are."""
    found: list[_Reach] = []
    for reach in _by_lock(steps):
        same = [each for each in found if not each.objects.isdisjoint(reach.objects)]
        found = [each for each in found if each not in same]
        whole = max(reach.whole, sum(each.whole for each in same))
        found.append(
            _Reach(
                reach.objects.union(*(each.objects for each in same)),
                min(reach.pods + sum(each.pods for each in same), whole) if same else reach.pods,
                max(reach.ready, sum(each.ready for each in same)),
                whole,
            )
        )
    return found


def _by_lock(steps: Iterable[Step]) -> Iterable[_Reach]:
    """Take together what is done to the very same thing, which disturbs the same again: the most that one step does."""
    found: dict[str, _Reach] = {}
    for step in steps:
        preview = step.preview
        if preview is None or not preview.pods:
            continue
        lock, *beside = objects_of(step)
        before = found.get(lock, _Reach(frozenset(), 0, 0, 0))
        found[lock] = _Reach(
            before.objects.union((lock, *beside)),
            max(before.pods, preview.pods),
            max(before.ready, preview.ready),
            max(before.whole, preview.replicas, preview.ready),
        )
    return found.values()


def _last(preview: Preview) -> Iterator[str]:
    """Refuse what leaves no ready pod meanwhile, of all or of one of the workloads that it disturbs."""
    pods = preview.ready if preview.pods is None else preview.pods
    gone = pods if preview.at_once is None else preview.at_once
    for each in preview.apart or (Disturbed("", preview.ready, gone),):
        if pods and 0 < each.ready <= each.at_once:
            whose = f" of {each.name}" if len(preview.apart) > 1 else ""
            count = f"{each.at_once} may be missing at once, {each.ready} are ready"
            told = f"no ready pod{whose} would be left meanwhile: {count}"
            yield f"{told}; `guard: {{last_replica: true}}` would allow it"
