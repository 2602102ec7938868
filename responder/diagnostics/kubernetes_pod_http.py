"""What do the pods answer on a port of their own: a health check, or metrics?"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Annotated, Any, ClassVar, Literal

from prometheus_client.parser import text_string_to_metric_families
from pydantic import Field, field_validator

from responder.errors import CallError, PermanentError
from responder.model.finding import Weight
from responder.model.place import Place
from responder.model.pod import read_pod
from responder.model.redaction import redact
from responder.model.regex import compile_regex
from responder.model.target import Target
from responder.plugins import diagnostic, params
from responder.plugins.rights import Verb
from responder.plugins.scope import SCOPE_NEEDS, scope_of
from responder.plugins.tools import Kubernetes, Tools

Object = Mapping[str, Any]


class PodAnswers(diagnostic.Result):
    """What the pods answered, and their metrics over all pods and series."""

    up: int = Field(description="Pods that answered 2xx, and as `expect` says.")
    asked: int = Field(0, description="Pods that were asked.")
    max: dict[str, float] = Field({}, description="By metric: the largest sample. A metric nobody has is not there.")
    min: dict[str, float] = Field({}, description="By metric: the smallest sample.")
    sum: dict[str, float] = Field({}, description="By metric: all samples together.")
    failures: tuple[str, ...] = Field((), description="Pods that did not, and why; at most 20.")

    def headline(self) -> str:
        """Say how many answered, and the worst of each metric."""
        figures = [f"{name} at most {value:g}" for name, value in sorted(self.max.items())]
        return "; ".join([f"{self.up} of {self.asked} pods answer", *figures])[:150]

    def evidence(self) -> tuple[str, ...]:
        """List the pods that did not answer, then the figures."""
        figures = (f"{n}: {self.min[n]:g} to {self.max[n]:g}, in all {self.sum[n]:g}" for n in sorted(self.max))
        return (*self.failures, *figures)[:20]

    def weight(self) -> Weight:
        """A pod that does not answer serves nobody."""
        return Weight.TROUBLE if self.up < self.asked else Weight.NORMAL

    def has_data(self) -> bool:
        """Without pods nobody was asked."""
        return self.asked > 0


@dataclass(frozen=True, slots=True)
class _Answer:
    """One pod's answer; `failure` "" when it is good."""

    pod: str
    samples: Mapping[str, Sequence[float]]
    failure: str = ""


class KubernetesPodHttp(diagnostic.Diagnostic["KubernetesPodHttp.Params"]):
    """
    GET a path of each of the target's running pods, through the API server, and pick metrics out of the answers.

    Only the target's own pods are asked; redirects are not followed. `metrics` are names in Prometheus's text format,
    as they stand before the labels; every series of a metric counts by itself.

    Source: `GET /api/v1/namespaces/{namespace}/pods/{pod}:{port}/proxy/{path}`.

    Example:

        diagnose:
          pool: {kubernetes.pod_http: {port: 9090, path: /metrics, metrics: [db_pool_used, db_pool_max]}}
          health: {kubernetes.pod_http: {port: 8080, path: /health, expect: '"status": ?"UP"'}}
    """

    name = "kubernetes.pod_http"
    needs = (*SCOPE_NEEDS, Verb("", "pods/proxy", "get"))

    class Params(params.Params):
        """What to ask."""

        port: int = Field(ge=1, le=65535, description="The container's port, as the process listens.")
        path: Annotated[str, Place.URL] = Field("/", description="Path, with a query if need be; starts with /.")
        scheme: Literal["http", "https"] = Field(
            "http", description="How the pod speaks; certificates are not checked."
        )
        expect: Annotated[str, Place.REGEX] = Field("", description="RE2 that a good answer's body must hold.")
        metrics: tuple[str, ...] = Field((), max_length=50, description="Names of metrics to pick out.")
        pods: int = Field(30, ge=1, le=100, description="Pods asked at most.")

        @field_validator("expect")
        @classmethod
        def _compiles(cls, source: str) -> str:
            compile_regex(source)
            return source

    Result: ClassVar[type[PodAnswers]] = PodAnswers

    async def diagnose(self, params: Params, target: Target, tools: Tools) -> PodAnswers:
        """Ask the pods."""
        if not params.path.startswith("/"):
            raise PermanentError(f"The path {params.path!r} must start with /")
        scope = await scope_of(target, tools.kubernetes)
        pods = [pod for pod in map(read_pod, scope.pods) if pod.active and pod.phase == "Running"][: params.pods]
        answers = await asyncio.gather(*(_ask(pod.namespace, pod.name, params, tools.kubernetes) for pod in pods))
        return _result(answers)


async def _ask(namespace: str, pod: str, params: KubernetesPodHttp.Params, kubernetes: Kubernetes) -> _Answer:
    try:
        status, body = await kubernetes.pod_http(
            namespace, pod, port=params.port, path=params.path, scheme=params.scheme
        )
    except PermanentError:
        # The rights or the path are wrong: so it is for every pod.
        raise
    except CallError as error:
        return _Answer(pod, {}, str(error))
    if not 200 <= status < 300:
        return _Answer(pod, {}, f"{status} {' '.join(body.split())}")
    if params.expect and not compile_regex(params.expect).search(body):
        return _Answer(pod, {}, f"{status}, but the body does not hold {params.expect!r}")
    try:
        return _Answer(pod, _samples(body, frozenset(params.metrics)))
    except ValueError as error:
        return _Answer(pod, {}, f"{status}, but no metrics: {error}")


def _samples(body: str, wanted: frozenset[str]) -> dict[str, list[float]]:
    """Pick the samples of the wanted names; finite ones only."""
    found: dict[str, list[float]] = {}
    if not wanted:
        return found
    for family in text_string_to_metric_families(body):
        for sample in family.samples:
            if sample.name in wanted and isfinite(sample.value):
                found.setdefault(sample.name, []).append(float(sample.value))
    return found


def _result(answers: Sequence[_Answer]) -> PodAnswers:
    values: dict[str, list[float]] = {}
    for answer in answers:
        for name, samples in answer.samples.items():
            values.setdefault(name, []).extend(samples)
    failures = [f"{answer.pod}: {redact(answer.failure)}"[:200] for answer in answers if answer.failure]
    return PodAnswers(
        up=sum(not answer.failure for answer in answers),
        asked=len(answers),
        max={name: max(found) for name, found in values.items()},
        min={name: min(found) for name, found in values.items()},
        sum={name: sum(found) for name, found in values.items()},
        failures=tuple(failures[:20]),
    )
