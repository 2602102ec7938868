"""The generated rights, in force at an API server: enough for all that the shipped packs do, and each is asked for."""

import copy
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from responder.cli.checkup import Finding, State, examine
from responder.cli.checkup_rights import granted
from responder.cli.checkup_systems import Surroundings
from responder.cli.main import app
from responder.cli.rules import registry
from responder.clients.by_name import load
from responder.clients.client_set import ClientSet
from responder.clients.kubernetes import Kubernetes
from responder.clients.kubernetes_writing import KubernetesWriter
from responder.errors import ResponderError
from responder.model.resource import DEPLOYMENTS
from responder.model.target import Target
from responder.rules.loading import check
from responder.rules.reach import worlds
from responder.rules.undertakings import undertakings
from responder.settings.process import Settings
from responder.settings.sections import KubernetesAccess
from tests.actions.rollouts import Tools
from tests.diagnostics.kubernetes_tools import KubernetesTools
from tests.servers.kubernetes import TOKEN, KubernetesServer
from tests.servers.kubernetes_cluster import workload
from tests.servers.kubernetes_kinds import BY_NAME
from tests.servers.kubernetes_rbac import NotingAccess, put_in_force, rights_of

ROOT = Path(__file__).parents[2]
OURS = "the-service-account"
REPORT = check([ROOT / "rules"], registry())
NAMES = {"ai-orchestrator": "ai-orchestrator", "ingress-nginx": "ingress-nginx-controller", "shop": "api"}
INPUTS = {"${inputs.cidrs}": ["203.0.113.0/24"]}


def printed(*words: str, rules: str = "rules") -> list[Any]:
    """Return the objects that the command prints for the shipped packs, or for one of them."""
    done = CliRunner().invoke(app, ["rbac", "--rules", str(ROOT / rules), *words])
    assert done.exit_code == 0, done.output
    return list(yaml.safe_load_all(done.output))


@dataclass
class House:
    """A cluster that lets us in as our service account, and what asks it."""

    server: KubernetesServer
    access: NotingAccess
    kubeconfig: Path

    def allow(self, documents: list[Any]) -> None:
        """Put exactly these rights in force."""
        self.access.grants.clear()
        self.access.local.clear()
        put_in_force(self.access, documents)

    async def doctor(self, **more: Any) -> list[Finding]:
        """Ask for every right, as `responder doctor` does."""
        written = {"kubernetes": {"kubeconfig": str(self.kubeconfig)}, "automation": "auto"}
        settings = Settings.model_validate(written | more)
        clients = ClientSet(settings, _now, load)
        try:
            around = Surroundings(settings, clients, _now, load)
            return await examine(tuple(granted(around, REPORT.ruleset, registry())))
        finally:
            await clients.close()


def _now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    server = KubernetesServer(controllers=True, metrics=True)
    user = "system:serviceaccount:responder:responder"
    access = server.access = NotingAccess({TOKEN: "admin", OURS: user})
    async with server.running():
        yield House(server, access, server.kubeconfig(tmp_path, token=OURS))


async def test_with_the_printed_rights_nothing_is_missing(house: House) -> None:
    house.allow(printed())
    found = await house.doctor()
    assert {one.state for one in found} == {State.OK}, found
    assert [one.detail.partition(" ")[2] for one in found if one.what.endswith("actor")] == [
        "rights in ai-orchestrator",
        "rights in ingress-nginx",
    ]


def blocks() -> Iterator[tuple[int, int]]:
    for number, one in enumerate(printed()):
        yield from ((number, rule) for rule in range(len(one.get("rules", ()))))


async def test_whichever_rule_is_taken_out_the_doctor_names_what_is_missing(house: House) -> None:
    whole = printed()
    tried = 0
    for number, rule in blocks():
        less = copy.deepcopy(whole)
        taken = less[number]["rules"].pop(rule)
        house.allow(less)
        missing = [one for one in await house.doctor() if one.state is State.FAILED]
        group = f".{taken['apiGroups'][0]}" if taken["apiGroups"][0] else ""
        named = {" ".join(one.detail.partition("lacks `")[2].partition("`")[0].split(" ")[:2]) for one in missing}
        assert named == {
            f"{verb} {resource.partition('/')[0]}{group}{'/' * ('/' in resource)}{resource.partition('/')[2]}"
            for resource in taken["resources"]
            for verb in taken["verbs"]
        }
        assert {one.cure for one in missing} == {"responder rbac | kubectl apply -f -"}
        tried += 1
    assert tried > 10


