"""Nobody comes in without credentials, unless that is written out; probes and scrapers always do."""

import base64
import ssl
from typing import Any

import aiohttp
import pytest

from responder.errors import ConfigError
from responder.settings.process import Settings
from responder.web.access import Gate
from tests.servers.certificates import Authority, Certificate
from tests.web.conftest import Open
from tests.web.house import House
from tests.web.raw import Connect

BODY = b'{"alerts": [{"labels": {"alertname": "A"}}]}'
JSON = {"Content-Type": "application/json"}
OPEN = ("/healthz", "/readyz", "/metrics", "/openapi.json")
CLOSED = ("/v1/incidents", "/v1/incidents/INC-1", "/v1/alerts", "/v1/deliveries/rejected")


async def send(session: aiohttp.ClientSession, house: House, authorization: str = "", **options: Any) -> int:
    headers = {**JSON, **({"Authorization": authorization} if authorization else {})}
    async with session.post(house.webhook, data=BODY, headers=headers, **options) as answer:
        return answer.status


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("Bearer one", 200),
        ("bearer two", 200),
        ("Bearer three", 401),
        ("Bearer ", 401),
        ("Bearer", 401),
        ("one", 401),
        (basic("alertmanager", "s:cret"), 200),
        (basic("alertmanager", "wrong"), 401),
        (basic("nobody", "s:cret"), 401),
        (basic("nobody", ""), 401),
        (basic("", ""), 401),
        ("Basic !!!", 401),
        ("Basic " + base64.b64encode(b"\xff\xfe").decode(), 401),
        ("Digest one", 401),
        ("Bearer \u00e4", 401),
        ("", 401),
    ],
)
async def test_only_known_credentials_come_in(
    open_house: Open, stranger: aiohttp.ClientSession, authorization: str, status: int
) -> None:
    house = await open_house(webhook={"bearer_tokens": ["one", "two"], "basic_users": {"alertmanager": "s:cret"}})
    assert await send(stranger, house, authorization) == status
    assert len(await house.accepted()) == (status == 200)


async def test_bytes_in_the_header_that_are_no_text_are_refused_like_any_other(connect: Connect, house: House) -> None:
    raw = await connect(house.port)
    await raw.send(b"GET /v1/incidents HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \xff\xfe\r\n\r\n")
    assert (await raw.answer())[0] == 401


async def test_a_refusal_says_how_to_get_in_and_repeats_no_secret(
    house: House, stranger: aiohttp.ClientSession
) -> None:
    headers = {**JSON, "Authorization": "Bearer wrong-secret"}
    async with stranger.post(house.webhook, data=BODY, headers=headers) as answer:
        text = await answer.text()
        assert "Bearer" in answer.headers["WWW-Authenticate"]
    assert "set authorization or basic_auth in http_config" in text
    assert "wrong-secret" not in text


@pytest.mark.parametrize("path", CLOSED)
async def test_the_api_wants_the_same_credentials(house: House, stranger: aiohttp.ClientSession, path: str) -> None:
    async with stranger.get(f"{house.url}{path}") as answer:
        assert answer.status == 401
        assert "error" in await answer.json()


@pytest.mark.parametrize("path", OPEN)
async def test_probes_and_scrapers_need_no_credentials(
    house: House, stranger: aiohttp.ClientSession, path: str
) -> None:
    async with stranger.get(f"{house.url}{path}") as answer:
        assert answer.status == 200


def test_a_door_that_is_open_by_accident_does_not_open() -> None:
    with pytest.raises(ConfigError, match=r"set webhook.bearer_tokens .* webhook.allow_anonymous: true"):
        Gate(Settings())


async def test_a_door_that_is_open_on_purpose_lets_everybody_in(
    open_house: Open, stranger: aiohttp.ClientSession
) -> None:
    house = await open_house(webhook={"allow_anonymous": True})
    assert await send(stranger, house) == 200


def tls(authority: Authority, server: Certificate, **more: str) -> dict[str, str]:
    return {"certificate": str(server.certificate), "key": str(server.key), **more}


def trusting(authority: Authority, client: Certificate | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(authority.file))
    if client:
        context.load_cert_chain(client.certificate, client.key)
    return context


async def test_the_webhook_wants_a_client_certificate_and_probes_do_not(
    open_house: Open, stranger: aiohttp.ClientSession, authority: Authority
) -> None:
    settings = tls(authority, authority.issue("server"), client_ca=str(authority.file))
    house = await open_house(webhook={}, tls=settings)
    without, with_one = trusting(authority), trusting(authority, authority.issue("alertmanager"))
    assert house.url.startswith("https://")
    assert await send(stranger, house, ssl=without) == 403
    assert await send(stranger, house, ssl=with_one) == 200
    for path in OPEN:
        async with stranger.get(f"{house.url}{path}", ssl=without) as answer:
            assert answer.status == 200
    for path in CLOSED[:1]:
        async with stranger.get(f"{house.url}{path}", ssl=without) as answer:
            assert answer.status == 403


async def test_with_tokens_too_the_webhook_wants_both_and_the_api_the_token(
    open_house: Open, stranger: aiohttp.ClientSession, authority: Authority
) -> None:
    settings = tls(authority, authority.issue("server"), client_ca=str(authority.file))
    house = await open_house(webhook={"bearer_tokens": ["one"]}, tls=settings)
    without, with_one = trusting(authority), trusting(authority, authority.issue("alertmanager"))
    assert await send(stranger, house, "Bearer one", ssl=without) == 403
    assert await send(stranger, house, "Bearer two", ssl=with_one) == 401
    assert await send(stranger, house, "Bearer one", ssl=with_one) == 200
    async with stranger.get(
        f"{house.url}/v1/incidents", headers={"Authorization": "Bearer one"}, ssl=without
    ) as answer:
        assert answer.status == 200


async def test_a_certificate_of_another_authority_does_not_come_in(
    open_house: Open, stranger: aiohttp.ClientSession, authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> None:
    settings = tls(authority, authority.issue("server"), client_ca=str(authority.file))
    house = await open_house(webhook={}, tls=settings)
    other = Authority(tmp_path_factory.mktemp("other"), "other authority").issue("impostor")
    with pytest.raises(aiohttp.ClientError):
        await send(stranger, house, ssl=trusting(authority, other))
    assert await house.accepted() == []


async def test_a_certificate_that_cannot_be_read_is_named(open_house: Open) -> None:
    with pytest.raises(ConfigError, match="tls: cannot use the certificate"):
        await open_house(tls={"certificate": "/does/not/exist.pem", "key": "/does/not/exist.key"})
