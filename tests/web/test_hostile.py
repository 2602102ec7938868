"""Whoever knocks with ill intent at the webhook, the API or the door for Slack gets nothing done, and no 500."""

import base64
import gzip
import json
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from responder.model.action import ActionState
from responder.model.labels import clean
from responder.model.timeline import ActionAsked, Answered
from tests.web.acting_world import ANN, BOB, DIGEST, PEOPLE, attempt, incident, written
from tests.web.conftest import TOKEN, Open
from tests.web.house import House

WEBHOOK, ACTIONS = "/v1/webhooks/alertmanager", "/v1/incidents/INC-17/actions"
DELIVERY = {"version": "4", "alerts": [{"labels": {"alertname": "A"}, "status": "firing"}]}
EVIL = ("a\u0000b", "\ud800", "\u202e", "<!channel>", "'; DROP TABLE x", "\x1b[2J", "a\r\nb", "x" * 900)


@pytest.fixture
async def house(open_house: Open) -> House:
    made = await open_house(webhook={"bearer_tokens": [TOKEN], "basic_users": {"am": "pass"}}, people=PEOPLE)
    await made.put(incident(attempt()))
    return made


async def post(house: House, path: str, body: Any, headers: dict[str, str]) -> tuple[int, str]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"Content-Type": "application/json", **headers}
    async with aiohttp.ClientSession() as session, session.post(house.url + path, data=data, headers=given) as answer:
        return answer.status, await answer.text()


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN}, Bearer {TOKEN}",
        f"Token {TOKEN}",
        TOKEN,
        f"Basic {TOKEN}",
        "Bearer token-of-ann",
        basic("ann", "token-of-ann"),
        basic("am", ""),
        basic("", ""),
        basic("nobody", ""),
        basic("am", "pass\u0000"),
        "Basic ====",
        "Bearer null",
        "Bearer \u00e4",
        "Negotiate x",
    ],
)
async def test_the_webhook_lets_nobody_in_by_a_trick(house: House, header: str) -> None:
    status, said = await post(house, WEBHOOK, DELIVERY, {"Authorization": header} if header else {})
    assert status == 401
    assert TOKEN not in said


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": f"Bearer {TOKEN}"},
        {"Authorization": basic("am", "pass")},
        {"Authorization": basic("ann", "token-of-ann")},
        {"Authorization": "Bearer token-of-ann x"},
        {"Authorization": "Bearer TOKEN-OF-ANN"},
        {"Authorization": "Bearer U0ANN"},
        {"Authorization": "Bearer ann"},
        {"X-Forwarded-User": "ann", "X-Remote-User": "ann", "X-Forwarded-For": "127.0.0.1"},
        {"Cookie": "token=token-of-ann"},
        {"Proxy-Authorization": "Bearer token-of-ann"},
    ],
)
async def test_nobody_but_a_person_with_their_own_token_decides(house: House, headers: dict[str, str]) -> None:
    for path in ("/1/approve", "/1/reject", "/1/undo", "/1/break-glass", "/1/happened", ""):
        body = {"digest": DIGEST} if path == "/1/approve" else {"action": "kubernetes.scale"} if not path else {}
        status, _ = await post(house, ACTIONS + path, body, headers)
        assert status == 401, path
    assert (await post(house, "/v1/automation/stop", {}, headers))[0] == 401
    assert (await post(house, f"{ACTIONS}/1/approve?token=token-of-ann", {"digest": DIGEST}, headers))[0] == 401
    assert await written(house) == []


async def test_two_headers_of_authorization_are_not_a_way_around(house: House) -> None:
    both = [("Authorization", f"Bearer {TOKEN}"), ("Authorization", "Bearer token-of-ann")]
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{house.url}{ACTIONS}/1/approve", json={"digest": DIGEST}, headers=both) as answer,
    ):
        assert answer.status in (400, 401)
    assert await written(house) == []


