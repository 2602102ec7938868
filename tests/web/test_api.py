"""The API shows incidents in the promised shape."""

from dataclasses import replace
from datetime import timedelta

import aiohttp
import pytest

from responder.model.alert import Episode
from responder.model.finding import Diagnosis, DiagnosticStatus, Finding, Proposal, Reading
from responder.model.incident import Incident, Status
from responder.model.message import Own, Value
from responder.model.target import Target
from responder.model.timeline import AlertFired, Diagnosed, Found, Opened
from tests.web.house import NOW, House

TARGET = Target("default", "Deployment", "prod", "api", "api")


def incident(number: int, *, status: Status = Status.OPEN, severity: str = "critical") -> Incident:
    ended = NOW if status is Status.RESOLVED else None
    return Incident(
        number=number,
        rule="pack/errors",
        key="default",
        cluster="default",
        target=TARGET,
        severity=severity,
        title=f"Errors {number}",
        opened_at=NOW,
        started_at=NOW - timedelta(minutes=1),
        status=status,
        resolved_at=ended,
        episodes=(
            Episode("b" * 16, NOW - timedelta(seconds=30), ended, {"alertname": "B"}, {}),
            Episode("a" * 16, NOW - timedelta(minutes=1), NOW, {"alertname": "A"}, {}),
        ),
    )


async def get(client: aiohttp.ClientSession, house: House, path: str) -> tuple[int, dict]:  # type: ignore[type-arg]
    async with client.get(f"{house.url}{path}") as answer:
        return answer.status, await answer.json()


async def test_a_list_has_the_promised_shape(house: House, client: aiohttp.ClientSession) -> None:
    await house.put(incident(1))
    status, body = await get(client, house, "/v1/incidents")
    assert status == 200
    assert body == {
        "incidents": [
            {
                "id": "INC-1",
                "rule": "pack/errors",
                "severity": "critical",
                "status": "open",
                "title": "Errors 1",
                "opened_at": "2026-03-01T12:00:00Z",
                "resolved_at": None,
                "alerts_total": 2,
                "alerts": [
                    {
                        "fingerprint": "a" * 16,
                        "status": "resolved",
                        "labels": {"alertname": "A"},
                        "starts_at": "2026-03-01T11:59:00Z",
                        "ends_at": "2026-03-01T12:00:00Z",
                    },
                    {
                        "fingerprint": "b" * 16,
                        "status": "firing",
                        "labels": {"alertname": "B"},
                        "starts_at": "2026-03-01T11:59:30Z",
                        "ends_at": None,
                    },
                ],
            }
        ],
        "next": None,
    }


async def test_pages_follow_one_another_without_gap_or_repetition(house: House, client: aiohttp.ClientSession) -> None:
    await house.put(*(incident(number) for number in range(1, 6)))
    seen, path = [], "/v1/incidents?limit=2"
    while path:
        _, body = await get(client, house, path)
        seen.extend(one["id"] for one in body["incidents"])
        path = f"/v1/incidents?limit=2&after={body['next']}" if body["next"] else ""
    assert seen == ["INC-5", "INC-4", "INC-3", "INC-2", "INC-1"]


async def test_a_list_can_be_narrowed(house: House, client: aiohttp.ClientSession) -> None:
    await house.put(incident(1, status=Status.RESOLVED), incident(2, severity="warning"), incident(3))
    _, resolved = await get(client, house, "/v1/incidents?status=resolved")
    _, medium = await get(client, house, "/v1/incidents?severity=MEDIUM")
    assert [one["id"] for one in resolved["incidents"]] == ["INC-1"]
    assert [one["id"] for one in medium["incidents"]] == ["INC-2"]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("status=closed", "status: must be 'open', 'acknowledged', 'monitoring' or 'resolved'"),
        ("severity=terrible", "there are: critical, warning, info"),
        ("limit=0", "limit: must be greater than or equal to 1"),
        ("limit=many", "limit: must be a valid integer"),
        ("after=yesterday", "after: must be the `next` of the page before"),
        ("state=open", "state: there is no such parameter; there are: limit, status, severity, rule, after"),
        ("status=open&status=resolved", "status: give it once"),
    ],
)
async def test_a_wrong_parameter_is_answered_with_what_there_is(
    house: House, client: aiohttp.ClientSession, query: str, says: str
) -> None:
    status, body = await get(client, house, f"/v1/incidents?{query}")
    assert status == 400
    assert says in body["error"]


