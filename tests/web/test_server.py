"""Connections: what does not arrive in time is closed, and a stop lets end what has begun."""

import asyncio

import aiohttp
import pytest

from responder.errors import ConfigError
from tests.web.conftest import Open
from tests.web.house import House
from tests.web.raw import Connect, post

SOON = {"bearer_tokens": ["token-of-the-tests"], "read_timeout": "200ms"}
BODY = b'{"alerts": [{"labels": {"alertname": "A"}}]}'


async def test_a_connection_that_says_nothing_is_closed(connect: Connect, open_house: Open) -> None:
    house = await open_house(webhook=SOON)
    raw = await connect(house.port)
    assert await raw.closed() == b""


async def test_a_head_that_does_not_end_is_closed_though_bytes_keep_coming(connect: Connect, open_house: Open) -> None:
    house = await open_house(webhook=SOON)
    raw = await connect(house.port)

    await raw.send(b"GET / HTTP/1.1\r\nX: ")

    async def drip() -> None:
        while True:
            await raw.send(b"a")
            await asyncio.sleep(0.05)

    dripping = asyncio.create_task(drip())
    assert await raw.closed() == b""
    dripping.cancel()
    await asyncio.gather(dripping, return_exceptions=True)


async def test_a_body_that_does_not_end_is_refused_for_now(connect: Connect, open_house: Open) -> None:
    house = await open_house(webhook=SOON)
    raw = await connect(house.port)
    await raw.send(post(BODY[:5], "Content-Type: application/json", length=len(BODY)))
    status, answer = await raw.answer()
    assert status == 503
    assert b"did not arrive in time" in answer
    assert b"Connection: close" in answer
    assert house.door.room.held == 0
    assert await house.accepted() == []


async def test_a_second_request_on_a_connection_has_the_limit_too(connect: Connect, open_house: Open) -> None:
    house = await open_house(webhook=SOON)
    raw = await connect(house.port)
    await raw.send(post(BODY, "Content-Type: application/json"))
    assert (await raw.answer())[0] == 200
    await raw.send(b"POST /v1/web")
    assert await raw.closed() == b""


async def test_an_idle_connection_is_kept_for_the_next_delivery(connect: Connect, open_house: Open) -> None:
    house = await open_house(webhook=SOON)
    raw = await connect(house.port)
    for _ in range(2):
        await raw.send(post(BODY, "Content-Type: application/json"))
        assert (await raw.answer())[0] == 200
        await asyncio.sleep(1)  # longer than the limit and a sweep together


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
        post(b"hello", "Content-Length: 6"),
        post(b"hello", "Transfer-Encoding: chunked"),
        post(b"", length=-1),
    ],
)
async def test_what_is_not_http_is_answered_and_closed(connect: Connect, house: House, sent: bytes) -> None:
    raw = await connect(house.port)
    await raw.send(sent)
    assert b" 400 " in (await raw.closed())[:20]
    assert await house.accepted() == []


async def test_a_stop_lets_a_delivery_end_and_refuses_the_next(
    connect: Connect, house: House, client: aiohttp.ClientSession
) -> None:
    webhook = house.webhook
    arriving, idle = await connect(house.port), await connect(house.port)
    await arriving.send(post(BODY[:5], "Content-Type: application/json", length=len(BODY)))
    while house.door.room.held == 0:
        await asyncio.sleep(0.001)
    closing = asyncio.create_task(house.close())
    await idle.closed()
    await arriving.send(BODY[5:])
    status, answer = await arriving.answer()
    assert status == 200
    assert b"Connection: close" in answer
    await closing
    assert await house.accepted() == [BODY]
    with pytest.raises(aiohttp.ClientConnectionError):
        await client.post(webhook, data=BODY)


async def test_while_stopping_a_delivery_is_refused_for_now(house: House, client: aiohttp.ClientSession) -> None:
    house.door.refuse()
    async with client.post(house.webhook, data=BODY, headers={"Content-Type": "application/json"}) as answer:
        assert answer.status == 503
    async with client.get(f"{house.url}/readyz") as answer:
        assert (answer.status, (await answer.json())["ready"]) == (503, False)
    async with client.get(f"{house.url}/healthz") as answer:
        assert answer.status == 200


async def test_an_address_that_is_taken_is_a_clear_error(house: House, open_house: Open) -> None:
    with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1:{house.port}: .*in use; change `listen`"):
        await open_house(listen=f"127.0.0.1:{house.port}")


async def test_it_listens_on_ipv6_and_says_so(open_house: Open, client: aiohttp.ClientSession) -> None:
    try:
        house = await open_house(listen="[::1]:0")
    except ConfigError:
        pytest.skip("no IPv6 here")
    assert house.url.startswith("http://[::1]:")
    async with client.get(f"{house.url}/healthz") as answer:
        assert answer.status == 200
