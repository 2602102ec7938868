"""Redis never holds truth: when it goes, incidents are told as before, and `/readyz` says that it went."""

from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from tests.acceptance.house import until, write_rules
from tests.acceptance.test_from_payload_to_message import PLAYBOOK, RULE, payload
from tests.servers.processes import Server
from tests.servers.responder import Run
from tests.servers.slack import FakeSlack
from tests.servers.web import WebServers


async def test_redis_killed_in_the_middle_stops_nothing_and_is_said(
    run_responder: Run,
    fake_slack: FakeSlack,
    web_servers: WebServers,
    start_redis: Callable[..., Server],
    tmp_path: Path,
) -> None:
    async def prometheus(request: web.BaseRequest) -> web.Response:
        return web.json_response({"status": "success", "data": {"resultType": "scalar", "result": [1.0, "42"]}})

    query = {"prometheus.query": {"query": 'up{namespace="${labels.namespace}"}'}}
    playbook = {**PLAYBOOK, "diagnose": {"rate": query}}
    redis = start_redis()
    responder = run_responder(
        rules=[str(write_rules(tmp_path / "rules", rules=[RULE], playbooks={"errors": playbook}))],
        slack={"bot_token": fake_slack.token, "base_url": fake_slack.base_url},
        prometheus={"url": await web_servers.serve(prometheus)},
        redis_url=redis.url,
    )
    await responder.start()
    await responder.post(payload())
    await until(lambda: "*rate*: 42" in "".join(m.shown for m in fake_slack.messages("incidents")))
    assert (await responder.get("/readyz"))["dependencies"]["redis"] == {"ok": True, "detail": "answers"}

    redis.kill()
    await responder.post(payload(namespace="other"))
    (told,) = await until(lambda: [m for m in fake_slack.messages("incidents") if "Errors in other" in m.shown])
    await until(lambda: "*rate*: 42" in told.shown)
    readiness = await responder.get("/readyz")
    assert (readiness["ready"], readiness["dependencies"]["redis"]["ok"]) == (True, False)
    assert responder.errors == []
