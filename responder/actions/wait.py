"""Waits until Prometheus says so, between two steps of a sequence."""

import asyncio
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from responder.errors import TransientError
from responder.model.action import Outcome, Preview
from responder.model.duration import format_duration
from responder.model.place import Place
from responder.model.resource import namespace_of
from responder.model.target import Target
from responder.plugins.acting import ActionTools
from responder.plugins.action import Action
from responder.plugins.commands import shell
from responder.plugins.params import Duration, Params

LONGEST = timedelta(hours=1)
ASK_EVERY = timedelta(seconds=5)


class WaitParams(Params):
    """For what, and how long."""

    query: Annotated[str, Place.PROMQL] = Field(
        min_length=1, description="PromQL; it is over when the query has a result, as with an alert."
    )
    hold: Duration = Field("0s", validate_default=True, le=LONGEST, description="How long it must stay so.")
    within: Duration = Field(
        "10m", validate_default=True, le=LONGEST, description="How long to wait, at most 1h; then it has failed."
    )


class Wait(Action[WaitParams]):
    """
    Wait for a condition in Prometheus before the next action of a `do` sequence. It changes nothing.

    Source: `GET /api/v1/query`.

    Example:

        actions:
          drained: {prometheus.wait: {query: 'sum(queue_depth{namespace="${labels.namespace}"}) < 10', within: 5m}}
    """

    name = "prometheus.wait"
    Params = WaitParams
    once = "repeatable"
    weight = "harmless"
    cost = "it reads and waits"
    deadline = LONGEST + timedelta(minutes=1)

    def command(self, params: WaitParams, target: Target) -> tuple[str, ...]:
        """Return `promtool`; the variable stands for Prometheus' address."""
        return (f'promtool query instant "$PROMETHEUS_URL" {shell(params.query)}',)

    async def preview(self, params: WaitParams, target: Target, tools: ActionTools) -> Preview:
        """Ask once: a wrong query is known before anybody waits for it."""
        holds = bool(await tools.prometheus.query(params.query))
        held = f" for {format_duration(params.hold)}" if params.hold else ""
        return Preview(
            f"wait at most {format_duration(params.within)} until the query has a result{held}",
            namespace=namespace_of(target),
            warnings=("The query has a result already",) if holds else (),
            dry_run=True,
        )

    async def act(self, params: WaitParams, target: Target, preview: Preview, tools: ActionTools) -> Outcome:
        """Ask again and again until it has held for as long as it must, or the time is over."""
        began = tools.now()
        since: datetime | None = None
        said = "it had no result"
        while True:
            try:
                since = (since or tools.now()) if await tools.prometheus.query(params.query) else None
            except TransientError as error:
                since, said = None, f"the last answer was: {error}"
            now = tools.now()
            if since is not None and now - since >= params.hold:
                return Outcome("done", f"it has a result after {format_duration(now - began)}")
            left = params.within - (now - began)
            if left <= timedelta(0):
                return Outcome("failed", f"not within {format_duration(params.within)}: {_why(since, params, said)}")
            await asyncio.sleep(min(left, ASK_EVERY).total_seconds())


def _why(since: datetime | None, params: WaitParams, said: str) -> str:
    return said if since is None else f"it had a result, but not for {format_duration(params.hold)}"
