"""The shipped rules load, and the schema for editors is current and agrees with them."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from responder import actions, diagnostics, notifiers
from responder.plugins.registry import Registry, discover
from responder.rules.json_schema import json_schema
from responder.rules.loading import check
from responder.rules.nodes import plain
from responder.rules.problems import Problems, render
from responder.rules.reading import parse

ROOT = Path(__file__).parents[2]
SHIPPED = sorted(path for path in (ROOT / "rules").iterdir() if path.is_dir())
FILES = sorted([*(ROOT / "rules").glob("*/*.yaml"), *(ROOT / "tests" / "rules" / "sketches").glob("*.yaml")])


@pytest.fixture(scope="module")
def registry() -> Registry:
    return discover([actions, diagnostics, notifiers])


@pytest.fixture(scope="module")
def schema() -> Any:
    return json.loads((ROOT / "rules" / "schema.json").read_text(encoding="utf-8"))


def test_the_committed_schema_is_current(registry: Registry, schema: Any) -> None:
    assert schema == json_schema(registry), "run: responder schema > rules/schema.json"


def test_the_schema_is_a_schema(schema: Any) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)


def test_the_shipped_packs_load_together_without_a_problem(registry: Registry) -> None:
    report = check([ROOT / "rules"], registry)
    assert [render(problem) for problem in report.problems] == []
    assert len({rule.name.split("/")[0] for rule in report.ruleset.rules} - {"built-in"}) == len(SHIPPED)


@pytest.mark.parametrize("file", FILES, ids=[str(file.relative_to(ROOT)) for file in FILES])
def test_the_schema_takes_what_the_loader_takes(file: Path, schema: Any) -> None:
    tree = parse(file.read_bytes(), file=str(file), pack="x", problems=Problems())
    assert tree is not None
    validator = jsonschema.Draft202012Validator(schema)
    assert [f"{list(error.path)}: {error.message}" for error in validator.iter_errors(plain(tree))] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"rule": []},
        {"rules": [{"name": "a"}]},
        {"playbooks": {"a": {"diagnose": {"x": {"kubernetes.podz": {}}}}}},
        {"playbooks": {"a": {"diagnose": {"x": {"kubernetes.logs": {"tial": 1}}}}}},
        {"playbooks": {"a": {"diagnose": {"x": {"kubernetes.logs": {"tail": "many"}}}}}},
        {"playbooks": {"a": {"diagnose": {"x": {"kubernetes.logs": {}, "deadline": "soon"}}}}},
        {"playbooks": {"a": {"actions": {"x": {"kubernetes.rollout_undo": {}, "mode": "automatic"}}}}},
        {"teams": {"default": {"receivers": {"incidents": {"slak": {}}}}}},
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(schema: Any, wrong: Any) -> None:
    assert not jsonschema.Draft202012Validator(schema).is_valid(wrong)


def test_the_schema_takes_a_template_for_a_number(schema: Any) -> None:
    step = {"kubernetes.logs": {"tail": "${vars.tail}"}}
    assert jsonschema.Draft202012Validator(schema).is_valid({"playbooks": {"a": {"diagnose": {"x": step}}}})
