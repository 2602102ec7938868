"""Who is connected to a PostgreSQL, and who waits for whom?"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from responder.errors import NoRoom
from responder.model.duration import format_duration
from responder.model.finding import Weight
from responder.model.target import Target
from responder.model.unit import in_unit
from responder.plugins.diagnostic import Diagnostic, Result
from responder.plugins.fields import SourceName
from responder.plugins.params import Params
from responder.plugins.tools import Tools

NEARLY_FULL = 0.9
LONG = timedelta(minutes=5)
"""A query or an idle transaction of this age is worth a look."""
MOST_APPLICATIONS = 20
LONGEST_QUERY = 160

_SESSIONS = """
SELECT current_setting('max_connections')::int AS max_connections, pid, state, query,
       coalesce(nullif(application_name, ''), usename, 'unknown') AS application,
       clock_timestamp() - query_start AS asking, clock_timestamp() - state_change AS unchanged,
       clock_timestamp() - xact_start AS transaction,
       CASE WHEN wait_event_type = 'Lock' THEN pg_blocking_pids(pid) ELSE '{}' END AS blocked_by
FROM (SELECT 1) AS always
LEFT JOIN pg_stat_activity ON pid <> pg_backend_pid()
     AND (backend_type = 'client backend' OR backend_type IS NULL AND datid IS NOT NULL)
