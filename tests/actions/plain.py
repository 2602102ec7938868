"""The actions on objects that do not roll out, each with its world."""

from dataclasses import dataclass
from typing import Any

from responder.actions.cordon import Cordon
from responder.actions.isolate_pod import IsolatePod
from responder.actions.patch_configmap import PatchConfigmap
from responder.actions.patch_secret import PatchSecret
from responder.actions.uncordon import Uncordon
from responder.clients.kubernetes_writing import KubernetesWriter
from responder.model.target import Target
from tests.actions.packs import at_work, config_map
from tests.actions.rollouts import Bench
from tests.actions.test_isolate_pod import SERVICE
from tests.actions.test_patch_secret import PARAMS, secret
from tests.servers.kubernetes_cluster import Cluster, pod, unique

Object = dict[str, Any]


@dataclass(frozen=True)
class Plain:
    """An action on an object that does not roll out, and what somebody else does to that object meanwhile."""

    action: Any
    found: Object
    theirs: Object
    params: Object
    beside: tuple[Object, ...] = ()

    async def at(self, cluster: Cluster, writer: KubernetesWriter) -> tuple[Bench, Object]:
        """Put the world in, and the action to work."""
        for one in self.beside:
            await cluster.create(one)
        made = await cluster.create(self.found)
        kind, metadata = self.found["kind"], made["metadata"]
        target = Target("default", kind, metadata.get("namespace", ""), metadata["name"], metadata["name"])
        named = target if kind in ("Pod", "Node") else None
        return at_work(self.action, cluster, writer, target=named, **self.params), {**self.found, "metadata": metadata}


def node(**spec: Any) -> Object:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": unique("node")}, "spec": spec}


def plain() -> dict[str, Plain]:
    """Return each action that writes to an object which does not roll out."""
    labelled = pod("api-1", labels={"app": "api"})
    return {
        "configmap": Plain(
            PatchConfigmap(), config_map(A="1"), {"data": {"A": "9"}}, {"name": "flags", "set": {"A": "2"}}
        ),
        "secret": Plain(
            PatchSecret(), secret("api", url="old"), {"data": {"url": "OQ=="}}, PARAMS, (secret("replica", url="new"),)
        ),
        "isolate": Plain(IsolatePod(), labelled, {"metadata": {"labels": {"app": "other"}}}, {}, (SERVICE,)),
        "cordon": Plain(Cordon(), node(), {"spec": {"unschedulable": True}}, {}),
        "uncordon": Plain(Uncordon(), node(unschedulable=True), {"spec": {"unschedulable": None}}, {}),
    }


async def stands(cluster: Cluster, found: Object) -> Object:
    """Read an object as it is now."""
    where = f"namespaces/{cluster.namespace}/" if found["kind"] != "Node" else ""
    path = f"/api/v1/{where}{found['kind'].lower()}s/{found['metadata']['name']}"
    return await cluster.call("GET", path)
