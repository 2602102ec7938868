"""The tools of one try at a step, as `wiring` builds them: real clients from settings."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from responder.clients.acting_clients import ActingClients
from responder.clients.by_name import load
from responder.clients.http import Policy
from responder.clients.toolbox import StepTools
from responder.errors import Barred
from responder.model.action import Outcome, Preview
from responder.model.facts import IncidentFacts
from responder.model.target import Target
from responder.plugins.acting import ActionTools, unheld
from responder.plugins.action import Action
from responder.settings.process import Settings

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
FACTS = IncidentFacts("INC-17", "critical", "open", "High error rate", "shop/errors", "default", "shop", NOW, NOW)
TARGET = Target("default", "Deployment", "shop", "api", "api")
ATTEMPT = "INC-17@abc/3/0"

HOSTILE = [
    "'; DROP TABLE keys; --",
    '"}, {"name": "',
    "a\nb\r\nSET x y",
    "{{ .Value }} ${labels.x}",
    "$(reboot) `id` | rm -rf / ; &&",
    "<!channel> <https://evil|x> *b*",
    "../../etc/passwd",
    "é\u202e\u0007",
    "%s %(x)s {0}",
]
"""Values that are code somewhere."""

Build = Callable[..., StepTools]


@dataclass(frozen=True)
class Step:
    """One action with its parameters, at work with real clients."""

    action: Action[Any]
    params: Any
    tools: StepTools
    target: Target = TARGET

    async def preview(self) -> Preview:
        return await self.action.preview(self.params, self.target, self._tools())

    async def act(self, preview: Preview, *, retry: bool = False) -> Outcome:
        return await self.action.act(self.params, self.target, preview, self._tools(retry=retry))

    async def do(self) -> Outcome:
        """Preview and act, and hold that nothing stood in the way."""
        preview = await self.preview()
        assert preview.refusal == ""
        done = await self.act(preview)
        assert done.status == "done", done.say
        return done

    async def undo(self, before: Any) -> Outcome:
        tools = replace(self.tools, attempt=f"{self.tools.attempt}/undo")
        return await self.action.undo(self.params, self.target, before, tools)

    async def held_up(self, preview: Preview) -> None:
        """Act after standing still until others had taken it over, and hold that this is heard of in time."""
        late = replace(self.tools, hold=_taken_over)
        with pytest.raises(Barred):
            await self.action.act(self.params, self.target, preview, late)

    def _tools(self, *, retry: bool = False) -> ActionTools:
        return replace(self.tools, retry=retry)


async def _taken_over() -> None:
    raise Barred("somebody else has taken it over")


def step(action: Action[Any], tools: StepTools, target: Target = TARGET, **params: Any) -> Step:
    """Put an action to work, its parameters checked as those of the rules are."""
    return Step(action, action.Params.model_validate(params), tools, target)


@pytest.fixture
async def steps() -> AsyncIterator[Build]:
    """Build tools: `steps(labels={...}, **settings)`; every client is closed at the end."""
    async with AsyncExitStack() as ending:

        def ended(client: Any) -> Any:
            if hasattr(client, "close"):
                ending.push_async_callback(client.close)
            return client

        def build(
            *, labels: Mapping[str, str] | None = None, now: Callable[[], datetime] | None = None, **settings: Any
        ) -> StepTools:
            acting = ActingClients(Settings.model_validate(settings), load, ended, Policy())
            return StepTools(
                incident=FACTS,
                now=now or (lambda: datetime.now(UTC)),
                cluster=acting.cluster("default"),
                http=acting.http,
                labels=labels or {},
                attempt=ATTEMPT,
                reason="INC-17, approved by ann",
                by="ann",
                retry=False,
                files={},
                allowed=acting.allowed,
                shelf=acting.shelf,
                max_size=acting.max_size,
                hold=unheld,
            )

        yield build
