"""The Job controller behind the API server in `kubernetes.py`: pods that run to their end and leave a log."""

from typing import Any

from tests.servers.kubernetes_kinds import BY_NAME
from tests.servers.kubernetes_kubelet import Kubelet
from tests.servers.kubernetes_objects import Objects
from tests.servers.kubernetes_world import POD, JobRun, Pods, World, owned

Object = dict[str, Any]

_JOB = BY_NAME["batch/v1", "Job"]


class JobController:
    """Runs Jobs as `world.jobs` says: one pod after another until one succeeds or the backoff limit is reached."""

    def __init__(self, objects: Objects, pods: Pods, world: World, kubelet: Kubelet) -> None:
        self._objects, self._pods, self._world, self._kubelet = objects, pods, world, kubelet

    def run(self) -> None:
        """Reconcile every Job once."""
        for job in list(self._objects.all(_JOB)):
            ended = any(c["type"] in ("Complete", "Failed") for c in job["status"].get("conditions") or ())
            if not ended and not job["spec"].get("suspend"):
                self._reconcile(job)

    def _reconcile(self, job: Object) -> None:
        template = job["spec"]["template"]
        plan = self._world.jobs.get(template["spec"]["containers"][0]["image"], JobRun())
        for _ in range(min(10, job["spec"]["backoffLimit"] + 1)):
            pods = self._all(job)
            running = [pod for pod in pods if pod["status"]["phase"] in ("Pending", "Running")]
            if not running:
                made = self._pods.make(job, template)
                running = [made] if made else []
            if plan.hold or not running or not self._world.works(template):
                break
            self._end(running[0], plan)
            if plan.code == 0:
                break
        self._report(job)

    def _all(self, job: Object) -> list[Object]:
        return [pod for pod in self._objects.all(POD, job["metadata"]["namespace"]) if owned(pod, job)]

    def _end(self, pod: Object, plan: JobRun) -> None:
        reason = "Completed" if plan.code == 0 else "Error"
        stamp = self._objects.stamp()
        ended = {"exitCode": plan.code, "reason": reason, "startedAt": stamp, "finishedAt": stamp}
        for status in pod["status"]["containerStatuses"]:
            status |= {"ready": False, "state": {"terminated": ended}}
            key = (pod["metadata"]["namespace"], pod["metadata"]["name"], status["name"])
            self._kubelet.logs[key] = [(self._objects.now(), line) for line in plan.lines]
        pod["status"]["phase"] = "Succeeded" if plan.code == 0 else "Failed"
        pod["status"]["conditions"] = [{"type": "Ready", "status": "False", "reason": "PodCompleted"}]
        self._objects.seed(pod)

    def _report(self, job: Object) -> None:
        phases = [pod["status"]["phase"] for pod in self._all(job)]
        good, bad = phases.count("Succeeded"), phases.count("Failed")
        status: Object = {"startTime": job["status"].get("startTime") or self._objects.stamp()}
        status |= {"succeeded": good} if good else {}
        status |= {"failed": bad} if bad else {}
        active = len(phases) - good - bad
        status |= {"active": active} if active else {}
        if good >= job["spec"]["completions"]:
            status["completionTime"] = self._objects.stamp()
            status["conditions"] = [{"type": "Complete", "status": "True", "reason": "CompletionsReached"}]
        elif bad > job["spec"]["backoffLimit"]:
            why = "Job has reached the specified backoff limit"
            failed = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": why}
            status["conditions"] = [failed]
        metadata = job["metadata"]
        stored = self._objects.get(_JOB, metadata["namespace"], metadata["name"])
        self._objects.seed(stored | {"status": status})
