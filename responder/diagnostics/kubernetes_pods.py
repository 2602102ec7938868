"""In what state are the pods of the workload?"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from responder.model.duration import format_duration
from responder.model.finding import Weight
from responder.model.pod import CONFIG_ERRORS, PULL_FAILURES, Container, Pod, read_pod
from responder.model.target import Target
from responder.plugins import diagnostic, params
from responder.plugins.params import Duration
from responder.plugins.scope import SCOPE_NEEDS, Scope, scope_of
from responder.plugins.tools import Tools

_LONGEST_BACK_OFF = timedelta(minutes=10)
"""A container that ends again and again waits at most 5 minutes; it may run a while before it ends once more."""


class PodItem(BaseModel):
    """One pod."""

    model_config = ConfigDict(frozen=True)

    name: str
    phase: str = Field(description="Pending, Running, Succeeded, Failed or Unknown.")
    ready: bool
    restarts: int = Field(description="Of all its containers, in all its life.")
    reason: str = Field(description="What keeps it from being ready, as kubectl's STATUS; empty when nothing does.")
    last_reason: str = Field(description="Why a container last ended: OOMKilled, Error, Completed; empty if none did.")
    node: str
    age: timedelta
    message: str = Field("", description="The kubelet's or the scheduler's own words about the reason.")


class Pods(diagnostic.Result):
    """The state of the pods, counted. A pod that completed, failed or is being deleted is not in `total`."""

    exists: bool = Field(True, description="Whether the cluster knows the object at all.")
    total: int = Field(description="Pods that run or should run.")
    ready: int = Field(description="Of `total`, those ready to serve.")
    pending: int = Field(description="Of `total`, those not started yet.")
    failed: int = Field(0, description="Pods that ended in failure, evicted ones too.")
    terminating: int = Field(0, description="Pods being deleted.")
    restarts: int = Field(description="Restarts of all containers, in all their life.")
    restarted: int = Field(0, description="Pods of which a container ended within `within`.")
    oom_killed: int = Field(description="Containers killed for memory within `within`.")
    crash_looping: int = Field(description="Pods of which a container ends again and again.")
    image_pull_failing: int = Field(description="Pods whose image cannot be pulled.")
    image_pull_message: str = Field(description="The kubelet's words about it, of the first such pod.")
    config_errors: int = Field(
        0, description="Pods whose container cannot be made: a Secret, ConfigMap or key is missing."
    )
    config_message: str = Field("", description="The kubelet's words about it, of the first such pod.")
    unschedulable: int = Field(0, description="Pods for which no node was found.")
    unschedulable_message: str = Field("", description="The scheduler's words about it, of the first such pod.")
    items: tuple[PodItem, ...] = Field(description="The pods in trouble first, at most `show`.")
    within: timedelta = Field(timedelta(hours=1), description="The time that `oom_killed` and `restarted` look back.")
    of: str = Field("", description="What was looked at, as `deployment/api in prod`.")

    def headline(self) -> str:
        """Say how many are ready, and what is wrong with the others."""
        if not self.exists:
            return f"{self.of} does not exist"[:150]
        span = format_duration(self.within)
        counted = (
            (self.oom_killed, f"OOM-killed in {span}"),
            (self.crash_looping, "restarting again and again"),
            (self.image_pull_failing, "without image"),
            (self.config_errors, "with a configuration error"),
            (self.unschedulable, "without a node"),
            (self.failed, "failed"),
            (self.terminating, "terminating"),
        )
        troubles = [f"{count} {what}" for count, what in counted if count]
        return ", ".join([f"{self.ready} of {self.total} pods ready", *troubles])[:150]

    def evidence(self) -> tuple[str, ...]:
        """List the pods that are not well."""
        return tuple(_line(item) for item in self.items if not item.ready or item.last_reason)[:20]

    def weight(self) -> Weight:
        """Trouble is a pod that does not work or a container that died."""
        broken = self.oom_killed + self.crash_looping + self.image_pull_failing + self.config_errors
        if not self.exists or self.ready < self.total or broken or self.unschedulable:
            return Weight.TROUBLE
        return Weight.NOTABLE if self.restarted or self.failed or not self.total else Weight.NORMAL

    def has_data(self) -> bool:
        """Nothing can be said of an object that is not there."""
        return self.exists


class KubernetesPods(diagnostic.Diagnostic["KubernetesPods.Params"]):
    """
    Count the pods of the target by what is wrong with them.

    For a pod all the pods of its workload are looked at; for a node those on it; for a Service, a claim or an
    autoscaler those behind it. `pods.ready == pods.total` says that everything that should run does.

    Source: `GET /api/v1/namespaces/{namespace}/pods`, `status.containerStatuses` and `status.conditions`.

    Example:

        diagnose:
          pods: {kubernetes.pods: {within: 30m}}
    """

    name = "kubernetes.pods"
    needs = SCOPE_NEEDS

    class Params(params.Params):
        """What to count."""

        within: Duration = Field(timedelta(hours=1), description="How far back an end of a container counts.")
        show: int = Field(30, ge=1, le=100, description="Pods listed at most; all are counted.")

    Result: ClassVar[type[Pods]] = Pods

    async def diagnose(self, params: Params, target: Target, tools: Tools) -> Pods:
        """Look at the pods."""
        scope = await scope_of(target, tools.kubernetes)
        return count([read_pod(found) for found in scope.pods], params, scope, tools.now())


def count(pods: Sequence[Pod], params: KubernetesPods.Params, scope: Scope, now: datetime) -> Pods:
    """Count the pods by what is wrong with them."""
    active = [pod for pod in pods if pod.active]
    since = now - params.within
    no_image = _waiting(active, PULL_FAILURES)
    no_config = _waiting(active, CONFIG_ERRORS)
    no_node = [pod for pod in active if pod.reason in ("Unschedulable", "SchedulingGated")]
    return Pods(
        exists=scope.exists,
        total=len(active),
        ready=sum(pod.ready for pod in active),
        pending=sum(pod.phase == "Pending" for pod in active),
        failed=sum(pod.phase == "Failed" and not pod.terminating for pod in pods),
        terminating=sum(pod.terminating for pod in pods),
        restarts=sum(pod.restarts for pod in pods),
        restarted=sum(any(_ended_since(c, since) and c.restarts for c in pod.containers) for pod in active),
        oom_killed=sum(_killed_for_memory(c, since) for pod in pods for c in pod.containers),
        crash_looping=sum(any(_loops(c, now) for c in pod.containers) for pod in active),
        image_pull_failing=len(no_image),
        image_pull_message=_first_message(no_image, PULL_FAILURES),
        config_errors=len(no_config),
        config_message=_first_message(no_config, CONFIG_ERRORS),
        unschedulable=len(no_node),
        unschedulable_message=no_node[0].message[:300] if no_node else "",
        items=tuple(_item(pod, now) for pod in sorted(pods, key=_badness)[: params.show]),
        within=params.within,
        of=str(scope.target),
    )


def _waiting(pods: Sequence[Pod], reasons: frozenset[str]) -> list[Pod]:
    return [pod for pod in pods if any(container.waiting in reasons for container in pod.containers)]


def _first_message(pods: Sequence[Pod], reasons: frozenset[str]) -> str:
    said = (c for pod in pods for c in pod.containers if c.waiting in reasons)
    return next((f"{c.waiting}: {c.message}" if c.message else c.waiting for c in said), "")[:300]


def _ended_since(container: Container, since: datetime) -> bool:
    return any(end.at is not None and end.at >= since for end in container.ends)


def _killed_for_memory(container: Container, since: datetime) -> bool:
    return any(end.reason == "OOMKilled" and end.at is not None and end.at >= since for end in container.ends)


def _loops(container: Container, now: datetime) -> bool:
    """Between two waits a looping container runs or has just ended: its restarts and its last end tell."""
    if container.waiting == "CrashLoopBackOff":
        return True
    return container.restarts >= 3 and not container.ready and _ended_since(container, now - _LONGEST_BACK_OFF)


def _badness(pod: Pod) -> tuple[bool, bool, int, str]:
    return pod.ready or not pod.active, not pod.active, -pod.restarts, pod.name


def _item(pod: Pod, now: datetime) -> PodItem:
    ends = sorted(
        (end for c in pod.containers for end in c.ends if end.at), key=lambda end: end.at or now, reverse=True
    )
    return PodItem(
        name=pod.name,
        phase=pod.phase,
        ready=pod.ready,
        restarts=pod.restarts,
        reason=pod.reason,
        last_reason=ends[0].reason if ends else "",
        node=pod.node,
        age=max(now - pod.created_at, timedelta(0)) if pod.created_at else timedelta(0),
        message=pod.message[:300],
    )


def _line(item: PodItem) -> str:
    parts = [item.reason or item.phase]
    if item.restarts:
        parts.append(f"{item.restarts} restarts")
    if item.last_reason:
        parts.append(f"last ended {item.last_reason}")
    if item.node:
        parts.append(f"on {item.node}")
    said = f" ({item.message})" if item.message else ""
    return f"{item.name}: {', '.join(parts)}{said}"[:300]
