"""`responder doctor` names what is wrong and its cure, asks real servers, and changes nothing anywhere."""

import asyncio
import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from responder.cli.checkup import Check, Finding, State, Watch, examine, timed, without_secrets
from responder.cli.main import app
from responder.errors import NotLetIn
from responder.settings.section import Section
from responder.store.opening import open_store
from tests.servers.mail import FakeMail
from tests.servers.postgres import Postgres
from tests.servers.processes import Server, free_port
from tests.servers.s3 import Buckets
from tests.servers.slack import FakeSlack
from tests.servers.web import WebServers

SECRET = "hunter2-and-more"
ACTING = """
rules: [{name: r, match: ['namespace="shop"'], playbook: p}]
playbooks:
  p:
    actions:
      restart: {kubernetes.rollout_restart: {}, mode: approve, guard: {approvals: 2, approvers: [on-call]}}
      heap: {evidence.capture: {logs: true}, mode: approve}
teams: {default: {receivers: {on-call: {console: {}}, incidents: {console: {}}}}}
"""


@dataclass
class Doctor:
    """A folder with settings, and the command run in it."""

    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)

    def write(self, **settings: Any) -> Path:
        """Write the settings; what a test does not name is as well as can be."""
        whole = {
            "webhook": {"bearer_tokens": ["a-token-of-alertmanager"]},
            "database_url": f"sqlite:///{self.folder / 'responder.db'}",
            "rules": [],
        }
        path = self.folder / "responder.yaml"
        path.write_text(yaml.safe_dump(whole | self.settings | settings))
        return path

    async def run(self, *words: str, **settings: Any) -> Result:
        """Run the command beside the servers of this test."""
        path = self.write(**settings)
        return await asyncio.to_thread(CliRunner().invoke, app, ["doctor", "--config", str(path), *words])

    async def findings(self, **settings: Any) -> dict[str, dict[str, str]]:
        """Run it and return each finding by what it is about; of several the last one."""
        done = await self.run("--format", "json", **settings)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return {one["what"]: one for one in json.loads(done.stdout)}


@pytest.fixture
def doctor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Doctor:
    for name in ("RESPONDER_CONFIG",):
        monkeypatch.delenv(name, raising=False)
    return Doctor(tmp_path)


async def test_a_house_that_is_well_ends_with_0(doctor: Doctor) -> None:
    (doctor.folder / "rules.yaml").write_text("rules: [{name: r, match: ['alertname=\"A\"'], record_only: true}]")
    done = await doctor.run(rules=["rules.yaml"])
    assert done.exit_code == 0, done.output
    assert "all is well" in done.output


async def test_what_failed_ends_with_1_and_wrong_settings_with_an_error_of_their_own(doctor: Doctor) -> None:
    done = await doctor.run(prometheus={"url": f"http://127.0.0.1:{free_port()}"})
    assert done.exit_code == 1
    assert "✗ failed" in done.stdout
    assert "see that it is up, and that we reach it: prometheus" in done.stdout
    wrong = await doctor.run(listen="nonsense")
    assert "listen" in str(wrong.exception)


# --- systems ---


@pytest.mark.alertmanager
async def test_prometheus_that_answers_is_ok_with_its_clock(doctor: Doctor, prometheus_server: Server) -> None:
    found = await doctor.findings(prometheus={"url": prometheus_server.url})
    assert found["prometheus/default"]["state"] == "ok"
    wrong = await doctor.findings(prometheus={"url": f"{prometheus_server.url}/nowhere"})
    assert wrong["prometheus/default"]["state"] == "failed"


@pytest.mark.postgres
async def test_a_database_is_asked_with_its_login(doctor: Doctor, postgres: Postgres) -> None:
    url = postgres.url()
    sources = {"postgres": {"orders": {"url": url}, "gone": {"url": url.replace("/postgres", "/nothing-there")}}}
    found = await doctor.findings(datasources=sources)
    assert found["postgres/default/orders"]["state"] == "warning"
    assert "superuser" in found["postgres/default/orders"]["detail"]
    assert found["postgres/default/gone"]["state"] == "failed"
    assert "datasources.postgres.gone.url" in found["postgres/default/gone"]["cure"]


