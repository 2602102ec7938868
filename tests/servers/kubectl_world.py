"""The objects that kubectl and our actions change in turn, so that what they did can be compared."""

from dataclasses import dataclass

from tests.servers.kubernetes_kinds import BY_NAME, Kind

NAMESPACE = "shop"


@dataclass(frozen=True)
class Command:
    """A command of kubectl and the object that it changes: `apiVersion kind namespace name`."""

    name: str
    line: str
    object: str


COMMANDS = (
    Command("restart-deployment", "kubectl rollout restart deployment/api -n shop", "apps/v1 Deployment shop api"),
    Command("restart-statefulset", "kubectl rollout restart statefulset/db -n shop", "apps/v1 StatefulSet shop db"),
    Command("restart-daemonset", "kubectl rollout restart daemonset/agent -n shop", "apps/v1 DaemonSet shop agent"),
    Command("undo-deployment", "kubectl rollout undo deployment/api -n shop", "apps/v1 Deployment shop api"),
    Command(
        "undo-to-revision", "kubectl rollout undo deployment/api --to-revision=1 -n shop", "apps/v1 Deployment shop api"
    ),
    Command("undo-statefulset", "kubectl rollout undo statefulset/db -n shop", "apps/v1 StatefulSet shop db"),
    Command("undo-daemonset", "kubectl rollout undo daemonset/agent -n shop", "apps/v1 DaemonSet shop agent"),
    Command("scale", "kubectl scale deployment/api --replicas=5 -n shop", "apps/v1 Deployment shop api"),
    Command(
        "set-env",
        "kubectl set env deployment/api -c api DATABASE_POOL_MAX=150 MODE=safe -n shop",
        "apps/v1 Deployment shop api",
    ),
    Command("set-image", "kubectl set image deployment/api api=shop/api:1.4.1 -n shop", "apps/v1 Deployment shop api"),
    Command(
        "set-resources",
        "kubectl set resources deployment/api -c api --limits=memory=8Gi -n shop",
        "apps/v1 Deployment shop api",
    ),
    Command("unlabel-pod", "kubectl label pod/api-1 app- -n shop", "v1 Pod shop api-1"),
    Command("cordon", "kubectl cordon node-1", "v1 Node - node-1"),
    Command("uncordon", "kubectl uncordon node-2", "v1 Node - node-2"),
)


def kind_of(text: str) -> tuple[Kind, str, str]:
    """Read `apiVersion kind namespace name`; `-` is no namespace."""
    version, kind, namespace, name = text.split()
    return BY_NAME[version, kind], "" if namespace == "-" else namespace, name


_DEFAULTS = (
    "imagePullPolicy: IfNotPresent, terminationMessagePath: /dev/termination-log, terminationMessagePolicy: File"
)


def _template(app: str, image: str, *, indent: int) -> str:
    """Write a pod template with the defaults that the API server puts in, as controllers record it."""
    lines = f"""\
metadata: {{labels: {{app: {app}}}, annotations: {{team: shop}}}}
spec:
  containers:
    - name: {app}
      image: {image}
      env: [{{name: MODE, value: fast}}, {{name: REGION, value: eu}}]
      resources: {{limits: {{memory: 4Gi, cpu: "1"}}, requests: {{memory: 1Gi, cpu: 500m}}}}
      <<: {{{_DEFAULTS}}}
    - {{name: sidecar, image: "envoy:1", resources: {{}}, {_DEFAULTS}}}
  restartPolicy: Always
  terminationGracePeriodSeconds: 30
  dnsPolicy: ClusterFirst
  securityContext: {{}}
  schedulerName: default-scheduler
"""
    pad = " " * indent
    return "".join(pad + line + "\n" for line in lines.splitlines())


def _replica_set(revision: int, image: str, replicas: int) -> str:
    template = _template("api", image, indent=4).replace("{app: api}", f"{{app: api, pod-template-hash: h{revision}}}")
    return f"""\
---
apiVersion: apps/v1
kind: ReplicaSet
metadata:
  name: api-h{revision}
  namespace: shop
  uid: uid-api-h{revision}
  labels: {{app: api, pod-template-hash: h{revision}}}
  annotations: {{deployment.kubernetes.io/revision: "{revision}"}}
  ownerReferences: [{{apiVersion: apps/v1, kind: Deployment, name: api, uid: uid-api, controller: true}}]
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: api, pod-template-hash: h{revision}}}}}
  template:
{template}"""


def _set(kind: str, name: str, uid: str) -> str:
    extra = {"StatefulSet": "  serviceName: db\n  replicas: 2\n", "DaemonSet": ""}[kind]
    status = {
        "StatefulSet": "status: {replicas: 2, readyReplicas: 2}\n",
        "DaemonSet": "status: {desiredNumberScheduled: 2, currentNumberScheduled: 2, numberReady: 2}\n",
    }[kind]
    return f"""\
---
apiVersion: apps/v1
kind: {kind}
metadata: {{name: {name}, namespace: shop, uid: {uid}, labels: {{app: {name}}}}}
spec:
{extra}  selector: {{matchLabels: {{app: {name}}}}}
  template:
{_template(name, f"shop/{name}:2", indent=4)}{status}"""


def _revision(kind: str, name: str, uid: str, revision: int) -> str:
    template = _template(name, f"shop/{name}:{revision}", indent=6)
    return f"""\
---
apiVersion: apps/v1
kind: ControllerRevision
metadata:
  name: {name}-r{revision}
  namespace: shop
  labels: {{app: {name}}}
  ownerReferences: [{{apiVersion: apps/v1, kind: {kind}, name: {name}, uid: {uid}, controller: true}}]
revision: {revision}
data:
  spec:
    template:
      $patch: replace
{template}"""


WORLD = "".join(
    (
        f"""\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
  namespace: shop
  uid: uid-api
  labels: {{app: api}}
  annotations: {{deployment.kubernetes.io/revision: "3", owner: shop, kubernetes.io/change-cause: "release 1.5"}}
spec:
  replicas: 3
  selector: {{matchLabels: {{app: api}}}}
  template:
{_template("api", "shop/api:1.5", indent=4)}""",
        _replica_set(1, "shop/api:1.3", 0),
        _replica_set(2, "shop/api:1.4", 0),
        _replica_set(3, "shop/api:1.5", 3),
        _set("StatefulSet", "db", "uid-db"),
        _revision("StatefulSet", "db", "uid-db", 1),
        _revision("StatefulSet", "db", "uid-db", 2),
        _set("DaemonSet", "agent", "uid-agent"),
        _revision("DaemonSet", "agent", "uid-agent", 1),
        _revision("DaemonSet", "agent", "uid-agent", 2),
        """\
---
apiVersion: v1
kind: Pod
metadata:
  name: api-1
  namespace: shop
  uid: uid-api-1
  labels: {app: api, tier: web, pod-template-hash: h3}
  ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: api-h3, uid: uid-api-h3, controller: true}]
spec: {containers: [{name: api, image: "shop/api:1.5"}]}
---
apiVersion: v1
kind: Service
metadata: {name: api, namespace: shop}
spec: {selector: {app: api}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Node
metadata: {name: node-1, uid: uid-node-1}
---
apiVersion: v1
kind: Node
metadata: {name: node-2, uid: uid-node-2}
spec: {unschedulable: true}
""",
    )
)
