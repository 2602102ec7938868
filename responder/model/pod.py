"""What the JSON of a pod says about its state, in the words that kubectl uses."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from responder.model.moment import parse_moment

Object = Mapping[str, Any]

PULL_FAILURES = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "ImageInspectError",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    }
)
"""Reasons of a waiting container whose image is not there. Source: kubelet, pkg/kubelet/images/types.go."""
CONFIG_ERRORS = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
"""Reasons of a container that cannot be made: mostly a Secret, a ConfigMap or a key that is missing."""
_NOT_STARTED = frozenset({"", "ContainerCreating", "PodInitializing"})


@dataclass(frozen=True, slots=True)
class Ended:
    """One end of a container. `at` None when the kubelet did not see it."""

    reason: str
    message: str
    exit_code: int
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Container:
    """The state of a container: `waiting` is its reason, `ended` its current end, `last` the end before."""

    name: str
    ready: bool
    restarts: int
    waiting: str
    message: str
    ended: Ended | None
    last: Ended | None
    init: bool

    @property
    def ends(self) -> tuple[Ended, ...]:
        """The ends that are known, the newest first."""
        return tuple(end for end in (self.ended, self.last) if end is not None)


@dataclass(frozen=True, slots=True)
class Pod:
    """The state of a pod. `active` is what its controller counts: neither completed, failed, nor being deleted."""

    name: str
    namespace: str
    phase: str
    ready: bool
    active: bool
    terminating: bool
    reason: str
    message: str
    node: str
    created_at: datetime | None
    unready_since: datetime | None
    containers: tuple[Container, ...]

    @property
    def restarts(self) -> int:
        """How often its containers were started again, in all its life."""
        return sum(container.restarts for container in self.containers)


def read_pod(found: Object) -> Pod:
    """Read a pod; what the API server left out is empty."""
    metadata, spec, status = found.get("metadata") or {}, found.get("spec") or {}, found.get("status") or {}
    containers = tuple(_containers(status))
    phase = str(status.get("phase") or "Unknown")
    terminating = bool(metadata.get("deletionTimestamp"))
    conditions = {str(item.get("type")): item for item in status.get("conditions") or ()}
    readiness = conditions.get("Ready") or {}
    ready = readiness.get("status") == "True"
    reason, message = _reason(status, containers, conditions)
    return Pod(
        name=str(metadata.get("name", "")),
        namespace=str(metadata.get("namespace", "")),
        phase=phase,
        ready=ready and not terminating,
        active=phase not in ("Succeeded", "Failed") and not terminating,
        terminating=terminating,
        reason="Terminating" if terminating else reason,
        message=message,
        node=str(spec.get("nodeName") or ""),
        created_at=parse_moment(metadata.get("creationTimestamp")),
        unready_since=None if ready else parse_moment(readiness.get("lastTransitionTime")),
        containers=containers,
    )


def _containers(status: Object) -> Iterator[Container]:
    for field, init in (("initContainerStatuses", True), ("containerStatuses", False)):
        for entry in status.get(field) or ():
            state = entry.get("state") or {}
            waiting = state.get("waiting") or {}
            yield Container(
                name=str(entry.get("name", "")),
                ready=bool(entry.get("ready")),
                restarts=int(entry.get("restartCount") or 0),
                waiting=str(waiting.get("reason") or ("ContainerCreating" if "waiting" in state else "")),
                message=str(waiting.get("message") or ""),
                ended=_ended(state),
                last=_ended(entry.get("lastState") or {}),
                init=init,
            )


def _ended(state: Object) -> Ended | None:
    found = state.get("terminated")
    if not found:
        return None
    return Ended(
        reason=str(found.get("reason") or ""),
        message=str(found.get("message") or ""),
        exit_code=int(found.get("exitCode") or 0),
        at=parse_moment(found.get("finishedAt")),
    )


def _reason(status: Object, containers: tuple[Container, ...], conditions: Mapping[str, Object]) -> tuple[str, str]:
    """Say what keeps the pod from being ready, the most telling first; empty where nothing is said."""
    for container in containers:
        if container.waiting not in _NOT_STARTED:
            return container.waiting, container.message
    if status.get("reason"):
        return str(status["reason"]), str(status.get("message") or "")
    for container in containers:
        if container.ended and not (container.ended.exit_code == 0 and container.ended.reason == "Completed"):
            return container.ended.reason or f"ExitCode:{container.ended.exit_code}", container.ended.message
    scheduled = conditions.get("PodScheduled") or {}
    if scheduled.get("status") == "False":
        return str(scheduled.get("reason") or "Unschedulable"), str(scheduled.get("message") or "")
    for container in containers:
        if container.waiting:
            return container.waiting, container.message
    return "", ""
