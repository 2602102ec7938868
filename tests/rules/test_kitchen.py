"""Playbooks can be run without their files, also those stored with old incidents."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from responder.errors import ExpressionError
from responder.model import codec
from responder.model.playbook import ActionStep, DiagnosticStep, Playbook
from responder.model.target import Target
from responder.plugins.registry import Registry
from responder.rules.kitchen import Kitchen
from responder.rules.loading import load
from responder.wiring import plugins

TEXT = """
playbooks:
  p:
    diagnose:
      rate: {test.rate: {query: up}}
      orders: {test.table: {columns: {wrong: int}}}
    actions:
      scale: {kubernetes.scale: {replicas: "${inputs.n}"}, inputs: {n: {type: int}}}
"""
TARGET = Target("default", "Deployment", "prod", "api", "api")


@pytest.fixture
def playbook(write: Callable[..., list[Path]], registry: Registry) -> Playbook:
    return load(write(main=TEXT), registry).playbook("main/p")


def test_a_playbook_has_one_evaluator_also_when_it_comes_from_the_store(playbook: Playbook, registry: Registry) -> None:
    kitchen = Kitchen(registry)
    stored = codec.PLAYBOOK.load(codec.PLAYBOOK.dump(playbook))
    assert kitchen.evaluator(playbook) is kitchen.evaluator(playbook) is kitchen.evaluator(stored)


def test_an_evaluator_knows_the_results_and_inputs_of_its_playbook(playbook: Playbook, registry: Registry) -> None:
    evaluator = Kitchen(registry).evaluator(playbook)
    assert evaluator.compile("orders.first.wrong > 0 && rate.value > 1", want="bool").reads == {"orders", "rate"}
    assert evaluator.compile("inputs.n").type == "int"


def test_a_playbook_can_be_warmed_also_when_a_plugin_of_it_is_gone(playbook: Playbook, registry: Registry) -> None:
    kitchen = Kitchen(registry)
    old = Playbook("p", diagnostics=(*playbook.diagnostics, DiagnosticStep("gone", "test.gone")), title="${oops")
    kitchen.warm(playbook)
    kitchen.warm(old)
    assert kitchen.evaluator(old).compile("rate.value > 1", want="bool").reads == {"rate"}


def test_a_plugin_that_is_gone_leaves_the_rest_of_a_stored_playbook(playbook: Playbook, registry: Registry) -> None:
    old = Playbook("p", diagnostics=(*playbook.diagnostics, DiagnosticStep("gone", "test.gone")))
    evaluator = Kitchen(registry).evaluator(old)
    assert evaluator.compile("rate.value > 1", want="bool").reads == {"rate"}
    with pytest.raises(ExpressionError):
        evaluator.compile("gone.value > 1")


def test_the_command_of_an_action_is_that_of_its_plugin(playbook: Playbook, registry: Registry) -> None:
    kitchen = Kitchen(registry)
    scale = playbook.actions[0]
    assert kitchen.command(scale, {"replicas": 3}, TARGET) == ("kubectl scale deployment/api --replicas=3 -n prod",)
    assert kitchen.command(ActionStep("both", do=("scale",)), {}, TARGET) == ()
    with pytest.raises(ValidationError):
        kitchen.command(scale, {"replicas": -3}, TARGET)


def test_no_command_is_shown_for_what_an_action_cannot_be_done_to(registry: Registry) -> None:
    """What deletes a pod would delete a Deployment, by the same words."""
    kitchen, delete = Kitchen(registry), ActionStep("delete", "kubernetes.delete_pod")
    pod = Target("default", "Pod", "prod", "api-1", "api")
    assert kitchen.command(delete, {}, pod) == ("kubectl delete pod/api-1 -n prod",)
    assert kitchen.command(ActionStep("again", "kubernetes.rollout_restart"), {}, pod)
    for target in (replace(pod, kind="Deployment", name="api"), Target("")):
        with pytest.raises(ValueError, match=r"acts on a Pod, not on .*: name one as its target"):
            kitchen.command(delete, {}, target)
    with pytest.raises(ValueError, match="acts on a Node, not on pod/api-1 in prod"):
        kitchen.command(ActionStep("off", "kubernetes.cordon"), {}, pod)


def test_the_parameters_of_any_step_are_known_by_name(registry: Registry) -> None:
    kitchen = Kitchen(registry)
    assert kitchen.params_of("test.rate") is registry.diagnostics["test.rate"].Params
    assert kitchen.params_of("kubernetes.scale") is registry.actions["kubernetes.scale"].Params
    assert kitchen.params_of("nothing") is None


def test_what_an_action_includes_is_told_also_while_templates_are_left_in_it() -> None:
    """A flag that nobody knows yet counts as set: the guard of a restart is not passed by way of a template."""
    entails = Kitchen(plugins()).entails
    step = ActionStep("block", "kubernetes.patch_configmap")
    cidrs = {"name": "c", "add_cidrs": "${inputs.cidrs}"}
    assert entails(step, cidrs) == ()
    assert entails(step, {**cidrs, "restart": True}) == ("kubernetes.rollout_restart",)
    assert entails(step, {**cidrs, "restart": "${vars.restart}"}) == ("kubernetes.rollout_restart",)
    with pytest.raises(ValidationError):
        entails(step, {"name": "c", "restart": "often"})