@pytest.mark.redis
async def test_a_redis_is_asked_and_the_login_for_actions_where_they_may_run(
    doctor: Doctor, start_redis: Callable[..., Server]
) -> None:
    server = start_redis("--requirepass", SECRET)
    address = f"127.0.0.1:{server.port}/0"
    urls = {"url": f"redis://:{SECRET}@{address}", "action_url": f"redis://:wrong-{SECRET}@{address}"}
    quiet = await doctor.findings(datasources={"redis": {"cache": urls}}, redis_url=urls["url"])
    assert quiet["redis/default/cache"]["state"] == "ok"
    assert quiet["redis"]["state"] == "ok"
    assert "redis/default/cache (actions)" not in quiet
    acting = await doctor.findings(datasources={"redis": {"cache": urls}}, automation="approve")
    assert acting["redis/default/cache (actions)"]["state"] == "failed"
    assert acting["redis/default/cache (actions)"]["cure"] == "correct the login: datasources.redis.cache.action_url"


async def test_credentials_that_are_not_taken_fail_and_what_the_host_lacks_does_not(
    doctor: Doctor, web_servers: WebServers
) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=404 if request.headers.get("Authorization") == f"Bearer {SECRET}" else 401)

    url = await web_servers.serve(answer)
    named = {"good": {"url": url, "bearer_token": SECRET}, "bad": {"url": url, "bearer_token": "another-token"}}
    found = await doctor.findings(credentials=named)
    assert found["credentials/good"]["state"] == "ok"
    assert (found["credentials/bad"]["state"], found["credentials/bad"]["cure"]) == (
        "failed",
        "correct the login: credentials.bad",
    )


@pytest.mark.parametrize(("ahead", "said"), [(60, "60 s ahead of ours"), (-60, "s behind ours")])
async def test_a_server_whose_clock_is_off_fails_with_how_far(
    doctor: Doctor, web_servers: WebServers, ahead: int, said: str
) -> None:
    async def answer(_: web.Request) -> web.Response:
        at = datetime.now(UTC) + timedelta(seconds=ahead)
        return web.Response(headers={"Date": at.strftime("%a, %d %b %Y %H:%M:%S GMT")})

    url = await web_servers.serve(answer)
    found = await doctor.findings(credentials={"api": {"url": url}})
    assert found["credentials/api"]["state"] == "failed"
    assert said.removeprefix("60 ") in found["credentials/api"]["detail"]
    assert "NTP" in found["credentials/api"]["cure"]


def test_a_clock_within_five_seconds_and_a_slow_answer_are_no_trouble() -> None:
    start = datetime(2026, 11, 21, 12, tzinfo=UTC)
    moments = iter([start, start + timedelta(seconds=30)])
    watch = Watch.start(lambda: next(moments))
    assert watch.off(start + timedelta(seconds=20)) == timedelta(0)
    well = Finding("x", State.OK, "fine")
    assert timed(well, timedelta(seconds=5)) == well
    assert timed(well, None) == well
    assert timed(well, timedelta(seconds=-6)).state is State.FAILED


@pytest.mark.parametrize("date", ["", "nonsense", None, float("inf"), 1e300])
def test_a_server_that_tells_no_time_is_not_judged_by_it(date: Any) -> None:
    assert Watch.start(lambda: datetime(2026, 11, 21, tzinfo=UTC)).off(date) is None


# --- those who tell us, and whom we tell ---


def _routing(**webhook: Any) -> dict[str, Any]:
    hook = {"url": "http://127.0.0.1:1/v1/webhooks/alertmanager", **webhook}
    return {
        "route": {"receiver": "nobody", "routes": [{"receiver": "responder"}]},
        "receivers": [
            {"name": "responder", "webhook_configs": [hook]},
            {"name": "nobody"},
            {"name": "unrouted", "webhook_configs": [hook]},
        ],
    }


@pytest.mark.alertmanager
async def test_an_alertmanager_must_have_the_receiver_that_points_at_us(
    doctor: Doctor, start_alertmanager: Callable[..., Server]
) -> None:
    server = start_alertmanager(config=_routing())
    for receiver, state, said in (
        ("responder", "ok", "receiver responder"),
        ("missing", "failed", "no receiver missing; there are: nobody, responder, unrouted"),
        ("nobody", "failed", "does not send to us"),
        ("unrouted", "failed", "no route of it leads to"),
    ):
        found = await doctor.findings(alertmanagers=[{"url": server.url, "receiver": receiver}])
        one = found[f"alertmanager/127.0.0.1:{server.port}"]
        assert (one["state"], said in one["detail"]) == (state, True), one
        assert one["detail"].startswith("version 0.")


