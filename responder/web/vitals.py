"""How the things are that the process needs or uses."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from responder.clients.circuit import Circuit
from responder.errors import StoreUnavailable
from responder.rules.rule_store import RuleStore
from responder.store.store import Store
from responder.web.ports import Health

STORE_ANSWERS_WITHIN = timedelta(seconds=2)
"""Less than what a kubelet gives a probe by default is not to be had of a store under load."""


async def _no_trouble() -> str:
    return ""


@dataclass(frozen=True, slots=True)
class HouseVitals:
    """
    Asks the store; of everything else it says how the last calls went.

    `trouble` says why nothing can be written, "" when it can.
    """

    backing: Store
    rule_store: RuleStore
    circuits: Sequence[Circuit]
    trouble: Callable[[], Awaitable[str]] = _no_trouble

    async def store(self) -> Health:
        """Ask the store whether it answers, and whether what is written to it lasts."""
        try:
            async with asyncio.timeout(STORE_ANSWERS_WITHIN.total_seconds()):
                await self.backing.read("alive")
                trouble = await self.trouble()
        except StoreUnavailable as error:
            return Health(False, str(error))
        except TimeoutError:
            return Health(False, f"no answer within {STORE_ANSWERS_WITHIN.total_seconds():g} s")
        return Health(not trouble, trouble)

    def rules(self) -> Health:
        """Say which rules are in use, and what is wrong with newer ones."""
        in_use = f"version {self.rule_store.current.ruleset.version}"
        if self.rule_store.error:
            return Health(False, f"{in_use} stays in use, as the files are wrong: {self.rule_store.error}")
        return Health(True, in_use)

    def dependencies(self) -> Mapping[str, Health]:
        """Say how the last calls to each dependency went; nothing is called for it."""
        return {circuit.name: Health(*circuit.state) for circuit in self.circuits}
