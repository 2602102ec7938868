"""Changes keys of a ConfigMap: feature flags, rate limits, circuit breakers, blocked networks."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from responder.errors import CallError, Unanswered
from responder.model.action import Outcome, Preview, Progress
from responder.model.pod_references import references_of
from responder.model.resource import namespace_of
from responder.model.target import Target
from responder.model.verdict import Json
from responder.plugins.acting import ActionTools
from responder.plugins.action import Action
from responder.plugins.commands import kubectl, workload
from responder.plugins.fields import Cidr, DataKey, Name
from responder.plugins.objects.config import Wanted, place_of, restoration
from responder.plugins.objects.edit import follow_edit, make_edit, preview_edit, put_back
from responder.plugins.objects.seen import Place
from responder.plugins.params import Params
from responder.plugins.rights import Verb
from responder.plugins.rollout.restart import follow_restart, preview_restart, restart
from responder.plugins.rollout.workload import WORKLOAD_NEEDS
from responder.plugins.undone import is_undone, undone

_RESTART = "restart: "
"""Before the name of a fact that the restart rests on."""
_CONFIG = "configmap"
_CONFIG_NEEDS = (Verb("", "configmaps", "get"), Verb("", "configmaps", "patch"))


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
        False, description="true: restart the target afterwards, which mounts it or takes variables from it."
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
    needs = (*_CONFIG_NEEDS, *WORKLOAD_NEEDS)
    undoable = True

    def needs_in(
        self, namespace: str, params: PatchConfigmapParams, target: Target, files: Mapping[str, str]
    ) -> tuple[Verb, ...]:
        """Patch where the ConfigMap is, and restart where the target is."""
        patches = namespace == (params.namespace or namespace_of(target))
        restarts = params.restart and namespace == namespace_of(target)
        return (*(_CONFIG_NEEDS if patches else ()), *(WORKLOAD_NEEDS if restarts else ()))

    def namespaces(self, params: PatchConfigmapParams, target: Target) -> tuple[str, ...]:
        """Return the ConfigMap's, and the target's where that is restarted."""
        patched = super().namespaces(params, target)
        return (*patched, namespace_of(target)) if params.restart else patched

    def entails(self, params: PatchConfigmapParams) -> tuple[str, ...]:
        """Restart, where asked for."""
        return ("kubernetes.rollout_restart",) if params.restart else ()

    def command(self, params: PatchConfigmapParams, target: Target) -> tuple[str, ...]:
        """Return `kubectl patch configmap`, and `kubectl rollout restart` where asked for."""
        namespace = params.namespace or target.namespace
        commands = list(_patches(params, namespace))
        if params.restart:
            commands.append(kubectl("rollout", "restart", workload(target), namespace=target.namespace))
        return tuple(commands)

    async def preview(self, params: PatchConfigmapParams, target: Target, tools: ActionTools) -> Preview:
        """Say which keys change, and what a restart disturbs."""
        patched = await preview_edit(_place(params, target), _wanted(params).plan, tools)
        if not params.restart:
            return patched
        both = _both(patched, await preview_restart(target, tools))
        refusal, warning = await _pointless(_place(params, target), target, tools)
        warnings = (*both.warnings, warning) if warning else both.warnings
        return replace(both, refusal=both.refusal or refusal, warnings=warnings)

    async def act(self, params: PatchConfigmapParams, target: Target, preview: Preview, tools: ActionTools) -> Outcome:
        """Set the keys, then restart where asked for."""
        mine = {name: fact for name, fact in preview.basis.items() if not name.startswith(_RESTART)}
        patched = await make_edit(_place(params, target), replace(preview, basis=mine), _wanted(params).plan, tools)
        if patched.status != "done" or not params.restart:
            return patched
        facts = {k.removeprefix(_RESTART): v for k, v in preview.basis.items() if k.startswith(_RESTART)}
        return await _restarted(patched, target, replace(preview, basis=facts), tools)

    async def undo(self, params: PatchConfigmapParams, target: Target, before: Json, tools: ActionTools) -> Outcome:
        """Put the keys back where nobody has changed them since, then restart again."""
        if not isinstance(before, Mapping) or "uid" not in before:
            return Outcome("not_done", "What was there before was not recorded: put it back by hand")
        place = _place(params, target)
        restored = await put_back(place, before, lambda seen: restoration(seen, before), tools)
        if restored.status != "done" or not params.restart:
            return restored
        return await _restarted(restored, target, None, tools)

    async def progress(
        self, params: PatchConfigmapParams, target: Target, outcome: Outcome, tools: ActionTools
    ) -> Progress:
        """Say whether the keys still stand, and follow the restart."""
        kept = outcome.basis.get(_CONFIG)
        own = replace(outcome, basis=kept) if isinstance(kept, Mapping) else outcome
        stands = await follow_edit(_place(params, target), own, _wanted(params).plan, tools)
        if stands.reverted or not isinstance(kept, Mapping):
            return stands
        return await follow_restart(target, outcome, tools)


def _place(params: PatchConfigmapParams, target: Target) -> Place:
    return place_of(target.cluster, params.namespace or namespace_of(target), params.name)


def _wanted(params: PatchConfigmapParams) -> Wanted:
    return Wanted(params.set, params.add_cidrs)


async def _pointless(place: Place, target: Target, tools: ActionTools) -> tuple[str, str]:
    """Say why a restart of the target would not make the change known: what refuses it, and what people should know."""
    workload = await tools.kubernetes.workload(target)
    if workload is None:
        return "", ""
    if place.namespace != workload["metadata"].get("namespace", ""):
        return f"{target} cannot mount {place}, which is in another namespace: restart what reads it instead", ""
    template = (workload.get("spec") or {}).get("template") or {}
    if any((found.kind, found.name) == (place.kind, place.name) for found in references_of(template)):
        return "", ""
    return "", f"{target} does not mount {place.reference}, nor take variables from it: a restart may not make it known"


def _both(patched: Preview, restarted: Preview) -> Preview:
    """Put the change and the restart together: what is locked and disturbed is the workload."""
    return replace(
        restarted,
        summary=f"{patched.summary}, then {restarted.summary}",
        changes=(*patched.changes, *restarted.changes),
        refusal=patched.refusal or restarted.refusal,
        basis={**patched.basis, **{_RESTART + name: fact for name, fact in restarted.basis.items()}},
        undo=patched.undo,
        touches=(*patched.touches, *restarted.touches),
        owner=patched.owner or restarted.owner,
        owner_way=patched.owner_way or restarted.owner_way,
        warnings=(*patched.warnings, *restarted.warnings),
        dry_run=patched.dry_run and restarted.dry_run,
    )


async def _restarted(first: Outcome, target: Target, preview: Preview | None, tools: ActionTools) -> Outcome:
    """Restart behind a change that stands. Raises: Unanswered."""
    try:
        seen = preview or await preview_restart(target, tools)
        return _then(first, await restart(target, seen, tools))
    except Unanswered:
        raise
    except CallError as error:
        return _then(first, Outcome("failed", str(error)))


def _then(first: Outcome, second: Outcome) -> Outcome:
    """Sum up a change and the restart behind it; a restart that did not happen leaves the change standing."""
    if second.status == "done":
        basis = {**second.basis, _CONFIG: first.basis}
        both = replace(second, say=f"{first.say}; {second.say}", undo=first.undo, basis=basis)
        return undone(both) if is_undone(first) else both
    say = f"{first.say}, but nothing was restarted, so its pods may not know: {second.say}"
    told = replace(second, say=say, undo=first.undo, basis={**first.basis})
    return told if second.status == "in_doubt" else replace(told, status="failed")


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
