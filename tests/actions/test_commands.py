"""What an action shows is the command that a person would type, safe whatever the values hold."""

import json
import os
import shlex
import subprocess
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from responder import actions
from responder.model.target import Target
from responder.plugins.registry import Registry, discover
from tests.servers.processes import program

DEPLOYMENT = Target("default", "Deployment", "prod", "api", "api")
POD = Target("default", "Pod", "prod", "api-5d8f-x", "api")
NODE = Target("default", "Node", "", "node-1", "node-1")

READERS = (
    "readers=$(kubectl get deployments,statefulsets,daemonsets -o json -n prod | jq -r '.items[] | "
    'select(any(.spec.template | .. | objects | (.configMap, .configMapRef, .configMapKeyRef) | .name?; . == "flags")) '
    '| (.kind | ascii_downcase) + "/" + .metadata.name\')'
)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return discover([actions])


def show(registry: Registry, name: str, params: dict[str, Any], target: Target = DEPLOYMENT) -> tuple[str, ...]:
    """Return the commands of an action."""
    plugin = registry.actions[name]
    return plugin.command(plugin.Params.model_validate(params), target)


@pytest.mark.parametrize(
    ("name", "params", "target", "shown"),
    [
        ("kubernetes.rollout_restart", {}, DEPLOYMENT, ["kubectl rollout restart deployment/api -n prod"]),
        ("kubernetes.rollout_restart", {}, POD, ["kubectl rollout restart deployment/api -n prod"]),
        ("kubernetes.rollout_undo", {}, DEPLOYMENT, ["kubectl rollout undo deployment/api -n prod"]),
        (
            "kubernetes.rollout_undo",
            {"to_revision": 41},
            DEPLOYMENT,
            ["kubectl rollout undo deployment/api --to-revision=41 -n prod"],
        ),
        ("kubernetes.scale", {"replicas": 5}, DEPLOYMENT, ["kubectl scale deployment/api --replicas=5 -n prod"]),
        (
            "kubernetes.scale",
            {"by": 2, "max": 10},
            DEPLOYMENT,
            [
                "replicas=$(kubectl get deployment/api -o 'jsonpath={.spec.replicas}' -n prod)",
                "kubectl scale deployment/api -n prod --replicas=$((replicas+2>10?10:replicas+2))",
            ],
        ),
        (
            "kubernetes.set_env",
            {"set": {"POOL": "5 0"}},
            DEPLOYMENT,
            ["kubectl set env deployment/api 'POOL=5 0' -n prod"],
        ),
        (
            "kubernetes.set_resources",
            {"limits": {"memory": "8Gi", "cpu": "2"}, "container": "app"},
            DEPLOYMENT,
            ["kubectl set resources deployment/api --containers=app --limits=memory=8Gi,cpu=2 -n prod"],
        ),
        (
            "kubernetes.set_image",
            {"image": "example.com/api:v41"},
            DEPLOYMENT,
            ["kubectl set image deployment/api api=example.com/api:v41 -n prod"],
        ),
        (
            "kubernetes.patch_configmap",
            {"name": "flags", "set": {"BREAKER": "on"}, "restart": True},
            DEPLOYMENT,
            [
                'kubectl patch configmap/flags --type=merge \'--patch={"data": {"BREAKER": "on"}}\' -n prod',
                READERS,
                "kubectl rollout restart -n prod $readers",
            ],
        ),
        (
            "kubernetes.patch_configmap",
            {"name": "nginx", "namespace": "ingress", "add_cidrs": {"block-cidrs": ["192.0.2.7", "198.51.100.0/24"]}},
            DEPLOYMENT,
            [
                "now=$(kubectl get configmap/nginx -o 'jsonpath={.data.block-cidrs}' -n ingress)",
                (
                    "kubectl patch configmap/nginx --type=merge -n ingress "
                    '--patch="{\\"data\\":{\\"block-cidrs\\":\\"${now:+$now,}192.0.2.7/32,198.51.100.0/24\\"}}"'
                ),
            ],
        ),
        ("kubernetes.delete_pod", {}, POD, ["kubectl delete pod/api-5d8f-x -n prod"]),
        (
            "kubernetes.isolate_pod",
            {"labels": ["app"]},
            POD,
            ["kubectl label pod/api-5d8f-x --overwrite app- alertmanager-responder/isolated=true -n prod"],
        ),
        ("kubernetes.cordon", {}, NODE, ["kubectl cordon -- node-1"]),
        ("kubernetes.uncordon", {}, NODE, ["kubectl uncordon -- node-1"]),
        (
            "kubernetes.apply",
            {"manifest": "emergency/shed.yaml"},
            DEPLOYMENT,
            ["kubectl apply --server-side -f emergency/shed.yaml -n prod"],
        ),
        (
            "kubernetes.patch_secret",
            {"name": "api", "key": "db.url", "from": {"secret": "replica", "key": "url"}},
            DEPLOYMENT,
            [
                "value=$(kubectl get secret/replica -o 'jsonpath={.data.url}' -n prod)",
                'kubectl patch secret/api --type=merge -n prod --patch="{\\"data\\":{\\"db.url\\":\\"$value\\"}}"',
            ],
        ),
        ("kubernetes.run_job", {"template": "rotate"}, DEPLOYMENT, ["kubectl create -f jobs/rotate.yaml -n prod"]),
        (
            "kubernetes.exec",
            {"argv": ["redis-cli", "INFO"], "container": "app"},
            POD,
            ["kubectl exec pod/api-5d8f-x -n prod -c app -- redis-cli INFO"],
        ),
        (
            "evidence.capture",
            {"events": True, "exec": [{"argv": ["dump", "/tmp/h"], "file": "/tmp/h"}, {"argv": ["ps"]}]},
            POD,
            [
                "kubectl get events --sort-by=.lastTimestamp -n prod > events.txt",
                "kubectl exec pod/api-5d8f-x -n prod -- dump /tmp/h",
                "kubectl exec pod/api-5d8f-x -n prod -- cat /tmp/h > h",
                "kubectl exec pod/api-5d8f-x -n prod -- ps > output-2.txt",
            ],
        ),
        ("redis.flush_db", {"source": "cache"}, DEPLOYMENT, ['redis-cli -u "$CACHE_URL" FLUSHDB ASYNC']),
        (
            "redis.config_set",
            {"source": "cache", "set": {"maxmemory": "2gb"}},
            DEPLOYMENT,
            ['redis-cli -u "$CACHE_URL" CONFIG SET maxmemory 2gb'],
        ),
        (
            "alertmanager.silence",
            {"matchers": {"alertname": "X"}, "duration": "2h", "comment": "known"},
            DEPLOYMENT,
            [
                (
                    'amtool --alertmanager.url="$ALERTMANAGER_URL" '
                    "silence add --duration=2h --comment=known 'alertname=\"X\"'"
                )
            ],
        ),
        (
            "http.request",
            {"url": "https://api.example.com/restart", "credentials": "agents-api", "body": {"a": 1}},
            DEPLOYMENT,
            [
                (
                    'curl --header "Authorization: Bearer $AGENTS_API_TOKEN" --fail-with-body --request POST '
                    "--header 'Content-Type: application/json' --data-raw '{\"a\": 1}' --url https://api.example.com/restart"
                )
            ],
        ),
        (
            "http.request",
            {"url": "http://api.prod.svc:80/admin?x=1", "body": {"a": 1}, "via": "service"},
            DEPLOYMENT,
            [
                (
                    "printf %s '{\"a\": 1}' | kubectl create --raw "
                    "'/api/v1/namespaces/prod/services/api:80/proxy/admin?x=1' -f -"
                )
            ],
        ),
        (
            "prometheus.wait",
            {"query": "up == 1"},
            DEPLOYMENT,
            ["promtool query instant \"$PROMETHEUS_URL\" 'up == 1'"],
        ),
        (
            "postgres.execute",
            {
                "source": "main",
                "statements": ["UPDATE users SET note = 'costs $1' WHERE id = $1"],
                "params": ["a'b\\"],
                "rows": {"exactly": 1},
            },
            DEPLOYMENT,
            [
                'psql "$MAIN_URL" -v ON_ERROR_STOP=1 --single-transaction -c '
                + shlex.quote("UPDATE users SET note = 'costs $1' WHERE id = E'a''b\\\\'")
            ],
        ),
    ],
)
def test_an_action_shows_what_a_person_would_type(
    registry: Registry, name: str, params: dict[str, Any], target: Target, shown: list[str]
) -> None:
    assert list(show(registry, name, params, target)) == shown


