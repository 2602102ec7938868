"""The bounds of the autoscaler of a workload, changed instead of a number that it would take back."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from responder.errors import Conflict
from responder.model.action import Change, Outcome, Preview
from responder.model.basis import moved
from responder.model.management import managed_by
from responder.model.resource import AUTOSCALERS
from responder.model.verdict import Json
from responder.plugins.acting import ATTEMPT, ActionTools, Cluster, Object
from responder.plugins.rollout.ownership import changed_by
from responder.plugins.rollout.plan import Operation, note_of
from responder.plugins.rollout.workload import Workload
from responder.plugins.rollout.write import annotate
from responder.plugins.trying import tried
from responder.plugins.undone import undone


@dataclass(frozen=True, slots=True)
class Bounds:
    """The fewest and the most replicas that an autoscaler chooses."""

    least: int
    most: int

    def __str__(self) -> str:
        """Show as people say it."""
        return f"{self.least} to {self.most}"

    @property
    def span(self) -> str:
        """Write them as they are recorded: `2-6`."""
        return f"{self.least}-{self.most}"


@dataclass(frozen=True, slots=True)
class Autoscaler:
    """A HorizontalPodAutoscaler, as it was read."""

    found: Object

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.found["metadata"]["name"])

    @property
    def namespace(self) -> str:
        """Its namespace."""
        return str(self.found["metadata"].get("namespace", ""))

    @property
    def uid(self) -> str:
        """What tells it from another of its name."""
        return str(self.found["metadata"].get("uid", ""))

    @property
    def bounds(self) -> Bounds:
        """Its bounds."""
        spec = self.found["spec"]
        return Bounds(int(spec.get("minReplicas") or 1), int(spec["maxReplicas"]))

    @property
    def annotations(self) -> Mapping[str, str]:
        """Its annotations."""
        return self.found["metadata"].get("annotations") or {}

    @property
    def facts(self) -> dict[str, Json]:
        """Tell what must still hold when it is changed."""
        least, most = self.bounds.least, self.bounds.most
        return {"autoscaler": self.name, "autoscaler uid": self.uid, "minReplicas": least, "maxReplicas": most}

    def changed_by(self) -> str:
        """Name who changed its bounds last, other than us."""
        return changed_by(self.found, "spec", "minReplicas")


async def read_autoscaler(workload: Workload, cluster: Cluster) -> Autoscaler | str | None:
    """
    Find what scales a workload; None for nothing, or in words why the number must not be touched.

    Raises: CallError when that could not be read: a number that is taken back at once is no help.
    """
    listed = await cluster.list(AUTOSCALERS, workload.namespace)
    found = [Autoscaler(item) for item in listed if _scales(item, workload)]
    if not found:
        return None
    names = ", ".join(scaler.name for scaler in found)
    if len(found) > 1:
        return f"several autoscalers scale {workload.reference}: {names}; remove all but one first"
    for owner in found[0].found["metadata"].get("ownerReferences") or ():
        if owner.get("controller"):
            return f"the autoscaler {names} is made by {owner.get('kind')} {owner.get('name')}: change its bounds there"
    return found[0]


def _scales(autoscaler: Object, workload: Workload) -> bool:
    reference = autoscaler["spec"].get("scaleTargetRef") or {}
    group = str(reference.get("apiVersion", "apps/v1")).partition("/")[0]
    return (group, reference.get("kind"), reference.get("name")) == ("apps", workload.kind, workload.name)


def bounds_for(bounds: Bounds, *, now: int, wanted: int) -> Bounds | str:
    """Choose bounds that lead to a number of replicas; or say why they cannot."""
    if wanted == 0:
        return "an autoscaler does not go to 0 replicas: remove it first, if nothing at all shall run"
    if wanted > now:
        chosen = Bounds(max(bounds.least, wanted), max(bounds.most, wanted))
    else:
        chosen = Bounds(min(bounds.least, wanted), wanted)
    if chosen == bounds:
        return f"the autoscaler is bound to {bounds} replicas already and gets to {wanted} by itself"
    return chosen


async def preview_bounds(
    preview: Preview, workload: Workload, scaler: Autoscaler, chosen: Bounds | str, tools: ActionTools
) -> Preview:
    """Say that it is the autoscaler's bounds that change, and try that as a dry run."""
    base = replace(preview, dry_run=False, undo=None, owner=managed_by(scaler.found) or preview.owner)
    lock = f"{workload.cluster}/HorizontalPodAutoscaler/{scaler.namespace}/{scaler.name}".lower()
    base = replace(base, basis=_facts(workload, scaler), beside=(lock,), warnings=(*preview.warnings, *_limits(scaler)))
    if base.refusal or isinstance(chosen, str):
        return replace(base, refusal=base.refusal or str(chosen))
    refusal, dry_run = await tried(
        f"the autoscaler {scaler.name}",
        lambda: _send(scaler, chosen, tools, dry_run=True),
        lambda answer: Autoscaler(answer).bounds == chosen,
    )
    where = {**workload.identity, "autoscaler": scaler.name, "autoscaler uid": scaler.uid}
    return replace(
        base,
        summary=f"{preview.summary}, by the bounds of its autoscaler {scaler.name}: {scaler.bounds} -> {chosen}",
        changes=tuple(_changes(scaler, chosen)),
        refusal=refusal,
        undo={**where, "least": scaler.bounds.least, "most": scaler.bounds.most, "left": chosen.span},
        basis={**base.basis, "wanted": chosen.span},
        dry_run=dry_run,
    )


