"""Empties a Redis database."""

import re
from collections import Counter
from collections.abc import Sequence

from pydantic import Field

from responder.model.action import Change, Outcome, Preview
from responder.model.redaction import redact
from responder.model.resource import namespace_of
from responder.model.target import Target
from responder.plugins.acting import ActionTools
from responder.plugins.action import Action
from responder.plugins.commands import variable
from responder.plugins.fields import SourceName
from responder.plugins.params import Params

SAMPLE = 200
"""Keys that are looked at to say what kinds there are."""
_PREFIX = re.compile(r"[A-Za-z][\w-]{0,39}[:/|.]", re.ASCII)


class FlushDbParams(Params):
    """Which one."""

    source: SourceName = Field(description="Name of the Redis in the settings; its URL says which database.")


class FlushDb(Action[FlushDbParams]):
    """
    Delete every key of one Redis database. It cannot be undone: two people are asked.

    Sessions that are kept in it end: everybody has to log in again.

    Source: `FLUSHDB ASYNC`.

    Example:

        actions:
          evidence: {evidence.capture: {logs: true}, mode: auto}
          flush: {redis.flush_db: {source: cache}, mode: approve, guard: {approvals: 2, evidence: [evidence]}}
    """

    name = "redis.flush_db"
    Params = FlushDbParams
    once = "doubtful"
    weight = "destructive"
    cost = "every key is gone: sessions end, caches are cold, and what only stood there is lost"
    approvals = 2

    def command(self, params: FlushDbParams, target: Target) -> tuple[str, ...]:
        """Return `redis-cli`; the variable stands for the URL of the source."""
        return (f"redis-cli -u {variable(params.source)} FLUSHDB ASYNC",)

    async def preview(self, params: FlushDbParams, target: Target, tools: ActionTools) -> Preview:
        """Count the keys, and say of a sample what kinds there are."""
        cache = tools.redis(params.source)
        count = await cache.size()
        kinds = _kinds(await cache.sample(SAMPLE))
        return Preview(
            # Its digest is of what is agreed to, all keys: their number moves from one look to the next.
            f"delete all keys of the Redis {params.source}",
            changes=(Change("keys", "all", "none"),),
            refusal="" if count else "there are no keys: nothing would change",
            namespace=namespace_of(target),
            lock=f"{tools.incident.cluster}/redis/{params.source}",
            touches=kinds,
            disruption=f"{_keys(count)} there now: whatever is kept there is gone: sessions end, caches are cold",
            warnings=("It cannot be undone",),
        )

    async def act(self, params: FlushDbParams, target: Target, preview: Preview, tools: ActionTools) -> Outcome:
        """Delete them; a second try could delete what was written since, so there is none."""
        if tools.retry:
            return Outcome("in_doubt", "the keys may have been deleted by an earlier try")
        cache = tools.redis(params.source)
        before = await cache.size()
        await tools.hold()
        await cache.flush()
        return Outcome("done", f"deleted {before:,} {'key' if before == 1 else 'keys'}")


def _keys(count: int) -> str:
    return "1 key is" if count == 1 else f"{count:,} keys are"


def _kinds(keys: Sequence[str]) -> tuple[str, ...]:
    """Name the prefixes of keys, the most frequent first; the rest of a key may be a secret, such as a session's."""
    found = (_PREFIX.match(key) for key in keys)
    counted = Counter(redact(prefix.group()) + "*" if prefix else "others" for prefix in found)
    return tuple(f"{kind} (about {round(100 * n / len(keys))} %)" for kind, n in counted.most_common(10))