HOSTILE = (
    "$(touch /tmp/x)",
    "`id`",
    "'; rm -rf / #",
    '"; exit; "',
    "a b",
    "--flag",
    "-x",
    "a\nb",
    "$HOME",
    "\\",
    "%s%n",
    "<!channel>",
    "{{ x }}",
    "${x}",
    "*",
    "~",
    "é",
)


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_value_stays_one_word_of_the_command(registry: Registry, value: str) -> None:
    def words(name: str, params: dict[str, Any]) -> list[str]:
        return [word for line in show(registry, name, params) for word in shlex.split(line)]

    assert f"A={value}" in words("kubernetes.set_env", {"set": {"A": value}})
    assert value in words("kubernetes.exec", {"argv": ["echo", value]})
    assert value in words("evidence.capture", {"exec": [{"argv": ["echo", value]}]})
    assert value in words("redis.config_set", {"source": "cache", "set": {"save": value}})
    assert value in words("prometheus.wait", {"query": value})
    silence = {"matchers": {"a": value}, "duration": "1h", "comment": value}
    assert f"--comment={value}" in words("alertmanager.silence", silence)
    request = words("http.request", {"url": "https://h/x", "body": {"a": value}})
    assert json.dumps({"a": value}) in request


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_target_stays_one_word_of_the_command(registry: Registry, value: str) -> None:
    target = Target("default", "Deployment", value, value, value)
    words = shlex.split(show(registry, "kubernetes.rollout_restart", {}, target)[0])
    assert words == ["kubectl", "rollout", "restart", f"deployment/{value}", "-n", value]


