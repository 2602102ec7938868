"""Ends database sessions that hold connections or locks."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Self

from pydantic import Field, model_validator

from responder.model.target import Target
from responder.plugins.action import Action
from responder.plugins.commands import shell, variable
from responder.plugins.fields import SourceName
from responder.plugins.params import Duration, Params


class TerminateBackendsParams(Params):
    """Which sessions."""

    source: SourceName = Field(description="Name of the database in the settings.")
    idle_for: Duration | None = Field(None, description="Sessions idle for longer than this.")
    idle_in_transaction_for: Duration | None = Field(None, description="Sessions idle in a transaction for longer.")
    active_for: Duration | None = Field(None, description="Sessions whose statement runs for longer than this.")
    application: str = Field("", max_length=63, description="Only those of this application_name.")
    cap: int = Field(20, ge=1, le=1000, description="At most so many sessions, the longest first.")

    @model_validator(mode="after")
    def _some_span(self) -> Self:
        if self.idle_for is self.idle_in_transaction_for is self.active_for is None:
            raise ValueError("give `idle_for`, `idle_in_transaction_for` or `active_for`")
        return self


class TerminateBackends(Action[TerminateBackendsParams]):
    """
    End sessions of clients by how long they have been idle or busy; never its own, replication's or a superuser's.

    Source: `pg_terminate_backend` over `pg_stat_activity`.

    Example:

        actions:
          end-idle: {postgres.terminate_backends: {source: main, idle_for: 10m, cap: 50}, mode: approve}
    """

    name = "postgres.terminate_backends"
    Params = TerminateBackendsParams

    def command(self, params: TerminateBackendsParams, target: Target) -> tuple[str, ...]:
        """Return `psql`; the variable stands for the connection URL of the source."""
        return (f"psql {variable(params.source)} {shell('-c', _sql(params))}",)


_CHOOSE = """
SELECT pid, usename, application_name, pg_terminate_backend(pid) FROM (
SELECT pid, usename, application_name FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
AND usename NOT IN (SELECT rolname FROM pg_roles WHERE rolsuper)
"""


def _sql(params: TerminateBackendsParams) -> str:
    parts = [*_CHOOSE.split("\n"), f"AND ({' OR '.join(_spans(params))})"]
    if params.application:
        parts.append(f"AND application_name = {_literal(params.application)}")
    parts.append(f"ORDER BY state_change LIMIT {params.cap}) AS chosen")
    return " ".join(part for part in parts if part)


def _spans(params: TerminateBackendsParams) -> Iterator[str]:
    if params.idle_for is not None:
        yield f"state = 'idle' AND state_change < now() - {_interval(params.idle_for)}"
    if params.idle_in_transaction_for is not None:
        span = _interval(params.idle_in_transaction_for)
        yield f"state LIKE 'idle in transaction%' AND state_change < now() - {span}"
    if params.active_for is not None:
        yield f"state = 'active' AND query_start < now() - {_interval(params.active_for)}"


def _interval(span: timedelta) -> str:
    return f"interval '{span.total_seconds():g} seconds'"


def _literal(text: str) -> str:
    quoted = text.replace("'", "''").replace("\\", "\\\\")
    return f"E'{quoted}'"
