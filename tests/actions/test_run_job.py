"""kubernetes.run_job: one Job for an attempt, followed to its end; its log is what is told."""

import json
from typing import Any

import pytest
import yaml

from responder.actions.run_job import RunJob
from responder.errors import PermanentError, Unanswered
from responder.model.action import Change
from tests.actions.packs import at_work
from tests.actions.rollouts import ATTEMPT, Bench, Rolling
from tests.actions.steps import HOSTILE
from tests.servers.kubernetes_objects import Denial
from tests.servers.kubernetes_world import JobRun

ROTATE = """
apiVersion: batch/v1
kind: Job
metadata: {name: rotate-secrets}
spec:
  backoffLimit: 0
  activeDeadlineSeconds: 600
  template:
    spec:
      restartPolicy: Never
      schedulerName: responder-tests
      containers: [{name: rotate, image: "r/rotate:1", command: [rotate, --all]}]
"""


def on(rolling: Rolling, text: str = ROTATE) -> Bench:
    return at_work(RunJob(), rolling.cluster, rolling.writer, template="rotate", files={"jobs/rotate.yaml": text})


async def jobs(rolling: Rolling) -> list[dict[str, Any]]:
    path = f"/apis/batch/v1/namespaces/{rolling.cluster.namespace}/jobs"
    return list((await rolling.cluster.call("GET", path))["items"])


async def test_the_log_of_the_job_is_told_without_secrets(rolling: Rolling) -> None:
    rolling.world.jobs["r/rotate:1"] = JobRun(lines=("rotating 3 keys", "password=hunter2", "done"))
    at = on(rolling)

    progress = await at.progress(await at.do())

    assert progress.details == ("rotating 3 keys", "password=[redacted]", "done")


async def test_the_job_runs_once_and_is_followed_to_its_end(rolling: Rolling) -> None:
    at = on(rolling)

    preview = await at.preview()
    assert await jobs(rolling) == []
    done = await at.do()
    await rolling.settle()
    progress = await at.progress(done)

    (made,) = await jobs(rolling)
    assert preview.warnings == ()
    assert preview.undo is None
    assert preview.pods is None
    assert preview.changes[0] == Change("Job", "(not there)", made["metadata"]["name"])
    assert Change("spec.template.spec.containers[0].command[0]", "", "rotate") in preview.changes
    assert {entry["manager"] for entry in made["metadata"]["managedFields"]} - {"kube-controller-manager"} == {
        "responder"
    }
    assert made["metadata"]["name"].startswith("rotate-secrets-")
    assert made["metadata"]["labels"]["alertmanager-responder/incident"] == "INC-17"
    assert made["metadata"]["annotations"][ATTEMPT] == at.tools.attempt
    assert (done.follow, done.undo) == (True, None)
    assert (progress.complete, progress.failed) == (True, "")


async def test_a_job_that_runs_is_waited_for(rolling: Rolling) -> None:
    rolling.world.jobs["r/rotate:1"] = JobRun(hold=True)
    at = on(rolling)
    done = await at.do()

    assert not (await at.progress(done)).complete
    rolling.world.jobs["r/rotate:1"] = JobRun(lines=("done",))
    await rolling.settle()
    assert (await at.progress(done)).say.endswith("succeeded")


async def test_a_job_that_fails_is_a_failure_with_its_last_line(rolling: Rolling) -> None:
    rolling.world.jobs["r/rotate:1"] = JobRun(code=3, lines=("connecting", "cannot reach vault"))
    at = on(rolling)

    progress = await at.progress(await at.do())

    assert "BackoffLimitExceeded" in progress.failed
    assert "cannot reach vault" in progress.failed


async def test_a_second_try_runs_no_second_job(rolling: Rolling) -> None:
    at = on(rolling)
    preview = await at.preview()
    rolling.server.lost = ["/jobs"]
    with pytest.raises(Unanswered):
        await at.act(preview)
    rolling.server.lost.clear()

    again = await at.act(preview, retry=True)

    assert again.status == "done"
    assert len(await jobs(rolling)) == 1


async def test_a_job_that_cleans_itself_up_is_in_doubt_after_a_crash(rolling: Rolling) -> None:
    at = on(rolling, ROTATE.replace("backoffLimit: 0", "backoffLimit: 0\n  ttlSecondsAfterFinished: 5"))
    preview = await at.preview()

    assert (await at.act(preview, retry=True)).status == "in_doubt"
    assert await jobs(rolling) == []


async def test_a_job_that_somebody_removes_is_told(rolling: Rolling) -> None:
    rolling.world.jobs["r/rotate:1"] = JobRun(hold=True)
    at = on(rolling)
    done = await at.do()
    (made,) = await jobs(rolling)
    await rolling.cluster.delete(made | {"kind": "Job", "apiVersion": "batch/v1"})

    assert "removed before its end" in (await at.progress(done)).failed


async def test_a_log_is_bounded(rolling: Rolling) -> None:
    rolling.world.jobs["r/rotate:1"] = JobRun(lines=tuple(f"line {number} " + "x" * 1000 for number in range(500)))
    at = on(rolling)

    details = (await at.progress(await at.do())).details

    assert len(details) == 40
    assert max(map(len, details)) == 300
    assert details[-1].startswith("line 499 ")


async def test_what_a_template_leaves_open_is_told(rolling: Rolling) -> None:
    at = on(rolling, ROTATE.replace("  backoffLimit: 0\n  activeDeadlineSeconds: 600\n", ""))

    said = (await at.preview()).warnings

    assert any("up to 6 times" in warning for warning in said)
    assert any("no time limit" in warning for warning in said)


async def test_what_reaches_beyond_its_containers_is_told(rolling: Rolling) -> None:
    job = json.loads(json.dumps(yaml.safe_load(ROTATE)))
    spec = job["spec"]["template"]["spec"]
    spec |= {"hostNetwork": True, "hostPID": True, "serviceAccountName": "root"}
    spec["volumes"] = [{"name": "all", "hostPath": {"path": "/"}}]
    spec["containers"][0]["securityContext"] = {"privileged": True}

    (said,) = [one for one in (await on(rolling, json.dumps(job)).preview()).warnings if "beyond" in one]

    for part in ("hostNetwork", "hostPID", "hostPath /", "is privileged", "the ServiceAccount root"):
        assert part in said
    assert not any("beyond" in one for one in (await on(rolling).preview()).warnings)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ROTATE.replace("kind: Job", "kind: Pod"), "must hold a Job"),
        (ROTATE.replace("Never", "Always"), "restartPolicy"),
        (ROTATE.replace("{name: rotate-secrets}", "{name: a, namespace: kube-system}"), "kube-system"),
        ("kind: Job\napiVersion: batch/v1\nmetadata: {name: a}", "no spec"),
    ],
)
async def test_a_template_that_cannot_run_is_refused(rolling: Rolling, text: str, said: str) -> None:
    try:
        refusal = (await on(rolling, text).preview()).refusal
    except PermanentError as error:
        refusal = str(error)

    assert said in refusal
    assert await jobs(rolling) == []


async def test_what_admission_says_is_told_before_anybody_is_asked(rolling: Rolling) -> None:
    rolling.server.objects.denials.append(Denial("Job", "no privileged jobs"))

    assert "no privileged jobs" in (await on(rolling).preview()).refusal


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_template_or_namespace_is_none(value: str) -> None:
    for field in ("template", "namespace"):
        with pytest.raises(ValueError, match=field):
            RunJob.Params.model_validate({"template": "rotate"} | {field: value})
