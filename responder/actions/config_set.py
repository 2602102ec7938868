"""Changes the configuration of a running Redis."""

from typing import Annotated

from pydantic import Field

from responder.model.target import Target
from responder.plugins.action import Action
from responder.plugins.commands import shell, variable
from responder.plugins.fields import SourceName
from responder.plugins.params import Params

Option = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,60}$")]


class ConfigSetParams(Params):
    """Which options."""

    source: SourceName = Field(description="Name of the Redis in the settings.")
    set: dict[Option, str] = Field(min_length=1, description="Options and their values, as in redis.conf.")


class ConfigSet(Action[ConfigSetParams]):
    """
    Set options that the settings allow; they last until the next start of Redis.

    Source: `CONFIG SET`.

    Example:

        actions:
          evict: {redis.config_set: {source: cache, set: {maxmemory-policy: allkeys-lru}}, mode: approve}
    """

    name = "redis.config_set"
    Params = ConfigSetParams

    def command(self, params: ConfigSetParams, target: Target) -> tuple[str, ...]:
        """Return one `redis-cli` for each option; the variable stands for the URL of the source."""
        redis = f"redis-cli -u {variable(params.source)}"
        return tuple(f"{redis} {shell('CONFIG', 'SET', option, value)}" for option, value in params.set.items())