async def test_without_any_right_one_line_says_so(house: House) -> None:
    house.allow([])
    found = await house.doctor()
    assert [(one.what, one.state) for one in found] == [
        ("rights/default/reader", State.FAILED),
        ("rights/default/actor", State.FAILED),
        ("rights/default/by hand", State.OK),
    ]
    assert found[-1].detail.startswith("the rights carry 0 of ")


async def test_the_doctor_says_which_actions_nobody_can_ask_for_and_how_they_could(house: House) -> None:
    house.allow(printed())
    (without,) = [one for one in await house.doctor() if one.what.endswith("by hand")]
    lacking = without.detail.partition("; not ")[2].split(", ")
    assert "kubernetes.cordon" in lacking
    assert "http.request" not in without.detail
    command, _, piped = without.cure.partition("responder ")[2].partition(" | ")
    assert piped == "kubectl apply -f -"
    house.allow(printed(*command.split(" ")[1:]))
    found = {one.what: one for one in await house.doctor()}
    assert {one.state for one in found.values()} == {State.OK}
    assert found["rights/default/by hand"].detail.endswith("actions that people may ask for")
    assert found["rights/default/by hand"].cure == ""


async def test_of_two_actions_the_one_that_was_granted_is_not_named(house: House) -> None:
    house.allow(printed("--manual", "kubernetes.cordon"))
    (told,) = [one for one in await house.doctor() if one.what.endswith("by hand")]
    assert ("kubernetes.cordon" in told.detail, "kubernetes.exec" in told.detail) == (False, True)


async def test_a_login_that_is_not_accepted_is_one_line_and_not_a_hundred(house: House, tmp_path: Path) -> None:
    wrong = house.server.kubeconfig(tmp_path, token="nobodys")
    found = await house.doctor(kubernetes={"kubeconfig": str(wrong)})
    assert [one.state for one in found] == [State.FAILED, State.FAILED, State.SKIPPED]
    assert {one.cure for one in found} == {"correct the login: kubernetes", ""}


async def test_rights_to_act_are_asked_with_the_login_for_actions(house: House, tmp_path: Path) -> None:
    house.access.tokens["another"] = "system:serviceaccount:responder:responder-actor"
    house.allow(printed("--actor", "responder-actor"))
    acting = house.server.kubeconfig(tmp_path, token="another")
    both = {"kubeconfig": str(house.kubeconfig), "action_kubeconfig": str(acting)}
    assert {one.state for one in await house.doctor(kubernetes=both)} == {State.OK}
    states = {one.what: one.state for one in await house.doctor() if one.what.endswith("actor")}
    assert states["rights/default/actor"] is State.FAILED


async def test_what_is_only_suggested_is_not_asked_for(house: House) -> None:
    house.allow(printed())
    found = await house.doctor(automation="suggest")
    assert [(one.state, one.detail) for one in found if one.what.endswith("actor")] == [
        (State.SKIPPED, "automation is suggest: nothing is done, so nothing is needed")
    ]


async def seed(server: KubernetesServer, kubeconfig: Path) -> None:
    """Put in what the shipped packs are about, with a revision to go back to."""
    for namespace in NAMES:
        server.seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    server.seed({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1"}})
    for namespace, name in (("ai-orchestrator", "ai-orchestrator-config"), ("ingress-nginx", "nginx-configuration")):
        metadata = {"name": name, "namespace": namespace}
        server.seed({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"block-cidrs": ""}})
    admin = KubernetesWriter(KubernetesAccess(kubeconfig=kubeconfig))
    try:
        for namespace, name in NAMES.items():
            made = workload("Deployment", name, metadata={"namespace": namespace})
            made["spec"]["template"]["spec"]["volumes"] = [{"name": "c", "configMap": {"name": f"{name}-config"}}]
            await admin.create(DEPLOYMENTS, namespace, made)
            image = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "x/api:2"}]
            await admin.patch(DEPLOYMENTS, namespace, name, image)
    finally:
        await admin.close()
    server.requests.clear()


@pytest.mark.parametrize("pack", ["", "ai-orchestrator/"])
async def test_every_diagnostic_of_the_shipped_packs_gets_by_with_the_printed_rights(
    house: House, tmp_path: Path, pack: str
) -> None:
    await seed(house.server, house.server.kubeconfig(tmp_path))
    house.allow(printed(rules=f"rules/{pack}"))
    ran = await _look(house, pack)
    assert house.access.refused == []
    assert len(ran) > 5


