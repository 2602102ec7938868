"""Changes keys of a ConfigMap: feature flags, rate limits, circuit breakers, blocked networks."""

import json
from collections.abc import Iterator
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from responder.model.resource import namespace_of
from responder.model.target import Target
from responder.plugins.action import Action
from responder.plugins.commands import kubectl, workload
from responder.plugins.fields import Cidr, DataKey, Name
from responder.plugins.params import Params
from responder.plugins.rights import Verb, workload_verbs


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
    restart: bool = Field(False, description="true: restart the target's workload afterwards, so that it reads them.")

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
    needs = (Verb("", "configmaps", "get"), Verb("", "configmaps", "patch"), *workload_verbs("get", "patch"))

    def namespaces(self, params: PatchConfigmapParams, target: Target) -> tuple[str, ...]:
        """Return the ConfigMap's, and the target's where that is restarted."""
        patched = super().namespaces(params, target)
        return (*patched, namespace_of(target)) if params.restart else patched

    def command(self, params: PatchConfigmapParams, target: Target) -> tuple[str, ...]:
        """Return `kubectl patch configmap`, and `kubectl rollout restart` where asked for."""
        namespace = params.namespace or target.namespace
        commands = list(_patches(params, namespace))
        if params.restart:
            commands.append(kubectl("rollout", "restart", workload(target), namespace=target.namespace))
        return tuple(commands)


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
