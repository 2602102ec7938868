"""What changed between two pod templates, without a value."""

from typing import Any

import pytest

from responder.model.pod_template import changes


def pod(
    containers: list[dict[str, Any]] | None = None, *, annotations: dict[str, str] | None = None, **spec: Any
) -> Any:
    return {"metadata": {"annotations": annotations or {}}, "spec": {"containers": containers or [], **spec}}


def api(**more: Any) -> dict[str, Any]:
    return {"name": "api", "image": "r.example:5000/team/api:1", **more}


DIGESTS = ("r/api@sha256:aaaaaaaaaaaaaaaaaaaa", "r/api@sha256:bbbbbbbbbbbbbbbbbbbb")
PROBE = {"httpGet": {"path": "/secret"}}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (pod([api()]), pod([api()]), ()),
        (pod([api()]), pod([api(image="r.example:5000/team/api:2")]), ("image of api 1 -> 2",)),
        (pod([api()]), pod([api(image="other/api:2")]), ("image of api r.example:5000/team/api:1 -> other/api:2",)),
        (
            pod([api(image=DIGESTS[0])]),
            pod([api(image=DIGESTS[1])]),
            ("image of api sha256:aaaaaaaaaaaa -> sha256:bbbbbbbbbbbb",),
        ),
        (pod([api()]), pod([api(), {"name": "side", "image": "s"}]), ("container side added, image s",)),
        (pod([api(), {"name": "side"}]), pod([api()]), ("container side removed",)),
        (
            pod([api(resources={"limits": {"cpu": "1"}})]),
            pod([api(resources={"requests": {"cpu": "1"}})]),
            ("cpu limit 1 -> none", "cpu request none -> 1"),
        ),
        (pod([api()]), pod([api(readinessProbe=PROBE)]), ("readinessProbe of api changed",)),
        (pod([api(args=["--token=a"])]), pod([api(args=["--token=b"])]), ("args of api changed",)),
        (pod(volumes=[{"name": "a"}]), pod(volumes=[{"name": "b"}]), ("volume b added", "volume a removed")),
        (pod(), pod(serviceAccountName="x"), ("serviceAccountName changed",)),
        (pod(), pod(annotations={"checksum/config": "abc"}), ("annotations checksum/config changed",)),
        (pod(), pod(annotations={"kubectl.kubernetes.io/restartedAt": "now"}), ("restarted",)),
        ({}, {}, ()),
    ],
)
def test_each_change_is_told_by_name(before: Any, after: Any, said: tuple[str, ...]) -> None:
    assert changes(before, after) == said


def test_images_and_variables_lead() -> None:
    before = pod([api(env=[{"name": "A", "value": "hunter2"}], command=["a"])], hostNetwork=False)
    after = pod([api(image="r.example:5000/team/api:2", env=[{"name": "A", "value": "hunter3"}])], hostNetwork=True)

    said = changes(before, after)

    assert said[:2] == ("image of api 1 -> 2", "env A changed")
    assert "hunter" not in " ".join(said)