def _facts(workload: Workload, scaler: Autoscaler) -> dict[str, Json]:
    """Tell what must still hold: not the number of replicas, which changes whenever the autoscaler does its work."""
    return {"workload": workload.reference, "uid": workload.uid, **scaler.facts}


def _limits(scaler: Autoscaler) -> tuple[str, ...]:
    wanted = int((scaler.found.get("status") or {}).get("desiredReplicas") or 0)
    return (f"The autoscaler asks for {wanted} replicas now",) if wanted else ()


def _changes(scaler: Autoscaler, chosen: Bounds) -> list[Change]:
    now = scaler.bounds
    both = (("minReplicas", now.least, chosen.least), ("maxReplicas", now.most, chosen.most))
    return [Change(f"{what} of {scaler.name}", str(a), str(b)) for what, a, b in both if a != b]


async def _send(scaler: Autoscaler, chosen: Bounds, tools: ActionTools, *, dry_run: bool = False) -> Object:
    """Set the bounds where they are as they were read; its status moves the resource version all the time."""
    now = scaler.bounds
    body: list[Operation] = [{"op": "test", "path": "/metadata/uid", "value": scaler.uid}]
    if "minReplicas" in scaler.found["spec"]:
        body.append({"op": "test", "path": "/spec/minReplicas", "value": now.least})
    body.append({"op": "test", "path": "/spec/maxReplicas", "value": now.most})
    if chosen.least != now.least:
        body.append({"op": "add", "path": "/spec/minReplicas", "value": chosen.least})
    if chosen.most != now.most:
        body.append({"op": "replace", "path": "/spec/maxReplicas", "value": chosen.most})
    body.extend(annotate(scaler.annotations, {ATTEMPT: tools.attempt}))
    return await tools.kubernetes.patch(AUTOSCALERS, scaler.namespace, scaler.name, body, dry_run=dry_run)


async def bind(workload: Workload, preview: Preview, tools: ActionTools) -> Outcome:
    """Set the approved bounds once, if what the preview saw still holds. Raises: CallError."""
    found = await read_autoscaler(workload, tools.kubernetes)
    if not isinstance(found, Autoscaler):
        said = found or f"nothing scales {workload.reference} any more"
        return Outcome("in_doubt" if tools.retry else "not_done", said)
    least, _, most = str(preview.basis.get("wanted", "")).partition("-")
    chosen = Bounds(int(least), int(most))
    undo = dict(preview.undo) if isinstance(preview.undo, Mapping) else None
    if found.annotations.get(ATTEMPT) == tools.attempt:
        return await _bound(workload, found, chosen, tools, undo=undo)
    if told := "; ".join(moved(preview.basis, {**preview.basis, **_facts(workload, found)})):
        said = f"the autoscaler of {workload.reference} is not what was approved: {told}"
        return Outcome("in_doubt" if tools.retry else "not_done", said)
    try:
        after = Autoscaler(await _send(found, chosen, tools))
    except Conflict as error:
        said = f"the autoscaler {found.name} was changed by {found.changed_by()}: {error}"
        return Outcome("in_doubt" if tools.retry else "not_done", said)
    return await _bound(workload, after, chosen, tools, undo=undo)


async def bind_back(before: Mapping[str, Json], tools: ActionTools) -> Outcome:
    """Put the bounds back, unless others have changed them since. Raises: CallError."""
    namespace, name = str(before.get("namespace", "")), str(before["autoscaler"])
    read = await tools.kubernetes.get(AUTOSCALERS, namespace, name)
    if read is None or Autoscaler(read).uid != before.get("autoscaler uid"):
        return Outcome("not_done", f"the autoscaler {name} is not there any more: nothing is undone")
    found, restored = Autoscaler(read), Bounds(int(before["least"]), int(before["most"]))
    identity = {key: before[key] for key in ("cluster", "kind", "namespace", "name", "uid")}
    workload = Workload({"kind": before["kind"], "metadata": identity, "spec": {}}, str(before["cluster"]))
    ours = tools.retry and found.annotations.get(ATTEMPT) == tools.attempt
    if found.bounds == restored and not ours:
        said = f"the bounds of {name} are {restored} as before already: nothing was written"
        return undone(Outcome("done", said, basis=identity))
    if not ours:
        if found.bounds.span != before.get("left"):
            who = found.changed_by()
            said = f"the bounds of {name} are {found.bounds}, changed since by {who}: they are not undone over that"
            return Outcome("in_doubt" if tools.retry else "not_done", said)
        try:
            found = Autoscaler(await _send(found, restored, tools))
        except Conflict as error:
            said = f"the autoscaler {name} was being changed by others: {error}"
            return Outcome("in_doubt" if tools.retry else "not_done", said)
    told = await _bound(workload, found, restored, tools, undo=None)
    return undone(told)


async def _bound(
    workload: Workload, scaler: Autoscaler, chosen: Bounds, tools: ActionTools, *, undo: dict[str, Json] | None
) -> Outcome:
    said = f"bound to {chosen} replicas"
    regarding = {"kind": "HorizontalPodAutoscaler", "apiVersion": "autoscaling/v2", **scaler.found}
    await tools.kubernetes.tell(regarding, reason="Bound", note=note_of(said, tools), key=tools.attempt)
    return Outcome(
        "done",
        f"the autoscaler {scaler.name} of {workload.reference} is {said}",
        undo=undo,
        follow=True,
        basis={**workload.identity, "least": chosen.least, "most": chosen.most},
    )
