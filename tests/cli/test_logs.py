"""Logs are one event a line, and no secret is among them."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from responder.cli import logs
from responder.settings.process import Settings

SETTINGS = Settings.model_validate(
    {
        "webhook": {"bearer_tokens": ["correct-horse"], "basic_users": {"alertmanager": "battery-staple"}},
        "slack": {"webhooks": {"incidents": {"url": "https://hooks.slack.com/services/T0/B0/abcdef"}}},
        "prometheus": {"url": "http://prometheus", "headers": {"X-Scope-OrgID": "tenant-of-ours"}},
    }
)


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Log into memory, and leave everything as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    written = io.StringIO()
    logs.configure(SETTINGS, written)
    yield written
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def only(stream: io.StringIO) -> dict[str, object]:
    (line,) = stream.getvalue().splitlines()
    found = json.loads(line)
    assert isinstance(found, dict)
    return found


def test_an_event_is_one_json_object_a_line(stream: io.StringIO) -> None:
    structlog.get_logger().info("incident.opened", incident="INC-1", alerts=3)
    found = only(stream)
    assert found.pop("timestamp")
    assert found == {"event": "incident.opened", "level": "info", "incident": "INC-1", "alerts": 3}


def test_a_library_that_logs_is_written_the_same_way(stream: io.StringIO) -> None:
    logging.getLogger("some.library").warning("lost %s", "connection")
    found = only(stream)
    assert (found["event"], found["level"]) == ("lost connection", "warning")


@pytest.mark.parametrize("secret", ["correct-horse", "battery-staple", "/services/T0/B0/abcdef", "tenant-of-ours"])
def test_the_secrets_of_the_settings_never_stand_in_a_log(stream: io.StringIO, secret: str) -> None:
    nested = {"a": [f"x{SETTINGS.slack.webhooks['incidents'].url.get_secret_value()}", ("correct-horse",)]}
    structlog.get_logger().error("battery-staple", nested=nested, header=b"correct-horse", tenant="tenant-of-ours")
    assert secret not in stream.getvalue()
    assert "[redacted]" in stream.getvalue()


def test_what_looks_like_a_secret_is_taken_out(stream: io.StringIO) -> None:
    structlog.get_logger().info(
        "call", url="postgresql://user:hunter22@db/x", header="Authorization: Bearer abc123def456"
    )
    assert "hunter22" not in stream.getvalue()
    assert "abc123def456" not in stream.getvalue()


def test_a_traceback_is_kept_in_its_line_without_secrets(stream: io.StringIO) -> None:
    try:
        raise ValueError("no luck with correct-horse")
    except ValueError:
        structlog.get_logger().exception("turn.failed", incident="INC-1")
    found = only(stream)
    assert "ValueError: no luck with [redacted]" in str(found["exception"])


def test_what_cannot_be_written_as_json_is_written_as_text(stream: io.StringIO) -> None:
    structlog.get_logger().info("odd", value={1, 2}, other=object)
    assert only(stream)["value"] == [1, 2]


def test_for_people_it_is_text(stream: io.StringIO) -> None:
    written = io.StringIO()
    logs.configure(SETTINGS.model_copy(update={"log_format": "console"}), written)
    structlog.get_logger().info("serving", addresses=["http://127.0.0.1:8080"])
    assert "serving" in written.getvalue()
    assert not written.getvalue().startswith("{")
