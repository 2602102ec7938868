"""kubernetes.services: what is behind the Services."""

from typing import Any

from responder.diagnostics.kubernetes_services import KubernetesServices
from responder.model.finding import Weight
from responder.model.target import Target
from tests.diagnostics.kubernetes_tools import diagnose, of
from tests.servers.kubernetes_cluster import Cluster, deployment_with_pods, pod, unique

SERVICES = KubernetesServices()


async def service(
    cluster: Cluster, name: str, *endpoints: dict[str, Any], selector: dict[str, str] | None = None
) -> None:
    """Create a Service and its EndpointSlice."""
    spec = {"selector": selector or {"app": "api"}, "ports": [{"name": "http", "port": 80, "protocol": "TCP"}]}
    await cluster.create({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec})
    await slice_of(cluster, name, *endpoints)


async def slice_of(cluster: Cluster, name: str, *endpoints: dict[str, Any]) -> None:
    await cluster.create(
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": unique(name), "labels": {"kubernetes.io/service-name": name}},
            "addressType": "IPv4",
            "endpoints": list(endpoints),
            "ports": [],
        }
    )


def endpoint(number: int, *, ready: bool | None = True) -> dict[str, Any]:
    return {
        "addresses": [f"10.1.0.{number}"],
        "conditions": {} if ready is None else {"ready": ready},
        "targetRef": {"kind": "Pod", "name": f"api-{number}", "uid": f"uid-{number}"},
    }


async def test_the_services_that_select_the_pods_are_counted(cluster: Cluster) -> None:
    await deployment_with_pods(cluster, "api", pod("api-1"), pod("api-2"))
    await service(cluster, "web", endpoint(1), endpoint(2, ready=False))
    await service(cluster, "admin", endpoint(1, ready=None))
    await service(cluster, "other", endpoint(9), selector={"app": "other"})

    found = await diagnose(SERVICES, cluster)

    assert (found.services, found.endpoints, found.ready, found.empty) == (2, 3, 2, ())
    assert {item.name: (item.ready, item.endpoints) for item in found.items} == {"web": (1, 2), "admin": (1, 1)}
    assert found.items[0].ports == ("http 80/TCP",)
    assert found.weight() is Weight.NOTABLE


async def test_a_service_without_ready_endpoints_is_named(cluster: Cluster) -> None:
    await deployment_with_pods(cluster, "api", pod("api-1"))
    await service(cluster, "web", endpoint(1, ready=False))

    found = await diagnose(SERVICES, cluster)

    assert found.empty == ("web",)
    assert found.headline() == "No ready endpoint behind web"
    assert found.weight() is Weight.TROUBLE


async def test_a_pod_in_two_slices_is_one_endpoint(cluster: Cluster) -> None:
    await deployment_with_pods(cluster, "api", pod("api-1"))
    await service(cluster, "web", endpoint(1))
    await slice_of(cluster, "web", endpoint(1))

    assert (await diagnose(SERVICES, cluster)).endpoints == 1


async def test_a_service_can_be_the_target_itself(cluster: Cluster) -> None:
    await service(cluster, "web", endpoint(1))
    await service(cluster, "admin", endpoint(1))

    found = await diagnose(SERVICES, cluster, of(cluster, "web", "Service"))

    assert [item.name for item in found.items] == ["web"]


async def test_a_workload_without_a_service_has_no_data(cluster: Cluster) -> None:
    await deployment_with_pods(cluster, "api", pod("api-1"))

    assert not (await diagnose(SERVICES, cluster)).has_data()
    assert not (await diagnose(SERVICES, cluster, Target("default", "Node", "", unique("n")))).has_data()


async def test_a_workload_whose_pods_are_all_gone_still_has_its_service(cluster: Cluster) -> None:
    await deployment_with_pods(cluster, "api")
    await service(cluster, "web")

    assert (await diagnose(SERVICES, cluster)).empty == ("web",)
