"""A delivery is committed before it is answered; what can never work is answered with its cure and kept."""

import asyncio
import gzip
import json

import aiohttp
import pytest

from tests.web.conftest import Open
from tests.web.house import House
from tests.web.raw import Connect, post

DELIVERY = json.dumps(
    {
        "version": "4",
        "status": "firing",
        "receiver": "responder",
        "groupKey": "{}:{}",
        "truncatedAlerts": 0,
        "alerts": [
            {
                "status": "firing",
                "labels": {"alertname": "HighErrorRate"},
                "annotations": {},
                "startsAt": "2026-03-01T11:59:00Z",
                "endsAt": "0001-01-01T00:00:00Z",
                "fingerprint": "0011223344556677",
            }
        ],
    }
).encode()
JSON = {"Content-Type": "application/json"}


async def ask(
    client: aiohttp.ClientSession, house: House, body: bytes, headers: dict[str, str] | None = None
) -> tuple[int, str]:
    async with client.post(house.webhook, data=body, headers=headers or JSON, allow_redirects=False) as answer:
        return answer.status, await answer.text()


async def test_a_delivery_is_taken_in_byte_for_byte(house: House, client: aiohttp.ClientSession) -> None:
    status, _ = await ask(client, house, DELIVERY)
    assert status == 200
    assert await house.accepted() == [DELIVERY]


async def test_many_deliveries_come_over_one_connection(house: House, client: aiohttp.ClientSession) -> None:
    for _ in range(3):
        assert (await ask(client, house, DELIVERY))[0] == 200
    assert client.connector is not None
    assert len(await house.accepted()) == 3


async def test_with_the_store_down_the_answer_is_503(house: House, client: aiohttp.ClientSession) -> None:
    await house.lose_store()
    async with client.post(house.webhook, data=DELIVERY, headers=JSON) as answer:
        assert answer.status == 503
        assert answer.headers["Retry-After"] == "5"


async def test_a_full_intake_is_503_before_the_body_is_read(
    connect: Connect, open_house: Open, client: aiohttp.ClientSession
) -> None:
    house = await open_house(webhook={"bearer_tokens": ["token-of-the-tests"], "max_body": 1000, "intake": 1500})
    slow = await connect(house.port)
    await slow.send(post(b"{", *("Content-Type: application/json",), length=1000))
    while house.door.room.held == 0:
        await asyncio.sleep(0.001)
    status, text = await ask(client, house, DELIVERY.ljust(900))
    await slow.close()
    assert (status, text) == (503, "the intake is full: send it again\n")


async def test_the_room_of_a_sender_that_went_away_is_free_again(connect: Connect, open_house: Open) -> None:
    house = await open_house()
    slow = await connect(house.port)
    await slow.send(post(b"{", "Content-Type: application/json", length=1000))
    while house.door.room.held == 0:
        await asyncio.sleep(0.001)
    await slow.close()
    while house.door.room.held:
        await asyncio.sleep(0.001)
    assert await house.accepted() == []
    assert await house.kept() == []


@pytest.mark.parametrize(
    ("body", "headers", "status", "says"),
    [
        (b"", JSON, 400, "the body is empty"),
        (b"{", JSON, 400, "is not JSON"),
        (b'{"alerts": "\xff"}', JSON, 400, "is not UTF-8 (byte 12)"),
        (b"[" * 100_000, JSON, 400, "nests too deep"),
        (b"[]", JSON, 422, "not Alertmanager's webhook format"),
        (b'{"text": "hello"}', JSON, 422, "webhook_config without `payload`"),
        (b'{"alerts": []}', JSON, 422, "no alert in `alerts` has labels"),
        (b'{"alerts": [1, null, {}]}', JSON, 422, "no alert in `alerts` has labels"),
        (DELIVERY, {"Content-Type": "text/plain"}, 415, "Content-Type 'text/plain' is not taken"),
        (DELIVERY, {"Content-Type": "application/x-www-form-urlencoded"}, 415, "send application/json"),
        (gzip.compress(DELIVERY), {**JSON, "Content-Encoding": "gzip"}, 415, "Content-Encoding 'gzip' is not taken"),
    ],
)
async def test_what_can_never_work_is_answered_in_one_line_and_kept(
    house: House, client: aiohttp.ClientSession, body: bytes, headers: dict[str, str], status: int, says: str
) -> None:
    answered, text = await ask(client, house, body, headers)
    assert answered == status
    assert says in text
    assert text.count("\n") == 1
    assert await house.accepted() == []
    assert [(kept.status, kept.size) for kept in await house.kept()] == [(status, len(body))]


async def test_one_good_alert_among_bad_ones_is_enough_to_be_taken_in(
    house: House, client: aiohttp.ClientSession
) -> None:
    body = b'{"alerts": [null, {"labels": 3}, {"labels": {"alertname": "A"}}]}'
    assert (await ask(client, house, body))[0] == 200