async def test_an_incident_shows_timeline_findings_and_proposals(house: House, client: aiohttp.ClientSession) -> None:
    reading = Reading("pods", DiagnosticStatus.FOUND, headline="1 of 2 ready", evidence=("api-1 is down",))
    say = (Own("Errors at "), Value("12 %"))
    proposal = Proposal("roll-back", "kubernetes.rollout_undo", TARGET, {}, ("kubectl rollout undo",), "approve", NOW)
    whole = replace(
        incident(7),
        findings=(Finding("severe", say, cause="deployment", as_of=NOW),),
        diagnoses={"pods": Diagnosis("pods", DiagnosticStatus.FOUND, 1, reading, NOW)},
        proposals=(proposal,),
    )
    await house.put(whole)
    await house.happened(7, Opened("pack/errors", "critical", "label severity"), Found("severe", say, "deployment"))
    status, body = await get(client, house, "/v1/incidents/INC-7")
    assert status == 200
    assert body["target"] == "deployment/api in prod"
    assert [(finding["say"], finding["cause"]) for finding in body["findings"]] == [("Errors at 12 %", "deployment")]
    assert [(one["name"], one["headline"]) for one in body["diagnostics"]] == [("pods", "1 of 2 ready")]
    assert [one["commands"] for one in body["proposals"]] == [["kubectl rollout undo"]]
    assert [(entry["id"], entry["what"]["kind"]) for entry in body["timeline"]] == [(1, "opened"), (2, "found")]


async def test_a_list_shows_at_most_a_hundred_alerts_of_an_incident_and_counts_all(
    house: House, client: aiohttp.ClientSession
) -> None:
    many = [
        Episode(f"{n:016x}", NOW - timedelta(minutes=n), NOW if n > 2 else None, {"alertname": "A"}, {})
        for n in range(150)
    ]
    await house.put(replace(incident(1), episodes=tuple(many)))
    _, body = await get(client, house, "/v1/incidents")
    shown = body["incidents"][0]
    assert (len(shown["alerts"]), shown["alerts_total"]) == (100, 150)
    assert [alert["status"] for alert in shown["alerts"]][-4:] == ["resolved", "firing", "firing", "firing"]
    _, whole = await get(client, house, "/v1/incidents/INC-1")
    assert (len(whole["alerts"]), whole["alerts_total"]) == (150, 150)


async def test_a_timeline_comes_in_pages(house: House, client: aiohttp.ClientSession) -> None:
    await house.put(incident(1))
    await house.happened(1, *(Opened(f"pack/{n}", "critical", "") for n in range(5)))
    seen, path = [], "/v1/incidents/INC-1?limit=2"
    while path:
        _, body = await get(client, house, path)
        assert len(body["timeline"]) <= 2
        seen.extend(entry["what"]["rule"] for entry in body["timeline"])
        after = body["timeline_next"]
        path = f"/v1/incidents/INC-1?limit=2&timeline_after={after}" if after else ""
    assert seen == [f"pack/{n}" for n in range(5)]


async def test_an_incident_shows_its_alerts_before_its_first_turn(house: House, client: aiohttp.ClientSession) -> None:
    whole = incident(1)
    await house.put(replace(whole, episodes=()))
    await house.saw(*whole.episodes, rule="pack/errors", incident=1)
    _, listed = await get(client, house, "/v1/incidents")
    _, shown = await get(client, house, "/v1/incidents/INC-1")
    for one in (listed["incidents"][0], shown):
        assert [alert["labels"]["alertname"] for alert in one["alerts"]] == ["A", "B"]
        assert [alert["status"] for alert in one["alerts"]] == ["resolved", "firing"]


async def test_alerts_that_were_only_recorded_can_be_found(house: House, client: aiohttp.ClientSession) -> None:
    first, second = incident(1).episodes
    await house.saw(first, rule="pack/info")
    await house.saw(second, rule="pack/errors", incident=7)
    status, body = await get(client, house, "/v1/alerts")
    assert status == 200
    assert [(one["rule"], one["incident"]) for one in body["alerts"]] == [("pack/errors", "INC-7"), ("pack/info", None)]
    assert body["alerts"][1] == {
        "fingerprint": "b" * 16,
        "status": "firing",
        "labels": {"alertname": "B"},
        "annotations": {},
        "starts_at": "2026-03-01T11:59:30Z",
        "ends_at": None,
        "cluster": "default",
        "rule": "pack/info",
        "incident": None,
    }
    _, by_rule = await get(client, house, "/v1/alerts?rule=pack/info")
    _, by_print = await get(client, house, f"/v1/alerts?fingerprint={'a' * 16}")
    assert [one["fingerprint"][0] for one in (*by_rule["alerts"], *by_print["alerts"])] == ["b", "a"]


