"""What keeping a heap dump takes: memory must not grow with the file."""

import asyncio
import resource
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

from responder.clients.evidence import EvidenceRoom, Folder
from responder.clients.kubernetes_writing import KubernetesWriter
from responder.settings.sections import KubernetesAccess
from tests.benchmarks.place import Place
from tests.benchmarks.table import Row
from tests.servers.kubernetes import KubernetesServer
from tests.servers.kubernetes_exec import Ran

SMALL, LARGE = 1, 256
"""MiB."""
AIM = 32.0
"""MiB that the larger file may take more than the small one."""
_POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "api-1", "namespace": "shop", "uid": "u"},
    "spec": {"containers": [{"name": "api", "image": "i"}]},
    "status": {
        "phase": "Running",
        "containerStatuses": [{"name": "api", "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}}],
    },
}


async def capturing(place: Place) -> AsyncIterator[Row]:
    """Measure the most memory that a process takes to keep a file of a container, a large one beside a small one."""
    disk, folder = place.disk(), place.folder()
    server = KubernetesServer()
    server.seed(_POD)
    async with server.running():
        most = {}
        for size in (SMALL, LARGE):
            server.kubelet.programs.scripted["cat",] = Ran(bytes(size * 1024 * 1024))
            most[size] = await _keeping(server.kubeconfig(folder), folder / f"evidence-{size}")
    grown = most[LARGE] - most[SMALL]
    yield Row(
        what=f"resident memory, most, keeping a file of {LARGE} MiB (baseline: of {SMALL} MiB)",
        figure=most[LARGE],
        unit="MiB",
        baseline=most[SMALL],
        disk=disk,
        aim=f"< {AIM:g} MiB more",
        met=grown < AIM,
    )


async def _keeping(kubeconfig: Path, folder: Path) -> float:
    """Keep the file in a process of its own, and return the most MiB that it held."""
    words = ("-m", "tests.benchmarks.evidence", str(kubeconfig), str(folder))
    child = await asyncio.create_subprocess_exec(sys.executable, *words, stdout=asyncio.subprocess.PIPE)
    said, _ = await child.communicate()
    return float(said)


async def keep(kubeconfig: Path, folder: Path) -> float:
    """Keep what `cat` writes, and return the most MiB that this process held."""
    writer = KubernetesWriter(KubernetesAccess(kubeconfig=kubeconfig))
    try:
        async with EvidenceRoom(Folder(folder), "INC-1", 2**30).begin("heap.hprof") as draft:
            span, limit = timedelta(minutes=5), 2**30
            words = ["cat", "/heap"]
            await writer.execute("shop", "api-1", words, timeout=span, limit_bytes=limit, into=draft.write)
            await draft.keep()
    finally:
        await writer.close()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.stdout.write(str(asyncio.run(keep(Path(sys.argv[1]), Path(sys.argv[2])))))