@pytest.mark.alertmanager
async def test_an_alertmanager_that_leaves_something_out_is_a_warning(
    doctor: Doctor, start_alertmanager: Callable[..., Server]
) -> None:
    for webhook, cure in (({"send_resolved": False}, "send_resolved: true"), ({"max_alerts": 9}, "max_alerts: 0")):
        server = start_alertmanager(config=_routing(**webhook))
        found = await doctor.findings(alertmanagers=[{"url": server.url}])
        one = found[f"alertmanager/127.0.0.1:{server.port}"]
        assert (one["state"], one["cure"]) == ("warning", f"set {cure}")


@pytest.mark.alertmanager
async def test_an_alertmanager_that_sends_late_is_a_warning_with_the_time_to_set(
    doctor: Doctor, start_alertmanager: Callable[..., Server]
) -> None:
    config = _routing()
    config["route"] |= {"group_wait": "2m", "repeat_interval": "2d"}
    config["route"]["routes"] = [{"receiver": "responder", "repeat_interval": "4h"}]
    config["route"]["routes"] += [{"receiver": "nobody", "group_interval": "1h"}]
    server = start_alertmanager(config=config)
    what = f"alertmanager/127.0.0.1:{server.port}"
    done = await doctor.run("--format", "json", alertmanagers=[{"url": server.url}])
    told = [one for one in json.loads(done.stdout) if one["what"] == what]
    assert [(one["state"], one["cure"]) for one in told] == [("warning", "set group_wait: 5s")]
    assert "group_wait is 2m on a route to responder: the first message comes that late" in told[0]["detail"]
    config["route"] |= {"group_wait": "5s", "group_interval": "10m"}
    config["route"]["routes"][0] = {"matchers": ['a="b"'], "routes": [{"receiver": "responder"}]}
    server = start_alertmanager(config=config)
    done = await doctor.run("--format", "json", alertmanagers=[{"url": server.url}])
    cures = [one["cure"] for one in json.loads(done.stdout) if one["what"] == f"alertmanager/127.0.0.1:{server.port}"]
    assert cures == ["set group_interval: 1m", "set repeat_interval: 4h"]


CHANNELS = """
teams:
  default: {receivers: {incidents: {slack: {channel: "#incidents"}}, security: {slack: {channel: C0SECRET1}}}}
  pay: {match: ['team="pay"'], receivers: {incidents: {slack: {channel: pay}}, on-call: {console: {}}}}
"""


async def test_each_channel_that_the_rules_name_has_the_bot_in_it_or_a_cure(doctor: Doctor) -> None:
    (doctor.folder / "rules.yaml").write_text(CHANNELS)
    async with FakeSlack() as slack:
        slack.channels.clear()
        slack.channel("incidents")
        slack.channel("pay", member=False)
        settings = {"slack": {"bot_token": slack.token, "base_url": slack.base_url}, "rules": ["rules.yaml"]}
        found = await doctor.findings(**settings)
        assert (found["slack/#incidents"]["state"], found["slack/#incidents"]["cure"]) == ("ok", "")
        assert "for default/incidents" in found["slack/#incidents"]["detail"]
        assert (found["slack/pay"]["state"], found["slack/pay"]["cure"]) == ("warning", "/invite the bot to pay")
        assert found["slack/C0SECRET1"]["state"] == "warning"
        assert found["slack/C0SECRET1"]["cure"].endswith("private ones take the scope groups:read")
        slack.scopes = (slack.scopes - {"chat:write.public"}) | {"groups:read"}
        found = await doctor.findings(**settings)
        assert (found["slack/pay"]["state"], found["slack/C0SECRET1"]["state"]) == ("failed", "failed")
        assert "correct the name in the receiver" in found["slack/C0SECRET1"]["cure"]
        slack.channel("secret", identity="C0SECRET1", private=True)
        assert (await doctor.findings(**settings))["slack/C0SECRET1"]["state"] == "ok"
        slack.scopes = slack.scopes - {"channels:read"}
        assert (await doctor.findings(**settings))["slack channels"]["state"] == "skipped"
        assert slack.messages() == []
        assert not slack.requests("chat.postMessage")