ORDER BY query_start NULLS LAST
"""
_LITERALS = re.compile(r"\$(\w*)\$.*?(?:\$\1\$|$)|'(?:[^']|'')*(?:'|$)|\b\d[\w.]*", re.DOTALL)
_COMMENTS = re.compile(r"/\*.*?(?:\*/|$)|--[^\n]*", re.DOTALL)


class Ask(Params):
    """The parameters of `postgres.activity`."""

    source: SourceName = Field(description="The name of the database in `datasources.postgres`.")


class Application(BaseModel):
    """What one application holds."""

    model_config = ConfigDict(frozen=True)

    application: str = Field(description="Its application_name, or the user's name without one. Clients choose it.")
    connections: int = Field(description="Its connections.")
    active: int = Field(description="Those that run a query.")
    idle: int = Field(description="Those that do nothing.")
    idle_in_transaction: int = Field(description="Those that hold a transaction open and do nothing.")


class Activity(Result):
    """
    What `postgres.activity` established; our own connection does not count.

    Of a server that has no connection left only that is known: `used_ratio` is 1.
    """

    connections: int | None = Field(None, description="Client connections.")
    max_connections: int | None = Field(None, description="The server's limit.")
    blocked: int | None = Field(None, description="Sessions that wait for a lock which another session holds.")
    used_ratio: float = Field(description="Connections of the limit, 0..1.")
    idle_longest: timedelta | None = Field(None, description="The longest time that a session has done nothing.")
    active_longest: timedelta | None = Field(None, description="The age of the longest running query.")
    idle_in_transaction: int | None = Field(None, description="Sessions that hold a transaction open and do nothing.")
    top_application: str | None = Field(
        None, description="Whoever holds the most connections. Clients choose this name."
    )
    by_application: tuple[Application, ...] = Field((), description="Most connections first, at most 20.")

    _evidence: tuple[str, ...] = PrivateAttr(())

    def headline(self) -> str:
        """Say how full, and what stands out."""
        if self.connections is None:
            return "every connection is taken"
        used = f"{self.connections} of {self.max_connections} connections"
        blocked = f", {self.blocked} blocked" if self.blocked else ""
        age = self.active_longest
        longest = f", longest query {format_duration(_seconds(age))}" if age and age >= timedelta(seconds=1) else ""
        top = f", most by {self.top_application[:40]}" if self.top_application else ""
        return f"{used} ({in_unit(self.used_ratio, 'ratio')}){blocked}{longest}{top}"[:150]

    def evidence(self) -> tuple[str, ...]:
        """List who blocks whom, the longest queries, and the applications."""
        return self._evidence

    def weight(self) -> Weight:
        """Matter when it is nearly full, or somebody waits."""
        if self.used_ratio > NEARLY_FULL or self.blocked:
            return Weight.TROUBLE
        return Weight.NOTABLE if (self.active_longest or timedelta(0)) > LONG else Weight.NORMAL


class PostgresActivity(Diagnostic[Ask]):
    """
    Look at the sessions of a PostgreSQL server: by application and state against the limit, long queries, locks.

    Sees all sessions only with the role `pg_monitor` (or `pg_read_all_stats`). The text of queries is shown without
    its literals.

    Source: `pg_stat_activity`, `pg_blocking_pids()`.

    Example:

        diagnose:
          db: {postgres.activity: {source: main}}
    """

    name = "postgres.activity"
    Params = Ask
    Result = Activity

    async def diagnose(self, params: Ask, target: Target, tools: Tools) -> Activity:
        """Read the sessions and the limit over one connection."""
        try:
            rows = await tools.postgres(params.source).fetch(_SESSIONS, limit=5000)
        except NoRoom as error:
            full = Activity(used_ratio=1.0)
            full._evidence = (str(error),)
            return full
        return _established([row for row in rows if row["pid"] is not None], int(rows[0]["max_connections"]))


def _established(sessions: Sequence[Mapping[str, Any]], limit: int) -> Activity:
    idle = [s["unchanged"] for s in sessions if str(s["state"]).startswith("idle") and s["unchanged"]]
    active = [s["asking"] for s in sessions if s["state"] == "active" and s["asking"]]
    applications = _by_application(sessions)
    result = Activity(
        connections=len(sessions),
        max_connections=limit,
        blocked=sum(bool(session["blocked_by"]) for session in sessions),
        used_ratio=len(sessions) / limit,
        idle_longest=max(idle, default=None),
        active_longest=max(active, default=None),
        idle_in_transaction=sum(each.idle_in_transaction for each in applications),
        top_application=applications[0].application if applications else None,
        by_application=applications[:MOST_APPLICATIONS],
    )
    result._evidence = (*_blockers(sessions), *_longest(sessions), *_holders(applications), *_hidden(sessions))
    return result


def _by_application(sessions: Sequence[Mapping[str, Any]]) -> tuple[Application, ...]:
    states = Counter((session["application"], str(session["state"])) for session in sessions)
    names = Counter(session["application"] for session in sessions)
    return tuple(
        Application(
            application=name,
            connections=count,
            active=states[name, "active"],
            idle=states[name, "idle"],
            idle_in_transaction=states[name, "idle in transaction"] + states[name, "idle in transaction (aborted)"],
        )
        for name, count in sorted(names.items(), key=lambda item: (-item[1], item[0]))
    )


def _blockers(sessions: Sequence[Mapping[str, Any]]) -> list[str]:
    """Name those at the head of the queue: who blocks others and is not blocked himself, the worst first."""
    known = {session["pid"]: session for session in sessions}
    waiting = {session["pid"]: tuple(session["blocked_by"]) for session in sessions if session["blocked_by"]}
    behind = Counter(head for pid in waiting for head in _heads(pid, waiting))
    lines = []
    for pid, count in behind.most_common(5):
        session = known.get(pid)
        if session is None:
            lines.append(f"{count} blocked by pid {pid}: a prepared transaction, or gone by now")
            continue
        since = f" for {format_duration(_seconds(session['transaction']))}" if session["transaction"] else ""
        lines.append(
            f"{count} blocked by pid {pid} ({session['application'][:40]}), {session['state']}{since}: {_text(session)}"
        )
    return lines


def _heads(pid: int, waiting: Mapping[int, tuple[int, ...]]) -> set[int]:
    """Follow the chain of waits to those who wait for nobody; in a deadlock, to all that were met."""
    seen, heads, left = {pid}, set(), [pid]
    while left:
        for other in waiting.get(left.pop(), ()):
            if other not in waiting:
                heads.add(other)
            elif other not in seen:
                seen.add(other)
                left.append(other)
    return heads or seen - {pid}


def _longest(sessions: Sequence[Mapping[str, Any]]) -> list[str]:
    running = [s for s in sessions if s["state"] == "active" and s["asking"] and s["asking"] >= timedelta(seconds=1)]
    held = [s for s in sessions if str(s["state"]).startswith("idle in transaction") and s["unchanged"]]
    held.sort(key=lambda session: session["unchanged"], reverse=True)
    return [
        *(_line("running", session["asking"], session) for session in running[:5]),
        *(_line("idle in transaction", session["unchanged"], session) for session in held[:3]),
    ]


def _line(what: str, age: timedelta, session: Mapping[str, Any]) -> str:
    return f"{what} for {format_duration(_seconds(age))} in {session['application'][:40]}: {_text(session)}"


def _holders(applications: Sequence[Application]) -> list[str]:
    return [
        f"{each.application[:40]}: {each.connections} connections, {each.active} active, {each.idle} idle"
        f", {each.idle_in_transaction} idle in transaction"
        for each in applications[:5]
    ]


def _hidden(sessions: Sequence[Mapping[str, Any]]) -> list[str]:
    hidden = sum(session["query"] == "<insufficient privilege>" for session in sessions)
    return [f"{hidden} sessions of other users are hidden: grant pg_monitor to the role"] if hidden else []


def _text(session: Mapping[str, Any]) -> str:
    """Show a query on one line without its literals, where other people's data stand."""
    bare = " ".join(_LITERALS.sub("?", _COMMENTS.sub(" ", str(session["query"] or ""))[:4000]).split())
    return bare if len(bare) <= LONGEST_QUERY else f"{bare[: LONGEST_QUERY - 1]}…"


def _seconds(span: timedelta) -> timedelta:
    return timedelta(seconds=round(span.total_seconds()))
