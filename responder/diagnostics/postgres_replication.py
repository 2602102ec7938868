"""How far are the replicas of a PostgreSQL behind?"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from responder.model.duration import format_duration
from responder.model.finding import Weight
from responder.model.target import Target
from responder.model.unit import in_unit
from responder.plugins.diagnostic import Diagnostic, Result
from responder.plugins.fields import SourceName
from responder.plugins.params import Params
from responder.plugins.tools import Tools

FAR_BEHIND = timedelta(minutes=1)

_SELF = """
SELECT pg_is_in_recovery() AS standby,
       EXISTS (SELECT 1 FROM pg_stat_wal_receiver) AS receiving,
       CASE WHEN pg_is_in_recovery() AND pg_last_wal_receive_lsn() IS DISTINCT FROM pg_last_wal_replay_lsn()
            THEN 1 ELSE 0 END AS behind,
       CASE WHEN pg_is_in_recovery() THEN clock_timestamp() - pg_last_xact_replay_timestamp() END AS since_last
"""
_REPLICAS = """
SELECT coalesce(nullif(application_name, ''), 'unknown') AS name, host(client_addr) AS address, state, sync_state,
       replay_lag AS lag,
       pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END,
                       replay_lsn) AS bytes
FROM pg_stat_replication
ORDER BY replay_lag DESC NULLS LAST, application_name
"""
_SLOTS = """
SELECT slot_name AS name, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) AS bytes
FROM pg_replication_slots
WHERE NOT active AND NOT pg_is_in_recovery()
ORDER BY 2 DESC NULLS LAST
"""


class Ask(Params):
    """The parameters of `postgres.replication`."""

    source: SourceName = Field(description="The database in `datasources.postgres`: a primary or a standby.")


class Replica(BaseModel):
    """One replica that is connected to the server asked."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(description="Its application_name.")
    address: str | None = Field(description="Where it connects from.")
    state: str | None = Field(description="streaming, catchup, startup, backup or stopping.")
    sync: str | None = Field(description="async, sync, quorum or potential.")
    lag: timedelta | None = Field(
        description="Between writing on the primary and replaying here; unknown before the first write."
    )
    bytes_behind: int | None = Field(description="Bytes of log that it has not replayed.")


class Replication(Result):
    """What `postgres.replication` established."""

    lag: timedelta | None = Field(
        description="On a standby its own, on a primary that of the slowest replica; unknown without replication."
    )
    replicas: tuple[Replica, ...] = Field(description="Those connected to this server, the slowest first.")
    role: str = Field(description="primary or standby.")
    receiving: bool = Field(description="On a standby: whether it is connected to its primary; false on a primary.")

    _slots: tuple[str, ...] = PrivateAttr(())

    def headline(self) -> str:
        """Say who is how far behind."""
        lag = "unknown lag" if self.lag is None else f"{format_duration(_rounded(self.lag))} behind"
        if self.role == "standby":
            return f"standby, {lag}" + ("" if self.receiving else ", not connected to its primary")
        if not self.replicas:
            return "primary without replicas"
        return f"primary with {len(self.replicas)} replicas, the slowest {lag}"

    def evidence(self) -> tuple[str, ...]:
        """List the replicas, and slots that keep log for nobody."""
        lines = [
            f"{each.name[:60]} ({each.address or 'local'}): {each.state}, {each.sync}"
            f", {in_unit(each.bytes_behind or 0, 'bytes')} behind"
            for each in self.replicas[:15]
        ]
        return (*self._slots, *lines)

    def weight(self) -> Weight:
        """Matter when a standby is cut off, or far behind."""
        cut_off = self.role == "standby" and not self.receiving
        if cut_off or (self.lag is not None and self.lag > FAR_BEHIND):
            return Weight.TROUBLE
        return Weight.NOTABLE if self._slots else Weight.NORMAL

    def has_data(self) -> bool:
        """Say whether there is any replication to measure."""
        return self.lag is not None


class PostgresReplication(Diagnostic[Ask]):
    """
    Measure replication, asked on the primary or on a standby.

    A standby that has replayed all it received is 0 behind, unless it is cut off from its primary: then the time since
    the last transaction counts. Details of replicas are seen only with the role `pg_monitor`.

    Source: `pg_stat_replication`, `pg_stat_wal_receiver`, `pg_last_xact_replay_timestamp()`, `pg_replication_slots`.

    Example:

        diagnose:
          lag: {postgres.replication: {source: replica}}
    """

    name = "postgres.replication"
    Params = Ask
    Result = Replication

    async def diagnose(self, params: Ask, target: Target, tools: Tools) -> Replication:
        """Ask the server for itself and for its replicas."""
        database = tools.postgres(params.source)
        (own,) = await database.fetch(_SELF)
        rows = await database.fetch(_REPLICAS, limit=100)
        replicas = tuple(_replica(row) for row in rows)
        result = Replication(
            lag=_own_lag(own)
            if own["standby"]
            else max((each.lag for each in replicas if each.lag is not None), default=None),
            replicas=replicas,
            role="standby" if own["standby"] else "primary",
            receiving=bool(own["receiving"]),
        )
        if not own["standby"]:
            result._slots = _kept(await database.fetch(_SLOTS, limit=20))
        return result


def _own_lag(own: Mapping[str, Any]) -> timedelta | None:
    if own["receiving"] and not own["behind"]:
        return timedelta(0)
    since: timedelta | None = own["since_last"]
    return since


def _replica(row: Mapping[str, Any]) -> Replica:
    bytes_behind = None if row["bytes"] is None else max(int(row["bytes"]), 0)
    caught_up = bytes_behind == 0 and row["state"] == "streaming"
    return Replica(
        name=row["name"],
        address=row["address"],
        state=row["state"],
        sync=row["sync_state"],
        lag=row["lag"] if row["lag"] is not None else timedelta(0) if caught_up else None,
        bytes_behind=bytes_behind,
    )


def _kept(rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(
        f"nobody reads slot {row['name']}: it keeps {in_unit(float(row['bytes']), 'bytes')} of log on disk"
        for row in rows
        if row["bytes"] is not None
    )


def _rounded(span: timedelta) -> timedelta:
    return (
        timedelta(milliseconds=round(span.total_seconds() * 1000))
        if span < timedelta(seconds=10)
        else timedelta(seconds=round(span.total_seconds()))
    )
