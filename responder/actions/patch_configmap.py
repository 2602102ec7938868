"""Changes keys of a ConfigMap: feature flags, rate limits, circuit breakers, blocked networks."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from responder.model.action import ActionWeight, Outcome, Preview, Progress
from responder.model.resource import namespace_of
from responder.model.target import Target
from responder.model.verdict import Json
from responder.plugins.acting import ActionTools
from responder.plugins.action import Action
from responder.plugins.commands import kubectl, shell
from responder.plugins.fields import Cidr, DataKey, Name
from responder.plugins.objects.config import Wanted, place_of, restoration
from responder.plugins.objects.edit import follow_edit, make_edit, preview_edit, put_back
from responder.plugins.objects.seen import Place
from responder.plugins.objects.takers import (
    TAKER_NEEDS,
    drifted,
    follow_restarts,
    restarted_again,
    restarted_behind,
    with_restarts,
)
from responder.plugins.params import Params
from responder.plugins.rights import Verb
from responder.plugins.rollout.several import without_facts
from responder.plugins.rollout.workload import WORKLOAD_NEEDS

_CONFIG_NEEDS = (Verb("", "configmaps", "get"), Verb("", "configmaps", "patch"))
_RESTART_NEEDS = (*WORKLOAD_NEEDS, *TAKER_NEEDS)


def _pairs(value: Any) -> Any:
    """Let `[{key: ..., value: ...}]` stand for a mapping, so that a key can be a template."""
    if isinstance(value, list | tuple) and all(
        isinstance(item, dict) and set(item) == {"key", "value"} for item in value
    ):
        return {item["key"]: item["value"] for item in value}
    return value


class PatchConfigmapParams(Params):
    """Which keys, and to what."""

    name: Name = Field(min_length=1, description="The ConfigMap.")
    namespace: Name = Field("", description="Its namespace. Absent: the target's.")
    set: Annotated[
        dict[DataKey, str],
        BeforeValidator(_pairs, json_schema_input_type=dict[str, str] | list[dict[str, str]]),
    ] = Field({}, description="Keys and their values, as text; or a list of {key, value}.")
    add_cidrs: dict[DataKey, list[Cidr]] = Field(
        {}, description="Networks to add to the comma-separated list of a key; what is in it stays."
    )
    restart: bool = Field(
        False,
        description="true: restart every Deployment, StatefulSet and DaemonSet of its namespace that mounts it or "
        "takes variables from it, 10 at most.",
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.set and not self.add_cidrs:
            raise ValueError("give `set` or `add_cidrs`")
        return self


class PatchConfigmap(Action[PatchConfigmapParams]):
    """
    Set keys of a ConfigMap, or add networks to a list in it; other keys stay as they are.

    Source: `PATCH /api/v1/namespaces/{ns}/configmaps/{name}`, `data`.

    Example:

        actions:
          circuit-breaker:
            kubernetes.patch_configmap: {name: api-config, set: {CIRCUIT_BREAKER_ENABLED: "true"}, restart: true}
            mode: approve
            temporary: 4h
    """

    name = "kubernetes.patch_configmap"
    Params = PatchConfigmapParams
    needs = (*_CONFIG_NEEDS, *_RESTART_NEEDS)
    beyond_target = True
    undoable = True
    weight = "security"
    cost = "with `add_cidrs` networks are shut out, and who is there notices; other keys are put back"

    def needs_in(
        self, namespace: str, params: PatchConfigmapParams, target: Target, files: Mapping[str, str]
    ) -> tuple[Verb, ...]:
        """Patch the ConfigMap, and restart what takes it up."""
        return (*_CONFIG_NEEDS, *(_RESTART_NEEDS if params.restart else ()))

    def entails(self, params: PatchConfigmapParams) -> tuple[str, ...]:
        """Restart, where asked for."""
        return ("kubernetes.rollout_restart",) if params.restart else ()

    def weight_of(self, params: PatchConfigmapParams, files: Mapping[str, str]) -> ActionWeight:
        """Touch security where networks are shut out."""
        return "security" if params.add_cidrs else "ordinary"

    def command(self, params: PatchConfigmapParams, target: Target) -> tuple[str, ...]:
        """Return `kubectl patch configmap`, and `kubectl rollout restart` of what takes it up where asked for."""
        namespace = params.namespace or target.namespace
        commands = list(_patches(params, namespace))
        if params.restart:
            commands.extend(_restarts(params, namespace))
        return tuple(commands)

    async def preview(self, params: PatchConfigmapParams, target: Target, tools: ActionTools) -> Preview:
        """Say which keys change, and what is restarted to take them up."""
        place = _place(params, target)
        patched = await preview_edit(place, _wanted(params).plan, tools)
        return await with_restarts(patched, place, target, tools) if params.restart else patched

    async def act(self, params: PatchConfigmapParams, target: Target, preview: Preview, tools: ActionTools) -> Outcome:
        """Set the keys, then restart each that was approved where asked for."""
        place = _place(params, target)
        if params.restart and (drift := await drifted(place, preview, tools)):
            return Outcome("in_doubt" if tools.retry else "not_done", drift)
        mine = replace(preview, basis=without_facts(preview.basis))
        patched = await make_edit(place, mine, _wanted(params).plan, tools)
        if patched.status != "done" or not params.restart:
            return patched
        return await restarted_behind(patched, place, preview, tools)

    async def undo(self, params: PatchConfigmapParams, target: Target, before: Json, tools: ActionTools) -> Outcome:
        """Put the keys back where nobody has changed them since, then restart again what was restarted."""
        if not isinstance(before, Mapping) or "uid" not in before:
            return Outcome("not_done", "What was there before was not recorded: put it back by hand")
        restored = await put_back(_place(params, target), before, lambda seen: restoration(seen, before), tools)
        if restored.status != "done" or not params.restart:
            return restored
        return await restarted_again(restored, before, tools)

    async def progress(
        self, params: PatchConfigmapParams, target: Target, outcome: Outcome, tools: ActionTools
    ) -> Progress:
        """Say whether the keys still stand, and follow every restart."""
        stands = await follow_edit(_place(params, target), outcome, _wanted(params).plan, tools)
        return stands if stands.reverted else await follow_restarts(stands, outcome, tools)


def _place(params: PatchConfigmapParams, target: Target) -> Place:
    return place_of(target.cluster, params.namespace or namespace_of(target), params.name)


def _wanted(params: PatchConfigmapParams) -> Wanted:
    return Wanted(params.set, params.add_cidrs)


def _patches(params: PatchConfigmapParams, namespace: str) -> Iterator[str]:
    named = f"configmap/{params.name}"
    if params.set:
        patch = json.dumps({"data": params.set}, ensure_ascii=False)
        yield kubectl("patch", named, "--type=merge", f"--patch={patch}", namespace=namespace)
    for key, networks in params.add_cidrs.items():
        path = "jsonpath={.data." + key.replace(".", "\\.") + "}"
        yield f"now=$({kubectl('get', named, '-o', path, namespace=namespace)})"
        added = ",".join(networks)
        patch = f'{{\\"data\\":{{\\"{key}\\":\\"${{now:+$now,}}{added}\\"}}}}'
        yield f'{kubectl("patch", named, "--type=merge", namespace=namespace)} --patch="{patch}"'


def _restarts(params: PatchConfigmapParams, namespace: str) -> Iterator[str]:
    listed = kubectl("get", "deployments,statefulsets,daemonsets", "-o", "json", namespace=namespace)
    named = json.dumps(params.name)
    refers = f".. | objects | (.configMap, .configMapRef, .configMapKeyRef) | .name?; . == {named}"
    program = f'.items[] | select(any(.spec.template | {refers})) | (.kind | ascii_downcase) + "/" + .metadata.name'
    yield f"readers=$({listed} | {shell('jq', '-r', program)})"
    yield f"{kubectl('rollout', 'restart', namespace=namespace)} $readers"
