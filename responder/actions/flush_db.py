"""Empties a Redis database."""

from pydantic import Field

from responder.model.target import Target
from responder.plugins.action import Action
from responder.plugins.commands import variable
from responder.plugins.fields import SourceName
from responder.plugins.params import Params


class FlushDbParams(Params):
    """Which one."""

    source: SourceName = Field(description="Name of the Redis in the settings; its URL says which database.")


class FlushDb(Action[FlushDbParams]):
    """
    Delete every key of one Redis database. It cannot be undone: ask two people.

    Sessions that are kept in it end: everybody has to log in again.

    Source: `FLUSHDB ASYNC`.

    Example:

        actions:
          flush: {redis.flush_db: {source: cache}, mode: approve, guard: {approvals: 2}}
    """

    name = "redis.flush_db"
    Params = FlushDbParams

    def command(self, params: FlushDbParams, target: Target) -> tuple[str, ...]:
        """Return `redis-cli`; the variable stands for the URL of the source."""
        return (f"redis-cli -u {variable(params.source)} FLUSHDB ASYNC",)
