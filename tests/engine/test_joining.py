"""Several rules share one incident: their playbooks join, on both stores."""

from responder.model import codec
from responder.model.finding import DiagnosticStatus
from tests.engine.conftest import Build
from tests.engine.world import RULES, World, alert

TWO = (
    RULES.replace("correlate_by: [namespace]", "correlate_by: [namespace]\n    correlate_as: trouble")
    .replace(
        "rules:\n",
        """rules:
  - name: latency
    match: ['alertname="SlowRequests"']
    correlate_by: [namespace]
    correlate_as: trouble
    severity: {label: severity, otherwise: warning}
    playbook: latency
""",
        1,
    )
    .replace(
        "playbooks:\n",
        """playbooks:
  latency:
    diagnose:
      rate: {trial.answer: {value: 0.7}}
      slow: {trial.answer: {value: 3}}
    conclude:
      - {name: slow, when: 'slow.value > 2.0', say: "Requests take ${slow.value} s"}
""",
        1,
    )
)


async def playbook_of(world: World) -> str:
    """Name the playbook that the store keeps with the only incident."""
    ((body,),) = await world.store.read("playbook_read", (await world.only()).playbook)
    return str(codec.PLAYBOOK.load(body).name)


async def test_the_diagnostics_of_another_rule_join(start: Build) -> None:
    world = await start(rules=TWO)
    await world.deliver(alert())
    assert list((await world.only()).diagnoses) == ["rate"]
    await world.deliver(alert("SlowRequests"))
    incident = await world.only()
    assert incident.rules == ("rules/errors", "rules/latency")
    assert await playbook_of(world) == "rules/errors + rules/latency"
    assert incident.diagnoses["slow"].status is DiagnosticStatus.FOUND
    assert incident.diagnoses["rate"].reading is not None
    assert incident.diagnoses["rate"].reading.result["value"] == 0.2
    assert [finding.name for finding in incident.findings] == ["many"]


async def test_a_severer_rule_leads(start: Build) -> None:
    world = await start(rules=TWO)
    await world.deliver(alert())
    await world.deliver(alert("SlowRequests", severity="critical"))
    await world.later(minutes=1)
    incident = await world.only()
    assert incident.severity == "critical"
    assert await playbook_of(world) == "rules/latency + rules/errors"
    assert incident.diagnoses["rate"].reading is not None
    assert incident.diagnoses["rate"].reading.result["value"] == 0.7
    assert [finding.name for finding in incident.findings] == ["slow"]


async def test_playbooks_of_alerts_that_come_together_join_at_once_and_last_over_a_restart(start: Build) -> None:
    world = await start(rules=TWO)
    await world.deliver(alert(), alert("SlowRequests"))
    assert set((await world.only()).diagnoses) == {"rate", "slow"}
    other = await start(rules=TWO) if world.store.shared else world
    await other.deliver(alert(status="resolved", end=30))
    assert await playbook_of(other) == "rules/errors + rules/latency"
    await world.engine.keeper.step()
    assert await playbook_of(world) == "rules/errors + rules/latency"
