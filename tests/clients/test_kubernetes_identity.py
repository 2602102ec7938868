"""Replicas share what they read of a cluster only where they are the same to the same cluster."""

import json
from base64 import urlsafe_b64encode
from pathlib import Path

import pytest

from responder.clients.kubernetes_identity import identity
from responder.settings.sections import KubernetesAccess

IN_CLUSTER = KubernetesAccess(in_cluster=True)


def mount(folder: Path, *, sub: str = "system:serviceaccount:ops:responder", pod: str = "a", ca: str = "CA") -> Path:
    folder.mkdir()
    claims = urlsafe_b64encode(json.dumps({"sub": sub, "pod": pod}).encode()).decode().rstrip("=")
    (folder / "token").write_text(f"header.{claims}.signature")
    (folder / "ca.crt").write_text(ca)
    return folder


def test_pods_of_one_service_account_are_the_same(tmp_path: Path) -> None:
    known = [identity(IN_CLUSTER, mount(tmp_path / name, pod=name)) for name in ("a", "b")]
    assert known[0] == known[1] is not None


def test_another_account_or_another_cluster_is_another(tmp_path: Path) -> None:
    known = {
        identity(IN_CLUSTER, mount(tmp_path / "a")),
        identity(IN_CLUSTER, mount(tmp_path / "b", sub="system:serviceaccount:ops:other")),
        identity(IN_CLUSTER, mount(tmp_path / "c", ca="another CA")),
    }
    assert len(known) == 3


def test_a_kubeconfig_is_known_by_what_is_in_it_and_its_context(tmp_path: Path) -> None:
    for name, text in (("a", "x"), ("b", "x"), ("c", "y")):
        (tmp_path / name).write_text(text)
    a, b, c = (identity(KubernetesAccess(kubeconfig=tmp_path / name)) for name in "abc")
    assert a == b != c
    assert identity(KubernetesAccess(kubeconfig=tmp_path / "a", context="other")) != a


@pytest.mark.parametrize("token", ["", "no token", "a.b.c", "a.e30.c", "a.MQ.c"])
def test_a_login_that_cannot_be_read_is_none(tmp_path: Path, token: str) -> None:
    folder = mount(tmp_path / "mount")
    (folder / "token").write_text(token)
    assert identity(IN_CLUSTER, folder) is None
    assert identity(IN_CLUSTER, tmp_path / "nothing") is None
