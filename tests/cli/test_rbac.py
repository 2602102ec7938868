"""`responder rbac` prints what can be applied: for whom, in which form, and under which ceilings."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from responder.cli.main import app
from tests.servers.kubernetes import TOKEN, KubernetesServer
from tests.servers.kubernetes_rbac import NotingAccess, put_in_force

RULES = """
rules:
  - {name: shop, match: ['namespace="shop"', 'cluster="eu"'], playbook: p}
  - {name: bank, match: ['namespace="bank"', 'cluster="us"'], playbook: p}
playbooks:
  p:
    target: {kind: Deployment, name: api}
    diagnose: {pods: {kubernetes.pods: {}}}
    actions: {restart: {kubernetes.rollout_restart: {}, mode: approve}}
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RESPONDER_CONFIG", raising=False)
    Path("rules.yaml").write_text(RULES)


def printed(*words: str) -> list[Any]:
    """Run the command and read what it prints."""
    done = CliRunner().invoke(app, ["rbac", *words])
    assert done.exit_code == 0, done.output
    return list(yaml.safe_load_all(done.stdout))


def named(documents: list[Any], kind: str) -> list[tuple[str, str]]:
    """List the objects of a kind by namespace and name."""
    found = (one["metadata"] for one in documents if one["kind"] == kind)
    return [(metadata.get("namespace", ""), metadata["name"]) for metadata in found]


def test_each_namespace_of_the_rules_gets_its_roles_and_bindings() -> None:
    documents = printed("--rules", "rules.yaml")
    roles = [("bank", "responder-reader"), ("shop", "responder-reader")]
    roles += [("bank", "responder-actor"), ("shop", "responder-actor")]
    assert named(documents, "Role") == named(documents, "RoleBinding") == roles
    assert named(documents, "ServiceAccount") == [("responder", "responder")]


def test_the_names_are_those_that_were_given() -> None:
    documents = printed("--rules", "rules.yaml", "--namespace", "ops", "--service-account", "r", "--actor", "hands")
    assert named(documents, "ServiceAccount") == [("ops", "r"), ("ops", "hands")]
    subjects = {
        (one["metadata"]["labels"]["app.kubernetes.io/component"], one["subjects"][0]["name"])
        for one in documents
        if one["kind"].endswith("Binding")
    }
    assert subjects == {("reader", "r"), ("actor", "hands")}
    assert ("", "hands-actor") in named(documents, "ClusterRole"), "who acts asks by itself what it may"


def test_json_holds_the_same_objects() -> None:
    done = CliRunner().invoke(app, ["rbac", "--rules", "rules.yaml", "--format", "json"])
    assert json.loads(done.stdout)["items"] == printed("--rules", "rules.yaml")


def test_the_settings_say_whether_anything_may_be_done() -> None:
    for automation, actors in (("suggest", 0), ("approve", 2)):
        Path("responder.yaml").write_text(f"rules: [rules.yaml]\nautomation: {automation}\n")
        components = [one["metadata"].get("labels", {}).get("app.kubernetes.io/component") for one in printed()]
        assert components.count("actor") == actors * 2
    Path("responder.yaml").write_text("rules: [rules.yaml]\n")
    assert "there is no actor" in CliRunner().invoke(app, ["rbac"]).stdout


def test_of_several_clusters_each_gets_its_own() -> None:
    documents = printed("--rules", "rules.yaml", "--cluster", "us")
    assert {namespace for namespace, _ in named(documents, "Role")} == {"bank"}


def test_rules_that_read_nothing_there_need_nothing() -> None:
    Path("rules.yaml").write_text("rules: [{name: r, match: ['a=\"b\"'], record_only: true}]")
    done = CliRunner().invoke(app, ["rbac", "--rules", "rules.yaml"])
    assert [line for line in done.stdout.splitlines() if not line.startswith("#")] == []
    assert "need no rights" in done.stdout


def test_an_action_by_hand_that_there_is_none_of_is_an_error_with_a_hint() -> None:
    done = CliRunner().invoke(app, ["rbac", "--rules", "rules.yaml", "--manual", "kubernetes.scal"])
    assert "did you mean kubernetes.scale?" in str(done.exception)


async def test_what_is_printed_with_the_settings_is_what_the_doctor_then_finds(tmp_path: Path) -> None:
    server = KubernetesServer()
    access = server.access = NotingAccess({TOKEN: "admin", "ours": "system:serviceaccount:responder:responder"})
    async with server.running():
        settings = {
            "rules": ["rules.yaml"],
            "automation": "approve",
            "webhook": {"bearer_tokens": ["of-alertmanager"]},
            "people": {"ann": {"token": "of-ann"}},
            "kubernetes": {"kubeconfig": str(server.kubeconfig(tmp_path, token="ours"))},
        }
        Path("responder.yaml").write_text(yaml.safe_dump(settings))
        before = await asyncio.to_thread(CliRunner().invoke, app, ["doctor"])
        put_in_force(access, printed())
        after = await asyncio.to_thread(CliRunner().invoke, app, ["doctor"])
    assert (before.exit_code, after.exit_code) == (1, 0), after.output
    assert "responder rbac | kubectl apply -f -" in before.output
    assert "all is well" in after.output
