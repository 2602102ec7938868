"""Ends database sessions that hold connections or locks."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Self

from pydantic import Field, model_validator

from responder.errors import NoRoom, NotAsked, TransientError, Unanswered
from responder.model.action import ActionWeight, Outcome, Preview
from responder.model.duration import format_duration
from responder.model.resource import namespace_of
from responder.model.target import Target
from responder.plugins.acting import ActionTools
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

    Only sessions of the source's database, and only those that were shown, if they still are as they were. The login
    needs `pg_monitor` to see them and `pg_signal_backend` to end them.

    Source: `pg_terminate_backend` over `pg_stat_activity`.

    Example:

        actions:
          end-idle: {postgres.terminate_backends: {source: main, idle_for: 10m, cap: 50}, mode: approve}
    """

    name = "postgres.terminate_backends"
    Params = TerminateBackendsParams
    once = "repeatable"
    weight = "destructive"
    cost = "with `active_for` or `idle_in_transaction_for` work is rolled back; an idle session has none"

    def weight_of(self, params: TerminateBackendsParams, files: Mapping[str, str]) -> ActionWeight:
        """Destroy what is under way; a session that is idle has nothing under way."""
        under_way = params.active_for is not None or params.idle_in_transaction_for is not None
        return "destructive" if under_way else "ordinary"

    def command(self, params: TerminateBackendsParams, target: Target) -> tuple[str, ...]:
        """Return `psql`; the variable stands for the connection URL of the source."""
        return (f"psql {variable(params.source)} {shell('-c', _sql(params))}",)

    async def preview(self, params: TerminateBackendsParams, target: Target, tools: ActionTools) -> Preview:
        """Name the sessions that would be ended: those are agreed to, and no others."""
        database = tools.postgres(params.source)
        found = await database.fetch(_list(params), params.application)
        hidden = await database.fetch(_select("count(*) AS hidden", _HIDDEN)) if not found else []
        return Preview(
            f"end {_count(len(found))} of the database {params.source}{_by_application(found)}",
            refusal=_refusal(params, found, int(hidden[0]["hidden"]) if hidden else 0),
            among=tuple(_identity(row) for row in found),
            namespace=namespace_of(target),
            lock=f"{tools.incident.cluster}/postgres/{params.source}",
            touches=tuple(_shown(row) for row in found),
            disruption="what they have begun is rolled back; their clients get an error and connect again",
        )

    async def act(
        self, params: TerminateBackendsParams, target: Target, preview: Preview, tools: ActionTools
    ) -> Outcome:
        """End those of the sessions shown that still are as they were."""
        database = tools.postgres(params.source)
        seen = preview.among
        if not seen:
            return Outcome("not_done", "no session was shown: nothing was ended")
        pids, starts = zip(*(_parsed(each) for each in seen), strict=True)
        try:
            asked = await database.fetch(_end(params), params.application, list(pids), list(starts))
        except (Unanswered, NoRoom, NotAsked):
            raise
        except TransientError as error:
            # To the client it is a plain read, and it cannot know that it ends sessions.
            raise _doubtful(error) from error
        try:
            there = {_identity(row) for row in await database.fetch(_standing(), list(pids), list(starts))}
        except TransientError as error:
            raise _doubtful(error) from error
        ended = [row for row in asked if row["ended"]]
        gone = set(seen) - there - {_identity(row) for row in ended}
        if not ended and not (tools.retry and gone):
            return Outcome("not_done", "none of the sessions that were shown is as it was: nothing was ended")
        left = len(seen) - len(ended) - len(gone)
        told = [_count(len(ended)) + " ended"]
        told += [f"{len(gone)} had gone {'before, or in an earlier try' if tools.retry else 'by themselves'}"] * bool(
            gone
        )
        told += [f"{left} at work again and left alone"] * (left > 0)
        return Outcome("done", "; ".join(told) + _by_application(ended), tuple(_shown(row) for row in ended))


def _doubtful(error: TransientError) -> Unanswered:
    return Unanswered(f"{error}; some of the sessions may have been ended")


