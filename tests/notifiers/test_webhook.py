"""Signed JSON, against a server that checks the signature."""

import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from aiohttp import web

from responder.errors import PermanentError, TransientError
from responder.model.message import Paragraph, Value
from responder.notifiers.webhook import Webhook
from responder.plugins.notifier import Outgoing
from tests.clients.messages import DIAGNOSED, OPENED
from tests.notifiers.world import SIGNING_KEY, World
from tests.servers.web import WebServers

HOOK = Webhook()
PARAMS = Webhook.Params(to="chatops")


class Receiver:
    """Takes signed documents; refuses what is not signed as the manual says."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, dict[str, object]]] = []
        self.status = 204

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        base = b"v1:" + request.headers["X-Responder-Timestamp"].encode() + b":" + body
        wanted = "v1=" + hmac.new(SIGNING_KEY.encode(), base, "sha256").hexdigest()
        if not hmac.compare_digest(wanted, request.headers["X-Responder-Signature"]):
            return web.Response(status=401)
        if self.status < 300:
            self.taken.append((request.headers["Idempotency-Key"], json.loads(body)))
        return web.Response(status=self.status, headers={"Retry-After": "7"})


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest_asyncio.fixture
async def world(web_servers: WebServers, receiver: Receiver) -> AsyncIterator[World]:
    address = await web_servers.serve(receiver.answer)  # type: ignore[arg-type]
    world = World(outgoing={"chatops": f"{address}/hooks/s3cr3t"})
    yield world
    await world.close()


async def test_a_message_arrives_signed_and_structured(receiver: Receiver, world: World) -> None:
    await HOOK.notify(PARAMS, Outgoing(DIAGNOSED, "INC-12/notify/a/message/1"), world.tools())
    ((key, document),) = receiver.taken
    assert key == "INC-12/notify/a/message/1"
    assert document["incident"] == "INC-12"
    assert (document["version"], document["purpose"], document["status"]) == (1, "message", "open")
    assert "Likely cause" in str(document["text"])
    assert isinstance(document["message"], dict)
    assert document["message"]["blocks"][0]["kind"] == "fields"


async def test_a_repeated_sending_has_the_same_key(receiver: Receiver, world: World) -> None:
    for retry in (False, True):
        await HOOK.notify(PARAMS, Outgoing(OPENED, "k/1", retry=retry), world.tools())
    assert {key for key, _ in receiver.taken} == {"k/1"}


async def test_secrets_in_values_do_not_leave(receiver: Receiver, world: World) -> None:
    told = replace(OPENED, blocks=(Paragraph((Value("password=hunter2"),)),))
    await HOOK.notify(PARAMS, Outgoing(told, "k/1"), world.tools())
    assert "hunter2" not in json.dumps(receiver.taken)


@pytest.mark.parametrize(("status", "kind"), [(503, TransientError), (429, TransientError), (422, PermanentError)])
async def test_an_answer_says_whether_to_try_again(
    receiver: Receiver, world: World, status: int, kind: type[Exception]
) -> None:
    receiver.status = status
    with pytest.raises(kind) as raised:
        await HOOK.notify(PARAMS, Outgoing(OPENED, "k/1"), world.tools())
    assert "s3cr3t" not in str(raised.value)
    assert SIGNING_KEY not in str(raised.value)
