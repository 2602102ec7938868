"""Runs a Job from a template of the pack: secret rotation, smoke tests, a database dump."""

from collections.abc import Mapping
from dataclasses import replace

from pydantic import Field

from responder.model.action import ActionWeight, Outcome, Preview, Progress
from responder.model.resource import namespace_of
from responder.model.target import Target
from responder.plugins.acting import WEIGHT, ActionTools
from responder.plugins.action import Action
from responder.plugins.commands import kubectl
from responder.plugins.fields import Name, PackPath
from responder.plugins.objects.creation import Creation, create_once, preview_creation
from responder.plugins.objects.job import job_of, job_place, minded, progress_of
from responder.plugins.objects.manifest import annotation_of
from responder.plugins.params import Params
from responder.plugins.rights import Verb


class RunJobParams(Params):
    """Which Job."""

    template: PackPath = Field(description="The Job: the file jobs/TEMPLATE.yaml of the pack.")
    namespace: Name = Field("", description="Where to run it. Absent: the target's.")


class RunJob(Action[RunJobParams]):
    """
    Create a Job from a template of the pack and wait for its end; its logs are the outcome.

    A Job that destroys nothing, such as a smoke test or a database dump, says so in its `metadata.annotations`:
    `alertmanager-responder/weight: ordinary`. Any other is run only after evidence was kept.

    Its name is that of the template with a suffix that tells the attempt, so that it is not run twice. What it did
    cannot be undone.

    Source: `POST /apis/batch/v1/namespaces/{ns}/jobs`.

    Example:

        actions:
          evidence: {evidence.capture: {logs: true}, mode: auto}
          rotate:
            kubernetes.run_job: {template: rotate-secrets}
            mode: approve
            guard: {approvals: 2, evidence: [evidence]}
    """

    name = "kubernetes.run_job"
    Params = RunJobParams
    files = {"template": "jobs/{}.yaml"}
    needs = (
        Verb("batch", "jobs", "create"),
        Verb("batch", "jobs", "get"),
        Verb("", "pods", "list"),
        Verb("", "pods/log", "get"),
    )
    once = "named"
    weight = "destructive"
    cost = "nobody but its author knows what a Job does, who may vouch: `alertmanager-responder/weight: ordinary`"

    def weight_of(self, params: RunJobParams, files: Mapping[str, str]) -> ActionWeight:
        """Trust the author of a Job that vouches for it; of any other the worst is expected."""
        text = files.get(f"jobs/{params.template}.yaml", "")
        return "ordinary" if annotation_of(text, WEIGHT) == "ordinary" else "destructive"

    def command(self, params: RunJobParams, target: Target) -> tuple[str, ...]:
        """Return `kubectl create`."""
        namespace = params.namespace or target.namespace
        return (kubectl("create", "-f", f"jobs/{params.template}.yaml", namespace=namespace),)

    async def preview(self, params: RunJobParams, target: Target, tools: ActionTools) -> Preview:
        """Say what would be run."""
        creation = _job(params, target, tools)
        preview = await preview_creation(creation, tools)
        told = "not known: what its containers do to others"
        return replace(preview, undo=None, pods=None, disruption=told, warnings=(*preview.warnings, *minded(creation)))

    async def act(self, params: RunJobParams, target: Target, preview: Preview, tools: ActionTools) -> Outcome:
        """Create the Job."""
        outcome = await create_once(_job(params, target, tools), preview, tools)
        return replace(outcome, undo=None, follow=outcome.status == "done")

    async def progress(self, params: RunJobParams, target: Target, outcome: Outcome, tools: ActionTools) -> Progress:
        """Follow the Job to its end."""
        name = str(outcome.basis.get("object", "")).partition(" ")[0].partition("/")[2]
        place = job_place(target.cluster, params.namespace or namespace_of(target), name)
        return await progress_of(place, str(outcome.basis.get("uid", "")), tools.kubernetes)


def _job(params: RunJobParams, target: Target, tools: ActionTools) -> Creation:
    return job_of(params.template, target.cluster, params.namespace or namespace_of(target), tools)