_COLUMNS = (
    "pid, backend_start, usename, application_name, host(client_addr) AS client, state, state_change, query_start"
)
_CLIENTS = """
FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND datname = current_database()
AND NOT (application_name = 'responder' AND usename = current_user)
AND usename NOT IN (SELECT rolname FROM pg_roles WHERE rolsuper OR rolreplication)
"""
_HIDDEN = "FROM pg_stat_activity WHERE backend_type IS NULL AND datname = current_database()"
_SINCE = "CASE WHEN state = 'active' THEN query_start ELSE state_change END"
_SECONDS = f"extract(epoch FROM now() - {_SINCE}) AS seconds"
_MAY = "pg_has_role('pg_signal_backend', 'USAGE') OR pg_has_role(usename, 'USAGE') AS may"
_SEEN = "(pid, backend_start) IN (SELECT * FROM unnest($2::int[], $3::timestamptz[]))"
_THERE = "(pid, backend_start) IN (SELECT * FROM unnest($1::int[], $2::timestamptz[]))"


def _select(*lines: str) -> str:
    """Join our own words to a statement; what comes from elsewhere is bound, but for what a person is shown."""
    return " ".join(" ".join(("SELECT", *lines)).split("\n"))


def _sql(params: TerminateBackendsParams) -> str:
    inner = _select("pid, usename, application_name", _CLIENTS, _chosen(params, _literal(params.application)))
    return _select("pid, usename, application_name, pg_terminate_backend(pid) FROM (", inner, ") AS chosen")


def _list(params: TerminateBackendsParams) -> str:
    return _select(_COLUMNS, ",", _MAY, ",", _SECONDS, _CLIENTS, _chosen(params, "$1"))


def _end(params: TerminateBackendsParams) -> str:
    inner = _select(_COLUMNS, _CLIENTS, "AND", _SEEN, _chosen(params, "$1"))
    return _select("*, pg_terminate_backend(pid) AS ended,", _SECONDS, "FROM (", inner, ") AS chosen")


def _standing() -> str:
    return _select("pid, backend_start FROM pg_stat_activity WHERE", _THERE)


def _chosen(params: TerminateBackendsParams, application: str) -> str:
    """Return the conditions; `application` is where its name stands."""
    only = f"{application}::text IN ('', application_name)"
    return f"AND ({' OR '.join(_spans(params))}) AND {only} ORDER BY {_SINCE} LIMIT {params.cap}"


def _spans(params: TerminateBackendsParams) -> Iterator[str]:
    if params.idle_for is not None:
        yield f"state = 'idle' AND state_change < now() - {_interval(params.idle_for)}"
    if params.idle_in_transaction_for is not None:
        span = _interval(params.idle_in_transaction_for)
        yield f"state LIKE 'idle in transaction%' AND state_change < now() - {span}"
    if params.active_for is not None:
        yield f"state = 'active' AND query_start < now() - {_interval(params.active_for)}"


def _interval(span: timedelta) -> str:
    return f"interval '{span // timedelta(milliseconds=1)} milliseconds'"


def _literal(text: str) -> str:
    quoted = text.replace("'", "''").replace("\\", "\\\\").replace("\n", "\\n")
    return f"E'{quoted}'"


def _identity(row: Mapping[str, Any]) -> str:
    """Name a session for good: a process id alone is given to another one later."""
    return f"{row['pid']}@{row['backend_start'].isoformat()}"


def _parsed(identity: str) -> tuple[int, datetime]:
    pid, _, started = identity.partition("@")
    return int(pid), datetime.fromisoformat(started)


def _shown(row: Mapping[str, Any]) -> str:
    name = row["application_name"] or "no application name"
    since = format_duration(timedelta(seconds=int(row["seconds"] or 0)))
    where = f" from {row['client']}" if row["client"] else ""
    return f"{row['pid']}: {name} ({row['usename']}{where}), {row['state']} for {since}"


def _by_application(rows: Sequence[Mapping[str, Any]]) -> str:
    counted = Counter(str(row["application_name"] or row["usename"]) for row in rows)
    shown = ", ".join(f"{count} of {name}" for name, count in counted.most_common(3))
    more = f" and {len(counted) - 3} more applications" if len(counted) > 3 else ""
    return f": {shown}{more}" if shown else ""


def _count(number: int) -> str:
    return "1 session" if number == 1 else f"{number} sessions"


def _refusal(params: TerminateBackendsParams, found: Sequence[Mapping[str, Any]], hidden: int) -> str:
    if not found and hidden:
        return f"our login cannot see what {hidden} sessions do: GRANT pg_monitor to it (action_url of the source)"
    if not found:
        return "there is no such session: nothing would change"
    closed = sorted({str(row["usename"]) for row in found if not row["may"]})
    if closed:
        return f"our login may not end sessions of {', '.join(closed)}: GRANT pg_signal_backend to it (action_url)"
    return ""
