"""Logs: one event a line with keys, as JSON or for people, secrets taken out before anything is written."""

import logging
import sys
from collections.abc import Iterator
from typing import Any, Literal, TextIO

import orjson
from pydantic import BaseModel, SecretStr

from responder.cli.lean import without
from responder.model.redaction import MARK, redact
from responder.settings.process import Settings

with without("rich"):  # 5 MiB, for tracebacks in colour
    import structlog
    from structlog.typing import EventDict, Processor, WrappedLogger

SHORTEST = 6
"""Characters of a secret of ours that is looked for in logs; a shorter one would hide innocent words."""

QUIET = ("aiohttp.access", "asyncio", "watchfiles", "slack_sdk", "kubernetes_asyncio", "urllib3", "matplotlib")


def configure(settings: Settings, stream: TextIO = sys.stderr) -> None:
    """Write structlog's events and those of libraries to a stream."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                Redacting(secrets_in(settings)),
                *_last(settings.log_format, stream),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def logger() -> Any:
    """Return what events are written with."""
    return structlog.get_logger()


class Redacting:
    """Takes secrets out of every text of an event: those of the settings, and what looks like one."""

    def __init__(self, secrets: Iterator[str]) -> None:
        self._secrets = tuple(sorted({s for s in secrets if len(s) >= SHORTEST}, key=len, reverse=True))

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        """Clean one event."""
        return {key: self._clean(value) for key, value in event.items()}

    def _clean(self, value: Any) -> Any:
        match value:
            case bool() | int() | float() | None:
                return value
            case dict():
                return {str(key): self._clean(inner) for key, inner in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self._clean(inner) for inner in value]
        text = str(value)
        for secret in self._secrets:
            text = text.replace(secret, MARK)
        return redact(text)


def secrets_in(settings: BaseModel) -> Iterator[str]:
    """List the secrets of the settings, wherever they stand."""
    yield from _secrets(dict(settings))


def _secrets(value: Any) -> Iterator[str]:
    match value:
        case SecretStr():
            yield value.get_secret_value()
        case BaseModel():
            yield from _secrets(dict(value))
        case dict():
            for inner in value.values():
                yield from _secrets(inner)
        case list() | tuple():
            for inner in value:
                yield from _secrets(inner)


def _last(form: Literal["json", "console"], stream: TextIO) -> tuple[Processor, ...]:
    if form == "console":
        return (structlog.dev.ConsoleRenderer(colors=stream.isatty()),)
    return (structlog.processors.JSONRenderer(serializer=_json),)


def _json(event: dict[str, Any], **_: Any) -> str:
    first = [key for key in ("timestamp", "level", "event") if key in event]
    ordered = {key: event[key] for key in (*first, *event)}
    return orjson.dumps(ordered, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