@pytest.mark.parametrize(
    ("taken", "state", "said"),
    [
        (set(), "ok", "Example as U0BOT"),
        ({"chat:write"}, "failed", "lacks the scopes chat:write"),
        ({"chat:write.public"}, "warning", "only where it was invited"),
    ],
)
async def test_slack_says_who_we_are_and_which_scopes_are_missing(
    doctor: Doctor, taken: set[str], state: str, said: str
) -> None:
    async with FakeSlack() as slack:
        slack.scopes = slack.scopes - taken
        found = await doctor.findings(slack={"bot_token": slack.token, "base_url": slack.base_url})
        assert found["slack"]["state"] == state
        assert said in found["slack"]["detail"]
        assert slack.messages() == []


async def test_a_token_that_slack_does_not_know_fails(doctor: Doctor, fake_slack: FakeSlack) -> None:
    found = await doctor.findings(slack={"bot_token": "xoxb-another", "base_url": fake_slack.base_url})
    assert (found["slack"]["state"], found["slack"]["cure"]) == ("failed", "correct the login: slack.bot_token")


async def test_the_mail_server_is_visited_and_gets_no_mail(doctor: Doctor, fake_mail: FakeMail) -> None:
    mail = {"host": "127.0.0.1", "port": fake_mail.port, "tls": "none"}
    assert (await doctor.findings(mail=mail))["mail"]["state"] == "ok"
    assert fake_mail.taken == []
    await fake_mail.stop()
    assert (await doctor.findings(mail=mail))["mail"]["state"] == "failed"


async def test_whoever_would_be_told_something_is_reached_and_told_nothing(
    doctor: Doctor, web_servers: WebServers
) -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(f"{request.method} {request.path_qs}")
        return web.Response(status=405)

    url = await web_servers.serve(answer)
    found = await doctor.findings(
        outgoing={"audit": {"url": f"{url}/hook?key={SECRET}", "signing_key": SECRET}},
        slack={"webhooks": {"team": {"url": f"{url}/services/{SECRET}"}}},
        pagerduty={"base_url": url, "services": {"ops": {"routing_key": SECRET}}},
    )
    states = {found[what]["state"] for what in ("outgoing/audit", "slack.webhooks/team", "pagerduty.services/ops")}
    assert states == {"ok"}
    assert set(asked) == {"GET /"}


# --- our own house ---


async def test_a_store_is_looked_at_without_being_made(doctor: Doctor) -> None:
    found = await doctor.findings()
    assert found["store"]["state"] == "ok"
    assert "which the first start makes" in found["store"]["detail"]
    assert not (doctor.folder / "responder.db").exists()
    gone = await doctor.findings(database_url=f"sqlite:///{doctor.folder}/gone/responder.db")
    assert (gone["store"]["state"], "make or mount it" in gone["store"]["cure"]) == ("failed", True)


async def test_a_store_in_use_is_well_and_one_of_a_newer_version_is_not(doctor: Doctor) -> None:
    path = doctor.folder / "responder.db"
    store = await open_store(f"sqlite:///{path}")
    assert re.search(r"schema [1-9]\.[1-9], in use by process \d+", (await doctor.findings())["store"]["detail"])
    await store.close()
    assert "not in use" in (await doctor.findings())["store"]["detail"]
    connection = sqlite3.connect(path)
    connection.execute("update schema_version set version = 999 where part = 'state'")
    connection.commit()
    connection.close()
    newer = (await doctor.findings())["store"]
    assert (newer["state"], "newer" in newer["detail"]) == ("failed", True)


async def test_a_file_that_is_somebody_elses_is_left_alone(doctor: Doctor) -> None:
    path = doctor.folder / "responder.db"
    connection = sqlite3.connect(path)
    connection.execute("create table theirs (x)")
    connection.close()
    assert "somebody else's" in (await doctor.findings())["store"]["detail"]
    path.write_text("this is no database, and long enough to be looked at as one" * 20)
    assert (await doctor.findings())["store"]["state"] == "failed"


