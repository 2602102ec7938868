"""Sets a key of a Secret from a key of another one."""

from pydantic import ConfigDict, Field

from responder.model.target import Target
from responder.plugins.action import Action
from responder.plugins.commands import kubectl
from responder.plugins.fields import DataKey, Name
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
    source: SecretKey = Field(alias="from", description="Where the value is taken from.")


class PatchSecret(Action[PatchSecretParams]):
    """
    Copy the value of one Secret's key to another's. The value is never shown or stored.

    Pods read it at their next start: put a restart behind it with `do`.

    Source: `PATCH /api/v1/namespaces/{ns}/secrets/{name}`, `data`.

    Example:

        actions:
          repoint:
            kubernetes.patch_secret: {name: api-secrets, key: database-url, from: {secret: api-replica, key: url}}
            mode: approve
    """

    name = "kubernetes.patch_secret"
    Params = PatchSecretParams
    needs = (Verb("", "secrets", "get"), Verb("", "secrets", "patch"))

    def command(self, params: PatchSecretParams, target: Target) -> tuple[str, ...]:
        """Read the value into a variable, and patch."""
        namespace = params.namespace or target.namespace
        path = "jsonpath={.data." + params.source.key.replace(".", "\\.") + "}"
        read = kubectl("get", f"secret/{params.source.secret}", "-o", path, namespace=namespace)
        patch = f'{{\\"data\\":{{\\"{params.key}\\":\\"$value\\"}}}}'
        write = kubectl("patch", f"secret/{params.name}", "--type=merge", namespace=namespace)
        return (f"value=$({read})", f'{write} --patch="{patch}"')