DEEP = b"[" * 30_000 + b"]" * 30_000
BOMBS = {
    "deep lists": DEEP,
    "deep objects": b'{"alerts":' * 5_000 + b"1" + b"}" * 5_000,
    "deep within": b'{"alerts": [{"labels": {"alertname": "A"}, "x": ' + DEEP[:20_000] + DEEP[-20_000:] + b"}]}",
    "a huge number": b'{"alerts": [{"labels": {"alertname": "A"}, "x": ' + b"9" * 20_000 + b"}]}",
    "a huge exponent": b'{"alerts": 1e999999, "digest": 1e999999}',
    "no number": b'{"alerts": NaN, "digest": Infinity}',
    "zipped": gzip.compress(b'{"alerts": []}' + b" " * 10_000_000),
    "no utf-8": b'{"alerts": "\xff\xfe"}',
    "utf-16": json.dumps(DELIVERY).encode("utf-16"),
    "half a surrogate": b'{"digest": "\\ud800", "why": "\\ud800", "alerts": "\\ud800"}',
    "nothing": b"",
    "a list": b"[]",
    "null": b"null",
    "true": b"true",
    "a string": b'"x"',
    "two documents": b"{}{}",
    "many keys": b"{" + b",".join(b'"k%d": 1' % n for n in range(3_000)) + b"}",
}


@pytest.mark.parametrize("name", BOMBS)
async def test_a_body_that_is_a_bomb_is_refused_with_a_reason_at_every_door(house: House, name: str) -> None:
    for path, headers in (
        (WEBHOOK, {"Authorization": f"Bearer {TOKEN}"}),
        (f"{ACTIONS}/1/approve", ANN),
        (f"{ACTIONS}/1/break-glass", BOB),
        (ACTIONS, ANN),
        ("/v1/slack/interactions", {}),
    ):
        status, said = await post(house, path, BOMBS[name], headers)
        assert 400 <= status < 500, (path, status, said[:200])
        zipped = {**headers, "Content-Encoding": "gzip"}
        status, _ = await post(house, path, gzip.compress(BOMBS[name]), zipped)
        assert 400 <= status < 500, (path, status)
    assert await written(house) == []
    assert (await post(house, WEBHOOK, DELIVERY, {"Authorization": f"Bearer {TOKEN}"}))[0] == 200


async def test_the_last_of_two_same_keys_is_no_way_past_the_first(house: House) -> None:
    twice = b'{"digest": "%s", "digest": "ffff"}' % DIGEST.encode()
    assert (await post(house, f"{ACTIONS}/1/approve", twice, ANN))[0] == 409
    assert await written(house) == []


@pytest.mark.parametrize("digest", ["", DIGEST[:1], DIGEST[:3], "0" * 16, DIGEST.upper() + "x", "*", "%", "."])
async def test_a_yes_to_nothing_in_particular_is_none(house: House, digest: str) -> None:
    status, _ = await post(house, f"{ACTIONS}/1/approve", {"digest": digest}, ANN)
    assert status in (400, 409)
    assert await written(house) == []


@pytest.mark.parametrize("more", [{"by": "bob"}, {"roles": ["admin"]}, {"answer": "break_glass"}, {"via": "slack"}])
async def test_nobody_makes_themselves_somebody_else(house: House, more: dict[str, Any]) -> None:
    for path, body in (
        ("/1/approve", {"digest": DIGEST}),
        ("/1/break-glass", {"digest": DIGEST, "why": "now"}),
        ("", {"action": "kubernetes.scale"}),
    ):
        status, said = await post(house, ACTIONS + path, {**body, **more}, ANN)
        assert (status, "there is no such field" in said) == (400, True)
    assert (await post(house, f"{ACTIONS}/1/break-glass", {"digest": DIGEST, "why": "now"}, ANN))[0] == 403
    assert await written(house) == []


