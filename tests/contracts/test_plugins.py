"""Laws that every plugin obeys."""

import inspect
import re
from datetime import timedelta
from itertools import chain
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, Field

from responder import actions, diagnostics, notifiers
from responder.model.place import Place
from responder.plugins.action import Action
from responder.plugins.diagnostic import Diagnostic, Result
from responder.plugins.params import Duration, Params
from responder.plugins.registry import Registry, discover
from responder.plugins.rights import Verb
from responder.rules.loading import check
from responder.rules.manuals import BEGIN, END, Plugin, actions_markdown, entries, find, manual
from responder.rules.problems import render

ROOT = Path(__file__).parents[2]
REGISTRY = discover([actions, diagnostics, notifiers])
NAMES = [*REGISTRY.diagnostics, *REGISTRY.actions, *REGISTRY.notifiers]
STEPS = [*REGISTRY.diagnostics, *REGISTRY.actions]
_EXAMPLE = re.compile(r"^Example:\n\n((?:    .*\n|\n)+)", re.MULTILINE)


def plugin(name: str) -> Plugin:
    """Find a plugin that is there."""
    found = find(REGISTRY, name)
    assert found is not None
    return found


def example(name: str) -> str:
    """Return the YAML of a plugin's docstring."""
    text = inspect.cleandoc(type(plugin(name)).__doc__ or "")
    found = _EXAMPLE.search(text + "\n")
    assert found, f"{name} has no Example:"
    return dedent(found.group(1))


def whole(text: str) -> str:
    """Make a rule file of an example, which is a part of a playbook or a deployment's receivers."""
    if not set(yaml.safe_load(text)) & {"diagnose", "actions"}:
        return f"teams:\n  default:\n    receivers:\n{indent(text, '      ')}"
    rule = "{name: r, match: ['a=\"b\"'], playbook: example}"
    return f"rules: [{rule}]\nplaybooks:\n  example:\n{indent(text, '    ')}"


def rights(step: Diagnostic[Any] | Action[Any]) -> list[Verb]:
    """Return all rights of a step, those that only some parameter takes included."""
    more = step.needs_with.values() if isinstance(step, Diagnostic) else ()
    return [*step.needs, *chain.from_iterable(more)]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_says_the_system_and_what_is_done(name: str) -> None:
    assert re.fullmatch(r"[a-z]+(\.[a-z_]+)?|[a-z_]+", name)


@pytest.mark.parametrize("name", NAMES)
def test_the_example_in_the_manual_loads(name: str, tmp_path: Path) -> None:
    file = tmp_path / "example.yaml"
    file.write_text(whole(example(name)), encoding="utf-8")
    for parameter, form in getattr(plugin(name), "files", {}).items():
        named = re.search(rf"{parameter}: ([\w./-]+)", example(name))
        assert named
        manifest = tmp_path / form.format(named[1])
        manifest.parent.mkdir(exist_ok=True)
        manifest.write_text("{apiVersion: v1, kind: ConfigMap}")
    report = check([file], REGISTRY)
    assert [render(problem) for problem in report.errors] == []
    assert re.search(rf"\b{re.escape(name)}\b", example(name)), "the example does not use its own plugin"


@pytest.mark.parametrize("name", STEPS)
def test_the_manual_names_its_source(name: str) -> None:
    assert re.search(r"^Source: \S", manual(plugin(name)).text, re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_is_described(name: str) -> None:
    assert [entry.name for entry in entries(plugin(name).Params) if not entry.about] == []


@pytest.mark.parametrize("name", [*REGISTRY.diagnostics])
def test_every_field_of_a_result_is_described(name: str) -> None:
    fields = REGISTRY.diagnostics[name].Result.model_fields
    assert [field for field, info in fields.items() if not info.description] == []


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_parameter_is_refused(name: str) -> None:
    models: list[type[BaseModel]] = [plugin(name).Params]
    for model in chain(models):
        assert model.model_config.get("extra") == "forbid", model


@pytest.mark.parametrize("name", STEPS)
def test_no_right_is_a_wildcard(name: str) -> None:
    step = plugin(name)
    assert isinstance(step, Diagnostic | Action)
    assert [verb for verb in rights(step) if "*" in (verb.group, verb.resource, verb.verb) or not verb.verb] == []


@pytest.mark.parametrize("name", [*REGISTRY.actions])
def test_what_says_that_it_can_be_taken_back_knows_how(name: str) -> None:
    action = REGISTRY.actions[name]
    assert action.undoable == (type(action).undo is not Action.undo)
    assert action.undoable or not action.until_resolved


@pytest.mark.parametrize("name", [name for name, found in REGISTRY.actions.items() if found.once == "doubtful"])
def test_what_nobody_can_tell_afterwards_sees_first_that_it_is_still_its_own_to_do(name: str) -> None:
    assert "await tools.hold()" in inspect.getsource(type(REGISTRY.actions[name]).act)


@pytest.mark.parametrize("name", [*REGISTRY.diagnostics])
def test_a_diagnostic_only_reads(name: str) -> None:
    assert {verb.verb for verb in rights(REGISTRY.diagnostics[name])} <= {"get", "list", "watch"}


@pytest.mark.parametrize("name", [*REGISTRY.diagnostics])
def test_a_right_that_a_parameter_takes_is_in_the_manual_beside_its_name(name: str) -> None:
    found = REGISTRY.diagnostics[name]
    assert set(found.needs_with) <= set(found.Params.model_fields)
    for param, verbs in found.needs_with.items():
        assert {f"{verb.verb} {verb.resource}, with `{param}`" for verb in verbs} <= set(manual(found).needs)


def test_sql_in_parameters_takes_no_interpolation() -> None:
    found = {
        (name, field)
        for name in STEPS
        for field, info in plugin(name).Params.model_fields.items()
        if field in ("sql", "statements") and not _fixed(info.metadata, info.annotation)
    }
    assert found == set()


def _fixed(metadata: list[Any], annotation: Any) -> bool:
    inner = [item for part in getattr(annotation, "__args__", ()) for item in getattr(part, "__metadata__", ())]
    return Place.FIXED in [*metadata, *inner]


def test_every_action_of_the_catalogue_is_there() -> None:
    kubernetes = (
        "rollout_restart rollout_undo scale set_env set_resources set_image patch_configmap delete_pod isolate_pod"
        " network_lockdown cordon uncordon apply patch_secret run_job exec"
    )
    others = (
        "evidence.capture postgres.terminate_backends postgres.execute redis.flush_db redis.config_set"
        " alertmanager.silence http.request prometheus.wait"
    )
    assert {*(f"kubernetes.{name}" for name in kubernetes.split()), *others.split()} <= set(REGISTRY.actions)


def test_the_table_of_what_actions_may_cost_is_current() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text[text.index(BEGIN) : text.index(END) + len(END)] == actions_markdown(REGISTRY), "run the command there"


def test_a_registry_of_one_folder_has_no_plugin_of_another() -> None:
    only: Registry = discover([actions])
    assert not only.diagnostics
    assert not only.notifiers


def test_the_examples_for_contributors_are_plugins() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    words = {"Action": Action, "Diagnostic": Diagnostic, "Params": Params, "Result": Result, "Verb": Verb}
    words |= {"Field": Field, "Duration": Duration, "timedelta": timedelta}
    made: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(block, {**words}, made)
    assert [made[name]().name for name in ("Certificates", "Pause")] == [
        "cert_manager.certificates",
        "kubernetes.pause",
    ]
    assert manual(made["Pause"]()).facts[0] == "Acts on: Deployment."
