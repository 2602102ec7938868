"""The rules' rights: no verb more than some step needs, and nowhere but where it can need it."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from responder import actions, diagnostics, notifiers
from responder.plugins.registry import Registry, discover
from responder.rules.loading import load
from responder.rules.rbac import Account, as_yaml, manifests, roles
from responder.rules.rights import Bounds, Right, rights

LOOKING = "diagnose: {logs: {kubernetes.logs: {}}}"
ACCOUNT = Account("responder", "responder", "responder")


@pytest.fixture(scope="module")
def registry() -> Registry:
    return discover([actions, diagnostics, notifiers])


class Rules:
    """Writes rule files and asks what they need."""

    def __init__(self, folder: Path, registry: Registry) -> None:
        self.folder = folder
        self.registry = registry

    def write(self, text: str, name: str = "pack.yaml") -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def one(self, match: str, playbook: str) -> None:
        self.write(f"rules: [{{name: r, match: [{match}], playbook: p}}]\nplaybooks:\n  p:\n    {playbook}\n")

    def files(self) -> list[Path]:
        return sorted(self.folder.glob("*.yaml"))

    def reading(self, bounds: Bounds | None = None) -> list[str]:
        return self._shown(rights(load(self.files(), self.registry).ruleset, self.registry, bounds or Bounds()).reader)

    def acting(self, bounds: Bounds | None = None) -> list[str]:
        return self._shown(rights(load(self.files(), self.registry).ruleset, self.registry, bounds or Bounds()).actor)

    def _shown(self, found: tuple[Right, ...]) -> list[str]:
        return [str(right) for right in found]


@pytest.fixture
def rules(tmp_path: Path, registry: Registry) -> Rules:
    return Rules(tmp_path, registry)


def test_a_rule_of_one_namespace_reads_in_that_one_only(rules: Rules) -> None:
    rules.one("'namespace=\"shop\"'", LOOKING)
    assert "get pods/log in shop" in rules.reading()
    assert [right for right in rules.reading() if right.endswith("every namespace")] == []


def test_a_rule_of_listed_namespaces_reads_in_each_that_its_matchers_leave(rules: Rules) -> None:
    rules.one("'namespace=~\"a|b|c\"', 'namespace!=\"b\"'", LOOKING)
    places = {right.rpartition(" ")[2] for right in rules.reading() if "pods/log" in right}
    assert places == {"a", "c"}


@pytest.mark.parametrize("match", ["'alertname=\"X\"'", "'namespace=~\"pay-.*\"'", "'namespace!=\"shop\"'"])
def test_a_rule_that_names_no_certain_namespace_reads_everywhere(rules: Rules, match: str) -> None:
    rules.one(match, LOOKING)
    assert "get pods/log in every namespace" in rules.reading()


def test_the_namespace_of_a_target_counts_and_not_the_rules(rules: Rules) -> None:
    target = "target: {kind: Deployment, name: x, namespace: NS}"
    cases = {"edge": "edge", "${vars.where}": "gate", "${labels.namespace}": "shop", "${labels.site}-x": "eu-x"}
    for written, place in cases.items():
        there = target.replace("NS", repr(written))
        step = f"vars: {{where: gate}}\n    diagnose: {{logs: {{kubernetes.logs: {{}}, {there}}}}}"
        rules.one("'namespace=\"shop\"', 'site=\"eu\"'", step)
        assert [right for right in rules.reading() if "pods/log" in right] == [f"get pods/log in {place}"], written


def test_a_namespace_that_only_an_incident_tells_is_everywhere(rules: Rules) -> None:
    target = 'target: {kind: Pod, name: x, namespace: \'${label("there", "x")}\'}'
    rules.one("'namespace=\"shop\"'", f"diagnose: {{logs: {{kubernetes.logs: {{}}, {target}}}}}")
    assert "get pods/log in every namespace" in rules.reading()


def test_pods_of_a_node_are_read_everywhere(rules: Rules) -> None:
    rules.one("'namespace=\"shop\"'", "target: {kind: Node, name: n}\n    diagnose: {pods: {kubernetes.pods: {}}}")
    assert "list pods in every namespace" in rules.reading()


def test_a_further_right_of_a_parameter_is_needed_only_where_it_is_set(rules: Rules) -> None:
    rules.one("'namespace=\"shop\"'", "diagnose: {health: {kubernetes.pod_http: {path: /health, port: 80}}}")
    assert "get services/proxy in shop" not in rules.reading()
    rules.one(
        "'namespace=\"shop\"'", "diagnose: {health: {kubernetes.pod_http: {path: /health, port: 80, service: api}}}"
    )
    assert "get services/proxy in shop" in rules.reading()


def test_a_playbook_that_no_rule_leads_to_needs_nothing(rules: Rules) -> None:
    rules.write(f"playbooks: {{p: {{{LOOKING}}}}}")
    assert rules.reading() == rules.acting() == []


def test_rules_that_share_incidents_share_what_their_playbooks_need(rules: Rules) -> None:
    rules.write(
        "rules:\n"
        "  - {name: a, match: ['namespace=\"a\"'], correlate_as: x, playbook: looks}\n"
        "  - {name: b, match: ['namespace=\"b\"'], correlate_as: x, playbook: nothing}\n"
        f"playbooks: {{looks: {{{LOOKING}}}, nothing: {{}}}}\n"
    )
    assert {right for right in rules.reading() if "pods/log" in right} == {
        "get pods/log in a",
        "get pods/log in b",
    }


def test_rules_of_another_cluster_need_nothing_in_this_one(rules: Rules) -> None:
    rules.one("'namespace=\"shop\"', 'cluster=\"eu\"'", LOOKING)
    assert rules.reading(Bounds(labels={"cluster": "us"})) == []
    assert rules.reading(Bounds(labels={"cluster": "eu"})) == rules.reading()


ACTION = "actions: {restart: {kubernetes.rollout_restart: {}, mode: MODE}}"


def test_what_is_suggested_needs_no_right_to_act(rules: Rules) -> None:
    rules.one("'namespace=\"shop\"'", ACTION.replace("MODE", "suggest"))
    assert rules.acting() == []


@pytest.mark.parametrize("mode", ["approve", "auto"])
def test_what_may_be_done_needs_its_verbs_and_events(rules: Rules, mode: str) -> None:
    rules.one("'namespace=\"shop\"'", ACTION.replace("MODE", mode))
    assert {"patch deployments.apps in shop", "create events in shop"} <= set(rules.acting())


@pytest.mark.parametrize("automation", ["off", "suggest"])
def test_below_the_ceiling_of_the_process_nothing_is_needed_to_act(rules: Rules, automation: str) -> None:
    rules.one("'namespace=\"shop\"'", ACTION.replace("MODE", "auto"))
    assert rules.acting(Bounds(automation=automation)) == []  # type: ignore[arg-type]


def test_a_sequence_that_may_be_done_needs_what_its_steps_need_whatever_their_own_mode(rules: Rules) -> None:
    steps = "restart: {kubernetes.rollout_restart: {}}, both: {do: [restart], mode: approve}"
    rules.one("'namespace=\"shop\"'", f"actions: {{{steps}}}")
    assert "patch deployments.apps in shop" in rules.acting()


def test_what_a_playbook_forbids_needs_nothing(rules: Rules) -> None:
    rules.one("'namespace=\"shop\"'", f"forbid: [kubernetes.rollout_restart]\n    {ACTION.replace('MODE', 'auto')}")
    assert rules.acting() == []


def test_an_action_may_act_where_its_guard_lets_it_and_not_elsewhere(rules: Rules) -> None:
    guarded = "actions: {restart: {kubernetes.rollout_restart: {}, mode: auto, guard: {GUARD}}}"
    for match, guard, places in (
        ("'alertname=\"X\"'", "only_in: [a, b]", {"a", "b"}),
        ("'namespace=~\"a|c\"'", "only_in: ['a.*']", {"a"}),
        ("'namespace=~\"a|c\"'", "never: [a]", {"c"}),
        ("'namespace=\"kube-system\"'", "cooldown: 1m", set()),
    ):
        rules.one(match, guarded.replace("GUARD", guard))
        assert {right.rpartition(" ")[2] for right in rules.acting()} == places, guard


def test_a_teams_pack_acts_in_the_teams_namespaces_only(rules: Rules) -> None:
    rules.one("'alertname=\"X\"'", ACTION.replace("MODE", "auto"))
    rules.write("teams: {pay: {namespaces: [pay-a, pay-b], packs: [pack], match: ['team=\"pay\"']}}", "own.yaml")
    assert {right.rpartition(" ")[2] for right in rules.acting()} == {"pay-a", "pay-b"}


def test_an_action_on_a_node_is_of_the_cluster_and_its_event_lies_in_default(rules: Rules) -> None:
    rules.one("'namespace=\"shop\"'", "actions: {cordon: {kubernetes.cordon: {}, mode: approve}}")
    assert {"patch nodes", "create events in default"} <= set(rules.acting())
    assert not any(right.endswith("shop") for right in rules.acting())


def test_an_action_on_another_namespace_needs_its_rights_there(rules: Rules) -> None:
    patch = "{kubernetes.patch_configmap: {name: x, namespace: '${vars.edge}', set: {a: b}}, mode: approve}"
    rules.one("'namespace=\"shop\"'", f"vars: {{edge: gate}}\n    actions: {{flag: {patch}}}")
    assert {right.rpartition(" ")[2] for right in rules.acting()} == {"gate"}


def test_the_parameters_say_which_rights_an_action_needs(rules: Rules) -> None:
    for action, there, absent in (
        ("evidence.capture: {logs: true}", "get pods/log in shop", "create pods/exec in shop"),
        ("evidence.capture: {exec: [{argv: [jcmd]}]}", "create pods/exec in shop", "get pods/log in shop"),
        (
            "kubernetes.patch_configmap: {name: x, namespace: gate, set: {a: b}, restart: true}",
            "patch configmaps in gate",
            "patch configmaps in shop",
        ),
        (
            "kubernetes.patch_configmap: {name: x, namespace: gate, set: {a: b}, restart: true}",
            "patch statefulsets.apps in gate",
            "patch deployments.apps in shop",
        ),
        (
            "http.request: {url: 'http://a.gate.svc/x', via: service, method: DELETE}",
            "delete services/proxy in gate",
            "create services/proxy in gate",
        ),
    ):
        keep = "evidence.capture: {events: true}"
        rules.one(
            "'namespace=\"shop\"'",
            f"actions: {{a: {{{action}, mode: approve, guard: {{evidence: [e]}}}}, e: {{{keep}}}}}",
        )
        assert there in rules.acting(), action
        assert absent not in rules.acting(), action
    rules.one("'namespace=\"shop\"'", "actions: {a: {http.request: {url: 'http://a.example/x'}, mode: approve}}")
    assert rules.acting() == []


def test_what_a_manifest_holds_says_which_rights_applying_it_needs(rules: Rules, tmp_path: Path) -> None:
    pack = tmp_path / "pack"
    (pack / "emergency").mkdir(parents=True)
    (pack / "emergency" / "shed.yaml").write_text("{apiVersion: v1, kind: ConfigMap, metadata: {name: shed}}")
    text = "rules: [{name: r, match: ['namespace=\"shop\"'], playbook: p}]\nplaybooks: {p: {actions: {a: "
    (pack / "rules.yaml").write_text(text + "{kubernetes.apply: {manifest: emergency/shed.yaml}, mode: approve}}}}")
    found = rights(load([pack], rules.registry).ruleset, rules.registry, Bounds()).actor
    assert {right.verb.resource for right in found} == {"configmaps", "events"}


def test_what_is_about_a_deployment_needs_nothing_on_other_workloads(rules: Rules) -> None:
    target = "target: {kind: Deployment, name: api}"
    rules.one("'namespace=\"shop\"'", f"{target}\n    {LOOKING}\n    {ACTION.replace('MODE', 'auto')}")
    found = [*rules.reading(), *rules.acting()]
    assert "patch deployments.apps in shop" in found
    assert [right for right in found if "statefulsets" in right or "daemonsets" in right] == []


def test_what_people_may_ask_for_needs_rights_where_the_rules_incidents_are(rules: Rules) -> None:
    rules.one("'namespace=\"shop\"'", "forbid: [kubernetes.delete_pod]")
    assert rules.acting() == []
    asked = Bounds(manual=("kubernetes.scale", "kubernetes.delete_pod", "kubernetes.exec"))
    found = rules.acting(asked)
    assert {"patch deployments.apps in shop", "create pods/exec in shop"} <= set(found)
    assert {right.rpartition(" ")[2] for right in found} == {"shop"}
    assert not any("eviction" in right for right in found)
    assert rules.acting(replace(asked, automation="suggest")) == []


def test_the_same_rules_give_the_same_text_and_the_text_is_the_objects(rules: Rules) -> None:
    rules.write(
        "rules:\n"
        "  - {name: a, match: ['namespace=\"a\"'], playbook: p}\n"
        "  - {name: b, match: ['alertname=\"b\"'], playbook: p}\n"
        f"playbooks:\n  p:\n    {LOOKING}\n    {ACTION.replace('MODE', 'auto')}\n"
    )
    ruleset = load(rules.files(), rules.registry).ruleset
    found = roles(rights(ruleset, rules.registry, Bounds()), ACCOUNT)
    text = as_yaml(found, ACCOUNT)
    assert text == as_yaml(roles(rights(ruleset, rules.registry, Bounds()), ACCOUNT), ACCOUNT)
    assert list(yaml.safe_load_all(text)) == manifests(found, ACCOUNT)
    assert "# for kubernetes.logs" in text
    assert "# everywhere, as the rule pack/b names no namespace" in text


def test_one_account_for_both_is_granted_nothing_twice(rules: Rules) -> None:
    rules.one("'namespace=\"shop\"'", f"{LOOKING}\n    {ACTION.replace('MODE', 'auto')}")
    found = rights(load(rules.files(), rules.registry).ruleset, rules.registry, Bounds())
    granted = [
        (role.namespace, block.group, resource, verb)
        for role in roles(found, ACCOUNT)
        for block in role.blocks
        for resource in block.resources
        for verb in block.verbs
    ]
    assert len(granted) == len(set(granted))
    two = roles(found, Account("responder", "responder", "responder-actor"))
    assert {role.account for role in two} == {"responder", "responder-actor"}
    own = {
        (b.group, r, v)
        for role in two
        if role.component == "actor"
        for b in role.blocks
        for r in b.resources
        for v in b.verbs
    }
    assert ("apps", "deployments", "get") in own


@pytest.mark.parametrize("name", ["true", "1", "x: y", "a\nb", "Shop", "a" * 64])
def test_a_name_that_no_namespace_can_have_gets_no_role_and_no_other_breaks_the_text(rules: Rules, name: str) -> None:
    rules.write(
        yaml.safe_dump(
            {
                "rules": [
                    {
                        "name": "r",
                        "match": [f"namespace={yaml.safe_dump(name, default_style=chr(34)).strip()}"],
                        "playbook": "p",
                    }
                ],
                "playbooks": {"p": {"diagnose": {"logs": {"kubernetes.logs": {}}}}},
            }
        )
    )
    found = roles(rights(load(rules.files(), rules.registry).ruleset, rules.registry, Bounds()), ACCOUNT)
    documents = list(yaml.safe_load_all(as_yaml(found, ACCOUNT)))
    assert {one["metadata"]["namespace"] for one in documents if one["kind"] == "Role"} == (
        {name} if name in ("true", "1") else set()
    )
