"""A secret input stands as the whole value of a parameter that takes a secret, and anywhere else it is refused."""

import pytest

from responder.plugins.registry import Registry
from responder.rules.kitchen import Kitchen
from tests.rules.conftest import Check
from tests.rules.test_check import BOOK, shown

PLAIN = "restart: {kubernetes.rollout_restart: {}}"
ASKS = "inputs: {token: {type: secret, describe: 'The new token'}}"
SET = "kubernetes.patch_secret: {name: api, key: token, value: '${inputs.token}'}"
RENEW = f"restart: {{{SET}, {ASKS}}}"


def book(action: str) -> str:
    return BOOK.replace(PLAIN, action)


def test_a_secret_input_may_be_the_whole_value_of_a_secret_parameter(checked: Check) -> None:
    assert shown(checked, main=book(RENEW)) == []
    assert shown(checked, main=book(RENEW.replace("${inputs.token}", "${ inputs.token }"))) == []


WRONG = {
    "literal": (RENEW.replace("${inputs.token}", "hunter2"), "a secret stands in no rules"),
    "label": (RENEW.replace("${inputs.token}", "${labels.token}"), "a secret stands in no rules"),
    "mixed": (RENEW.replace("${inputs.token}", "Bearer ${inputs.token}"), "put together with nothing"),
    "function": (RENEW.replace("${inputs.token}", "${string(inputs.token)}"), "put together with nothing"),
    "format": (RENEW.replace("${inputs.token}", "${inputs.token | percent}"), "put together with nothing"),
    "elsewhere": (RENEW.replace("name: api", "name: '${inputs.token}'"), "the secret input `token` is read here"),
    "condition": (RENEW[:-1] + ", guard: {when: 'inputs.token != \"\"'}}", "the secret input `token` is read here"),
    "has": (RENEW[:-1] + ", guard: {when: 'has(inputs.token)'}}", "the secret input `token` is read here"),
    "verified": (RENEW[:-1] + ", verify: {until: 'size(inputs.token) > 1'}}", "the secret input `token` is read here"),
    "target": (
        RENEW[:-1] + ", target: {kind: Deployment, name: '${inputs.token}'}}",
        "the secret input `token` is read here",
    ),
    "suggested": (RENEW.replace("type: secret", "type: secret, suggest: 'labels.x'"), "drop `suggest` and `refuse`"),
    "refused": (RENEW.replace("type: secret", "type: secret, refuse: ['true']"), "drop `suggest` and `refuse`"),
    "list": (RENEW.replace("type: secret", "type: list(secret)"), "unknown type `list(secret)`"),
    "unused": (f"restart: {{kubernetes.rollout_restart: {{}}, {ASKS}}}", "nothing takes the secret input `token`"),
    "string": (RENEW.replace("type: secret", "type: string"), "a secret stands in no rules"),
    "undeclared": (f"restart: {{{SET}, mode: approve}}", "a secret stands in no rules"),
    "both": (RENEW.replace("key: token", "key: token, from: {secret: a, key: b}"), "one of them"),
    "neither": ("restart: {kubernetes.patch_secret: {name: api, key: token}}", "one of them"),
    "another's": (f"{RENEW}\n      other: {{{SET}}}", "declared at another action"),
}


@pytest.mark.parametrize("name", WRONG)
def test_anywhere_else_it_is_refused_at_load(checked: Check, name: str) -> None:
    action, said = WRONG[name]
    found = shown(checked, main=book(action))
    assert any(said in problem for problem in found), found


@pytest.mark.parametrize("where", ["Bad ${inputs.token}", "${inputs.token}"])
def test_no_text_for_people_reads_it(checked: Check, where: str) -> None:
    found = shown(checked, main=book(RENEW).replace('"Bad"', f"'{where}'"))
    assert any("the secret input `token` is read here" in problem for problem in found), found


def test_the_parameters_that_are_secrets_are_known_by_name(registry: Registry) -> None:
    assert Kitchen(registry).hidden("kubernetes.patch_secret") == frozenset({"value"})
    assert Kitchen(registry).hidden("kubernetes.scale") == frozenset()
