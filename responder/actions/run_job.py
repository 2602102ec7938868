"""Runs a Job from a template of the pack: secret rotation, smoke tests, a database dump."""

from pydantic import Field

from responder.model.target import Target
from responder.plugins.action import Action
from responder.plugins.commands import kubectl
from responder.plugins.fields import Name, PackPath
from responder.plugins.params import Params
from responder.plugins.rights import Verb


class RunJobParams(Params):
    """Which Job."""

    template: PackPath = Field(description="The Job: the file jobs/TEMPLATE.yaml of the pack.")
    namespace: Name = Field("", description="Where to run it. Absent: the target's.")


class RunJob(Action[RunJobParams]):
    """
    Create a Job from a template of the pack and wait for its end; its logs are the outcome.

    Source: `POST /apis/batch/v1/namespaces/{ns}/jobs`.

    Example:

        actions:
          rotate: {kubernetes.run_job: {template: rotate-secrets}, mode: approve, guard: {approvals: 2}}
    """

    name = "kubernetes.run_job"
    Params = RunJobParams
    needs = (
        Verb("batch", "jobs", "create"),
        Verb("batch", "jobs", "get"),
        Verb("batch", "jobs", "delete"),
        Verb("", "pods", "list"),
        Verb("", "pods/log", "get"),
    )

    def command(self, params: RunJobParams, target: Target) -> tuple[str, ...]:
        """Return `kubectl create`."""
        namespace = params.namespace or target.namespace
        return (kubectl("create", "-f", f"jobs/{params.template}.yaml", namespace=namespace),)
