"""From a target to its workload and its pods: by owner references and selectors, never by what a name looks like."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from responder.clients.kubernetes_selectors import selector_text
from responder.model import resource as kinds
from responder.model.resource import BY_KIND, Resource
from responder.model.target import Target

Object = Mapping[str, Any]

_POD_LIMIT = 2000
"""Pods read at most for one target."""
_DEPTH = 5
"""Owners above one another at most: a Pod's ReplicaSet's Deployment is 3."""
_SUFFIX = "[bcdfghjklmnpqrstvwxz2456789]"
"""The letters of generated names. Source: apimachinery, `rand.String`."""
_GENERATED = (
    ("Deployment", re.compile(rf"(.+)-{_SUFFIX}{{1,10}}-{_SUFFIX}{{5}}", re.ASCII)),
    ("StatefulSet", re.compile(r"(.+)-\d+", re.ASCII)),
    ("DaemonSet", re.compile(rf"(.+)-{_SUFFIX}{{5}}", re.ASCII)),
)
"""How controllers name their pods, for a pod that is gone."""


class Reader(Protocol):
    """What following owners needs."""

    async def get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """Read one object."""

    async def list(
        self, resource: Resource, namespace: str, *, labels: str = "", fields: str = "", limit: int = 500
    ) -> Sequence[Object]:
        """List objects."""


async def workload_of(target: Target, reader: Reader) -> Object | None:
    """Find the topmost object of a known kind that controls the target; None when there is none."""
    match target.kind:
        case "Node" | "Namespace":
            return None
        case "Service" | "PersistentVolumeClaim" | "PersistentVolume":
            return await _owner_of_pods(await pods_of(target, reader), reader)
        case "HorizontalPodAutoscaler":
            scaled = await _scaled(target, reader)
            return await workload_of(scaled, reader) if scaled else None
    found = await _read(target, reader)
    if found is None:
        return await _guess(target, reader) if target.kind == "Pod" else None
    return await _top(found, reader)


async def pods_of(target: Target, reader: Reader) -> list[Object]:
    """List the pods of a target, by name; empty for a target that does not exist or can have none."""
    if not target.known or target.kind not in BY_KIND:
        return []
    finder = _FINDERS.get(target.kind, _selected)
    return sorted(await finder(target, reader), key=lambda pod: str(pod["metadata"]["name"]))


def owner_uids(found: Object) -> set[str]:
    """Return the uids of the objects that own this one."""
    return {str(owner.get("uid")) for owner in found["metadata"].get("ownerReferences") or ()}


async def _pod(target: Target, reader: Reader) -> list[Object]:
    pod = await reader.get(kinds.PODS, target.namespace, target.name)
    return [pod] if pod else []


async def _of_node(target: Target, reader: Reader) -> Sequence[Object]:
    if await reader.get(kinds.NODES, "", target.name) is None:
        return []
    return await reader.list(kinds.PODS, "", fields=f"spec.nodeName={target.name}", limit=_POD_LIMIT)


async def _of_namespace(target: Target, reader: Reader) -> Sequence[Object]:
    if await reader.get(kinds.NAMESPACES, "", target.name) is None:
        return []
    return await reader.list(kinds.PODS, target.name, limit=_POD_LIMIT)


async def _of_service(target: Target, reader: Reader) -> Sequence[Object]:
    service = await reader.get(kinds.SERVICES, target.namespace, target.name)
    selector = selector_text({"matchLabels": (service or {}).get("spec", {}).get("selector") or {}})
    return await _list_pods(target, selector, reader) if selector else []


async def _of_claim(target: Target, reader: Reader) -> list[Object]:
    if await _read(target, reader) is None:
        return []
    pods = await reader.list(kinds.PODS, target.namespace, limit=_POD_LIMIT)
    return [pod for pod in pods if target.name in set(_claims(pod))]


async def _of_volume(target: Target, reader: Reader) -> list[Object]:
    volume = await _read(target, reader)
    claim = (volume or {}).get("spec", {}).get("claimRef") or {}
    bound = replace(
        target, kind="PersistentVolumeClaim", namespace=claim.get("namespace", ""), name=claim.get("name", "")
    )
    return await _of_claim(bound, reader)


def _claims(pod: Object) -> Iterable[str]:
    for volume in pod["spec"].get("volumes") or ():
        if claim := volume.get("persistentVolumeClaim"):
            yield str(claim.get("claimName"))
        if "ephemeral" in volume:
            yield f"{pod['metadata']['name']}-{volume['name']}"


async def _of_autoscaler(target: Target, reader: Reader) -> list[Object]:
    scaled = await _scaled(target, reader)
    return await pods_of(scaled, reader) if scaled else []


async def _of_cron_job(target: Target, reader: Reader) -> list[Object]:
    cron_job = await _read(target, reader)
    if cron_job is None:
        return []
    jobs, pods = await asyncio.gather(
        reader.list(kinds.JOBS, target.namespace),
        _list_pods(target, "job-name", reader),
    )
    uids = {job["metadata"]["uid"] for job in jobs if cron_job["metadata"]["uid"] in owner_uids(job)}
    return [pod for pod in pods if owner_uids(pod) & uids]


async def _of_deployment(target: Target, reader: Reader) -> list[Object]:
    deployment = await _read(target, reader)
    selector = selector_text((deployment or {}).get("spec", {}).get("selector"))
    if deployment is None or not selector:
        return []
    sets, pods = await asyncio.gather(
        reader.list(kinds.REPLICA_SETS, target.namespace, labels=selector),
        _list_pods(target, selector, reader),
    )
    uids = {found["metadata"]["uid"] for found in sets if deployment["metadata"]["uid"] in owner_uids(found)}
    return [pod for pod in pods if owner_uids(pod) & uids]


async def _selected(target: Target, reader: Reader) -> list[Object]:
    controller = await _read(target, reader)
    selector = selector_text((controller or {}).get("spec", {}).get("selector"))
    if controller is None or not selector:
        return []
    pods = await _list_pods(target, selector, reader)
    return [pod for pod in pods if controller["metadata"]["uid"] in owner_uids(pod)]


_FINDERS: Mapping[str, Callable[[Target, Reader], Awaitable[Sequence[Object]]]] = {
    "Pod": _pod,
    "Node": _of_node,
    "Namespace": _of_namespace,
    "Service": _of_service,
    "PersistentVolumeClaim": _of_claim,
    "PersistentVolume": _of_volume,
    "HorizontalPodAutoscaler": _of_autoscaler,
    "CronJob": _of_cron_job,
    "Deployment": _of_deployment,
}


async def _list_pods(target: Target, selector: str, reader: Reader) -> Sequence[Object]:
    return await reader.list(kinds.PODS, target.namespace, labels=selector, limit=_POD_LIMIT)


async def _read(target: Target, reader: Reader) -> Object | None:
    resource = BY_KIND.get(target.kind)
    if resource is None:
        return None
    found = await reader.get(resource, target.namespace, target.name)
    return {**_identity(target.kind), **found} if found else None


def _identity(kind: str) -> dict[str, str]:
    resource = BY_KIND[kind]
    return {"kind": kind, "apiVersion": f"{resource.group}/{resource.version}".lstrip("/")}


async def _scaled(target: Target, reader: Reader) -> Target | None:
    autoscaler = await _read(target, reader)
    reference = (autoscaler or {}).get("spec", {}).get("scaleTargetRef") or {}
    kind, name = reference.get("kind", ""), reference.get("name", "")
    if kind not in ("Deployment", "StatefulSet", "ReplicaSet"):
        return None
    return replace(target, kind=kind, name=name, workload=name)


async def _top(found: Object, reader: Reader) -> Object:
    """Climb while the controller is of a known kind and really the one that the reference means."""
    for _ in range(_DEPTH):
        owner = next((o for o in found["metadata"].get("ownerReferences") or () if o.get("controller")), None)
        if owner is None or owner.get("kind") not in BY_KIND or owner["kind"] == "Node":
            break
        namespace = found["metadata"].get("namespace", "")
        above = await _read(Target("", owner["kind"], namespace, owner["name"]), reader)
        if above is None or above["metadata"]["uid"] != owner.get("uid"):
            break
        found = above
    return found


async def _owner_of_pods(pods: Sequence[Object], reader: Reader) -> Object | None:
    """Return the one workload that owns all the pods; None when they have several."""
    by_controller = {frozenset(owner_uids(pod)): pod for pod in pods}
    tops = [await _top({**_identity("Pod"), **pod}, reader) for pod in list(by_controller.values())[:5]]
    return tops[0] if len({top["metadata"]["uid"] for top in tops}) == 1 else None


async def _guess(target: Target, reader: Reader) -> Object | None:
    """Find the workload of a pod that is gone, by the way in which controllers name pods."""
    for kind, shape in _GENERATED:
        if named := shape.fullmatch(target.name):
            found = await _read(replace(target, kind=kind, name=named[1]), reader)
            if found is not None:
                return await _top(found, reader)
    return None
