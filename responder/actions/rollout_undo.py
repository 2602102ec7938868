"""Rolls a workload back to an earlier revision."""

from collections.abc import Sequence

from pydantic import Field

from responder.model.action import Change, Outcome, Preview, Progress
from responder.model.pod_template import changes
from responder.model.redaction import redact
from responder.model.target import Target
from responder.model.verdict import Json
from responder.plugins.acting import ActionTools
from responder.plugins.action import Action
from responder.plugins.commands import WORKLOADS, kubectl, workload
from responder.plugins.params import Params
from responder.plugins.rollout.edit import minded
from responder.plugins.rollout.fingerprint import digest
from responder.plugins.rollout.follow import follow
from responder.plugins.rollout.plan import Plan, Planner, undo_of
from responder.plugins.rollout.preview import preview_change
from responder.plugins.rollout.revisions import Revision, revision_of, revisions_of
from responder.plugins.rollout.undo import put_back
from responder.plugins.rollout.workload import WORKLOAD_NEEDS, Workload, bare
from responder.plugins.rollout.write import change


class RolloutUndoParams(Params):
    """Where to."""

    to_revision: int | None = Field(None, ge=1, description="The revision to go to. Absent: the one before.")


class RolloutUndo(Action[RolloutUndoParams]):
    """
    Put the pod template of an earlier revision back; other annotations and the number of replicas stay.

    It refuses when the workload is paused, when there is no earlier revision, and when nothing would change.

    Source: ReplicaSets of a Deployment (`deployment.kubernetes.io/revision`), ControllerRevisions of the others; a JSON
    patch of `/spec/template`, as `kubectl rollout undo` sends it.

    Example:

        actions:
          roll-back: {kubernetes.rollout_undo: {to_revision: 41}, mode: approve}
    """

    name = "kubernetes.rollout_undo"
    Params = RolloutUndoParams
    needs = WORKLOAD_NEEDS
    kinds = WORKLOADS
    undoable = True
    cost = "pods are replaced, as by any rollout; the revision of before stays to go back to"

    def command(self, params: RolloutUndoParams, target: Target) -> tuple[str, ...]:
        """Return `kubectl rollout undo`."""
        revision = () if params.to_revision is None else (f"--to-revision={params.to_revision}",)
        return (kubectl("rollout", "undo", workload(target), *revision, namespace=target.namespace),)

    async def preview(self, params: RolloutUndoParams, target: Target, tools: ActionTools) -> Preview:
        """Say which revision it goes back to, and what that changes."""
        return await preview_change(target, _planner(params, tools), tools)

    async def act(self, params: RolloutUndoParams, target: Target, preview: Preview, tools: ActionTools) -> Outcome:
        """Replace the pod template."""
        return await change(target, preview, _planner(params, tools), tools)

    async def undo(self, params: RolloutUndoParams, target: Target, before: Json, tools: ActionTools) -> Outcome:
        """Put the template back that was rolled back from."""
        return await put_back(before, tools)

    async def progress(
        self, params: RolloutUndoParams, target: Target, outcome: Outcome, tools: ActionTools
    ) -> Progress:
        """Follow the roll-out."""
        left = outcome.basis.get("template")
        return await follow(target, outcome, tools, lambda found: not left or digest(bare(found.template)) == left)


def _planner(params: RolloutUndoParams, tools: ActionTools) -> Planner:
    async def plan(workload: Workload) -> Plan:
        revisions = await revisions_of(workload, tools.kubernetes)
        chosen = _choose(params, revisions)
        if isinstance(chosen, str):
            summary = f"roll {workload.reference} in {workload.namespace} back"
            return Plan(summary, way="roll back", refusal=f"{workload.reference} {chosen}")
        current = revision_of(workload, revisions)
        undo = await undo_of(workload, tools.kubernetes)
        return _plan(workload, chosen, current, undo)

    return plan


def _choose(params: RolloutUndoParams, revisions: Sequence[Revision]) -> Revision | str:
    """Choose the revision to go to, as kubectl does; or say why there is none."""
    kept = ", ".join(str(revision.number) for revision in revisions[:20]) or "none"
    if params.to_revision is None:
        return revisions[1] if len(revisions) > 1 else f"has no earlier revision to go back to (kept: {kept})"
    found = next((revision for revision in revisions if revision.number == params.to_revision), None)
    return found or f"keeps no revision {params.to_revision} (kept: {kept})"


def _plan(workload: Workload, chosen: Revision, current: Revision | None, undo: Json) -> Plan:
    source = f"from revision {current.number} " if current else ""
    same = chosen.template == bare(workload.template)
    return Plan(
        summary=f"roll {workload.reference} in {workload.namespace} back {source}to {chosen.number}",
        done=f"rolled back to revision {chosen.number}",
        event="RolledBack",
        way="roll back",
        operations=({"op": "replace", "path": "/spec/template", "value": chosen.template},),
        changes=(
            Change("revision", str(current.number) if current else "not kept", _shown(chosen)),
            *(Change(redact(said)[:300]) for said in changes(workload.template, chosen.template)[:20]),
        ),
        refusal=f"{workload.reference} has the template of revision {chosen.number} already" if same else "",
        facts={"revision": chosen.name},
        holds=lambda found: bare(found.template) == chosen.template,
        mark=lambda found: {"template": digest(bare(found.template))},
        undo=undo,
        warnings=minded(workload, undo is not None),
    )


def _shown(revision: Revision) -> str:
    return f"{revision.number} ({redact(revision.cause)[:200]})" if revision.cause else str(revision.number)
