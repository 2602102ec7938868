"""Sets environment variables of a workload."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import Field

from responder.errors import PermanentError
from responder.model.action import Change, Outcome, Preview, Progress
from responder.model.redaction import redact_json
from responder.model.target import Target
from responder.model.verdict import Json
from responder.plugins.acting import ActionTools
from responder.plugins.action import Action
from responder.plugins.commands import WORKLOADS, container_name, kubectl, workload
from responder.plugins.fields import Container, EnvName
from responder.plugins.params import Params
from responder.plugins.rollout.containers import Container as TemplateContainer
from responder.plugins.rollout.containers import container_of, named_container
from responder.plugins.rollout.edit import Edit, follow_edit, make_edit, preview_edit
from responder.plugins.rollout.plan import Operation, Plan
from responder.plugins.rollout.undo import put_back
from responder.plugins.rollout.workload import WORKLOAD_NEEDS, Workload

Object = Mapping[str, Any]


class SetEnvParams(Params):
    """Which variables."""

    set: dict[EnvName, str] = Field(min_length=1, description="Variables and their values, as text.")
    container: Container = Field("", description="Absent: the only one, or the one named like the workload.")


class SetEnv(Action[SetEnvParams]):
    """
    Set environment variables in the pod template. That rolls the workload out: no restart is needed afterwards.

    Source: `PATCH /apis/apps/v1/namespaces/{ns}/{kind}/{name}`, `spec.template.spec.containers[].env`.

    Example:

        actions:
          bigger-pool: {kubernetes.set_env: {set: {DATABASE_POOL_MAX: "150"}}, mode: approve, temporary: 24h}
    """

    name = "kubernetes.set_env"
    Params = SetEnvParams
    needs = WORKLOAD_NEEDS
    kinds = WORKLOADS
    undoable = True
    cost = "pods are replaced, as by any rollout; the values of before are put back by undoing it"

    def command(self, params: SetEnvParams, target: Target) -> tuple[str, ...]:
        """Return `kubectl set env`."""
        container = container_name(params.container, target.container)
        only = (f"--containers={container}",) if container else ()
        pairs = (f"{name}={value}" for name, value in params.set.items())
        return (kubectl("set", "env", workload(target), *only, *pairs, namespace=target.namespace),)

    async def preview(self, params: SetEnvParams, target: Target, tools: ActionTools) -> Preview:
        """Say which variables change, without the values of those that are secret by their name."""
        return await preview_edit(target, _edit(params, target), tools)

    async def act(self, params: SetEnvParams, target: Target, preview: Preview, tools: ActionTools) -> Outcome:
        """Set the variables."""
        return await make_edit(target, preview, _edit(params, target), tools)

    async def undo(self, params: SetEnvParams, target: Target, before: Json, tools: ActionTools) -> Outcome:
        """Put the template of before back."""
        return await put_back(before, tools)

    async def progress(self, params: SetEnvParams, target: Target, outcome: Outcome, tools: ActionTools) -> Progress:
        """Follow the roll-out."""
        return await follow_edit(target, outcome, _edit(params, target), tools)


def _edit(params: SetEnvParams, target: Target) -> Edit:
    def plan(workload: Workload) -> Plan:
        container = container_of(workload, params.container, target)
        name, before = container.name, _values(container)
        changed = {key: value for key, value in params.set.items() if before.get(key) != value}
        _check_values(changed)
        names = ", ".join(params.set)
        return Plan(
            summary=f"set {names} for {name} in {workload.reference}",
            done=f"given another {', '.join(changed)} for {name}",
            event="EnvironmentSet",
            operations=tuple(_operations(container, changed)),
            changes=tuple(_change(name, key, before.get(key), value) for key, value in changed.items()),
            refusal=""
            if changed
            else f"{names} of {name} {'have' if len(params.set) > 1 else 'has'} the value already",
            holds=lambda found: _hold(named_container(found, name), params.set),
        )

    return plan


def _values(container: TemplateContainer) -> dict[str, str]:
    """Read the plain values. Raises: PermanentError where one that is to be set is not plain."""
    return {str(entry.get("name")): str(entry.get("value", "")) for entry in container.found.get("env") or ()}


def _check_values(wanted: Mapping[str, str]) -> None:
    for key, value in wanted.items():
        if "$(" in value:
            raise PermanentError(f"The value of {key} refers to another variable by $(...): set it by hand")


def _operations(container: TemplateContainer, wanted: Mapping[str, str]) -> Iterator[Operation]:
    """Set each value where its name stands, as `kubectl set env` does; new ones go to the end."""
    yield container.is_there()
    entries = container.found.get("env") or ()
    places = _places(container, entries, wanted)
    for key, index in places.items():
        yield {"op": "test", "path": container.path("env", index, "name"), "value": key}
        yield {"op": "add", "path": container.path("env", index, "value"), "value": wanted[key]}
    new = [{"name": key, "value": value} for key, value in wanted.items() if key not in places]
    if not entries and new:
        yield {"op": "add", "path": container.path("env"), "value": new}
        return
    for entry in new:
        yield {"op": "add", "path": container.path("env", "-"), "value": entry}


def _places(container: TemplateContainer, entries: Sequence[Object], wanted: Mapping[str, str]) -> dict[str, int]:
    places: dict[str, int] = {}
    for index, entry in enumerate(entries):
        key = str(entry.get("name"))
        if key not in wanted:
            continue
        if key in places:
            raise PermanentError(f"{key} is set twice in {container.name}: which one counts is for a person to say")
        if source := entry.get("valueFrom"):
            raise PermanentError(f"{key} of {container.name} is taken {_source(source)}: change it there")
        places[key] = index
    return places


def _source(source: Object) -> str:
    for field, kind in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")):
        if found := source.get(field):
            return f"from {found.get('key')} of the {kind} {found.get('name')} (valueFrom)"
    return "from elsewhere (valueFrom)"


def _change(container: str, key: str, before: str | None, after: str) -> Change:
    shown = (str(redact_json(value, name=key))[:200] for value in (before or "", after))
    return Change(f"env {key} of {container}", *shown)


def _hold(container: Object, wanted: Mapping[str, str]) -> bool:
    values = {entry.get("name"): entry.get("value", "") for entry in container.get("env") or ()}
    return all(values.get(key) == value for key, value in wanted.items())
