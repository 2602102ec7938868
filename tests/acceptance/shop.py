"""The platform of the shipped pack as it can be acted on: its API server, and a Prometheus that sees what runs."""

import copy
import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

from aiohttp import web

from tests.servers.kubernetes import Asked, KubernetesServer
from tests.servers.kubernetes_exec import Ran
from tests.servers.kubernetes_kinds import BY_NAME
from tests.servers.web import WebServers

Object = dict[str, Any]

NAMESPACE = "ai-orchestrator"
INGRESS = "ingress-nginx"
OLD_BLOCK = "192.0.2.0/24"
"""What the ingress turns away already."""
GOOD, BAD = "registry.example/ai-orchestrator:1.4", "registry.example/ai-orchestrator:1.5"
LATELY = timedelta(minutes=5)
"""Before the alerts began: then the bad release was rolled out."""
DEPLOYMENT = BY_NAME["apps/v1", "Deployment"]
POD, CONFIG_MAP, JOB = BY_NAME["v1", "Pod"], BY_NAME["v1", "ConfigMap"], BY_NAME["batch/v1", "Job"]
EVENT = BY_NAME["v1", "Event"]

_MANIFEST: Object = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "ai-orchestrator", "namespace": NAMESPACE, "labels": {"app": "ai-orchestrator"}},
    "spec": {
        "replicas": 3,
        "selector": {"matchLabels": {"app": "ai-orchestrator"}},
        "template": {
            "metadata": {"labels": {"app": "ai-orchestrator"}},
            "spec": {
                "containers": [
                    {
                        "name": "ai-orchestrator",
                        "image": GOOD,
                        "envFrom": [{"configMapRef": {"name": "ai-orchestrator-config"}}],
                        "resources": {"limits": {"memory": "4Gi"}, "requests": {"memory": "1Gi"}},
                    }
                ]
            },
        },
    },
}
_CONFIG: Object = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "ai-orchestrator-config", "namespace": NAMESPACE},
    "data": {"CIRCUIT_BREAKER_ENABLED": "false", "LOG_LEVEL": "info"},
}


_INGRESS: Object = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "ingress-nginx-controller", "namespace": INGRESS},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "ingress"}},
        "template": {
            "metadata": {"labels": {"app": "ingress"}},
            "spec": {"containers": [{"name": "controller", "image": "registry.example/nginx:1"}]},
        },
    },
}
_BLOCKS: Object = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "nginx-configuration", "namespace": INGRESS},
    "data": {"block-cidrs": OLD_BLOCK},
}


@dataclass
class Shop:
    """
    The cluster and what is measured of it.

    While BAD runs and the circuit breaker is open, one request in eight fails; `provider` is where the model provider
    says how it does.
    """

    cluster: KubernetesServer = field(default_factory=lambda: KubernetesServer(controllers=True, metrics=True))
    prometheus: str = ""
    provider: str = ""
    indicator: str = "none"
    queries: list[str] = field(default_factory=list)

    async def open(self, servers: WebServers) -> None:
        """Roll out a good release and then a bad one, and begin to measure."""
        clock, self.cluster.clock = self.cluster.clock, lambda: datetime.fromtimestamp(STARTED, UTC) - LATELY
        self.cluster.seed(
            copy.deepcopy(_MANIFEST), copy.deepcopy(_CONFIG), copy.deepcopy(_INGRESS), copy.deepcopy(_BLOCKS)
        )
        self.release(BAD)
        self.cluster.clock = clock
        self.prometheus = await servers.serve(self._query)
        self.provider = await servers.serve(self._status)

    def release(self, image: str) -> None:
        """Roll an image out, as a pipeline does."""
        deployment = self.deployment
        deployment["spec"]["template"]["spec"]["containers"][0]["image"] = image
        self.cluster.objects.update(DEPLOYMENT, self.deployment, deployment)
        self.cluster.settle()

    @property
    def deployment(self) -> Object:
        """The Deployment as it is now."""
        found: Object = self.cluster.objects.get(DEPLOYMENT, NAMESPACE, "ai-orchestrator")
        return found

    @property
    def image(self) -> str:
        """The image that is rolled out."""
        return str(self.deployment["spec"]["template"]["spec"]["containers"][0]["image"])

    @property
    def pods(self) -> list[str]:
        """The names of the pods that run now."""
        found = self.cluster.objects.all(POD, NAMESPACE)
        return sorted(pod["metadata"]["name"] for pod in found if not pod["metadata"].get("deletionTimestamp"))

    @property
    def serving(self) -> int:
        """How many pods the Service and the Deployment count as theirs."""
        found = self.cluster.objects.all(POD, NAMESPACE)
        return sum(pod["metadata"].get("labels", {}).get("app") == "ai-orchestrator" for pod in found)

    @property
    def events(self) -> list[Object]:
        """What was told about objects of the cluster."""
        return list(self.cluster.objects.all(EVENT, NAMESPACE))

    @property
    def jobs(self) -> list[Object]:
        """The Jobs there are."""
        return list(self.cluster.objects.all(JOB))

    @property
    def blocked(self) -> str:
        """The addresses that the ingress turns away."""
        found = self.cluster.objects.get(CONFIG_MAP, INGRESS, "nginx-configuration")
        value = str(found.get("data", {}).get("block-cidrs", ""))
        return "" if value == OLD_BLOCK else value

    def writes(self, part: str) -> list[Asked]:
        """Return the requests that would change something, dry runs too."""
        return [asked for asked in self.cluster.requests if asked.method != "GET" and part in asked.path]

    def measure(self, memory: str) -> None:
        """Let every pod use so much memory."""
        for pod in self.pods:
            self.cluster.kubelet.usage[NAMESPACE, pod] = {"ai-orchestrator": ("100m", memory)}

    def heap(self, content: bytes) -> None:
        """Let every pod write its heap when asked."""
        self.cluster.kubelet.programs.scripted[("node",)] = Ran()
        for pod in self.pods:
            self.cluster.kubelet.programs.files[pod, "/tmp/heap.heapsnapshot"] = content

    def attacked(self, *addresses: str) -> None:
        """Let the logs tell of failed logins from these addresses."""
        now = datetime.now(UTC)
        for pod in self.pods:
            lines = [(now, f"authentication_failed user={n}") for n in range(5)]
            self.cluster.kubelet.logs[NAMESPACE, pod, "ai-orchestrator"] = lines
        (controller,) = [pod["metadata"]["name"] for pod in self.cluster.objects.all(POD, INGRESS)]
        rejected = [f'{address} - - "POST /api/auth HTTP/1.1" 401 12' for address in addresses for _ in range(3)]
        self.cluster.kubelet.logs[INGRESS, controller, "controller"] = [(now, line) for line in rejected]

    @property
    def rate(self) -> float:
        """The share of requests that fail."""
        return 0.123 if self.image == BAD and not self.cut_off else 0.004

    @property
    def cut_off(self) -> bool:
        """Whether the circuit breaker keeps requests from the provider."""
        found = self.cluster.objects.get(CONFIG_MAP, NAMESPACE, "ai-orchestrator-config")
        return bool(found["data"]["CIRCUIT_BREAKER_ENABLED"] == "true")

    async def _status(self, request: web.BaseRequest) -> web.Response:
        return web.json_response({"status": {"indicator": self.indicator}})

    async def _query(self, request: web.BaseRequest) -> web.Response:
        asked = request.query if request.method == "GET" else dict([*(await request.post()).items()])
        now, query = time.time(), str(asked.get("query", ""))
        self.queries.append(query)
        value = "0.004" if "offset" in query else str(self.rate)
        if request.path.endswith("/query_range"):
            result = [{"metric": {}, "values": [[now - 60, value], [now, value]]}]
            return web.json_response({"status": "success", "data": {"resultType": "matrix", "result": result}})
        result_now = [{"metric": {}, "value": [now, value]}]
        return web.json_response({"status": "success", "data": {"resultType": "vector", "result": result_now}})


