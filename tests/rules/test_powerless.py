"""Actions that would be refused as things are, or go further than they look, are warned of where they are written."""

from pathlib import Path

import pytest

from responder.rules.lacking import lacking
from responder.rules.loading import check
from responder.rules.powerless import powerless
from responder.settings.process import Settings
from responder.wiring import plugins

ANN = {"ann": {"token": "a", "roles": ["on-call"]}}
BOTH = {**ANN, "bob": {"token": "b", "roles": ["on-call", "security"]}}


class Written:
    """A rule file with these actions, one on each line from the sixth."""

    def __init__(self, path: Path, *actions: str, more: str = "") -> None:
        lines = "".join(f"\n      {action}" for action in actions)
        path.write_text(
            "rules:\n  - {name: errors, match: ['alertname=\"Errors\"'], playbook: errors}\n"
            f"playbooks:\n  errors:\n    actions:{lines}\n{more}"
        )
        report = check([path], plugins())
        assert [str(problem) for problem in report.errors] == []
        self.ruleset = report.ruleset

    def lacks(self, **settings: object) -> list[str]:
        """Say what is warned of with these settings."""
        known = Settings.model_validate({"automation": "approve", **settings})
        found = lacking(self.ruleset, plugins(), known)
        return [f"{p.origin.line}: {p.message.replace(' of own/errors', '')}" for p in found]

    def alone(self) -> list[str]:
        """Say what is warned of without settings."""
        return [
            f"{p.origin.line}: {p.message.replace(' of own/errors', '')}" for p in powerless(self.ruleset, plugins())
        ]


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return tmp_path / "own.yaml"


def test_programs_that_the_settings_do_not_allow_are_named(own: Path) -> None:
    rules = Written(
        own,
        "heap: {evidence.capture: {exec: [{argv: [node, -e, x]}, {argv: [jmap]}]}, mode: approve}",
        'any: {kubernetes.exec: {argv: ["${labels.program}"]}, mode: approve, guard: {evidence: [heap]}}',
        "seen: {kubernetes.exec: {argv: [kill]}, mode: suggest}",
    )
    assert rules.lacks(people=ANN, actions={"programs": ["node -e y"]}) == [
        "6: action heap runs `jmap`, which actions.programs does not allow",
        "6: action heap runs `node -e x`, which actions.programs does not allow",
    ]
    assert rules.lacks(people=ANN, actions={"programs": ["node -e x", "jmap", "jstack"]}) == []


def test_people_who_are_needed_and_not_there_are_missed(own: Path) -> None:
    rules = Written(
        own,
        "restart: {kubernetes.rollout_restart: {}, mode: approve}",
        "flush: {redis.flush_db: {source: s}, mode: approve, guard: {evidence: [keep]}}",
        "lock: {kubernetes.rollout_restart: {}, mode: approve, guard: {approvers: [security], approvals: 2}}",
        "keep: {evidence.capture: {logs: true}}",
        more="teams: {default: {receivers: {security: {console: {}}}}}\n",
    )
    redis = {"redis": {"s": {"url": "redis://a"}}}
    many = "and of those in `people`"
    assert rules.lacks(datasources=redis) == [
        f"6: action restart needs the yes of 1 person, {many} nobody may say it",
        f"7: action flush needs the yes of 2 people, {many} nobody may say it",
        "8: action lock asks for the yes of the role security, which nobody in `people` has",
    ]
    assert rules.lacks(datasources=redis, people=BOTH) == [
        f"8: action lock needs the yes of 2 people, {many} 1 may say it"
    ]


def test_what_is_only_suggested_misses_nobody(own: Path) -> None:
    rules = Written(own, "restart: {kubernetes.rollout_restart: {}, mode: approve}")
    assert rules.lacks(automation="suggest") == []


def test_the_steps_of_a_sequence_need_what_they_would_alone(own: Path) -> None:
    rules = Written(
        own,
        "all: {do: [heap, flush], mode: approve, guard: {evidence: [heap]}}",
        "heap: {evidence.capture: {exec: [{argv: [jmap]}]}}",
        "flush: {redis.flush_db: {source: s}}",
    )
    said = rules.lacks(people=ANN, datasources={"redis": {"s": {"url": "redis://a"}}})
    assert said == [
        "6: action all needs the yes of 2 people, and of those in `people` 1 may say it",
        "7: action heap runs `jmap`, which actions.programs does not allow",
    ]


def test_a_namespace_where_it_is_always_refused_is_told(own: Path) -> None:
    rules = Written(
        own,
        "dns: {kubernetes.patch_configmap: {namespace: kube-system, name: c, set: {a: b}}, mode: approve}",
        "shop: {kubernetes.patch_configmap: {namespace: shop, name: c, set: {a: b}}, mode: approve}",
        "pay: {kubernetes.patch_configmap: {namespace: pay-1, name: c, set: {a: b}}, mode: approve}",
        more='teams: {pay: {namespaces: ["pay-.*"], packs: [own], receivers: {r: {console: {}}}}}\n',
    )
    outside = "which is none of pay-.* (`only_in`, or the namespaces of its team): it is always refused"
    assert rules.alone() == [
        "6: action dns acts in kube-system, where nothing is ever done (`never`): it is always refused",
        f"7: action shop acts in shop, {outside}",
    ]


def test_what_destroys_by_itself_is_told(own: Path) -> None:
    rules = Written(
        own,
        "flush: {redis.flush_db: {source: s}, mode: auto, guard: {evidence: [keep]}}",
        "ask: {redis.flush_db: {source: s}, mode: approve, guard: {evidence: [keep]}}",
        "all: {do: [ask], mode: auto}",
        "restart: {kubernetes.rollout_restart: {}, mode: auto}",
        "idle: {postgres.terminate_backends: {source: s, idle_for: 10m, cap: 5}, mode: auto}",
        "keep: {evidence.capture: {logs: true}, mode: auto}",
    )
    destroys = "goes by itself (`auto`), and redis.flush_db destroys what cannot be brought back"
    assert rules.alone() == [f"6: action flush {destroys}", f"8: action all {destroys}"]
    redis = {"redis": {"s": {"url": "redis://a"}}}
    assert not any("by itself" in line for line in rules.lacks(people=BOTH, datasources=redis))


def test_the_shipped_packs_say_what_they_need(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    report = check([root / "rules" / "ai-orchestrator", root / "rules" / "kubernetes"], plugins())
    assert powerless(report.ruleset, plugins()) == ()
    settings = {"automation": "approve", "people": BOTH, "datasources": {"redis": {"sessions": {"url": "redis://a"}}}}
    said = [problem.message for problem in lacking(report.ruleset, plugins(), Settings.model_validate(settings))]
    heap = "node -e require('heapdump').writeSnapshot('/tmp/heap.heapsnapshot')"
    assert said == [f"action heap of ai-orchestrator/memory-leak runs `{heap}`, which actions.programs does not allow"]


def test_what_its_own_playbook_forbids_is_told(own: Path) -> None:
    rules = Written(
        own,
        "again: {kubernetes.rollout_restart: {}, mode: approve}",
        'flag: {kubernetes.patch_configmap: {name: c, set: {A: "1"}, restart: true}, mode: approve}',
        'quiet: {kubernetes.patch_configmap: {name: c, set: {A: "${inputs.a}"}}, inputs: {a: {type: string}}}',
        more="    forbid: [kubernetes.rollout_restart]\n",
    )
    told = "does kubernetes.rollout_restart, which its own playbook forbids (`forbid`): it is never offered"
    assert rules.alone() == [f"6: action again {told}", f"7: action flag {told}"]