@pytest.mark.parametrize("label", ["*", "--all", "--filename=http://evil/x", "$(id)", "a b", "A"])
@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("kubernetes.set_image", {"image": "r/api:41"}),
        ("kubernetes.set_env", {"set": {"POOL": "1"}}),
        ("kubernetes.set_resources", {"limits": {"cpu": "1"}}),
        ("kubernetes.exec", {"argv": ["true"]}),
    ],
)
def test_a_label_that_no_container_can_have_names_none(
    registry: Registry, name: str, params: dict[str, Any], label: str
) -> None:
    plain = show(registry, name, params)
    assert show(registry, name, params, replace(DEPLOYMENT, container=label)) == plain
    everywhere = Target("default", "Deployment", "prod", label, label, label)
    words = shlex.split(show(registry, name, params, everywhere)[0])
    assert not any(word.startswith(f"{label}=") or word == label for word in words)


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("kubernetes.scale", {}),
        ("kubernetes.scale", {"replicas": 1, "by": 1}),
        ("kubernetes.scale", {"replicas": 1, "max": 2}),
        ("kubernetes.set_env", {"set": {"--overwrite": "x"}}),
        ("kubernetes.set_env", {"set": {"A": True}}),
        ("kubernetes.set_resources", {}),
        ("kubernetes.set_resources", {"limits": {"memory": "lots"}}),
        ("kubernetes.set_image", {"image": "--x"}),
        ("kubernetes.patch_configmap", {"name": "a"}),
        ("kubernetes.patch_configmap", {"name": "a", "add_cidrs": {"b": ["0.0.0.0/0"]}}),
        ("kubernetes.patch_configmap", {"name": "a", "add_cidrs": {"b": ["::/0"]}}),
        ("kubernetes.patch_configmap", {"name": "a", "set": {"x; y": "1"}}),
        ("kubernetes.apply", {"manifest": "../../etc/passwd"}),
        ("kubernetes.apply", {"manifest": "/etc/passwd"}),
        ("kubernetes.patch_secret", {"name": "a", "key": '"', "from": {"secret": "b", "key": "c"}}),
        ("evidence.capture", {}),
        ("evidence.capture", {"exec": [{"argv": ["x"], "file": "/tmp/$(id)"}]}),
        ("postgres.terminate_backends", {"source": "main"}),
        ("postgres.terminate_backends", {"source": '"; id', "idle_for": "1m"}),
        ("postgres.execute", {"source": "a", "statements": ["x $1"], "rows": {"max": 1}}),
        ("postgres.execute", {"source": "a", "statements": ["x"], "params": [1], "rows": {"max": 1}}),
        ("postgres.execute", {"source": "a", "statements": ["x"], "rows": {}}),
        ("http.request", {"url": "file:///etc/passwd"}),
        ("http.request", {"url": "https://h", "method": "GET"}),
        ("http.request", {"url": "https://h", "headers": {"A": "b\r\nC: d"}}),
        ("http.request", {"url": "https://h/x", "via": "service"}),
        ("http.request", {"url": "http://a.b.svc/x", "via": "service", "method": "PATCH"}),
        ("alertmanager.silence", {"matchers": {}, "duration": "1h", "comment": "x"}),
        ("kubernetes.rollout_restart", {"hard": True}),
    ],
)
def test_parameters_that_make_no_sense_are_refused(registry: Registry, name: str, params: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        registry.actions[name].Params.model_validate(params)


def test_a_lockdown_command_is_valid_json_for_the_policy(registry: Registry) -> None:
    params = {"direction": "egress", "allow_dns": True}
    read, create, label = show(registry, "kubernetes.network_lockdown", params, POD)
    assert read == "chosen=$(kubectl get pod/api-5d8f-x -o 'jsonpath={.metadata.uid}' -n prod)"
    words = shlex.split(create)
    assert words[0] == "printf"
    selector = {"matchLabels": {"alertmanager-responder/locked-down": "a-uid"}}
    policy = json.loads(words[1] % "a-uid")
    assert (policy["spec"]["policyTypes"], policy["spec"]["podSelector"]) == (["Egress"], selector)
    assert words[-6:] == ["kubectl", "create", "-f", "-", "-n", "prod"]
    assert label.endswith('"alertmanager-responder/locked-down=$chosen"')


FAKE = """kubectl() { if [ "$1" = get ]; then printf %s "$HELD"; else for word; do printf '%s\\n' "$word"; done; fi; }
"""


def run(lines: tuple[str, ...], held: str) -> list[str]:
    """Run command lines in a real shell whose kubectl answers `held` to a get and else prints its words."""
    done = subprocess.run(
        ["sh", "-ec", FAKE + "\n".join(lines)],
        capture_output=True,
        text=True,
        check=True,
        env={"HELD": held, "PATH": os.environ["PATH"]},
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("held", "wanted"), [("", "192.0.2.7/32"), ("198.51.100.0/24", "198.51.100.0/24,192.0.2.7/32")]
)
def test_networks_are_added_to_those_that_are_there(registry: Registry, held: str, wanted: str) -> None:
    params = {"name": "nginx", "add_cidrs": {"block-cidrs": ["192.0.2.7"]}}
    words = run(show(registry, "kubernetes.patch_configmap", params), held)
    patch = next(word for word in words if word.startswith("--patch=")).removeprefix("--patch=")
    assert json.loads(patch) == {"data": {"block-cidrs": wanted}}


def test_what_takes_up_a_configmap_is_what_is_restarted(registry: Registry) -> None:
    program("jq")

    def one(name: str, pod: dict[str, Any]) -> dict[str, Any]:
        return {"kind": "Deployment", "metadata": {"name": name}, "spec": {"template": {"spec": pod}}}

    pods: dict[str, dict[str, Any]] = {
        "volume": {"volumes": [{"configMap": {"name": "flags"}}]},
        "projected": {"volumes": [{"projected": {"sources": [{"configMap": {"name": "flags"}}]}}]},
        "all": {"containers": [{"envFrom": [{"configMapRef": {"name": "flags"}}]}]},
        "one": {"initContainers": [{"env": [{"valueFrom": {"configMapKeyRef": {"name": "flags", "key": "a"}}}]}]},
        "other": {"volumes": [{"configMap": {"name": "flags-2"}}, {"secret": {"secretName": "flags"}}]},
    }
    held = json.dumps({"items": [one(name, pod) for name, pod in pods.items()]})
    words = run(
        show(registry, "kubernetes.patch_configmap", {"name": "flags", "set": {"A": "1"}, "restart": True}), held
    )
    restarted = [word.partition("/")[2] for word in words if word.startswith("deployment/")]
    assert restarted == ["volume", "projected", "all", "one"]


def test_a_secret_is_copied_without_being_shown(registry: Registry) -> None:
    params = {"name": "api", "key": "url", "from": {"secret": "replica", "key": "url"}}
    lines = show(registry, "kubernetes.patch_secret", params)
    words = run(lines, "c2VjcmV0")
    patch = next(word for word in words if word.startswith("--patch=")).removeprefix("--patch=")
    assert json.loads(patch) == {"data": {"url": "c2VjcmV0"}}
    assert "c2VjcmV0" not in "".join(lines)


@pytest.mark.parametrize(("held", "wanted"), [("3", "--replicas=5"), ("9", "--replicas=10"), ("10", "--replicas=10")])
def test_adding_replicas_stops_at_the_maximum(registry: Registry, held: str, wanted: str) -> None:
    assert wanted in run(show(registry, "kubernetes.scale", {"by": 2, "max": 10}), held)


@pytest.mark.parametrize(
    ("name", "params", "included"),
    [
        ("kubernetes.patch_configmap", {"name": "c", "set": {"A": "1"}}, ()),
        (
            "kubernetes.patch_configmap",
            {"name": "c", "set": {"A": "1"}, "restart": True},
            ("kubernetes.rollout_restart",),
        ),
        ("evidence.capture", {"logs": True}, ()),
        ("evidence.capture", {"exec": [{"argv": ["jmap"]}]}, ("kubernetes.exec",)),
    ],
)
def test_an_action_tells_which_others_it_includes(
    registry: Registry, name: str, params: dict[str, Any], included: tuple[str, ...]
) -> None:
    plugin = registry.actions[name]
    assert plugin.entails(plugin.Params.model_validate(params)) == included
    assert set(included) <= registry.actions.keys()