@pytest.mark.postgres
async def test_a_store_on_postgresql_is_asked_and_not_migrated(doctor: Doctor, postgres_database: str) -> None:
    empty = (await doctor.findings(database_url=postgres_database))["store"]
    assert (empty["state"], "the next start adds" in empty["detail"]) == ("ok", True)
    assert (await doctor.findings(database_url=postgres_database))["store"] == empty
    store = await open_store(postgres_database)
    await store.close()
    made = (await doctor.findings(database_url=f"{postgres_database}?statement_cache_size=0"))["store"]
    assert (made["state"], "the next start" in made["detail"]) == ("ok", False)
    away = await doctor.findings(database_url=f"postgresql://x:{SECRET}@127.0.0.1:{free_port()}/x")
    assert away["store"]["state"] == "failed"


async def test_rules_with_an_error_fail_and_warnings_warn(doctor: Doctor) -> None:
    (doctor.folder / "rules.yaml").write_text("rules: [{name: r, playbook: missing}]")
    found = await doctor.findings(rules=["rules.yaml"], automation="auto")
    wrong = found["rules"]
    assert found["people"]["detail"] == "the rules do not load"
    assert (wrong["state"], "rules.yaml:1:" in wrong["detail"]) == ("failed", True)
    assert (await doctor.findings())["rules"]["state"] == "warning"


async def test_what_the_rules_read_from_and_nobody_set_is_told(doctor: Doctor) -> None:
    steps = "{pods: {kubernetes.pods: {}}, rate: {prometheus.query: {query: up}}}"
    text = f"rules: [{{name: r, match: ['a=\"b\"'], playbook: p}}]\nplaybooks: {{p: {{diagnose: {steps}}}}}"
    (doctor.folder / "rules.yaml").write_text(text)
    found = await doctor.findings(rules=["rules.yaml"])
    assert (found["kubernetes"]["state"], found["prometheus"]["cure"]) == ("warning", "set prometheus.url")


async def test_a_door_that_is_open_to_everybody_is_told(doctor: Doctor) -> None:
    assert (await doctor.findings(webhook={}))["door"]["state"] == "failed"
    assert (await doctor.findings(webhook={"allow_anonymous": True}))["door"]["state"] == "warning"


async def test_people_who_are_too_few_to_approve_are_told(doctor: Doctor) -> None:
    (doctor.folder / "rules.yaml").write_text(ACTING)
    ann = {"token": "token-of-ann", "roles": ["on-call"]}
    ben = {"token": "token-of-ben", "roles": ["on-call"]}
    acting = {"rules": ["rules.yaml"], "automation": "approve"}
    few = (await doctor.findings(people={"ann": ann}, **acting))["people"]
    assert few["detail"] == "restart needs 2 approvals, and there is 1 person with the role on-call"
    assert few["state"] == "failed"
    enough = (await doctor.findings(people={"ann": ann, "ben": ben}, **acting))["people"]
    assert (enough["state"], enough["detail"]) == ("ok", "2 people, automation is approve")
    by_slack = {"slack": "U012AB3CD", "roles": ["on-call"]}
    unsigned = (await doctor.findings(people={"ann": ann, "ben": by_slack}, **acting))["people"]
    assert (unsigned["state"], unsigned["cure"].startswith("set slack.signing_secret")) == ("warning", True)
    assert (await doctor.findings(rules=["rules.yaml"]))["people"]["state"] == "skipped"


async def test_evidence_needs_a_place_that_can_be_written(doctor: Doctor) -> None:
    (doctor.folder / "rules.yaml").write_text(ACTING)
    assert (await doctor.findings(evidence={"directory": str(doctor.folder / "new")}))["evidence"]["state"] == "ok"
    assert not (doctor.folder / "new").exists()
    (doctor.folder / "file").write_text("")
    blocked = (await doctor.findings(evidence={"directory": str(doctor.folder / "file" / "below")}))["evidence"]
    assert (blocked["state"], "is no folder" in blocked["detail"]) == ("failed", True)
    nowhere = {"database_url": f"postgresql://127.0.0.1:{free_port()}/x", "rules": ["rules.yaml"]}
    assert (await doctor.findings(automation="auto", **nowhere))["evidence"]["state"] == "failed"


