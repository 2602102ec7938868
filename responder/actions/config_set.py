"""Changes the configuration of a running Redis."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import inf
from typing import Annotated

from pydantic import Field

from responder.errors import CallError, Unanswered
from responder.model.action import ActionWeight, Change, Outcome, Preview
from responder.model.resource import namespace_of
from responder.model.target import Target
from responder.model.verdict import Json
from responder.plugins.acting import ActionTools, Cache
from responder.plugins.action import Action
from responder.plugins.commands import shell, variable
from responder.plugins.fields import SourceName
from responder.plugins.params import Params

Option = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,60}$")]


_SECRET = frozenset({"requirepass", "masterauth", "masteruser", "tls-key-file-pass", "tls-client-key-file-pass"})


_LIMITS = frozenset({"maxmemory", "maxclients"})
"""What a lower value of harms: keys are evicted, clients turned away."""
_NO_EVICTION = "noeviction"
_SIZE = re.compile(r"(\d+)(k|kb|m|mb|g|gb|b)?", re.IGNORECASE | re.ASCII)
_UNITS = {"": 1, "b": 1, "k": 10**3, "kb": 2**10, "m": 10**6, "mb": 2**20, "g": 10**9, "gb": 2**30}


class ConfigSetParams(Params):
    """Which options."""

    source: SourceName = Field(description="Name of the Redis in the settings.")
    set: dict[Option, str] = Field(
        min_length=1, max_length=20, description="Options and their values, as in redis.conf."
    )
    allow_decrease: bool = Field(False, description="true: maxmemory and maxclients may become smaller than they are.")


class ConfigSet(Action[ConfigSetParams]):
    """
    Set options that the settings allow; they last until the next start of Redis.

    Source: `CONFIG SET`.

    Example:

        actions:
          evidence: {evidence.capture: {logs: true}, mode: auto}
          evict:
            redis.config_set: {source: cache, set: {maxmemory-policy: allkeys-lru}}
            mode: approve
            guard: {evidence: [evidence]}
    """

    name = "redis.config_set"
    Params = ConfigSetParams
    once = "repeatable"
    undoable = True
    weight = "destructive"
    cost = "with a smaller limit, or a policy that evicts, keys go; other options are put back"

    def weight_of(self, params: ConfigSetParams, files: Mapping[str, str]) -> ActionWeight:
        """Destroy where keys may be evicted."""
        policy = params.set.get("maxmemory-policy", _NO_EVICTION)
        return "destructive" if params.allow_decrease or policy != _NO_EVICTION else "ordinary"

    def command(self, params: ConfigSetParams, target: Target) -> tuple[str, ...]:
        """Return one `redis-cli` for each option; the variable stands for the URL of the source."""
        redis = f"redis-cli -u {variable(params.source)}"
        return tuple(f"{redis} {shell('CONFIG', 'SET', option, value)}" for option, value in params.set.items())

    async def preview(self, params: ConfigSetParams, target: Target, tools: ActionTools) -> Preview:
        """Read the options; what they were is what undoing puts back."""
        refusal = _refusal(params, tools.allowed.redis_parameters)
        found = {} if refusal else await _read(tools.redis(params.source), params.set)
        unknown = ", ".join(option for option, value in found.items() if value is None)
        if unknown:
            refusal = f"this Redis has no option {unknown}, or does not show it to our login"
        elif not refusal and found == dict(params.set):
            refusal = "the options have these values already: nothing would change"
        elif not refusal and not params.allow_decrease:
            refusal = "; ".join(_decreases(found, params.set))
        return Preview(
            f"set {', '.join(params.set)} of the Redis {params.source}, until its next start",
            changes=tuple(Change(option, found.get(option) or "", value) for option, value in params.set.items()),
            refusal=refusal,
            basis=found,
            undo={"before": found},
            namespace=namespace_of(target),
            lock=f"{tools.incident.cluster}/redis/{params.source}",
        )

    async def act(self, params: ConfigSetParams, target: Target, preview: Preview, tools: ActionTools) -> Outcome:
        """Set them one by one, while they are as the preview saw them; when one is refused, put the others back."""
        if refusal := _refusal(params, tools.allowed.redis_parameters):
            return Outcome("not_done", refusal)
        cache = tools.redis(params.source)
        now = await _read(cache, params.set)
        if moved := ", ".join(_moved(now, preview, params)):
            if not tools.retry:
                return Outcome("not_done", f"{moved} has changed since it was looked at")
            return Outcome("in_doubt", f"{moved} is neither what it was nor what was asked for: left as it is")
        before = {option: str(preview.basis[option]) for option in params.set}
        failure = await _set_all(cache, params.set, before)
        if failure:
            return Outcome("failed", failure)
        after = await _read(cache, params.set)
        shown = tuple(f"{option}: {before[option]} → {value}" for option, value in after.items())
        return Outcome(
            "done", f"set {', '.join(params.set)}", shown, undo={"before": before, "after": after}, basis=after
        )

    async def undo(self, params: ConfigSetParams, target: Target, before: Json, tools: ActionTools) -> Outcome:
        """Put the values back, unless others have set them since."""
        cache = tools.redis(params.source)
        old, ours = before["before"], before.get("after")
        now = await _read(cache, old)
        left = {option: value for option, value in old.items() if now[option] != value}
        theirs = [option for option in left if ours is not None and now[option] != ours[option]]
        if theirs:
            return Outcome("not_done", f"{', '.join(theirs)} was set to something else since: left as it is")
        for option, value in left.items():
            await cache.config_set(option, value)
        return Outcome("done", f"put back {', '.join(left) or 'nothing: all is as it was'}")


def _moved(now: Mapping[str, str | None], preview: Preview, params: ConfigSetParams) -> Iterator[str]:
    for option, value in now.items():
        if not any(_same(value, other) for other in (preview.basis.get(option), params.set[option])):
            yield option


def _same(one: Json, other: Json) -> bool:
    """Whether two values mean the same: Redis answers 1073741824 where 1gb was set."""
    if one == other:
        return True
    sizes = [_size(value) if isinstance(value, str) else None for value in (one, other)]
    return sizes[0] is not None and sizes[0] == sizes[1]


def _refusal(params: ConfigSetParams, allowed: Sequence[str]) -> str:
    secret = [option for option in params.set if option in _SECRET]
    if secret:
        return f"{', '.join(secret)} is a secret, which would be shown and stored: set it by hand"
    missing = [option for option in params.set if option not in allowed]
    return f"actions.redis_parameters does not allow {', '.join(missing)}: add it there" if missing else ""


def _decreases(found: Mapping[str, str | None], wanted: Mapping[str, str]) -> Iterator[str]:
    """Name the limits that would become smaller; one that is no number is for the server to refuse."""
    for option in _LIMITS & wanted.keys():
        before, after = _size(found.get(option) or ""), _size(wanted[option])
        if before is not None and after is not None and after < before:
            yield f"{option} would fall from {found[option]} to {wanted[option]}: allow_decrease: true lets it"


def _size(text: str) -> float | None:
    """Read a number as redis.conf writes it; 0 is without a limit."""
    read = _SIZE.fullmatch(text.strip())
    return int(read[1]) * _UNITS[(read[2] or "").lower()] or inf if read else None


async def _read(cache: Cache, options: Iterable[str]) -> dict[str, str | None]:
    return {option: await cache.config_get(option) for option in options}


async def _set_all(cache: Cache, wanted: Mapping[str, str], before: Mapping[str, str]) -> str:
    """Set options, or none: return why it went wrong. Raises: Unanswered."""
    done: list[str] = []
    for option, value in wanted.items():
        try:
            await cache.config_set(option, value)
        except Unanswered:
            raise
        except CallError as error:
            for each in done:
                await cache.config_set(each, before[each])
            return f"{option} was refused: {error}" + (f"; {', '.join(done)} was put back" if done else "")
        done.append(option)
    return ""
