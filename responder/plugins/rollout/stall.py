"""Why a roll-out does not get on: read from its newest pods, its controller's conditions, and their events."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from responder.errors import PermanentError
from responder.model.moment import parse_moment
from responder.model.pod import CONFIG_ERRORS, PULL_FAILURES, Container, Pod, read_pod
from responder.model.redaction import redact
from responder.model.resource import EVENTS
from responder.plugins.acting import Cluster
from responder.plugins.rollout.revisions import revision_of, revisions_of
from responder.plugins.rollout.status import condition
from responder.plugins.rollout.workload import Workload

Object = Mapping[str, Any]

SOON = timedelta(minutes=2)
"""How long an image that cannot be pulled, a missing Secret, a quota or a crash may be a passing thing."""
LATE = timedelta(minutes=10)
"""How long anything else may take where the controller has no deadline of its own; a Deployment's own default."""
_CRASHES = 3
"""Restarts of a new pod that are no longer a slow start."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What holds a roll-out up; `hopeless` says that waiting longer will not help."""

    say: str
    hopeless: bool


async def trouble_of(workload: Workload, cluster: Cluster, now: datetime) -> Trouble | None:
    """Look for what holds the roll-out of a workload up; None where nothing shows."""
    pods, revisions = await asyncio.gather(cluster.pods(workload.target), revisions_of(workload, cluster))
    revision = revision_of(workload, revisions)
    new = [pod for pod in pods if revision is None or _made_by(pod, workload, revision.uid, revision.name)]
    found = [*_controller(workload, now), *[t for pod in new if (t := _of_pod(pod, workload, now))]]
    if not found or not any(trouble.hopeless for trouble in found):
        found.extend(await _refused_pods(workload, cluster, now))
    trouble = next((trouble for trouble in found if trouble.hopeless), next(iter(found), None))
    if trouble is not None and trouble.say.endswith(_PROBE):
        return await _with_probe(trouble, workload, cluster)
    return trouble


def _made_by(pod: Object, workload: Workload, uid: str, name: str) -> bool:
    if workload.kind == "Deployment":
        return any(owner.get("uid") == uid for owner in pod["metadata"].get("ownerReferences") or ())
    label = (pod["metadata"].get("labels") or {}).get("controller-revision-hash")
    return label in (name, name.removeprefix(f"{workload.name}-"))


def _controller(workload: Workload, now: datetime) -> Iterator[Trouble]:
    failure = condition(workload, "ReplicaFailure")
    if failure.get("status") == "True":
        moved = condition(workload, "Progressing").get("lastUpdateTime")
        since = parse_moment(failure.get("lastTransitionTime")) or parse_moment(moved)
        yield _no_pods(failure.get("message", failure.get("reason", "")), since, now)


def _no_pods(message: str, since: datetime | None, now: datetime) -> Trouble:
    what = "the quota lets no more pods be made" if "quota" in message else "pods cannot be made"
    return Trouble(_cut(f"{what}: {message}"), since is not None and now - since >= SOON)


async def _refused_pods(workload: Workload, cluster: Cluster, now: datetime) -> list[Trouble]:
    """StatefulSets and DaemonSets tell only by events that they may not make pods."""
    if workload.kind == "Deployment":
        return []
    for event in await _events(workload.namespace, workload.uid, cluster):
        if event.get("reason") == "FailedCreate":
            first, last = _first(event), _last(event)
            if last is not None and now - last < LATE:
                return [_no_pods(str(event.get("message", "")), first, now)]
    return []


def _of_pod(raw: Object, workload: Workload, now: datetime) -> Trouble | None:
    pod = read_pod(raw)
    if not pod.active or pod.ready:
        return None
    age = now - pod.created_at if pod.created_at else timedelta(0)
    # A Deployment that had rolled out once is judged by no deadline when it is scaled.
    settled = condition(workload, "Progressing").get("reason") == "NewReplicaSetAvailable"
    own_deadline = workload.kind == "Deployment" and not settled
    for container in pod.containers:
        if what := _of_container(container):
            return Trouble(_cut(f"{pod.name}: {what}"), age >= SOON)
    if pod.reason == "Unschedulable":
        return Trouble(_cut(f"{pod.name} finds no node: {pod.message}"), not own_deadline and age >= LATE)
    if _unready(pod):
        return Trouble(f"{pod.name}: {', '.join(_unready(pod))} {_PROBE}", not own_deadline and age >= LATE)
    said = " ".join(filter(None, (pod.reason, pod.message)))
    return Trouble(_cut(f"{pod.name} is not ready: {said or pod.phase}"), not own_deadline and age >= LATE)


_PROBE = "runs and is not ready (its readiness probe)"


def _of_container(container: Container) -> str:
    said = f"{container.waiting}: {container.message}".removesuffix(": ")
    if container.waiting in PULL_FAILURES:
        return f"the image of {container.name} cannot be pulled: {said}"
    if container.waiting in CONFIG_ERRORS:
        return f"{container.name} cannot be started: {said}"
    if container.waiting == "CrashLoopBackOff" and container.restarts >= _CRASHES:
        end = next(iter(container.ends), None)
        how = f", last {end.reason or 'ended'} with exit code {end.exit_code}" if end else ""
        return f"{container.name} crashes again and again: {container.restarts} restarts{how}"
    return ""


def _unready(pod: Pod) -> list[str]:
    return [c.name for c in pod.containers if not c.init and not c.ready and not c.waiting and c.ended is None]


async def _with_probe(trouble: Trouble, workload: Workload, cluster: Cluster) -> Trouble:
    """Add the kubelet's word on the probe that fails."""
    name = trouble.say.partition(":")[0]
    pod = next((p for p in await cluster.pods(workload.target) if p["metadata"]["name"] == name), None)
    for event in await _events(workload.namespace, str((pod or {}).get("metadata", {}).get("uid", "")), cluster):
        if event.get("reason") == "Unhealthy":
            return Trouble(_cut(f"{trouble.say}: {event.get('message', '')}"), trouble.hopeless)
    return trouble


async def _events(namespace: str, uid: str, cluster: Cluster) -> Sequence[Object]:
    """List the warnings about an object, the newest first; none where we may not look."""
    if not uid:
        return []
    try:
        found = await cluster.list(EVENTS, namespace, fields=f"involvedObject.uid={uid},type=Warning", limit=100)
    except PermanentError:
        return []
    return sorted(found, key=lambda event: str(_last(event) or ""), reverse=True)


def _first(event: Object) -> datetime | None:
    return parse_moment(event.get("firstTimestamp")) or parse_moment(event.get("eventTime")) or _last(event)


def _last(event: Object) -> datetime | None:
    series = event.get("series") or {}
    times = (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime"))
    created = event["metadata"].get("creationTimestamp")
    return next((at for at in map(parse_moment, (*times, created)) if at), None)


def _cut(text: str) -> str:
    return " ".join(redact(text).split())[:300]
