"""Sets environment variables of a workload."""

from pydantic import Field

from responder.model.target import Target
from responder.plugins.action import Action
from responder.plugins.commands import WORKLOADS, kubectl, workload
from responder.plugins.fields import Container, EnvName
from responder.plugins.params import Params
from responder.plugins.rights import workload_verbs


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
    needs = workload_verbs("get", "patch")
    kinds = WORKLOADS

    def command(self, params: SetEnvParams, target: Target) -> tuple[str, ...]:
        """Return `kubectl set env`."""
        container = params.container or target.container
        only = (f"--containers={container}",) if container else ()
        pairs = (f"{name}={value}" for name, value in params.set.items())
        return (kubectl("set", "env", workload(target), *only, *pairs, namespace=target.namespace),)
