"""The pack for kube-prometheus-stack takes the alerts that it is for, with the labels that they really carry."""

from pathlib import Path

import pytest

from responder.rules.loading import check
from responder.rules.rulebook import Rulebook
from responder.wiring import plugins
from tests.response.test_targets import SAMPLES

PACK = Path(__file__).parents[2] / "rules" / "kubernetes"
PLAYBOOKS = {
    "workload": """KubePodCrashLooping KubePodNotReady KubeContainerWaiting KubeDeploymentReplicasMismatch
        KubeDeploymentRolloutStuck KubeDeploymentGenerationMismatch KubeStatefulSetReplicasMismatch
        KubeStatefulSetUpdateNotRolledOut KubeDaemonSetRolloutStuck KubeDaemonSetNotScheduled""",
    "job": "KubeJobFailed KubeJobNotCompleted",
    "autoscaler": "KubeHpaMaxedOut KubeHpaReplicasMismatch",
    "throttled": "CPUThrottlingHigh",
    "storage": "KubePersistentVolumeFillingUp KubePersistentVolumeInodesFillingUp KubePersistentVolumeErrors",
    "node": """KubeNodeNotReady KubeNodeUnreachable KubeNodeReadinessFlapping KubeNodePressure
        NodeFilesystemSpaceFillingUp NodeMemoryMajorPagesFaults""",
    "scrape": "TargetDown",
    "pipeline": "AlertmanagerFailedReload PrometheusBadConfig PrometheusOperatorListErrors",
    "control-plane": """etcdHighCommitDurations KubeAPIDown KubeAPIErrorBudgetBurn KubeControllerManagerDown
        KubeSchedulerDown KubeProxyDown""",
}
"""What each playbook is for, by the names in kube-prometheus-stack."""


@pytest.fixture(scope="module")
def pack() -> Rulebook:
    return Rulebook(check([PACK], plugins()).ruleset)


def labels_of(name: str) -> dict[str, str]:
    """Return real labels of the alert, where there is a sample."""
    return {"alertname": name, **SAMPLES.get(name, ({}, None))[0]}


@pytest.mark.parametrize(("playbook", "name"), [(p, name) for p, names in PLAYBOOKS.items() for name in names.split()])
def test_an_alert_finds_the_playbook_of_its_kind_of_object(pack: Rulebook, playbook: str, name: str) -> None:
    assert pack.match(labels_of(name)).playbook == f"kubernetes/{playbook}"


def test_the_watchdog_is_a_heartbeat_and_the_inhibitor_is_only_recorded(pack: Rulebook) -> None:
    assert pack.match(labels_of("Watchdog")).heartbeat is not None
    assert pack.match(labels_of("InfoInhibitor")).record_only


def test_every_playbook_is_for_an_alert_of_the_table(pack: Rulebook) -> None:
    own = {name for name in pack.ruleset.playbooks if name.startswith("kubernetes/")}
    assert own == {f"kubernetes/{name}" for name in PLAYBOOKS}


def test_nothing_in_it_acts(pack: Rulebook) -> None:
    actions = [action for playbook in pack.ruleset.playbooks.values() for action in playbook.actions]
    assert len(actions) == 2
    assert {action.mode for action in actions} == {"suggest"}