async def test_no_right_to_look_is_printed_that_nobody_asks_for(house: House, tmp_path: Path) -> None:
    await seed(house.server, house.server.kubeconfig(tmp_path))
    whole = printed("--actor", "responder-actor", rules="rules/ai-orchestrator/")
    house.allow(whole)
    await _look(house, "ai-orchestrator/")
    reader = [one for one in whole if one["metadata"]["name"] == "responder-reader"]
    unused = set(rights_of(reader)) - house.access.asked
    assert unused == {
        ("", ("authorization.k8s.io", "selfsubjectaccessreviews", "create")),
        ("ai-orchestrator", ("", "secrets", "get")),
    }, "the doctor asks for the one; the other is for pods that read Secrets, which these do not"


async def _look(house: House, pack: str) -> set[str]:
    """Run every diagnostic of a pack; returns those that ran."""
    client, plugins, ran = Kubernetes(KubernetesAccess(kubeconfig=house.kubeconfig)), registry(), set()
    try:
        for rule in (rule for rule in REPORT.ruleset.rules if rule.name.startswith(pack)):
            playbook = REPORT.ruleset.playbooks.get(rule.playbook)
            for step in playbook.diagnostics if playbook else ():
                if step.plugin.startswith("kubernetes."):
                    plugin = plugins.diagnostics[step.plugin]
                    for world in worlds(rule, playbook) if playbook else ():
                        aim = _real(world.aim(step.target), house.server)
                        await _try(plugin, step, aim, KubernetesTools(client))
                        ran.add(step.plugin)
    finally:
        await client.close()
    return ran


async def _try(plugin: Any, step: Any, target: Target, tools: Any) -> None:
    with suppress(ResponderError):
        await plugin.diagnose(plugin.Params.model_validate(dict(step.params)), target, tools)


def _real(target: Target, server: KubernetesServer) -> Target:
    """Aim at something that is there."""
    if target.kind == "Node":
        return Target("default", "Node", "", "node-1")
    namespace = target.namespace if target.namespace in NAMES else "shop"
    if target.kind == "Pod" and target.namespace:
        pod = next(iter(server.objects.all(BY_NAME["v1", "Pod"], namespace)))["metadata"]["name"]
        return Target("default", "Pod", namespace, pod, NAMES[namespace])
    return Target("default", "Deployment", namespace, NAMES[namespace], NAMES[namespace])


@pytest.mark.parametrize("actor", ["responder", "responder-actor"])
async def test_every_action_of_the_shipped_packs_gets_by_with_the_printed_rights(
    house: House, tmp_path: Path, actor: str
) -> None:
    await seed(house.server, house.server.kubeconfig(tmp_path))
    house.access.tokens[OURS] = f"system:serviceaccount:responder:{actor}"
    house.allow(printed("--actor", actor))
    plugins, seen = registry(), []
    client = KubernetesWriter(KubernetesAccess(kubeconfig=house.kubeconfig))
    try:
        for rule in REPORT.ruleset.rules:
            playbook = REPORT.ruleset.playbooks.get(rule.playbook)
            for one in undertakings(rule, playbook, REPORT.ruleset, "auto") if playbook else ():
                plugin = plugins.actions[one.step.plugin]
                if plugin.needs and playbook is not None:
                    written = {k: _input(v) for k, v in one.step.params.items()}
                    step = replace(one, step=replace(one.step, params=written))
                    for world in worlds(rule, playbook):
                        params = step.params(world, plugin.Params)
                        tools = _WithFiles(client, files=playbook.files, attempt=f"INC-17@abc/{len(seen)}/0")
                        await _do(plugin, params, _real(world.aim(one.step.target), house.server), tools)
                        seen.append(one.step.plugin)
    finally:
        await client.close()
    assert house.access.refused == []
    assert {"kubernetes.rollout_undo", "kubernetes.rollout_restart", "kubernetes.patch_configmap"} <= set(seen)
    assert house.server.asked("PATCH", "pods/ai-orchestrator")
    assert house.server.asked("PATCH", "deployments/ai-orchestrator")


@dataclass(frozen=True)
class _WithFiles(Tools):
    """Tools with the files of a pack."""

    files: Any = None

    def file(self, path: str) -> str:
        return str(self.files[path])


def _input(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _input(each) for key, each in value.items()}
    return INPUTS.get(value, value) if isinstance(value, str) else value


async def _do(plugin: Any, params: Any, target: Target, tools: Any) -> None:
    with suppress(ResponderError):
        preview = await plugin.preview(params, target, tools)
        if not preview.refusal:
            outcome = await plugin.act(params, target, preview, tools)
            await plugin.progress(params, target, outcome, tools)
