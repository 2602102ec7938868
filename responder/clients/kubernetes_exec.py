"""
Running a program in a container: the API server's channels over a WebSocket.

Source: `k8s.io/apimachinery/pkg/util/remotecommand`, subprotocols v5 and v4 of `channel.k8s.io`: the first byte of each
message names its channel, and the last message on the error channel is a Status.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

import aiohttp
import orjson
from yarl import URL

from responder.clients.kubernetes_connection import Answer, Connection, unreachable
from responder.clients.kubernetes_paths import Address
from responder.clients.kubernetes_refusals import refusal
from responder.errors import CallError, Missing, PermanentError
from responder.model.answers import quote
from responder.model.outside import Executed

_PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
_STDOUT, _STDERR, _ERROR = 1, 2, 3
_LARGEST = 16 * 1024 * 1024
"""Bytes of one message; kubelets send at most 32 KiB."""
_STATUS_LIMIT = _STDERR_LIMIT = 64 * 1024


class Channels:
    """
    What has come so far; the two outputs share `limit` bytes, and what is beyond is read and dropped.

    With `into` stdout goes there as it comes: no more is read meanwhile, and nothing of it is held here.
    """

    def __init__(self, limit: int, into: Callable[[bytes], Awaitable[None]] | None = None) -> None:
        self._room = limit
        self._into = into
        self._outputs = {_STDOUT: bytearray(), _STDERR: bytearray()}
        self._cut = False
        self.error = b""
        self.open = False

    @property
    def ended(self) -> bool:
        """Whether the Status has come whole: nothing follows it."""
        return self.error.rstrip().endswith(b"}") and _parsed(self.error) is not None

    async def take(self, message: bytes) -> None:
        """Take in one message. Raises what `into` does."""
        channel, content = message[0], message[1:]
        if channel == _ERROR:
            self.error += content[: _STATUS_LIMIT - len(self.error)]
        elif channel == _STDERR and self._into is not None:
            self._outputs[_STDERR] += content[: _STDERR_LIMIT - len(self._outputs[_STDERR])]
        elif channel in self._outputs:
            await self._add(channel, content)

    def executed(self, code: int | None) -> Executed:
        """Sum up."""
        return Executed(code, bytes(self._outputs[_STDOUT]), bytes(self._outputs[_STDERR]), self._cut)

    async def _add(self, channel: int, content: bytes) -> None:
        self._cut = self._cut or len(content) > self._room
        taken = content[: self._room]
        self._room -= len(taken)
        if self._into is None:
            self._outputs[channel] += taken
        elif taken:
            await self._into(taken)


async def run(
    connection: Connection,
    address: Address,
    argv: Sequence[str],
    channels: Channels,
    *,
    container: str,
    timeout: timedelta,
) -> Executed:
    """
    Run a program and wait for its end; without an end within `timeout` its code is None, and it may run on.

    Raises: TransientError, NotLetIn, Missing and PermanentError when it was not started, Unanswered when that is not
    known; and what `channels` raise.
    """
    query = [("stdout", "true"), ("stderr", "true"), *(("command", word) for word in argv)]
    if container:
        query.append(("container", container))
    seconds = timeout.total_seconds()
    try:
        async with asyncio.timeout(seconds):
            socket = await _open(connection, address, query)
            channels.open = True
            try:
                await _listen(socket, channels)
            finally:
                await socket.close()
    except aiohttp.WSServerHandshakeError as error:
        raise _refused(error, address) from error
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        if not channels.open:
            doubtful = not isinstance(error, aiohttp.ClientConnectorError)
            raise unreachable(error, str(address), seconds, doubtful=doubtful) from error
        return channels.executed(None)
    return channels.executed(_code(channels.error))


async def _open(connection: Connection, address: Address, query: list[tuple[str, str]]) -> Any:
    api, headers = await connection.session()
    rest = api.rest_client
    return await rest.pool_manager.ws_connect(
        URL(f"{api.configuration.host}{address.path}", encoded=True).with_query(query),
        headers=headers,
        protocols=_PROTOCOLS,
        max_msg_size=_LARGEST,
        proxy=rest.proxy,
        proxy_headers=rest.proxy_headers,
        server_hostname=rest.server_hostname,
    )


async def _listen(socket: Any, channels: Channels) -> None:
    async for message in socket:
        content = message.data.encode() if message.type is aiohttp.WSMsgType.TEXT else message.data
        if isinstance(content, bytes) and content:
            await channels.take(content)
        if channels.ended:
            return


def _refused(error: aiohttp.WSServerHandshakeError, address: Address) -> CallError:
    """Map a refused handshake; the library keeps its status and not its words."""
    found = refusal(Answer(error.status, dict(error.headers or {}), b""), address, dry_run=True)
    match error.status:
        case 400:
            return PermanentError(f"Cannot {address}: its container is not running, or there is none of that name")
        case 404:
            return Missing(f"Cannot {address}: there is no such pod")
        case status if status < 300:
            return PermanentError(f"Cannot {address}: a proxy before the API server lets no WebSocket through")
    return found


def _code(error: bytes) -> int | None:
    """
    Read the exit code from the Status of the error channel; None where the connection ended without one.

    Raises: PermanentError where the container's runtime could not start the program.
    """
    status = _parsed(error)
    if status is None:
        return None
    if status.get("status") == "Success":
        return 0
    causes = (status.get("details") or {}).get("causes") or ()
    for cause in causes:
        if cause.get("reason") == "ExitCode" and str(cause.get("message", "")).isdigit():
            return int(cause["message"])
    raise PermanentError(f"The program was not started: {quote(str(status.get('message', '')))}")


def _parsed(text: bytes) -> dict[str, Any] | None:
    try:
        status = orjson.loads(text.strip())
    except orjson.JSONDecodeError:
        return None
    return status if isinstance(status, dict) else None
