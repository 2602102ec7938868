"""`responder serve` as a process: it starts, says where, stops when told, and refuses what cannot work."""

import asyncio
import signal
import socket
from pathlib import Path

import aiohttp
import pytest

from tests.servers.responder import Run
from tests.web.test_webhook import DELIVERY


async def test_it_serves_until_it_is_told_to_stop(run_responder: Run) -> None:
    responder = run_responder()
    await responder.start()
    assert await responder.post(DELIVERY) == 200
    assert (await responder.get("/readyz"))["ready"] is True
    assert await responder.stop() == 0
    events = [line["event"] for line in responder.log]
    assert [event for event in events if event in ("serving", "stopping", "stopped")] == [
        "serving",
        "stopping",
        "stopped",
    ]
    assert responder.errors == []


async def test_an_interrupt_stops_it_as_gently(run_responder: Run) -> None:
    responder = run_responder()
    await responder.start()
    responder.signal(signal.SIGINT)
    assert await responder.ended() == 0


async def test_a_delivery_becomes_an_incident_that_outlives_the_process(run_responder: Run) -> None:
    first = run_responder()
    await first.start()
    assert await first.post(DELIVERY) == 200
    await first.stop()
    second = run_responder()
    await second.start()
    async with asyncio.timeout(20):
        while not (alerts := [a for one in (await second.get("/v1/incidents"))["incidents"] for a in one["alerts"]]):
            await asyncio.sleep(0.05)
    assert [alert["labels"]["alertname"] for alert in alerts] == ["HighErrorRate"]


async def test_a_second_process_on_the_same_file_is_refused(run_responder: Run) -> None:
    first, second = run_responder(), run_responder()
    await first.start()
    await second.launch()
    assert await second.ended() == 3
    assert f"Another responder process (pid {first.pid}) uses responder.db" in " ".join(second.errors)
    assert (await first.get("/readyz"))["ready"] is True


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"webhook": {}}, "the webhook is open to everybody: set webhook.bearer_tokens"),
        ({"webhok": {}}, "webhok: there is no such setting; did you mean webhook?"),
        ({"rules": ["/does/not/exist"]}, "/does/not/exist"),
        ({"database_url": "sqlite:///"}, "sqlite:/// needs the path of a file"),
        ({"tls": {"certificate": "/no.pem", "key": "/no.key"}}, "tls: cannot use the certificate"),
    ],
)
async def test_what_cannot_work_is_said_in_plain_words(
    run_responder: Run, settings: dict[str, object], says: str
) -> None:
    responder = run_responder(**settings)
    await responder.launch()
    assert await responder.ended() == 2
    assert says in " ".join(responder.errors)
    assert "Traceback" not in " ".join(responder.errors)
    assert [path.name for path in responder.folder.iterdir()] == ["responder.yaml"]


@pytest.mark.parametrize(
    ("url", "says", "status"),
    [
        ("sqlite:///not/mounted/a.db", "not/mounted: make or mount it", 2),
        ("sqlite:///responder.yaml", "responder.yaml is not a database of ours: move it away", 2),
        ("postgresql://nobody@127.0.0.1:9/none", "database_url", 4),
    ],
)
async def test_a_store_that_cannot_be_opened_is_said_in_plain_words(
    run_responder: Run, url: str, says: str, status: int
) -> None:
    responder = run_responder(database_url=url)
    await responder.launch()
    assert await responder.ended() == status
    assert says in " ".join(responder.errors)
    assert "Traceback" not in " ".join(responder.errors)


async def test_names_that_the_settings_lack_are_said_at_the_start(run_responder: Run, tmp_path: Path) -> None:
    rules = tmp_path / "own.yaml"
    rules.write_text("teams:\n  default: {receivers: {on-call: {pagerduty: {service: platform}}}}\n")
    responder = run_responder(rules=[str(rules)])
    await responder.start()
    (said,) = (line for line in responder.log if line["event"] == "rules.missing")
    assert (said["level"], said["at"]) == ("warning", f"{rules}:2:25")
    assert "pagerduty.services.platform" in said["why"]


async def test_a_port_that_is_taken_is_said_in_plain_words(run_responder: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        responder = run_responder(listen=f"127.0.0.1:{taken.getsockname()[1]}")
        await responder.launch()
        assert await responder.ended() == 2
    assert "change `listen`" in " ".join(responder.errors)


async def test_settings_come_from_variables_and_secret_files_alone(run_responder: Run, tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text("from-a-file\n")
    environ = {"RESPONDER_WEBHOOK__BEARER_TOKENS_FILE": str(tmp_path / "tokens")}
    responder = run_responder(environ=environ)
    await responder.start()
    headers = {"Authorization": "Bearer from-a-file"}
    async with aiohttp.request("GET", f"{responder.url}/v1/incidents", headers=headers) as answer:
        assert answer.status == 200
    assert not any("from-a-file" in str(line) for line in (*responder.log, *responder.errors))


async def test_the_flag_and_the_setting_make_a_dry_run_and_neither_none(run_responder: Run) -> None:
    for flags, automation, dry in (
        (("--dry-run",), "suggest", True),
        ((), {"dry_run": True}, True),
        ((), "auto", False),
    ):
        responder = run_responder(automation=automation)
        responder.flags = flags
        await responder.start()
        assert (await responder.said("serving"))["dry_run"] is dry
        await responder.stop()
