"""Programs in containers over a WebSocket, for the API server in `kubernetes.py`: channels v5 and v4."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.servers.kubernetes_errors import Refusal, bad_request

Object = dict[str, Any]

_PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
_CHUNK = 32 * 1024


@dataclass(frozen=True)
class Ran:
    """What a program leaves; `hang` never ends, `drop` breaks the connection before the exit code."""

    stdout: bytes = b""
    stderr: bytes = b""
    code: int = 0
    hang: bool = False
    drop: bool = False


@dataclass(frozen=True)
class Execution:
    """One program that was run."""

    namespace: str
    pod: str
    container: str
    argv: tuple[str, ...]


@dataclass
class Programs:
    """
    What containers can run: `scripted` by the whole argument list or by the program alone, `files` that `cat` shows, by
    (pod, path). `ran` are those that were started, oldest first.
    """

    scripted: dict[tuple[str, ...], Ran] = field(default_factory=dict)
    files: dict[tuple[str, str], bytes] = field(default_factory=dict)
    ran: list[Execution] = field(default_factory=list)

    def run(self, execution: Execution) -> Ran | None:
        """Run a program; None for one that the container does not have."""
        argv = execution.argv
        found = self.scripted.get(argv) or self.scripted.get(argv[:1])
        if found is None and argv[0] == "cat" and len(argv) == 2:
            content = self.files.get((execution.pod, argv[1]))
            missing = f"cat: {argv[1]}: No such file or directory\n".encode()
            found = Ran(content) if content is not None else Ran(b"", missing, 1)
        if found is not None:
            self.ran.append(execution)
        return found


async def serve(request: web.Request, pod: Object, programs: Programs) -> web.StreamResponse:
    """Answer an exec as the API server and the kubelet behind it do."""
    if request.headers.get("Upgrade", "").lower() != "websocket":
        raise bad_request("Upgrade request required")
    argv = tuple(request.query.getall("command", []))
    if not argv:
        raise bad_request('PodExecOptions "" is invalid: command: Required value')
    if not any(request.query.get(stream) == "true" for stream in ("stdin", "stdout", "stderr")):
        raise bad_request("you must specify at least 1 of stdin, stdout, stderr")
    container = _container(pod, request.query.get("container", ""))
    socket = web.WebSocketResponse(protocols=_PROTOCOLS)
    if not socket.can_prepare(request).protocol:
        raise Refusal(403, "Forbidden", "no subprotocol of channel.k8s.io was asked for")
    await socket.prepare(request)
    metadata = pod["metadata"]
    ran = programs.run(Execution(metadata["namespace"], metadata["name"], container, argv))
    if ran is None:
        await _finish(socket, _not_started(argv))
        return socket
    await _send(socket, 1, ran.stdout)
    await _send(socket, 2, ran.stderr)
    if ran.hang:
        await asyncio.sleep(3600)
    if ran.drop and request.transport is not None:
        request.transport.abort()
        return socket
    await _finish(socket, _exited(ran.code))
    return socket


def _container(pod: Object, wanted: str) -> str:
    names = [container["name"] for container in pod["spec"]["containers"]]
    name = wanted or names[0]
    if name not in names:
        raise bad_request(f"container {name} is not valid for pod {pod['metadata']['name']}")
    status = next((s for s in pod.get("status", {}).get("containerStatuses") or () if s["name"] == name), {})
    if not (status.get("state") or {}).get("running"):
        message = f'unable to upgrade connection: container not found ("{name}")'
        raise Refusal(500, "InternalError", message)
    return str(name)


async def _send(socket: web.WebSocketResponse, channel: int, content: bytes) -> None:
    # The first message on a channel is empty, as the real server's is.
    await socket.send_bytes(bytes([channel]))
    for start in range(0, len(content), _CHUNK):
        await socket.send_bytes(bytes([channel]) + content[start : start + _CHUNK])


async def _finish(socket: web.WebSocketResponse, status: Object) -> None:
    await socket.send_bytes(b"\x03" + json.dumps(status).encode())
    await socket.close()


def _exited(code: int) -> Object:
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


def _not_started(argv: Sequence[str]) -> Object:
    why = f'exec: "{argv[0]}": executable file not found in $PATH: unknown'
    message = f"Internal error occurred: error executing command in container: {why}"
    return {"metadata": {}, "status": "Failure", "message": message, "reason": "InternalError", "code": 500}
