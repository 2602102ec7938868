"""
Draws charts as PNG in a helper process, which starts with the first chart and ends when none is asked for.

matplotlib costs 50 MiB and half a second: neither belongs into the process that answers Alertmanager.
"""

import asyncio
import os
import struct
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Coroutine
from contextlib import suppress
from datetime import timedelta
from importlib.util import find_spec
from typing import Any, TypeVar

import orjson

from responder.errors import NotConfigured, PermanentError, TransientError
from responder.model.message import Chart

T = TypeVar("T")

DEADLINE = timedelta(seconds=30)
"""The first chart on a machine builds a cache of fonts, which takes some seconds."""
IDLE = timedelta(seconds=60)
MOST_LINES = 10
MOST_POINTS = 2_000

_HEADER = struct.Struct(">BI")
"""What comes back: 0 for a picture or 1 for an error, and the length of what follows."""


class Charts:
    """One helper process at most; charts are drawn one after the other."""

    def __init__(self, *, idle: timedelta = IDLE, deadline: timedelta = DEADLINE) -> None:
        self.deadline = deadline
        self._idle = idle
        self._lock = asyncio.Lock()
        self._process: Process | None = None
        self._ending: asyncio.TimerHandle | None = None
        self._cache: tempfile.TemporaryDirectory[str] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def pid(self) -> int | None:
        """The process id of the helper; None while there is none."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def draw(self, chart: Chart) -> bytes:
        """
        Draw a chart as PNG, 1200 x 480 pixels, times in UTC.

        Raises: NotConfigured where matplotlib is not installed, TransientError after the deadline or a crash,
        PermanentError for a chart that cannot be drawn.
        """
        if find_spec("matplotlib") is None:
            raise NotConfigured("charts need matplotlib: install alertmanager-responder[charts]")
        return await asyncio.shield(self._in_background(self._draw(chart)))

    async def close(self) -> None:
        """End the helper."""
        async with self._lock:
            self._keep()
            await self._kill()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._cache is not None:
            self._cache.cleanup()
            self._cache = None

    def _in_background(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """
        Run to the end even if the caller gives up.

        Else a process would be left half started, or its answer taken for that to the next question.
        """
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return task

    async def _draw(self, chart: Chart) -> bytes:
        async with self._lock:
            self._keep()
            try:
                async with asyncio.timeout(self.deadline.total_seconds()):
                    failed, content = await self._ask(_written(chart))
            except TimeoutError as error:
                await self._kill()
                raise TransientError("drawing a chart took too long") from error
            except (OSError, EOFError) as error:
                await self._kill()
                raise TransientError("the process that draws charts ended") from error
            finally:
                self._end_later()
        if failed:
            raise PermanentError(f"this chart cannot be drawn: {content.decode(errors='replace')[:300]}")
        return content

    async def _ask(self, question: bytes) -> tuple[bool, bytes]:
        process = await self._running()
        if process.stdin is None or process.stdout is None:
            raise EOFError
        process.stdin.write(struct.pack(">I", len(question)) + question)
        await process.stdin.drain()
        failed, length = _HEADER.unpack(await process.stdout.readexactly(_HEADER.size))
        return bool(failed), await process.stdout.readexactly(length)

    async def _running(self) -> Process:
        if self._process is None or self._process.returncode is not None:
            if self._cache is None:
                self._cache = tempfile.TemporaryDirectory(prefix="responder-charts-", ignore_cleanup_errors=True)
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "responder.clients.drawing"),
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                env={"MPLCONFIGDIR": self._cache.name, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        return self._process

    def _keep(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None

    def _end_later(self) -> None:
        self._ending = asyncio.get_running_loop().call_later(self._idle.total_seconds(), self._dismiss)

    def _dismiss(self) -> None:
        """Close its input, at which it ends by itself."""
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()
            self._in_background(process.wait())

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def _written(chart: Chart) -> bytes:
    lines = [
        {
            "name": line.name,
            "at": [point.at.timestamp() for point in line.points[-MOST_POINTS:]],
            "values": [point.value for point in line.points[-MOST_POINTS:]],
        }
        for line in chart.lines[:MOST_LINES]
    ]
    return orjson.dumps(
        {
            "title": chart.title,
            "unit": chart.unit,
            "lines": lines,
            "left_out": max(len(chart.lines) - MOST_LINES, 0),
            "marks": [[name, at.timestamp()] for name, at in chart.marks[:20]],
        }
    )