async def test_a_lone_surrogate_in_a_label_is_no_reason_to_refuse(house: House, client: aiohttp.ClientSession) -> None:
    body = b'{"alerts": [{"labels": {"alertname": "\\ud800"}}]}'
    assert (await ask(client, house, body))[0] == 200
    assert await house.accepted() == [body]


async def test_a_body_that_is_too_large_is_refused_without_being_read(connect: Connect, open_house: Open) -> None:
    house = await open_house(webhook={"bearer_tokens": ["token-of-the-tests"], "max_body": 1000})
    raw = await connect(house.port)
    await raw.send(post(b"", "Content-Type: application/json", length=1001))
    status, answer = await raw.answer()
    assert status == 413
    assert b"at most 1000 are taken: set max_alerts" in answer
    assert [(kept.status, kept.size, kept.body) for kept in await house.kept()] == [(413, 1001, b"")]


async def test_a_body_in_chunks_without_a_length_is_taken_in(house: House, client: aiohttp.ClientSession) -> None:
    async def chunks():  # type: ignore[no-untyped-def]
        yield DELIVERY[:10]
        yield DELIVERY[10:]

    async with client.post(house.webhook, data=chunks(), headers=JSON) as answer:
        assert answer.status == 200
    assert await house.accepted() == [DELIVERY]


async def test_a_body_in_chunks_that_grows_too_large_is_refused(connect: Connect, open_house: Open) -> None:
    house = await open_house(webhook={"bearer_tokens": ["token-of-the-tests"], "max_body": 1000})
    raw = await connect(house.port)
    head = post(b"", "Content-Type: application/json", "Transfer-Encoding: chunked").replace(
        b"Content-Length: 0\r\n", b""
    )
    await raw.send(head + b"400\r\n" + b" " * 1024 + b"\r\n")
    status, _ = await raw.answer()
    assert status == 413
    assert await house.accepted() == []


async def test_chunks_that_are_none_are_refused(connect: Connect, house: House) -> None:
    raw = await connect(house.port)
    head = post(b"", "Content-Type: application/json", "Transfer-Encoding: chunked").replace(
        b"Content-Length: 0\r\n", b""
    )
    await raw.send(head + b"zzz\r\n")
    status, _ = await raw.answer()
    assert status == 400
    assert await house.accepted() == []


async def test_a_sender_that_asks_first_is_told_to_go_on_only_when_it_may(connect: Connect, house: House) -> None:
    raw = await connect(house.port)
    await raw.send(post(b"", "Content-Type: application/json", "Expect: 100-continue", length=len(DELIVERY)))
    assert (await raw.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 Continue")
    await raw.send(DELIVERY)
    assert (await raw.answer())[0] == 200

    stranger = await connect(house.port)
    head = post(b"", "Expect: 100-continue", length=len(DELIVERY)).replace(b"token-of-the-tests", b"wrong")
    await stranger.send(head)
    assert (await stranger.answer())[0] == 401


async def test_a_rejected_body_is_kept_without_the_secrets_in_it(house: House, client: aiohttp.ClientSession) -> None:
    await ask(client, house, b'{"text": "hello", "password": "hunter22"}')
    assert [kept.body for kept in await house.kept()] == [b'{"text": "hello", "password": [redacted]}']


async def test_a_rejection_is_answered_though_it_cannot_be_kept(house: House, client: aiohttp.ClientSession) -> None:
    await house.lose_store()
    assert (await ask(client, house, b"{"))[0] == 400


@pytest.mark.parametrize(
    "path", ["/v1/webhooks/alertmanager/", "//v1/webhooks/alertmanager", "/v1/webhooks/Alertmanager"]
)
async def test_a_wrong_path_is_never_a_redirect(
    connect: Connect, house: House, client: aiohttp.ClientSession, path: str
) -> None:
    raw = await connect(house.port)
    await raw.send(post(DELIVERY, "Content-Type: application/json", path=path))
    status, answer = await raw.answer()
    assert status == 404
    assert b"there is nothing at" in answer


async def test_a_slash_at_the_end_is_named_as_the_mistake(house: House, client: aiohttp.ClientSession) -> None:
    async with client.post(f"{house.webhook}/", data=DELIVERY, headers=JSON, allow_redirects=False) as answer:
        assert "/v1/webhooks/alertmanager is the address, without a slash at the end" in await answer.text()


async def test_another_method_is_refused_with_the_right_one(house: House, client: aiohttp.ClientSession) -> None:
    async with client.get(house.webhook) as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
        assert "takes POST, not GET" in await answer.text()


async def test_refusals_are_counted_by_status(house: House, client: aiohttp.ClientSession) -> None:
    await ask(client, house, DELIVERY)
    await ask(client, house, b"{")
    async with client.get(f"{house.url}/metrics") as answer:
        text = await answer.text()
    assert 'responder_deliveries_rejected_total{status="400"} 1.0' in text
    assert "responder_deliveries_accepted_total 1.0" in text
