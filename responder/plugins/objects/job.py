"""A Job of the pack: named by the attempt, followed to its end, with the logs of its pods."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from responder.errors import CallError, PermanentError
from responder.model.action import Progress
from responder.model.redaction import redact
from responder.model.resource import JOBS, PODS
from responder.plugins.acting import ActionTools, Cluster
from responder.plugins.objects.creation import Creation
from responder.plugins.objects.manifest import read_manifest
from responder.plugins.objects.seen import Place, look_for

Object = Mapping[str, Any]

_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?", re.ASCII)
_SHORT_LIFE = 600
"""Seconds after its end below which a Job may be cleaned up before a crash is noticed."""
_LINES, _LINE = 40, 300
"""Lines of a log that are told, and characters of each."""


def job_of(template: str, cluster: str, namespace: str, tools: ActionTools) -> Creation:
    """Read the Job from its template. Raises: PermanentError for a file that holds no Job."""
    path = f"jobs/{template}.yaml"
    manifest = read_manifest(path, namespace, tools)
    if (manifest["kind"], manifest["apiVersion"]) != ("Job", "batch/v1"):
        raise PermanentError(f"{path} must hold a Job of batch/v1")
    spec, metadata = manifest.get("spec"), dict(manifest["metadata"])
    if not isinstance(spec, dict):
        raise PermanentError(f"{path} has no spec")
    metadata.pop("generateName", None)
    base = str(manifest["metadata"].get("name") or template.rpartition("/")[2])
    place = job_place(cluster, namespace, job_name(base, tools.attempt))
    life = spec.get("ttlSecondsAfterFinished")
    return Creation(
        place=place,
        manifest={**manifest, "metadata": metadata},
        summary=f"run the Job {path} as {place}",
        done=f"started from {path}",
        event="JobStarted",
        vanishes=isinstance(life, int) and life < _SHORT_LIFE,
    )


def job_place(cluster: str, namespace: str, name: str) -> Place:
    """Say where a Job is."""
    return Place(cluster, JOBS, "Job", namespace, name)


def job_name(base: str, attempt: str) -> str:
    """Name the Job of an attempt: always the same, and short enough to be a label of its pods."""
    plain = re.sub(r"[^a-z0-9]+", "-", base.lower()).strip("-")[:40].strip("-") or "job"
    name = f"{plain}-{hashlib.sha256(attempt.encode()).hexdigest()[:12]}"
    return name if _NAME.fullmatch(name) else f"job-{name}"


def minded(creation: Creation) -> tuple[str, ...]:
    """Say what people should know before this Job is run."""
    spec = creation.manifest["spec"]
    again, limit = spec.get("backoffLimit", 6), spec.get("activeDeadlineSeconds")
    tries = f"A pod of it that fails is tried again, up to {again} times (backoffLimit)" if again else ""
    endless = "" if limit else "It has no time limit (activeDeadlineSeconds)"
    reaches = ", ".join(dict.fromkeys(_reached(((spec.get("template") or {}).get("spec")) or {})))
    beyond = f"It reaches beyond its own containers: {reaches}" if reaches else ""
    return tuple(filter(None, (beyond, tries, endless)))


def _reached(pod: Object) -> Iterator[str]:
    """Name what a pod is given of its node, and whose rights it has: what a reviewer would want to have seen."""
    yield from (name for name in ("hostNetwork", "hostPID", "hostIPC") if pod.get(name))
    for volume in _objects(pod.get("volumes")):
        if isinstance(path := volume.get("hostPath"), Mapping):
            yield f"hostPath {path.get('path')}"
    for kind in ("initContainers", "containers"):
        for container in _objects(pod.get(kind)):
            own = container.get("securityContext")
            if isinstance(own, Mapping) and own.get("privileged"):
                yield f"{container.get('name')} is privileged"
    if account := pod.get("serviceAccountName"):
        yield f"the rights of the ServiceAccount {account}"


def _objects(value: Any) -> Iterator[Object]:
    """Yield the objects of a list; a manifest may hold anything."""
    yield from (each for each in (value if isinstance(value, list) else ()) if isinstance(each, Mapping))


async def progress_of(place: Place, uid: str, cluster: Cluster) -> Progress:
    """Say how far a Job is; at its end, what its pods logged. Raises: CallError when it could not be read."""
    job = await look_for(place, cluster)
    if job is None or job.uid != uid:
        said = f"{place} was removed before its end was seen"
        return Progress(said, failed=said)
    status = job.found.get("status") or {}
    ended = _ended(status)
    if ended is None:
        active = int(status.get("active") or 0)
        return Progress(f"{place} is running ({active} pods, {int(status.get('failed') or 0)} failed)", complete=False)
    lines = await _logs(place, uid, cluster)
    if ended.get("type") == "Complete":
        return Progress(f"{place} succeeded", details=lines)
    why = ": ".join(filter(None, (ended.get("reason"), ended.get("message"))))
    last = f"; its last line: {lines[-1]}" if lines else ""
    return Progress(f"{place} failed", failed=f"{place} failed: {redact(why)[:300]}{last}", details=lines)


def _ended(status: Object) -> dict[str, str] | None:
    for found in status.get("conditions") or ():
        if found.get("type") in ("Complete", "Failed") and found.get("status") == "True":
            return dict(found)
    return None


async def _logs(place: Place, uid: str, cluster: Cluster) -> tuple[str, ...]:
    """Read what the newest pod of a Job logged, redacted; a log that cannot be read says why."""
    try:
        pods = await cluster.list(PODS, place.namespace, labels=f"job-name={place.name}")
        owned = [pod for pod in pods if _owned(pod, uid)]
        if not owned:
            return ()
        newest = max(owned, key=lambda pod: (str(pod["metadata"].get("creationTimestamp")), pod["metadata"]["name"]))
        name, containers = str(newest["metadata"]["name"]), _containers(newest)
        found: list[str] = []
        for container in containers:
            text = await cluster.logs(place.namespace, name, container=container, tail=_LINES, limit_bytes=64_000)
            # As a whole: a key that is redacted may span lines.
            shown = [line[:_LINE] for line in redact(text).splitlines()[-_LINES:]]
            found += [f"{container}: {line}" for line in shown] if len(containers) > 1 else shown
        return tuple(found[-_LINES:])
    except CallError as error:
        return (f"its log could not be read: {error}",)


def _containers(pod: Object) -> Sequence[str]:
    return [str(container["name"]) for container in (pod.get("spec") or {}).get("containers") or ()][:5]


def _owned(pod: Object, uid: str) -> bool:
    return any(owner.get("uid") == uid for owner in pod["metadata"].get("ownerReferences") or ())
