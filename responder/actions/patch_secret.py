"""Sets a key of a Secret: from a key of another one, or to a value that a person gives at approval."""

from typing import Annotated, Self

from pydantic import ConfigDict, Field, SecretStr, model_validator

from responder.model.action import Outcome, Preview
from responder.model.place import Place as Standing
from responder.model.resource import namespace_of
from responder.model.target import Target
from responder.plugins.acting import ActionTools
from responder.plugins.action import Action
from responder.plugins.commands import kubectl
from responder.plugins.fields import DataKey, Name
from responder.plugins.objects.edit import Edit, Planner, make_edit, preview_edit
from responder.plugins.objects.secret import copying, secret_place, setting
from responder.plugins.objects.seen import Place, Seen
from responder.plugins.params import Params
from responder.plugins.rights import Verb


class SecretKey(Params):
    """A key of a Secret."""

    secret: Name = Field(min_length=1, description="The Secret, in the same namespace.")
    key: DataKey = Field(description="The key in it.")


class PatchSecretParams(Params):
    """Which key, and from where."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: Name = Field(min_length=1, description="The Secret to change.")
    namespace: Name = Field("", description="Its namespace. Absent: the target's.")
    key: DataKey = Field(description="The key to set.")
    source: SecretKey | None = Field(None, alias="from", description="Where the value is taken from.")
    value: Annotated[SecretStr | None, Standing.SECRET] = Field(
        None, description="Instead of `from`: a secret input, which a person gives at approval."
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.source is None) == (self.value is None):
            raise ValueError("give `from` or `value`, one of them")
        return self


class PatchSecret(Action[PatchSecretParams]):
    """
    Set a key of a Secret: to the value of another Secret's key, or to a secret input. It is never shown or stored.

    A secret input is given with a yes (`responder approve INC-17/3 --input token=@FILE`), never through Slack. Only the
    process that it was given to holds it, for 15 minutes at most; if that process ends before, people are asked again.

    Pods read it at their next start: put a restart behind it with `do`. It cannot be undone: the value of before is
    kept nowhere.

    Source: `PATCH /api/v1/namespaces/{ns}/secrets/{name}`, `data`.

    Example:

        actions:
          evidence: {evidence.capture: {logs: true, manifests: true}, mode: auto}
          repoint:
            kubernetes.patch_secret: {name: api-secrets, key: database-url, from: {secret: api-replica, key: url}}
            mode: approve
            guard: {evidence: [evidence]}
          renew:
            kubernetes.patch_secret: {name: api-secrets, key: token, value: "${inputs.token}"}
            mode: approve
            guard: {evidence: [evidence]}
            inputs: {token: {type: secret, describe: "The new API token"}}
    """

    name = "kubernetes.patch_secret"
    Params = PatchSecretParams
    needs = (Verb("", "secrets", "get"), Verb("", "secrets", "patch"))
    weight = "security"
    cost = "a credential is exchanged, and the value of before is kept nowhere"

    def command(self, params: PatchSecretParams, target: Target) -> tuple[str, ...]:
        """Read the value into a variable, and patch."""
        namespace = params.namespace or target.namespace
        patch = f'{{\\"data\\":{{\\"{params.key}\\":\\"$value\\"}}}}'
        write = kubectl("patch", f"secret/{params.name}", "--type=merge", namespace=namespace)
        return (f"value=$({_reading(params, namespace)})", f'{write} --patch="{patch}"')

    async def preview(self, params: PatchSecretParams, target: Target, tools: ActionTools) -> Preview:
        """Say which key changes, never to what."""
        return await preview_edit(_place(params, target), _planner(params, tools), tools)

    async def act(self, params: PatchSecretParams, target: Target, preview: Preview, tools: ActionTools) -> Outcome:
        """Copy the value."""
        return await make_edit(_place(params, target), preview, _planner(params, tools), tools)


def _place(params: PatchSecretParams, target: Target) -> Place:
    return secret_place(target.cluster, params.namespace or namespace_of(target), params.name)


def _reading(params: PatchSecretParams, namespace: str) -> str:
    if params.source is None:
        return "base64 | tr -d '\\n'"
    path = "jsonpath={.data." + params.source.key.replace(".", "\\.") + "}"
    return kubectl("get", f"secret/{params.source.secret}", "-o", path, namespace=namespace)


def _planner(params: PatchSecretParams, tools: ActionTools) -> Planner:
    async def planned(seen: Seen) -> Edit:
        if params.source is None:
            return setting(seen, params.key, params.value.get_secret_value() if params.value else "")
        source, key = params.source.secret, params.source.key
        return await copying(seen, params.key, source=source, source_key=key, cluster=tools.kubernetes)

    return planned