@pytest.mark.parametrize(
    "path",
    [
        "/v1/incidents/INC-99/actions/1/approve",
        "/v1/incidents/INC-17/actions/2/approve",
        "/v1/incidents/INC-17/actions/-1/approve",
        "/v1/incidents/INC-17/actions/1%2f..%2f1/approve",
        "/v1/incidents/INC-17%00/actions/1/approve",
        "/v1/incidents/%2e%2e/INC-17/actions/1/approve",
        "/v1/incidents/inc-17'--/actions/1/approve",
        "/v1/incidents/INC-99999999999999999999/actions/1/approve",
        "/v1/incidents/INC-17/actions/\u0661/approve",
        "/v1/incidents/INC-17/actions/1/approve/../../2/approve",
        "//v1/incidents/INC-17/actions/1/approve",
    ],
)
async def test_an_attempt_is_reached_by_its_own_name_only(house: House, path: str) -> None:
    status, _ = await post(house, path, {"digest": DIGEST}, ANN)
    said = await written(house)
    assert (status, said) in ((404, []), (405, []), (400, [])) or (status == 409 and not said)


@pytest.mark.parametrize("evil", EVIL)
async def test_evil_words_of_a_person_are_kept_as_text_or_refused_with_a_reason(house: House, evil: str) -> None:
    unstorable = clean(evil) != evil
    for more in ({"params": {"set": {"A": evil}}}, {"params": {"set": {evil: ["x"]}}}, {"reason": evil}):
        status, said = await post(house, ACTIONS, {"action": "kubernetes.set_env", **more}, ANN)
        assert status == (400 if unstorable else 202), said
    status, said = await post(house, f"{ACTIONS}/1/approve", {"digest": DIGEST, "why": evil}, ANN)
    assert status == (400 if unstorable else 202), said
    for one in await written(house):
        words = one.reason if isinstance(one, ActionAsked) else one.why
        assert "\x00" not in words
    status, _ = await post(house, "/v1/automation/stop", {"why": evil}, ANN)
    assert status == (400 if unstorable else 200)


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize("field", ["kind", "name", "namespace", "container"])
async def test_a_target_of_ones_own_is_a_name_that_an_object_can_have(house: House, field: str, evil: str) -> None:
    target = {"kind": "Deployment", "name": "api", "namespace": "shop"} | {field: evil}
    status, said = await post(house, ACTIONS, {"action": "kubernetes.rollout_restart", "target": target}, ANN)
    assert (status, await written(house)) == (400, []), said


@pytest.mark.parametrize("namespace", ["KUBE-SYSTEM", "kube-system.", " kube-system", "kube-system/x", "kube-system\n"])
async def test_a_namespace_is_not_written_another_way(house: House, namespace: str) -> None:
    target = {"kind": "Deployment", "name": "api", "namespace": namespace}
    status, _ = await post(house, ACTIONS, {"action": "kubernetes.rollout_restart", "target": target}, ANN)
    assert (status, await written(house)) == (400, [])


@pytest.mark.parametrize(("kind", "namespace"), [("Namespace", "shop"), ("Node", ""), ("PersistentVolume", "")])
async def test_what_is_in_no_namespace_is_not_said_to_be_in_one(house: House, kind: str, namespace: str) -> None:
    target = {"kind": kind, "name": "shop", "namespace": "kube-system"}
    assert (await post(house, ACTIONS, {"action": "evidence.capture", "target": target}, ANN))[0] == 202
    (asked,) = await written(house)
    assert isinstance(asked, ActionAsked)
    assert asked.target is not None
    assert (asked.target.kind, asked.target.namespace) == (kind, namespace)


async def test_a_person_without_a_role_undoes_doubts_by_nobody_elses_name(house: House) -> None:
    await house.put(replace(incident(attempt(state=ActionState.IN_DOUBT)), number=18))
    status, _ = await post(house, "/v1/incidents/INC-18/actions/1/happened", {"by": "bob"}, ANN)
    assert status == 400
    assert [one for one in await written(house) if isinstance(one, Answered)] == []
