"""What destroys or touches security names the evidence that it waits for, or the rules are not taken."""

from pathlib import Path

import pytest

from responder.rules.loading import Report, check
from responder.rules.problems import render
from responder.wiring import plugins

KEEP = "keep: {evidence.capture: {logs: true}, mode: approve, offer: always}"
JOB = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: rotate, annotations: {}}\n"
VOUCHED = JOB.replace("annotations: {}", "annotations: {alertmanager-responder/weight: WORD}")
FORCED = "kubernetes.delete_pod: {force: FORCE}, target: {kind: Pod, name: '${labels.pod}'}"


class Pack:
    """Rules of one playbook in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "jobs").mkdir(parents=True)

    def file(self, path: str, text: str) -> None:
        """Write a file of the pack."""
        (self.folder / path).write_text(text)

    def check(self, *actions: str, more: str = "") -> Report:
        """Check rules with these actions, one on each line from the sixth."""
        lines = "".join(f"\n      {action}" for action in actions)
        self.file(
            "rules.yaml",
            "rules:\n  - {name: r, match: ['alertname=\"A\"'], playbook: p}\n"
            f"playbooks:\n  p:\n    actions:{lines}\n{more}",
        )
        return check([self.folder], plugins())

    def wrong(self, *actions: str, more: str = "") -> list[str]:
        """Return what is wrong or doubtful, but for labels that may be missing."""
        found = self.check(*actions, more=more).problems
        return [f"{one.origin.line}: {one.message}" for one in found if "may be missing" not in one.message]


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    return Pack(tmp_path / "pack")


HEAVY_ONES = {
    "flush": "redis.flush_db: {source: s}",
    "statements": "postgres.execute: {source: s, statements: ['DELETE FROM t'], rows: {max: 1}}",
    "busy sessions": "postgres.terminate_backends: {source: s, active_for: 5m, cap: 5}",
    "open sessions": "postgres.terminate_backends: {source: s, idle_in_transaction_for: 5m, cap: 5}",
    "program for nobody's evidence": "evidence.capture: {logs: true, exec: [{argv: [redis-cli, FLUSHALL]}]}",
    "program": "kubernetes.exec: {argv: [ops-reset]}",
    "forced": FORCED.replace("FORCE", "true"),
    "forced by a variable": FORCED.replace("FORCE", "'${labels.force}'"),
    "job": "kubernetes.run_job: {template: rotate}",
    "job somewhere": "kubernetes.run_job: {template: rotate, namespace: '${labels.namespace}'}",
    "isolate": "kubernetes.isolate_pod: {}, target: {kind: Pod, name: '${labels.pod}'}",
    "lockdown": "kubernetes.network_lockdown: {}",
    "secret": "kubernetes.patch_secret: {name: a, key: b, from: {secret: c, key: d}}",
    "block": "kubernetes.patch_configmap: {name: c, add_cidrs: {block-cidrs: ['192.0.2.0/24']}}",
    "policy": "kubernetes.apply: {manifest: jobs/policy.yaml}",
    "delete": "http.request: {url: 'https://a.example/x', method: DELETE}",
    "smaller": "redis.config_set: {source: s, set: {maxmemory: 1gb}, allow_decrease: true}",
    "evicting": "redis.config_set: {source: s, set: {maxmemory-policy: allkeys-lru}}",
    "policy by a variable": "redis.config_set: {source: s, set: {maxmemory-policy: '${labels.policy}'}}",
}
LIGHT_ONES = {
    "idle sessions": "postgres.terminate_backends: {source: s, application: '${labels.app}', idle_for: 5m, cap: 5}",
    "eviction": FORCED.replace("FORCE", "false"),
    "flag": "kubernetes.patch_configmap: {name: c, set: {A: '${labels.a}'}}",
    "config map": "kubernetes.apply: {manifest: jobs/map.yaml, namespace: '${labels.namespace}'}",
    "post": "http.request: {url: 'https://a.example/${labels.x}'}",
    "option": "redis.config_set: {source: s, set: {maxmemory-policy: noeviction}}",
    "restart": "kubernetes.rollout_restart: {}",
}


@pytest.fixture
def files(pack: Pack) -> Pack:
    pack.file("jobs/rotate.yaml", JOB)
    pack.file("jobs/map.yaml", "{apiVersion: v1, kind: ConfigMap}")
    pack.file("jobs/policy.yaml", "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy}")
    return pack


@pytest.mark.parametrize("name", HEAVY_ONES)
def test_what_destroys_or_touches_security_needs_evidence_named(files: Pack, name: str) -> None:
    action = HEAVY_ONES[name]
    (told,) = files.wrong(f"a: {{{action}, mode: approve}}", KEEP)
    assert told.startswith("6: `a` ")
    assert told.endswith(", and no `guard` of it names evidence")
    assert files.wrong(f"a: {{{action}, mode: approve, guard: {{evidence: [keep]}}}}", KEEP) == []
    assert files.wrong(f"a: {{{action}, mode: suggest}}", KEEP) == [], "what is only shown needs none"


@pytest.mark.parametrize("name", LIGHT_ONES)
def test_what_destroys_nothing_needs_none(files: Pack, name: str) -> None:
    assert files.wrong(f"a: {{{LIGHT_ONES[name]}, mode: approve}}") == []


@pytest.mark.parametrize(("word", "heavy"), [("ordinary", False), ("Ordinary", True), ("harmless", True), ("[]", True)])
def test_a_job_is_trusted_only_when_its_author_vouches_for_it(pack: Pack, word: str, heavy: bool) -> None:
    pack.file("jobs/rotate.yaml", VOUCHED.replace("WORD", word))
    assert bool(pack.wrong("a: {kubernetes.run_job: {template: rotate}, mode: approve}")) == heavy


def test_the_error_says_the_reason_and_the_cure(pack: Pack) -> None:
    flush = "flush: {redis.flush_db: {source: s}, mode: approve}"
    (problem,) = pack.check(flush, KEEP).errors
    assert "redis.flush_db: every key is gone" in problem.hint
    assert problem.hint.endswith(". Write `guard: {evidence: [keep]}`")
    assert f"6 |       {flush}" in render(problem)
    (problem,) = pack.check(flush).errors
    new = "Add the action `evidence: {evidence.capture: {logs: true, manifests: true}, mode: auto}`, propose it too"
    assert f"{new}, and write `guard: {{evidence: [evidence]}}`" in problem.hint


def test_what_another_action_waits_for_may_run_the_programs_of_its_author(pack: Pack) -> None:
    heap = "heap: {evidence.capture: {exec: [{argv: [jmap]}]}, mode: approve, offer: always}"
    waits = "restart: {kubernetes.rollout_restart: {}, mode: approve, guard: {evidence: [heap]}}"
    assert pack.wrong(heap, waits) == []
    assert len(pack.wrong(heap)) == 1
    (problem,) = pack.check(heap).errors
    assert "Add the action `evidence:" in problem.hint, "it is never told to wait for itself"
    (_, told) = pack.wrong(heap, "x: {redis.flush_db: {source: s}, mode: approve}")
    assert "no `guard` of it names evidence" in told


def test_what_the_error_says_to_write_is_taken(pack: Pack) -> None:
    keep = "evidence: {evidence.capture: {logs: true, manifests: true}, mode: auto}"
    flush = "flush: {redis.flush_db: {source: s}, mode: approve, guard: {evidence: [evidence]}}"
    assert pack.wrong(keep, flush, more="    conclude: [{say: x, propose: [evidence, flush]}]\n") == []


def test_a_sequence_needs_it_for_each_of_its_steps(pack: Pack) -> None:
    flush = "flush: {redis.flush_db: {source: s}}"
    (told,) = pack.wrong("all: {do: [flush], mode: approve}", flush, KEEP)
    assert told.startswith("6: `all` does `flush`, which may destroy what cannot be brought back")
    assert pack.wrong("all: {do: [flush], mode: approve, guard: {evidence: [keep]}}", flush, KEEP) == []


def test_evidence_that_nothing_proposes_is_warned_of(pack: Pack) -> None:
    flush = "flush: {redis.flush_db: {source: s}, mode: approve, offer: always, guard: {evidence: [keep]}}"
    assert pack.wrong(flush, KEEP) == []
    told = "6: `flush` waits for the evidence of `keep`, which nothing proposes for anybody to run"
    assert pack.wrong(flush, KEEP.replace(", offer: always", "")) == [told]
    assert pack.wrong(flush, KEEP.replace("approve", "suggest")) == [told]


def test_every_action_says_why_it_weighs_what_it_does() -> None:
    for name, action in plugins().actions.items():
        assert action.cost, f"{name} does not say why it is {action.weight}"
        assert not action.cost.endswith("."), name
