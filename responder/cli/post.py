"""`responder replay --to URL`: recorded deliveries to a running server, moved to now."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from responder.cli.rules import count
from responder.cli.running import refusal
from responder.clients.posting import WEBHOOK, Webhook
from responder.engine.recording import Recording
from responder.errors import ConfigError, PermanentError, TransientError
from responder.model.duration import exact_duration

TRIES = 3
_BETWEEN = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class _Due:
    """One delivery: `after` is how long after the first one it is posted."""

    after: timedelta
    what: str
    body: bytes


def post(recordings: Sequence[Recording], url: str, *, token: str, speed: float, console: Console) -> bool:
    """
    Post every delivery to the server, `speed` times as fast as they came; 0 is at once.

    Says of each one that is refused why, and answers whether there was none.

    Raises: TransientError when the server does not take it after some tries, ConfigError for wrong credentials.
    """
    webhook = url if url.endswith(WEBHOOK) else f"{url}{WEBHOOK}"
    due = sorted((one for each in recordings for one in _due(each, speed)), key=lambda one: one.after)
    refused = asyncio.run(_post(due, webhook, token, console))
    taken = len(due) - refused
    console.print(f"{count(taken, 'delivery', 'deliveries')} taken by {url}, {refused} refused", markup=False)
    return refused == 0


def _due(recording: Recording, speed: float) -> list[_Due]:
    """Move a recording to now, played faster than it came so that no delivery speaks of what is yet to come."""
    last = max((at for at, _ in recording.deliveries), default=timedelta(0))
    ahead = max(timedelta(0), last - _after(last, speed))
    moved = recording.moved(datetime.now(UTC) - ahead)
    total = len(moved.deliveries)
    return [
        _Due(_after(at, speed), f"{moved.name}, delivery {place} of {total} at {exact_duration(at)}", body)
        for place, (at, body) in enumerate(moved.deliveries, start=1)
    ]


def _after(at: timedelta, speed: float) -> timedelta:
    return at / speed if speed else timedelta(0)


async def _post(due: Sequence[_Due], url: str, token: str, console: Console) -> int:
    """Post them in their order; answers how many were refused."""
    refused = 0
    seen = Console(stderr=True)
    columns = (TextColumn("posting"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    loop = asyncio.get_running_loop()
    began = loop.time()
    with Progress(*columns, console=seen, transient=True, disable=not seen.is_terminal) as progress:
        task = progress.add_task("", total=len(due))
        async with Webhook(url, token) as webhook:
            for one in due:
                progress.update(task, description=one.what)
                await asyncio.sleep(max(0.0, began + one.after.total_seconds() - loop.time()))
                try:
                    await _deliver(webhook, one)
                except PermanentError as error:
                    refused += 1
                    console.print(f"refused: {one.what}: {error}", style="red", markup=False, soft_wrap=True)
                except ConfigError as error:
                    raise refusal(error) from error
                progress.advance(task)
    return refused


async def _deliver(webhook: Webhook, one: _Due) -> None:
    """Post one, some times where that may help."""
    for left in reversed(range(TRIES)):
        try:
            await webhook.post(one.body)
        except TransientError as error:
            if not left:
                raise TransientError(f"{one.what}: {error}; the deliveries before it were posted") from error
            await asyncio.sleep(_BETWEEN.total_seconds())
        else:
            return
