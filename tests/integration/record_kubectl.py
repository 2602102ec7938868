"""
Records what kubectl asks of an API server and what becomes of the object, for the commands that actions stand for.

To record anew, where kubectl is installed:

    python -m tests.integration.record_kubectl tests/actions/kubectl.json
"""

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.servers.kubectl_world import COMMANDS, WORLD, Command, kind_of
from tests.servers.kubernetes import KubernetesServer
from tests.servers.kubernetes_access import Access

Object = dict[str, Any]


class _Open(Access):
    """Lets everybody do everything: kubectl sends no token where there is no TLS."""

    def allows(self, user: str, right: tuple[str, str, str], namespace: str) -> bool:
        return True


class Recorder(KubernetesServer):
    """The tests' API server, which keeps the body of every write."""

    def __init__(self) -> None:
        super().__init__()
        self.access = _Open({})
        self.writes: list[Object] = []

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if request.method != "GET":
            body = await request.read()
            self.writes.append(
                {
                    "method": request.method,
                    "path": request.raw_path.partition("?")[0],
                    "query": dict(request.query),
                    "content_type": request.content_type,
                    "body": json.loads(body) if body else None,
                }
            )
        return await super()._serve(request)


async def record(command: Command) -> Object:
    """Run one kubectl command on a fresh world."""
    server = Recorder()
    with tempfile.TemporaryDirectory() as folder:
        async with server.running():
            server.seed(WORLD)
            before = server.objects.get(*kind_of(command.object))
            config = server.kubeconfig(Path(folder))
            words = [*command.line.split()[1:], "--kubeconfig", str(config), "--cache-dir", folder]
            process = await asyncio.create_subprocess_exec(
                "kubectl", *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
            )
            said, _ = await asyncio.wait_for(process.communicate(), 60)
            if process.returncode:
                raise RuntimeError(f"{command.line}: {said.decode()}")
            after = server.objects.get(*kind_of(command.object))
    return {"command": command.line, "writes": server.writes, "before": before, "after": after}


async def main(path: Path) -> None:
    """Record every command into one file."""
    recorded = {command.name: await record(command) for command in COMMANDS}
    path.write_text(json.dumps(recorded, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
