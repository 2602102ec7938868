"""Where an incident stands: its episodes, its status, who said "mine"."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from responder.model.alert import Episode
from responder.model.incident import Status
from responder.model.timeline import (
    Acknowledged,
    AlertEnded,
    AlertFired,
    AlertSilenced,
    AlertsLeftOut,
    Event,
    Opened,
    StatusChanged,
    Trouble,
)
from responder.response import closing, diagnosis, replies, severity
from responder.response.album import Album
from responder.response.draft import Draft

_QUIET = timedelta(0)


def take_in(draft: Draft, events: Sequence[Event]) -> None:
    """Take in alerts, silences, troubles and acknowledgements, in whatever order a batch has them."""
    fresh = not draft.incident.episodes
    album = Album(draft.incident.episodes)
    for happening in _in_order_of_time(events):
        if isinstance(happening, AlertFired):
            _fired(draft, album, happening)
        else:
            _ended(draft, album, happening)
    if fresh and draft.incident.episodes:
        draft.records.insert(0, Event(draft.now, _opened(draft)))
    for event in events:
        match event.what:
            case AlertSilenced(fingerprint=fingerprint, silenced_by=silenced_by):
                _change_open(draft, album, fingerprint, silenced_by=silenced_by)
            case AlertsLeftOut(count=count, receiver=receiver):
                draft.change(left_out=count, left_out_of=receiver)
            case Trouble(what=what):
                draft.trouble(what)


def settle(draft: Draft, events: Sequence[Event]) -> None:
    """Move the status on: monitoring when nothing fires, open when it fires again, resolved after the quiet time."""
    incident = draft.incident
    if incident.status is Status.RESOLVED:
        return
    if incident.firing and incident.status is Status.MONITORING:
        _fire_again(draft)
    elif incident.episodes and not incident.firing and incident.status is not Status.MONITORING:
        _to(draft, Status.MONITORING, "no alert fires", monitoring_since=draft.now)
        diagnosis.ask_for_round(draft)
    for event in events:
        if isinstance(event.what, Acknowledged):
            _acknowledge(draft, event.what)
    since = draft.incident.monitoring_since
    quiet = since is not None and since + draft.brain.quiet_for <= draft.now
    if quiet and draft.incident.status is Status.MONITORING and closing.close(draft):
        _to(draft, Status.RESOLVED, "quiet long enough", resolved_at=draft.now, next_round_at=None)


# --- episodes ---


def _in_order_of_time(events: Sequence[Event]) -> list[AlertFired | AlertEnded]:
    """Sort by what the alerts say of themselves; an end at the moment of a start belongs to the span before."""
    happenings = [event.what for event in events if isinstance(event.what, AlertFired | AlertEnded)]
    return sorted(happenings, key=_moment)


def _moment(happening: AlertFired | AlertEnded) -> tuple[datetime, bool]:
    if isinstance(happening, AlertFired):
        return happening.started_at, True
    return happening.ended_at, False


def _fired(draft: Draft, album: Album, fired: AlertFired) -> None:
    known = album.find(fired.fingerprint)
    if any(e.ended_at and fired.started_at < e.ended_at for e in known):
        return
    episode = next((e for e in known if e.firing), None)
    if episode is None:
        _join(draft, album, fired)
        return
    _change_open(
        draft,
        album,
        fired.fingerprint,
        started_at=min(episode.started_at, fired.started_at),
        labels=fired.labels,
        annotations=fired.annotations,
        generator_url=fired.generator_url,
    )


def _join(draft: Draft, album: Album, fired: AlertFired) -> None:
    incident = draft.incident
    episode = Episode(
        fingerprint=fired.fingerprint,
        started_at=min(fired.started_at, draft.now),  # else nothing that is done now would be done since it fired
        ended_at=None,
        labels=fired.labels,
        annotations=fired.annotations,
        generator_url=fired.generator_url,
    )
    album.add(episode)
    draft.change(
        episodes=album.episodes,
        started_at=min(incident.started_at, fired.started_at),
        rules=incident.rules if not fired.rule or fired.rule in incident.rules else (*incident.rules, fired.rule),
        alertmanager=incident.alertmanager or fired.alertmanager,
    )
    diagnosis.ask_for_round(draft)
    _judge(draft, fired)


def _judge(draft: Draft, fired: AlertFired) -> None:
    rule = draft.brain.rule_of(fired.rule)
    if rule is None:
        return
    judged = severity.of_alert(rule, fired.labels, draft.brain.scale)
    draft.trouble(judged.trouble)
    name = fired.labels.get("alertname", "an alert")
    severity.raise_to(draft, judged.severity, by="rule", why=f"{name} joined: {judged.why}")


def _ended(draft: Draft, album: Album, ended: AlertEnded) -> None:
    known = album.find(ended.fingerprint)
    episode = next((e for e in known if e.firing), None)
    if episode and ended.ended_at >= episode.started_at and ended.ended_at not in {e.ended_at for e in known}:
        _change_open(draft, album, ended.fingerprint, ended_at=ended.ended_at, silenced_by=())


def _change_open(draft: Draft, album: Album, fingerprint: str, **fields: object) -> None:
    changed = album.change_open(fingerprint, **fields)
    if changed is not None:
        draft.change(episodes=album.episodes, started_at=min(draft.incident.started_at, changed.started_at))


# --- status ---


def _opened(draft: Draft) -> Opened:
    incident = draft.incident
    return Opened(incident.rule, incident.severity, incident.severity_why)


def _to(draft: Draft, status: Status, why: str, **fields: object) -> None:
    draft.record(StatusChanged(draft.incident.status.value, status.value, why))
    draft.change(status=status, **fields)


def _fire_again(draft: Draft) -> None:
    incident = draft.incident
    newest = max(incident.firing, key=lambda e: e.started_at)
    quiet = draft.now - incident.monitoring_since if incident.monitoring_since else _QUIET
    again = {"monitoring_since": None, "acknowledged_by": "", "refires": incident.refires + 1}
    _to(draft, Status.OPEN, "it fires again", **again)
    draft.replies.append(
        replies.refired(
            draft.incident, quiet_for=quiet, alert=newest.labels.get("alertname", "An alert"), rank=draft.rank
        )
    )


def _acknowledge(draft: Draft, acknowledged: Acknowledged) -> None:
    if draft.incident.acknowledged_by == acknowledged.by:
        return
    draft.change(acknowledged_by=acknowledged.by)
    if draft.incident.status is Status.OPEN:
        _to(draft, Status.ACKNOWLEDGED, f"acknowledged by {acknowledged.by}")
