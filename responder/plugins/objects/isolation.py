"""A pod taken out of service by its labels, and put back."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence

from responder.model.action import Change
from responder.model.resource import BY_KIND, NETWORK_POLICIES, SERVICES
from responder.model.verdict import Json
from responder.plugins.acting import INCIDENT, ActionTools, Cluster
from responder.plugins.objects.edit import Edit
from responder.plugins.objects.pod import controller_of
from responder.plugins.objects.seen import Seen
from responder.plugins.rollout.disruption import selects
from responder.plugins.rollout.plan import Operation
from responder.plugins.rollout.workload import pointer

ISOLATED = "alertmanager-responder/isolated"
"""The label of pods that are kept to be examined."""

_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", re.ASCII)


async def isolation(seen: Seen, labels: Sequence[str], tools: ActionTools) -> Edit:
    """Plan taking labels off a pod. Raises: CallError when what selects it could not be read."""
    off = {label: seen.labels[label] for label in dict.fromkeys(labels) if label in seen.labels}
    marks = {ISOLATED: "true", **incident_label(tools.incident.id)}
    left = {key: value for key, value in seen.labels.items() if key not in off}
    holding = [said async for said in _selecting(seen, left, tools.kubernetes)] if off else []
    before = [said async for said in _selecting(seen, seen.labels, tools.kubernetes)] if off else []
    bare = await _policies_lost(seen, left, tools.kubernetes) if off else ()
    names = ", ".join(off)
    let_go = [said for said in before if said not in holding]
    operations: list[Operation] = [{"op": "remove", "path": pointer("metadata", "labels", label)} for label in off]
    operations += [{"op": "add", "path": pointer("metadata", "labels", k), "value": v} for k, v in marks.items()]
    return Edit(
        summary=f"take {names or 'nothing'} off {seen.place}: {', '.join(let_go) or 'nothing'} lets go of it",
        done=f"{names} taken off, kept for {tools.incident.id}",
        event="Isolated",
        operations=operations,
        holds=lambda found: not any(label in (found["metadata"].get("labels") or {}) for label in off or labels),
        changes=tuple(Change(f"label {label}", value, "(taken off)") for label, value in off.items()),
        facts={f"label {label}": value for label, value in off.items()},
        undo={"labels": dict(off), "marks": dict(marks)},
        refusal=_refusal(seen, labels, off, let_go),
        warnings=(*bare, *(f"{said} still holds it: take off its label too" for said in holding)),
        wrote=("metadata", "labels"),
    )


def labels_back(seen: Seen, before: Mapping[str, Json]) -> Edit:
    """Plan putting labels back; its refusal says which others have set since."""
    labels, marks = (_texts(before.get(name)) for name in ("labels", "marks"))
    foreign = [label for label in labels if label in seen.labels]
    operations: list[Operation] = [
        {"op": "add", "path": pointer("metadata", "labels", key), "value": value} for key, value in labels.items()
    ]
    operations += [{"op": "remove", "path": pointer("metadata", "labels", key)} for key in marks if key in seen.labels]
    refusal = f"{seen.place} was labelled {', '.join(foreign)} by others since" if foreign else ""
    return Edit(
        summary=f"put {', '.join(labels)} back on {seen.place}",
        done=f"{', '.join(labels)} put back",
        event="PutBack",
        operations=operations,
        holds=lambda found: labels.items() <= dict(found["metadata"].get("labels") or {}).items(),
        refusal=refusal if labels else f"The labels of {seen.place} were not recorded",
        wrote=("metadata", "labels"),
    )


def incident_label(incident: str) -> dict[str, str]:
    """Return the label that names the incident; empty for a name that no label can hold."""
    return {INCIDENT: incident} if _LABEL.fullmatch(incident) else {}


def _refusal(seen: Seen, labels: Sequence[str], off: Mapping[str, str], let_go: Sequence[str]) -> str:
    if ISOLATED in seen.labels:
        return f"{seen.place} is isolated already"
    if not off:
        return f"{seen.place} has none of the labels {', '.join(labels)}"
    owner = controller_of(seen.found)
    if owner and owner.get("kind") == "StatefulSet":
        return f"{seen.place} is of a StatefulSet: while it is kept, no other can take its name and its volumes"
    return "" if let_go else f"Nothing lets go of {seen.place} without {', '.join(off)}: name the selector's labels"


async def _selecting(seen: Seen, labels: Mapping[str, str], cluster: Cluster) -> AsyncIterator[str]:
    """Name the controller and the Services that select a pod with such labels."""
    owner = controller_of(seen.found)
    resource = BY_KIND.get(str(owner.get("kind"))) if owner else None
    if owner and resource:
        found = await cluster.get(resource, seen.place.namespace, str(owner.get("name")))
        if found and selects((found.get("spec") or {}).get("selector"), labels):
            yield f"{str(owner['kind']).lower()}/{owner['name']}"
    for service in await cluster.list(SERVICES, seen.place.namespace):
        selector = (service.get("spec") or {}).get("selector")
        if selector and selects({"matchLabels": selector}, labels):
            yield f"service/{service['metadata']['name']}"


async def _policies_lost(seen: Seen, left: Mapping[str, str], cluster: Cluster) -> tuple[str, ...]:
    """Say which NetworkPolicies would cover the pod no more: what they cut off is open to it again."""
    found = await cluster.list(NETWORK_POLICIES, seen.place.namespace)
    selectors = {str(each["metadata"]["name"]): (each.get("spec") or {}).get("podSelector") for each in found}
    lost = [name for name, what in selectors.items() if selects(what, seen.labels) and not selects(what, left)]
    return tuple(
        f"networkpolicy/{name} lets go of it too: what that cuts off is open to the pod again" for name in lost
    )


def _texts(value: Json) -> dict[str, str]:
    return {str(key): str(text) for key, text in value.items()} if isinstance(value, Mapping) else {}
