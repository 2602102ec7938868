"""Sets requests and limits of a workload."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from responder.model.action import Change, Outcome, Preview, Progress
from responder.model.quantity import parse_quantity
from responder.model.target import Target
from responder.model.verdict import Json
from responder.plugins.acting import ActionTools
from responder.plugins.action import Action
from responder.plugins.commands import WORKLOADS, container_name, kubectl, workload
from responder.plugins.fields import Container, Quantity
from responder.plugins.params import Params
from responder.plugins.rollout.containers import Container as TemplateContainer
from responder.plugins.rollout.containers import container_of, named_container
from responder.plugins.rollout.edit import Edit, follow_edit, make_edit, preview_edit
from responder.plugins.rollout.plan import Operation, Plan
from responder.plugins.rollout.undo import put_back
from responder.plugins.rollout.workload import WORKLOAD_NEEDS, Workload

Object = Mapping[str, Any]
_Both = Mapping[str, Mapping[str, str]]
""""limits" and "requests", each by resource."""

Amounts = dict[Literal["cpu", "memory", "ephemeral-storage"], Quantity]


class SetResourcesParams(Params):
    """How much."""

    limits: Amounts = Field({}, description="Limits: cpu in cores or millicores, memory in bytes with a suffix.")
    requests: Amounts = Field({}, description="Requests, in the same units.")
    container: Container = Field("", description="Absent: the only one, or the one named like the workload.")
    allow_decrease: bool = Field(False, description="true: an amount may become smaller than it is.")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.limits and not self.requests:
            raise ValueError("give `limits` or `requests`")
        return self


class SetResources(Action[SetResourcesParams]):
    """
    Set requests and limits in the pod template. That rolls the workload out: no restart is needed afterwards.

    Source: `PATCH /apis/apps/v1/namespaces/{ns}/{kind}/{name}`, `spec.template.spec.containers[].resources`.

    Example:

        actions:
          more-memory: {kubernetes.set_resources: {limits: {memory: 8Gi}}, mode: approve, temporary: 24h}
    """

    name = "kubernetes.set_resources"
    Params = SetResourcesParams
    needs = WORKLOAD_NEEDS
    kinds = WORKLOADS
    undoable = True
    cost = "pods are replaced, as by any rollout; the values of before are put back by undoing it"

    def command(self, params: SetResourcesParams, target: Target) -> tuple[str, ...]:
        """Return `kubectl set resources`."""
        container = container_name(params.container, target.container)
        words = [f"--containers={container}"] if container else []
        for flag, amounts in (("limits", params.limits), ("requests", params.requests)):
            if amounts:
                words.append(f"--{flag}={','.join(f'{name}={amount}' for name, amount in amounts.items())}")
        return (kubectl("set", "resources", workload(target), *words, namespace=target.namespace),)

    async def preview(self, params: SetResourcesParams, target: Target, tools: ActionTools) -> Preview:
        """Say what each amount was and would be."""
        return await preview_edit(target, _edit(params, target), tools)

    async def act(self, params: SetResourcesParams, target: Target, preview: Preview, tools: ActionTools) -> Outcome:
        """Set the amounts."""
        return await make_edit(target, preview, _edit(params, target), tools)

    async def undo(self, params: SetResourcesParams, target: Target, before: Json, tools: ActionTools) -> Outcome:
        """Put the template of before back."""
        return await put_back(before, tools)

    async def progress(
        self, params: SetResourcesParams, target: Target, outcome: Outcome, tools: ActionTools
    ) -> Progress:
        """Follow the roll-out."""
        return await follow_edit(target, outcome, _edit(params, target), tools)


def _edit(params: SetResourcesParams, target: Target) -> Edit:
    def plan(workload: Workload) -> Plan:
        container = container_of(workload, params.container, target)
        name, before = container.name, _amounts(container.found)
        wanted: _Both = {"limits": _texts(params.limits), "requests": _texts(params.requests)}
        after = {kind: {**before[kind], **amounts} for kind, amounts in wanted.items()}
        changes = tuple(_changes(name, before, after))
        said = ", ".join(f"{change.what} to {change.after}" for change in changes)
        lower = [] if params.allow_decrease else list(_decreases(before, wanted))
        refused = (*(() if changes else (f"{name} has these amounts already",)), *lower, *_contradictions(after))
        return Plan(
            summary=f"set in {workload.reference}: {said or 'nothing'}",
            done=f"given {said}",
            event="ResourcesSet",
            operations=tuple(_operations(container, wanted)),
            changes=changes,
            refusal="; ".join(refused),
            holds=lambda found: _hold(named_container(found, name), wanted),
            warnings=tuple(_raised_requests(name, before, after)),
        )

    return plan


def _amounts(container: Object) -> dict[str, dict[str, str]]:
    resources = container.get("resources") or {}
    return {kind: dict(resources.get(kind) or {}) for kind in ("limits", "requests")}


def _changes(name: str, before: _Both, after: _Both) -> Iterator[Change]:
    for kind, amounts in after.items():
        for resource, amount in amounts.items():
            old = before[kind].get(resource, "")
            if not old or parse_quantity(old) != parse_quantity(amount):
                yield Change(f"{resource} {kind.removesuffix('s')} of {name}", old or "none", amount)


def _decreases(before: _Both, wanted: _Both) -> Iterator[str]:
    """Name the amounts that would become smaller; a first limit is one, and a request is its limit where not given."""
    for kind, amounts in wanted.items():
        for resource, amount in amounts.items():
            what = f"the {resource} {kind.removesuffix('s')}"
            old = before[kind].get(resource) or (before["limits"].get(resource) if kind == "requests" else "")
            if old and _number(amount) < _number(old):
                yield f"{what} would fall from {old} to {amount}: allow_decrease: true lets it"
            elif not old and kind == "limits":
                yield f"there is no {resource} limit now, so {amount} is a decrease: allow_decrease: true lets it"


def _contradictions(after: _Both) -> Iterator[str]:
    for resource, request in after["requests"].items():
        limit = after["limits"].get(resource)
        if limit is not None and _number(limit) < _number(request):
            yield f"the {resource} limit {limit} would be below its request {request}"


def _raised_requests(name: str, before: _Both, after: _Both) -> Iterator[str]:
    for resource, limit in after["limits"].items():
        if resource not in after["requests"] and before["limits"].get(resource) != limit:
            yield f"{name} has no {resource} request, so its request becomes {limit} with the limit"


def _operations(container: TemplateContainer, wanted: _Both) -> Iterator[Operation]:
    """Set each amount by itself, and make only the levels that are not there."""
    yield container.is_there()
    given = {kind: dict(amounts) for kind, amounts in wanted.items() if amounts}
    resources = container.found.get("resources")
    if resources is None:
        yield {"op": "add", "path": container.path("resources"), "value": given}
        return
    for kind, amounts in given.items():
        if not resources.get(kind):
            yield {"op": "add", "path": container.path("resources", kind), "value": amounts}
            continue
        for resource, amount in amounts.items():
            yield {"op": "add", "path": container.path("resources", kind, resource), "value": amount}


def _hold(container: Object, wanted: _Both) -> bool:
    now = _amounts(container)
    given = [(now[kind].get(resource), amount) for kind, all_ in wanted.items() for resource, amount in all_.items()]
    return all(parse_quantity(found) == parse_quantity(amount) for found, amount in given)


def _number(amount: str) -> float:
    return parse_quantity(amount) or 0.0


def _texts(amounts: Amounts) -> dict[str, str]:
    return {str(resource): amount for resource, amount in amounts.items()}