def delivery(name: str, status: str = "firing", **labels: str) -> bytes:
    """Return what Alertmanager posts for one alert of the platform."""
    alert = {
        "status": status,
        "labels": {"alertname": name, "namespace": NAMESPACE, "severity": "warning", **labels},
        "annotations": {"summary": f"{name} in {NAMESPACE}"},
        "startsAt": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(STARTED)),
        "endsAt": "0001-01-01T00:00:00Z"
        if status == "firing"
        else time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
        "generatorURL": "http://prometheus.example/graph",
        "fingerprint": sha256(name.encode()).hexdigest()[:16],
    }
    body = {
        "version": "4",
        "groupKey": f'{{}}:{{alertname="{name}"}}',
        "status": status,
        "receiver": "responder",
        "groupLabels": {"alertname": name},
        "commonLabels": alert["labels"],
        "commonAnnotations": alert["annotations"],
        "externalURL": "http://alertmanager.example",
        "truncatedAlerts": 0,
        "alerts": [alert],
    }
    return json.dumps(body).encode()


STARTED = time.time() - 30
"""When every alert began: that may be long ago for a test that runs late."""


def own_pack(folder: Path, actions: str, *, propose: str) -> list[str]:
    """Write a pack that answers HighErrorRate with these actions, and a deployment's rules; returns their paths."""
    pack = folder / "pack"
    pack.mkdir()
    (pack / "rules.yaml").write_text(_PACK.replace("PROPOSE", propose) + indent(dedent(actions), " " * 6))
    return [str(pack), str(deployment_rules(folder / "own"))]


_PACK = """
rules:
  - {name: errors, match: ['alertname="HighErrorRate"'], correlate_by: [namespace], severity: high, playbook: errors}
playbooks:
  errors:
    target: {kind: Deployment, namespace: "${labels.namespace}", name: ai-orchestrator}
    diagnose: {pods: {kubernetes.pods: {}}}
    conclude: [{name: always, when: 'pods.total > 0', say: It fails, propose: [PROPOSE]}]
    actions:
"""


def deployment_rules(folder: Path, **override: Any) -> Path:
    """Write a deployment's own rules."""
    path = folder / "deployment.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps(
            {
                "teams": {
                    "default": {
                        "receivers": {
                            "incidents": {"slack": {"channel": "#incidents"}},
                            "security": {"slack": {"channel": "#incidents"}},
                        }
                    }
                },
                "severities": [
                    {"name": "critical", "notify": ["incidents"]},
                    {"name": "high", "notify": ["incidents"]},
                    {"name": "medium", "aliases": ["warning"], "notify": ["incidents"]},
                    {"name": "low", "aliases": ["info", "none"], "notify": []},
                ],
                "override": override,
            }
        )
    )
    return path
