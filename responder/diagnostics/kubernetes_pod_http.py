"""What do the pods answer on a port of their own: a health check, or metrics?"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import isfinite
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal

from prometheus_client.parser import text_string_to_metric_families
from pydantic import Field, field_validator

from responder.errors import CallError, PermanentError
from responder.model.finding import Weight
from responder.model.place import Place
from responder.model.pod import read_pod
from responder.model.redaction import redact
from responder.model.regex import compile_regex
from responder.model.resource import SERVICES
from responder.model.target import Target
from responder.plugins import diagnostic, params
from responder.plugins.fields import Name
from responder.plugins.rights import Verb
from responder.plugins.scope import SCOPE_NEEDS, Scope, leads_to, scope_of
from responder.plugins.tools import Kubernetes, Tools

Object = Mapping[str, Any]


class PodAnswers(diagnostic.Result):
    """What the pods answered, and their metrics over all pods and series."""

    up: int = Field(description="Pods that answered 2xx, and as `expect` says; 1 or 0 of a Service.")
    asked: int = Field(0, description="Pods that were asked; 1 of a Service.")
    service: str = Field("", description="The Service that was asked in place of the pods.")
    max: dict[str, float] = Field({}, description="By metric: the largest sample. A metric nobody has is not there.")
    min: dict[str, float] = Field({}, description="By metric: the smallest sample.")
    sum: dict[str, float] = Field({}, description="By metric: all samples together.")
    failures: tuple[str, ...] = Field((), description="Pods that did not, and why; at most 20.")

    def headline(self) -> str:
        """Say how many answered, and the worst of each metric."""
        figures = [f"{name} at most {value:g}" for name, value in sorted(self.max.items())]
        return "; ".join([self._told(), *figures])[:150]

    def _told(self) -> str:
        if self.service:
            return f"Service {self.service} {'answers' if self.up else 'does not answer'}"
        return f"{self.up} of {self.asked} pods answer"

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
    """One answer, of a pod or a Service; `failure` "" when it is good."""

    name: str
    samples: Mapping[str, Sequence[float]]
    failure: str = ""


class KubernetesPodHttp(diagnostic.Diagnostic["KubernetesPodHttp.Params"]):
    """
    GET a path of each of the target's running pods, through the API server, and pick metrics out of the answers.

    With `service`, that Service is asked once, as its clients would: one of its ready endpoints answers, so `up` is 1
    or 0. Only the target's own pods are asked, or a Service that is the target or selects its pods; redirects are not
    followed. `metrics` are names in Prometheus's text format, as they stand before the labels; every series of a metric
    counts by itself.

    Source: `GET /api/v1/namespaces/{namespace}/pods/{pod}:{port}/proxy/{path}`, or `services/{service}:{port}/proxy`.

    Example:

        diagnose:
          pool: {kubernetes.pod_http: {port: 9090, path: /metrics, metrics: [db_pool_used, db_pool_max]}}
          health: {kubernetes.pod_http: {port: 8080, path: /health, expect: '"status": ?"UP"'}}
          front: {kubernetes.pod_http: {service: api, port: 80, path: /health}}
    """

    name = "kubernetes.pod_http"
    needs = (*SCOPE_NEEDS, Verb("", "pods/proxy", "get"))
    needs_with = MappingProxyType({"service": (Verb("", "services/proxy", "get"),)})

    class Params(params.Params):
        """What to ask."""

        port: int = Field(
            ge=1, le=65535, description="The container's port, as the process listens; with `service` the Service's."
        )
        service: Name = Field("", description="Ask this Service in place of each pod.")
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
        if params.service:
            await _check_service(params.service, scope, tools.kubernetes)
            ask = partial(tools.kubernetes.service_http, scope.target.namespace, params.service)
            return _result([await _ask(ask, params.service, params)], params.service)
        pods = [pod for pod in map(read_pod, scope.pods) if pod.active and pod.phase == "Running"][: params.pods]
        asking = (_ask(partial(tools.kubernetes.pod_http, pod.namespace, pod.name), pod.name, params) for pod in pods)
        return _result(await asyncio.gather(*asking))


async def _check_service(name: str, scope: Scope, kubernetes: Kubernetes) -> None:
    """
    Let only the target's own Service be asked: its name may come from a label.

    Raises: PermanentError for any other.
    """
    target = scope.target
    found = await kubernetes.get(SERVICES, target.namespace, name) if target.namespace else None
    if found is None:
        raise PermanentError(f"There is no Service {name!r} in {target.namespace or 'no namespace'}: correct `service`")
    if not leads_to(found, scope):
        raise PermanentError(f"The Service {name!r} does not lead to {target}: name one that selects its pods")


async def _ask(get: Callable[..., Awaitable[tuple[int, str]]], name: str, params: KubernetesPodHttp.Params) -> _Answer:
    try:
        status, body = await get(port=params.port, path=params.path, scheme=params.scheme)
    except PermanentError:
        # The rights or the path are wrong: so it is for every one.
        raise
    except CallError as error:
        return _Answer(name, {}, str(error))
    if not 200 <= status < 300:
        return _Answer(name, {}, f"{status} {' '.join(body.split())}")
    if params.expect and not compile_regex(params.expect).search(body):
        return _Answer(name, {}, f"{status}, but the body does not hold {params.expect!r}")
    try:
        return _Answer(name, _samples(body, frozenset(params.metrics)))
    except ValueError as error:
        return _Answer(name, {}, f"{status}, but no metrics: {error}")


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


def _result(answers: Sequence[_Answer], service: str = "") -> PodAnswers:
    values: dict[str, list[float]] = {}
    for answer in answers:
        for name, samples in answer.samples.items():
            values.setdefault(name, []).extend(samples)
    failures = [f"{answer.name}: {redact(answer.failure)}"[:200] for answer in answers if answer.failure]
    return PodAnswers(
        up=sum(not answer.failure for answer in answers),
        asked=len(answers),
        service=service,
        max={name: max(found) for name, found in values.items()},
        min={name: min(found) for name, found in values.items()},
        sum={name: sum(found) for name, found in values.items()},
        failures=tuple(failures[:20]),
    )
