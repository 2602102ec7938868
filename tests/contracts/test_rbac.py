"""The rights that operators are told to grant are those that the shipped packs need."""

from pathlib import Path

import yaml
from typer.testing import CliRunner

from responder.cli.main import app

ROOT = Path(__file__).parents[2]
FILE = ROOT / "deploy" / "rbac.yaml"


def test_the_committed_rights_are_current() -> None:
    done = CliRunner().invoke(app, ["rbac", "--rules", str(ROOT / "rules")])
    assert done.exit_code == 0, done.output
    text = FILE.read_text(encoding="utf-8")
    assert text == done.output, "run: responder rbac --rules rules > deploy/rbac.yaml"


def test_nothing_is_granted_by_a_wildcard() -> None:
    for one in yaml.safe_load_all(FILE.read_text(encoding="utf-8")):
        for rule in one.get("rules", ()):
            assert "*" not in {*rule["apiGroups"], *rule["resources"], *rule["verbs"]}


def test_what_writes_is_granted_to_the_actor_only_and_nowhere_but_in_the_namespaces_of_the_rules() -> None:
    writing = {
        (one["metadata"]["labels"]["app.kubernetes.io/component"], one["metadata"].get("namespace", ""))
        for one in yaml.safe_load_all(FILE.read_text(encoding="utf-8"))
        for rule in one.get("rules", ())
        if {"create", "update", "patch", "delete"} & {*rule["verbs"]}
        and rule["resources"] != ["selfsubjectaccessreviews"]
    }
    assert writing == {("actor", "ai-orchestrator"), ("actor", "ingress-nginx")}


def test_the_readme_says_how_rights_are_granted() -> None:
    assert "deploy/rbac.yaml" in (ROOT / "README.md").read_text(encoding="utf-8")