async def test_pages_of_alerts_follow_one_another(house: House, client: aiohttp.ClientSession) -> None:
    await house.saw(*(replace(incident(1).episodes[0], fingerprint=f"{n:016x}") for n in range(5)), rule="pack/info")
    seen, path = [], "/v1/alerts?limit=2"
    while path:
        _, body = await get(client, house, path)
        seen.extend(int(one["fingerprint"], 16) for one in body["alerts"])
        path = f"/v1/alerts?limit=2&after={body['next']}" if body["next"] else ""
    assert seen == [4, 3, 2, 1, 0]
    assert (await get(client, house, "/v1/alerts?after=x"))[0] == 400


@pytest.mark.parametrize("name", ["INC-9", "INC-", "nonsense", "%25", "INC-99999999999999999999"])
async def test_an_unknown_incident_is_404(house: House, client: aiohttp.ClientSession, name: str) -> None:
    status, body = await get(client, house, f"/v1/incidents/{name}")
    assert status == 404
    assert "there is no incident" in body["error"]


async def test_with_the_store_down_the_api_says_so(house: House, client: aiohttp.ClientSession) -> None:
    await house.lose_store()
    status, body = await get(client, house, "/v1/incidents")
    assert (status, body) == (503, {"error": "the store is closed"})


async def test_rejected_deliveries_are_listed_newest_first(house: House, client: aiohttp.ClientSession) -> None:
    for body in (b"{", b"\xff"):
        headers = {"Content-Type": "application/json", "User-Agent": "Alertmanager/0.34"}
        async with client.post(house.webhook, data=body, headers=headers):
            pass
    status, found = await get(client, house, "/v1/deliveries/rejected?limit=1")
    assert status == 200
    assert found["total"] == 2
    assert [(one["id"], one["status"], one["body"], one["sender"]) for one in found["rejected"]] == [
        (2, 400, "\ufffd", "127.0.0.1 Alertmanager/0.34")
    ]


async def test_head_is_answered_like_get_without_a_body(house: House, client: aiohttp.ClientSession) -> None:
    async with client.head(f"{house.url}/v1/incidents") as answer:
        assert answer.status == 200
        assert await answer.read() == b""


async def test_an_incident_is_shown_as_a_recording_that_can_be_played(
    house: House, client: aiohttp.ClientSession, stranger: aiohttp.ClientSession
) -> None:
    await house.put(incident(1), incident(2))
    reading = Reading("rate", DiagnosticStatus.FOUND, {"value": 0.12, "at": "2026-03-01T11:48:00Z"}, headline="12 %")
    await house.happened(
        1,
        AlertFired("a" * 16, NOW - timedelta(minutes=1), {"alertname": "A"}, {"note": "password=hunter2"}),
        Diagnosed("rate", 1, reading, took=0.25),
    )
    status, body = await get(client, house, "/v1/incidents/INC-1/recording")
    assert (status, body["incident"], body["start"]) == (200, "INC-1", "2026-03-01T12:00:00Z")
    (delivery,) = body["deliveries"]
    (alert,) = delivery["body"]["alerts"]
    assert (delivery["at"], alert["fingerprint"], alert["annotations"]) == (
        "0s",
        "a" * 16,
        {"note": "password=[redacted]"},
    )
    (run,) = body["diagnostics"]["rate"]
    assert (run["result"], run["headline"], run["took"], run["since"]) == (
        {"value": 0.12, "at": "start-12m"},
        "12 %",
        "250ms",
        "0s",
    )
    assert (await get(stranger, house, "/v1/incidents/INC-1/recording"))[0] == 401
    status, body = await get(client, house, "/v1/incidents/INC-2/recording")
    assert (status, body["error"]) == (404, "INC-2 cannot be played again: no delivery of Alertmanager opened it")
    assert (await get(client, house, "/v1/incidents/INC-3/recording"))[0] == 404
