"""The living message at a glance: since when, where, how many alerts, how bad."""

from responder.model.duration import format_duration
from responder.model.finding import Diagnosis
from responder.model.incident import Incident, Status
from responder.model.message import Field, Fields, Instant, Own, Part, Text
from responder.model.playbook import DiagnosticStep
from responder.response.brain import Brain
from responder.response.diagnosis import steps_of
from responder.response.wording import as_of, bold, count, listed, outside

_FIGURES = "prometheus."
"""How the plugins are called whose first value with a unit is the impact."""


def overview(incident: Incident, brain: Brain) -> Fields:
    """Build the block that stands first."""
    fields = [*_when(incident, brain), Field("Where", _where(incident)), Field("Alerts", _counted(incident))]
    if figure := _impact(incident, brain):
        fields.append(Field("Impact" if incident.firing else "Last measured", figure))
    if incident.severity_why:
        fields.append(Field("Severity", (bold(incident.severity), Own(": "), outside(incident.severity_why))))
    if incident.suggested:
        text = (bold(incident.suggested), Own(": "), outside(incident.suggested_why))
        fields.append(Field("Suggested severity", text))
    if incident.acknowledged_by:
        fields.append(Field("Acknowledged by", (outside(incident.acknowledged_by),)))
    if silenced := _silenced(incident):
        fields.append(Field("Silenced", silenced))
    if incident.refires:
        fields.append(Field("Fired again", (Own(count(incident.refires, "time")),)))
    return Fields(tuple(fields))


def _when(incident: Incident, brain: Brain) -> list[Field]:
    began = Instant(incident.started_at, "datetime")
    if incident.status not in (Status.MONITORING, Status.RESOLVED):
        return [Field("Firing since", (began,))]
    fired = Field("Fired", (began, Own(f", for {_lasted(incident)}")))
    if incident.status is Status.RESOLVED:
        return [fired, Field("Resolved", (Instant(incident.resolved_at, "datetime"),) if incident.resolved_at else ())]
    return [fired, Field("Quiet since", _quiet(incident, brain))]


def _quiet(incident: Incident, brain: Brain) -> Text:
    since = incident.monitoring_since
    if since is None:
        return ()
    until = Instant(since + brain.quiet_for)
    return (Instant(since), Own(", resolves at "), until, Own(" unless it fires again"))


def _lasted(incident: Incident) -> str:
    ended = max((e.ended_at for e in incident.episodes if e.ended_at), default=incident.started_at)
    return format_duration(ended - incident.started_at)


def _where(incident: Incident) -> Text:
    target = incident.target
    shown: list[Part] = [outside(str(target), code=target.known)] if str(target) else []
    if incident.cluster and incident.cluster != "default":
        shown.append(outside(f"cluster {incident.cluster}"))
    return listed(shown)


def _counted(incident: Incident) -> Text:
    firing = len(incident.firing)
    ended = len({e.fingerprint for e in incident.episodes} - {e.fingerprint for e in incident.firing})
    parts = [f"{firing} firing"] if firing else ["none firing"]
    if ended:
        parts.append(f"{ended} ended")
    if incident.left_out:
        parts.append(f"{incident.left_out} left out by Alertmanager")
    return (Own(", ".join(parts)),)


def _impact(incident: Incident, brain: Brain) -> Text:
    """Take the first figure that has a unit; a bare number tells nobody anything."""
    for step in steps_of(brain.playbook):
        diagnosis = incident.diagnoses.get(step.name)
        if diagnosis and (headline := _figure(step, diagnosis)):
            return (outside(headline, limit=150), *as_of(diagnosis.as_of))
    return ()


def _figure(step: DiagnosticStep, diagnosis: Diagnosis) -> str:
    reading = diagnosis.reading
    if reading is None or not reading.has_data or not step.plugin.startswith(_FIGURES):
        return ""
    unit = step.params.get("unit") or (reading.chart.unit if reading.chart else "")
    return reading.headline if unit else ""


def _silenced(incident: Incident) -> Text:
    covered = sum(1 for episode in incident.firing if episode.silenced_by)
    if not covered:
        return ()
    return (Own("all that fires" if incident.silenced else f"{covered} of {count(len(incident.firing), 'alert')}"),)
