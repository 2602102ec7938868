"""Typed rows, and the two forms of a moment."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from responder.model import codec
from responder.model.incident import Incident
from responder.model.labels import Labels
from responder.model.moment import EPOCH
from responder.store.store import Row

_MICROSECOND = timedelta(microseconds=1)


def micros(moment: datetime) -> int:
    """Return microseconds since 1970."""
    return (moment - EPOCH) // _MICROSECOND


def moment(count: int) -> datetime:
    """Return the moment, UTC."""
    return EPOCH + timedelta(microseconds=count)


def maybe(count: int | None) -> datetime | None:
    """Return the moment, or None for none."""
    return None if count is None else moment(count)


def compact(value: Any) -> str:
    """Write JSON without spaces, keys in order."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


VERSION = 1
"""Of the JSON that incidents are stored as. Older ones are read too: see `model.codec`."""


def incident_fields(incident: Incident) -> tuple[object, ...]:
    """Return what of an incident changes, in the order of `incident_add` and `incident_save`."""
    target = incident.target
    shown = (incident.status.value, incident.severity, incident.title, target.namespace, target.workload)
    return (*shown, micros(incident.started_at), codec.INCIDENT.dump(incident), VERSION)


@dataclass(frozen=True, slots=True)
class EpisodeRow:
    """One stored episode; `incident` is 0 where it belongs to none."""

    id: int
    fingerprint: str
    started_at: datetime
    latest_at: datetime
    ended_at: datetime | None
    incident: int
    cluster: str
    rule: str
    labels: Labels
    annotations: Labels
    generator_url: str
    silenced_by: tuple[str, ...]

    @classmethod
    def of(cls, row: Row) -> "EpisodeRow":
        """Read a row of `episodes_*`."""
        key, fingerprint, started, latest, ended, incident, cluster, rule, labels, annotations, url, silenced = row
        return cls(
            id=key,
            fingerprint=fingerprint,
            started_at=moment(started),
            latest_at=moment(latest),
            ended_at=maybe(ended),
            incident=incident,
            cluster=cluster,
            rule=rule,
            labels=orjson.loads(labels),
            annotations=orjson.loads(annotations),
            generator_url=url,
            silenced_by=tuple(orjson.loads(silenced)),
        )


@dataclass(frozen=True, slots=True)
class CommandRow:
    """
    One claimed command. `epoch` counts the claims, `attempt` the tries that ended with "try again".

    `begun` says that an owner before this one may have caused its effect: `begun_by`, at `begun_at`.
    """

    id: int
    incident: int
    key: str
    kind: str
    lane: str
    args: str
    priority: int
    epoch: int
    attempt: int
    asked_at: datetime
    begun: bool = False
    begun_by: str = ""
    begun_at: datetime = EPOCH

    @classmethod
    def of(cls, row: Row) -> "CommandRow":
        """Read a row of `command_claim` or `command_add`."""
        key, incident, name, kind, lane, args, priority, epoch, attempt, asked_at, *effect = row
        begun, by, at = effect
        began = {"begun": bool(begun), "begun_by": by, "begun_at": moment(at)}
        return cls(key, incident, name, kind, lane, args, priority, epoch, attempt, moment(asked_at), **began)


@dataclass(frozen=True, slots=True)
class HeartbeatRow:
    """One alert that must keep coming; `missing_since` is None while it does."""

    rule: str
    key: str
    cluster: str
    labels: Labels
    seen_at: datetime
    missing_since: datetime | None

    @classmethod
    def of(cls, row: Row) -> "HeartbeatRow":
        """Read a row of `heartbeats_list`."""
        rule, key, cluster, labels, seen_at, missing_since = row
        return cls(rule, key, cluster, orjson.loads(labels), moment(seen_at), maybe(missing_since))
