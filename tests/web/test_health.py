"""Health says how things are, also when they are bad."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from responder.engine.views import Counts
from responder.model.action import Stop
from responder.web.metrics import Metrics
from tests.web.house import NOW, House
from tests.web.test_api import incident
from tests.web.test_webhook import DELIVERY, JSON


async def test_readiness_names_the_store_the_rules_and_each_dependency(
    house: House, stranger: aiohttp.ClientSession
) -> None:
    async with stranger.get(f"{house.url}/readyz") as answer:
        assert (answer.status, await answer.json()) == (
            200,
            {
                "ready": True,
                "store": {"ok": True, "detail": ""},
                "rules": {"ok": True, "detail": f"version {house.rules_version}"},
                "dependencies": {"slack": {"ok": True, "detail": "not asked yet"}},
            },
        )


async def test_without_the_store_it_is_alive_but_not_ready(house: House, stranger: aiohttp.ClientSession) -> None:
    await house.lose_store()
    async with stranger.get(f"{house.url}/readyz") as answer:
        assert (answer.status, (await answer.json())["store"]["ok"]) == (503, False)
    async with stranger.get(f"{house.url}/healthz") as answer:
        assert answer.status == 200


async def scrape(house: House, session: aiohttp.ClientSession) -> dict[str, float]:
    async with session.get(f"{house.url}/metrics") as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        text = await answer.text()
    return {
        sample.name + "".join(f"/{value}" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_metrics_say_what_waits_and_what_is_open(
    house: House, client: aiohttp.ClientSession, stranger: aiohttp.ClientSession
) -> None:
    await house.put(incident(1), incident(2), incident(3, severity="warning"))
    async with client.post(house.webhook, data=DELIVERY, headers=JSON):
        pass
    found = await scrape(house, stranger)
    assert found["responder_incidents_open/critical"] == 2
    assert found["responder_incidents_open/warning"] == 1
    assert found["responder_inbox_deliveries"] == 1
    assert found["responder_correlate_lag_seconds"] == 0
    assert found["responder_deliveries_accepted_total"] == 1
    assert found["responder_store_up"] == 1
    assert found["responder_intake_bytes"] == 0


def test_the_lag_is_the_age_of_the_oldest_delivery_that_waits() -> None:
    text = Metrics("1.2.3").write(Counts(3, NOW - timedelta(seconds=90), {}, 0, {}), 0, NOW).decode()
    assert "responder_correlate_lag_seconds 90.0" in text
    assert "responder_inbox_deliveries 3.0" in text


async def test_metrics_are_there_while_the_store_is_down(house: House, stranger: aiohttp.ClientSession) -> None:
    await house.lose_store()
    assert (await scrape(house, stranger))["responder_store_up"] == 0


def test_the_alerts_about_responder_itself_ask_for_metrics_that_there_are() -> None:
    metrics = Metrics("1.2.3", ["slack"])
    text = metrics.write(Counts(0, None, {}, 0, {"notify": 1}), 0, NOW).decode()
    written = {sample.name for family in text_string_to_metric_families(text) for sample in family.samples}
    rules = (Path(__file__).parents[2] / "deploy" / "prometheus" / "responder.rules.yml").read_text(encoding="utf-8")
    asked = set(re.findall(r"responder_\w+", rules))
    assert len(asked) >= 7
    assert asked <= written


def test_what_is_watched_counts_from_zero() -> None:
    text = Metrics("1.2.3", ["slack"]).write(None, 0, NOW, writable=True).decode()
    for line in (
        'responder_notifications_total{notifier="slack",outcome="refused"} 0.0',
        'responder_deliveries_rejected_total{status="422"} 0.0',
        'responder_attempts_moved_total{state="failed"} 0.0',
    ):
        assert line in text


def test_a_store_that_cannot_be_written_is_not_up() -> None:
    counts = Counts(0, None, {}, 0, {"page": 3}, undelivered=2, set_aside=4)
    text = Metrics("1.2.3").write(counts, 0, NOW, writable=False).decode()
    for line in (
        "responder_store_up 0.0",
        'responder_commands_waiting{kind="page"} 3.0',
        "responder_alerts_undelivered 2.0",
        "responder_alerts_set_aside 4.0",
    ):
        assert line in text


def shown(metrics: Metrics, **counts: Any) -> str:
    return metrics.write(Counts(0, None, {}, 0, {}, **counts), 0, NOW).decode()


def test_what_waits_for_people_is_shown_with_how_long_it_has_waited() -> None:
    text = shown(
        Metrics("1.2.3"), attempts={"proposed": 2, "in doubt": 1}, approvals=1, asked_at=NOW - timedelta(minutes=20)
    )
    for line in (
        'responder_attempts{state="proposed"} 2.0',
        'responder_attempts{state="in_doubt"} 1.0',
        'responder_attempts{state="running"} 0.0',
        "responder_approvals_waiting 1.0",
        "responder_approval_wait_seconds 1200.0",
    ):
        assert line in text


def test_each_outcome_of_an_action_is_counted_by_its_plugin() -> None:
    metrics = Metrics("1.2.3")
    for outcome in ("done", "failed", "done"):
        metrics.acted("kubernetes.scale", outcome, timedelta(seconds=2))
    metrics.moved("in doubt")
    text = shown(metrics)
    for line in (
        'responder_actions_total{outcome="done",plugin="kubernetes.scale"} 2.0',
        'responder_actions_total{outcome="failed",plugin="kubernetes.scale"} 1.0',
        'responder_action_seconds_sum{plugin="kubernetes.scale"} 6.0',
        'responder_attempts_moved_total{state="in_doubt"} 1.0',
    ):
        assert line in text


def test_a_stop_is_shown_while_it_stands_whoever_made_it() -> None:
    def stands(stop: Stop | None, *, settings: bool = False) -> bool:
        return "responder_automation_stopped 1.0" in shown(Metrics("1.2.3", stopped=settings), stop=stop)

    assert not stands(None)
    assert stands(None, settings=True)
    assert stands(Stop("ann", NOW))
    assert stands(Stop("ann", NOW, NOW + timedelta(minutes=1)))
    assert not stands(Stop("ann", NOW, NOW))
