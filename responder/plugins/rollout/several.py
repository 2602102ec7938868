"""Several workloads restarted one after the other, each once; what was restarted and what was not is told exactly."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from responder.errors import CallError, Unanswered
from responder.model.action import Change, Disturbed, Outcome, Preview, Progress
from responder.model.basis import moved, since
from responder.model.target import Target
from responder.model.verdict import Json
from responder.plugins.acting import ATTEMPT, ActionTools
from responder.plugins.rollout.ownership import spec_by
from responder.plugins.rollout.restart import follow_restart, preview_restart, restart
from responder.plugins.rollout.workload import GENERATION, SPEC, Workload, read_again

_FACT = "restart: "
"""Before the name of a fact that a restart rests on: `restart: deployment/api, its spec`."""
_UID = "uid"
_KINDS = {kind.lower(): kind for kind in ("Deployment", "StatefulSet", "DaemonSet")}


@dataclass(frozen=True, slots=True)
class Restart:
    """One restart that was approved: of which workload (as `Workload.identity`), its spec, read as which version."""

    identity: Mapping[str, Json]
    spec: Json
    generation: int

    @property
    def reference(self) -> str:
        """Name it as kubectl takes it."""
        return f"{str(self.identity['kind']).lower()}/{self.identity['name']}"

    @property
    def preview(self) -> Preview:
        """What it may go by."""
        return Preview(
            f"restart {self.reference} in {self.identity['namespace']}: replace its pods",
            basis={"workload": self.reference, _UID: self.identity["uid"], SPEC: self.spec},
            versions={GENERATION: self.generation},
        )


@dataclass(frozen=True, slots=True)
class Restarted:
    """
    What became of several restarts.

    `done` are those that happened, by name; `stopped` says why the one `at` which it ended did not, or that nobody can
    tell; of those after it `left` were not restarted, and of `unknown` nobody can tell.
    """

    done: Mapping[str, Outcome]
    at: Restart | None = None
    stopped: Outcome | None = None
    left: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def status(self) -> Literal["done", "failed", "in_doubt"]:
        """Sum it up: some that were restarted and some that were not is `failed`."""
        if self.stopped is None:
            return "done"
        return "in_doubt" if self.unknown or self.stopped.status == "in_doubt" else "failed"

    @property
    def touched(self) -> tuple[str, ...]:
        """Name those that were restarted, or may have been."""
        doubtful = (self.at.reference,) if self.at and self.stopped and self.stopped.status == "in_doubt" else ()
        return (*self.done, *doubtful, *self.unknown)

    @property
    def say(self) -> str:
        """Say exactly which were restarted and which were not."""
        said = [f"restarted: {', '.join(self.done) or 'nothing'}"]
        if self.at is not None and self.stopped is not None:
            how = "nobody can tell whether restarted" if self.stopped.status == "in_doubt" else "not restarted"
            said.append(f"{how}: {self.at.reference} ({self.stopped.say})")
        if self.left:
            said.append(f"not restarted: {', '.join(self.left)}")
        if self.unknown:
            said.append(f"nobody can tell whether restarted: {', '.join(self.unknown)}")
        return "; ".join(said)


def restart_of(workload: Workload) -> Restart:
    """Restart a workload as it is now."""
    return Restart(workload.identity, workload.facts[SPEC], workload.generation)


def facts_of(workloads: Iterable[Workload]) -> dict[str, Json]:
    """Tell what must still hold when these are restarted, and no others."""
    return {_fact(each.reference, name): each.facts[name] for each in workloads for name in (_UID, SPEC)}


def _fact(reference: str, name: str) -> str:
    return f"{_FACT}{reference}, {name}"


def without_facts(basis: Mapping[str, Json]) -> dict[str, Json]:
    """Leave out what `facts_of` added."""
    return {name: fact for name, fact in basis.items() if not name.startswith(_FACT)}


def approved(preview: Preview, *, cluster: str, namespace: str) -> tuple[Restart, ...]:
    """Read back which restarts were approved; one whose facts are of an older version goes by none that holds."""
    found = {name.removeprefix(_FACT).split(" ")[0].rstrip(",") for name in _restarts_in(preview.basis)}
    return tuple(_approved(reference, preview, cluster, namespace) for reference in sorted(found))


def _approved(reference: str, preview: Preview, cluster: str, namespace: str) -> Restart:
    kind, _, name = reference.partition("/")
    where: dict[str, Json] = {"cluster": cluster, "kind": _KINDS[kind], "namespace": namespace, "name": name}
    uid, spec = (preview.basis.get(_fact(reference, fact)) for fact in (_UID, SPEC))
    return Restart({**where, "uid": uid}, spec, preview.versions.get(_fact(reference, GENERATION), 0))


def not_approved(preview: Preview, workloads: Sequence[Workload]) -> str:
    """Say what no longer is as it was approved, of those restarted and of which there are; "" when all is."""
    by = since(preview.wrote, _wrote(workloads))
    told = "; ".join(moved(_restarts_in(preview.basis), facts_of(workloads), by=by))
    return f"what is to be restarted is not what was approved: {told}" if told else ""


def _restarts_in(basis: Mapping[str, Json]) -> dict[str, Json]:
    return {name: fact for name, fact in basis.items() if name.startswith(_FACT)}


def _wrote(workloads: Iterable[Workload]) -> dict[str, str]:
    return {_fact(each.reference, SPEC): spec_by(each.found) for each in workloads}


async def preview_restarts(workloads: Sequence[Workload], tools: ActionTools) -> Preview:
    """
    Say what restarting each of several workloads would do, and try each as a dry run.

    All roll at the same time; what is missing of each at once stands in `apart`. Raises: CallError.
    """
    found = {each.reference: await preview_restart(each.target, tools) for each in workloads}
    if len(found) == 1:
        only = next(iter(found.values()))
        return replace(only, changes=_named(found), apart=_apart(found), **_facts(workloads))
    every = tuple(found.values())
    first = next((each for each in every if each.owner), None)
    return Preview(
        summary=f"restart {', '.join(found)} in {workloads[0].namespace}: replace their pods",
        changes=_named(found),
        refusal="; ".join(f"{name}: {each.refusal}" for name, each in found.items() if each.refusal),
        namespace=workloads[0].namespace,
        touches=tuple(pod for each in every for pod in each.touches),
        pods=None if any(each.pods is None for each in every) else sum(each.pods or 0 for each in every),
        at_once=max(_gone(each) for each in every),
        ready=sum(each.ready for each in every),
        replicas=sum(each.replicas for each in every),
        disruption="; ".join(f"{name}: {each.disruption}" for name, each in found.items()),
        budgets=tuple(dict.fromkeys(budget for each in every for budget in each.budgets)),
        owner=", ".join(dict.fromkeys(each.owner for each in every if each.owner)),
        owner_way=first.owner_way if first is not None else "",
        warnings=tuple(f"{name}: {warning}" for name, each in found.items() for warning in each.warnings),
        dry_run=all(each.dry_run for each in every),
        apart=_apart(found),
        **_facts(workloads),
    )


def _facts(workloads: Sequence[Workload]) -> dict[str, Any]:
    """Return what a preview of several restarts rests on."""
    versions = {_fact(each.reference, GENERATION): each.generation for each in workloads}
    prefixes = {each.lock: _fact(each.reference, "") for each in workloads}
    return {"basis": facts_of(workloads), "wrote": _wrote(workloads), "versions": versions, "prefixes": prefixes}


def _named(found: Mapping[str, Preview]) -> tuple[Change, ...]:
    each = ((name, change) for name, preview in found.items() for change in preview.changes)
    return tuple(replace(change, what=f"{change.what} of {name}") for name, change in each)


def _apart(found: Mapping[str, Preview]) -> tuple[Disturbed, ...]:
    return tuple(Disturbed(name, each.ready, _gone(each)) for name, each in found.items() if each.pods)


def _gone(preview: Preview) -> int:
    pods = preview.ready if preview.pods is None else preview.pods
    return pods if preview.at_once is None else preview.at_once


async def restart_each(wanted: Sequence[Restart], tools: ActionTools) -> Restarted:
    """
    Restart each once, in order, up to the first that cannot be; one that bears the mark of the attempt is done already.

    Raises: Unanswered at the first try: whether it happened is then read back.
    """
    done: dict[str, Outcome] = {}
    for place, each in enumerate(wanted):
        told = await _restarted(each, tools)
        if told.status != "done":
            return await _stopped(Restarted(done, each, told), wanted[place + 1 :], tools)
        done[each.reference] = told
    return Restarted(done)


async def _stopped(so_far: Restarted, rest: Sequence[Restart], tools: ActionTools) -> Restarted:
    """Tell what is with the rest: at a second try, the first one may have come further."""
    found = {one.reference: await _stands(one, tools) if tools.retry else "failed" for one in rest}
    done = {one.reference: _found(one) for one in rest if found[one.reference] == "done"}
    left, unknown = (tuple(n for n, status in found.items() if status == which) for which in ("failed", "in_doubt"))
    return replace(so_far, done={**so_far.done, **done}, left=left, unknown=unknown)


def _target(identity: Mapping[str, Json]) -> Target:
    cluster, kind, namespace, name = (str(identity[key]) for key in ("cluster", "kind", "namespace", "name"))
    return Target(cluster, kind, namespace, name, name)


def _found(one: Restart) -> Outcome:
    return Outcome("done", f"{one.reference} restarted", basis=one.identity)


async def _restarted(one: Restart, tools: ActionTools) -> Outcome:
    """Make one restart. Raises: Unanswered at the first try."""
    try:
        return await restart(_target(one.identity), one.preview, tools)
    except Unanswered as error:
        if not tools.retry:
            raise
        return Outcome("in_doubt", str(error))
    except CallError as error:
        if not tools.retry:
            return Outcome("failed", str(error))
        status = await _stands(one, tools)
        return _found(one) if status == "done" else Outcome(status, str(error))


async def _stands(one: Restart, tools: ActionTools) -> Literal["done", "failed", "in_doubt"]:
    """Tell by what it bears whether this attempt has restarted it: `failed` when it has not."""
    try:
        found = await read_again(one.identity, tools.kubernetes)
    except CallError:
        return "in_doubt"
    if found.annotations.get(ATTEMPT) == tools.attempt:
        return "done"
    return "failed" if restart_of(found) == one else "in_doubt"


async def follow_each(outcomes: Mapping[str, Outcome], tools: ActionTools) -> Progress:
    """Say how far several restarts have come, the worst one first. Raises: CallError."""
    found: dict[str, Progress] = {}
    for name, outcome in outcomes.items():
        found[name] = await follow_restart(_target(outcome.basis), outcome, tools)
    if len(found) == 1:
        return next(iter(found.values()))
    worst = sorted(found.items(), key=lambda item: _goodness(item[1]))
    through = [each for each in found.values() if each.complete and each.ready]
    told = f"{len(through)} of {len(found)} workloads done"
    return Progress(
        "; ".join((told, *(f"{name}: {each.say}" for name, each in worst if each not in through))),
        complete=all(each.complete for each in found.values()),
        ready=all(each.ready for each in found.values()),
        failed="; ".join(_of(found, "failed")),
        reverted="; ".join(_of(found, "reverted")),
        updated=sum(each.updated for each in found.values()),
        wanted=sum(each.wanted for each in found.values()),
    )


def _goodness(progress: Progress) -> tuple[bool, bool, bool, float]:
    share = progress.updated / progress.wanted if progress.wanted else 1.0
    return not (progress.failed or progress.reverted), progress.complete, progress.ready, share


def _of(found: Mapping[str, Progress], what: Literal["failed", "reverted"]) -> Iterator[str]:
    for name, progress in found.items():
        if said := progress.failed if what == "failed" else progress.reverted:
            yield f"{name}: {said}"