async def test_a_folder_for_evidence_has_room_for_the_largest_files(doctor: Doctor) -> None:
    folder = str(doctor.folder)
    free = shutil.disk_usage(folder).free
    for size, state in ((1024, "ok"), (free // 2, "warning"), (free * 2, "failed")):
        told = (await doctor.findings(evidence={"directory": folder, "max_size": size}))["evidence"]
        assert (told["state"], "are free" in told["detail"], bool(told["cure"])) == (state, True, state != "ok")


async def test_a_bucket_for_evidence_gets_a_file_and_loses_it_again(doctor: Doctor, web_servers: WebServers) -> None:
    server = Buckets()
    bucket = {"endpoint": await web_servers.serve(server), "bucket": "evidence", "region": server.region}
    keys = {"access_key": server.access_key, "secret_key": server.secret_key}
    told = (await doctor.findings(evidence={"s3": bucket | keys}))["evidence"]
    assert (told["state"], server.puts, server.objects) == ("ok", 1, {})
    server.refuses = frozenset({"GET", "POST"})
    told = (await doctor.findings(evidence={"s3": bucket | keys}))["evidence"]
    assert (told["state"], "may not read it and delete it" in told["detail"]) == ("ok", True)
    assert list(server.objects) == ["responder-doctor.txt"]
    server.refuses = frozenset({"PUT"})
    assert (await doctor.findings(evidence={"s3": bucket | keys}))["evidence"]["state"] == "failed"
    wrong = (await doctor.findings(evidence={"s3": bucket | keys | {"secret_key": SECRET}}))["evidence"]
    assert (wrong["state"], wrong["cure"], SECRET in str(wrong)) == ("failed", "correct the login: evidence", False)
    gone = (await doctor.findings(evidence={"s3": bucket | keys | {"bucket": "elsewhere"}}))["evidence"]
    assert "there is no such bucket" in gone["detail"]


# --- all together ---


async def test_no_secret_of_the_settings_is_ever_shown(doctor: Doctor) -> None:
    closed = free_port()
    settings: dict[str, Any] = {
        "database_url": f"postgresql://u:{SECRET}@127.0.0.1:{closed}/x",
        "redis_url": f"redis://:{SECRET}@127.0.0.1:{closed}/0",
        "prometheus": {"url": f"http://127.0.0.1:{closed}", "bearer_token": SECRET},
        "datasources": {"postgres": {"a": {"url": f"postgresql://u:{SECRET}@127.0.0.1:{closed}/x"}}},
        "slack": {"bot_token": SECRET, "base_url": f"http://127.0.0.1:{closed}/"},
        "outgoing": {"a": {"url": f"http://127.0.0.1:{closed}/{SECRET}", "signing_key": SECRET}},
        "mail": {"host": "127.0.0.1", "port": closed, "username": "u", "password": SECRET},
        "webhook": {"bearer_tokens": [SECRET]},
    }
    for form in ("table", "json"):
        done = await doctor.run("--format", form, **settings)
        assert done.exit_code == 1
        assert SECRET not in done.output


def test_a_secret_that_some_server_repeats_is_taken_out() -> None:
    class Group(Section):
        url: SecretStr
        token: SecretStr

    settings = Group(url=SecretStr("postgresql://u:p%40ssword@h/x"), token=SecretStr("correct horse"))
    said = "no user with p@ssword or p%40ssword, nor correct horse"
    (shown,) = without_secrets([Finding("x", State.FAILED, said)], settings)
    assert "ssword" not in shown.detail
    assert "horse" not in shown.detail


async def test_one_that_never_answers_holds_nobody_up_and_a_defect_is_named() -> None:
    async def never() -> list[Finding]:
        await asyncio.Event().wait()
        return []

    async def broken() -> list[Finding]:
        raise KeyError("oops")

    async def refused() -> list[Finding]:
        raise NotLetIn("wrong password")

    async def well() -> list[Finding]:
        return [Finding("d", State.OK)]

    ended: list[int] = []
    found = await examine(
        [
            Check("a", never, "x.url", timedelta(milliseconds=10)),
            Check("b", broken),
            Check("c", refused, "x.url"),
            Check("d", well),
        ],
        ended.append,
    )
    assert [(one.what, one.state) for one in found] == [
        ("a", State.FAILED),
        ("b", State.FAILED),
        ("c", State.FAILED),
        ("d", State.OK),
    ]
    assert "defect" in found[1].cure
    assert found[2].cure == "correct the login: x.url"
    assert ended == [1, 2, 3, 4]
