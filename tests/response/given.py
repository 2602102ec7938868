"""A playbook, its brain with the real evaluator, and the events that tests feed to it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel

from responder.expressions.evaluator import Evaluator
from responder.expressions.schema import Schema
from responder.model.alert import Alert, AlertStatus
from responder.model.finding import DiagnosticStatus, Reading, Weight
from responder.model.incident import Incident
from responder.model.labels import fingerprint
from responder.model.place import Place
from responder.model.playbook import (
    ActionStep,
    Check,
    Conclusion,
    DiagnosticStep,
    HumanStep,
    Playbook,
)
from responder.model.receiver import Receiver
from responder.model.rule import Rule, SeveritySource
from responder.model.severity import Level, Scale
from responder.model.target import Target
from responder.model.timeline import AlertEnded, AlertFired, Diagnosed, Event, Happening
from responder.model.verdict import Json
from responder.response.brain import Brain
from responder.response.decide import Sighting, opening
from responder.response.targets import correlation_key, derive

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


class RateParams(BaseModel):
    query: Annotated[str, Place.PROMQL] = ""
    unit: str = ""


class Rate(BaseModel):
    value: float | None = None


class PodsParams(BaseModel):
    pod: Annotated[str, Place.NAME] = ""


class Pods(BaseModel):
    total: int = 0
    ready: int = 0
    crash_looping: int = 0


class Logs(BaseModel):
    count: int = 0


class Rollouts(BaseModel):
    current: int = 0
    shortly_before: bool = False
    changed: str = ""


class UndoParams(BaseModel):
    revision: int = 0


RESULTS: Mapping[str, type[BaseModel]] = {"rate": Rate, "pods": Pods, "previous": Logs, "rollouts": Rollouts}
PARAMS: Mapping[str, type[BaseModel]] = {
    "prometheus.query": RateParams,
    "kubernetes.pods": PodsParams,
    "kubernetes.logs": PodsParams,
    "kubernetes.rollout_history": PodsParams,
    "kubernetes.rollout_undo": UndoParams,
    "kubernetes.scale": UndoParams,
}

PLAYBOOK = Playbook(
    name="shop/errors",
    vars={"elevated": 0.05, "normal": 0.01},
    title="High error rate on ${target.name}",
    runbook="https://example.com/runbooks/${labels.alertname}",
    diagnostics=(
        DiagnosticStep(
            "rate",
            "prometheus.query",
            {"query": 'rate(errors{namespace="${labels.namespace}"}[5m])', "unit": "ratio"},
        ),
        DiagnosticStep("pods", "kubernetes.pods"),
        DiagnosticStep("rollouts", "kubernetes.rollout_history"),
        DiagnosticStep("previous", "kubernetes.logs", when="pods.crash_looping > 0", reads=("pods",)),
    ),
    conclusions=(
        Conclusion("severe", "Errors at ${rate.value | percent}", "rate.value > 0.1", severity="high", reads=("rate",)),
        Conclusion(
            "deployment",
            "Began after revision ${rollouts.current}: ${rollouts.changed}",
            "rate.value > vars.elevated && rollouts.shortly_before",
            cause="deployment",
            propose=("roll-back", "scale-out"),
            reads=("rate", "rollouts"),
        ),
        Conclusion("crash-loop", "${pods.crash_looping} pods crash", "pods.crash_looping > 0", reads=("pods",)),
        Conclusion("traces", "${previous.count} traces", "previous.count > 0", cause="bug", reads=("previous",)),
    ),
    actions=(
        ActionStep(
            "roll-back",
            "kubernetes.rollout_undo",
            {"revision": "${rollouts.current - 1}"},
            mode="approve",
            reads=("rollouts",),
        ),
        ActionStep("scale-out", "kubernetes.scale", {"revision": 1}, mode="auto"),
    ),
    steps=(HumanStep("Look into [Sentry](https://sentry.example.com) for ${labels.namespace}"),),
    resolved_when=(Check("errors under 1 %", "rate.value < vars.normal", ("rate",)),),
)

BARE = Playbook(name="built-in/default")

SCALE = Scale(
    (
        Level("P0", aliases=("emergency",), notify=("incidents", "on-call", "leads")),
        Level("P1", aliases=("critical", "high"), notify=("incidents", "on-call")),
        Level("P2", aliases=("warning", "medium"), notify=("incidents",)),
        Level("P3", aliases=("info", "low"), notify=()),
    )
)

CHAT = Receiver("default/incidents", "slack")
PAGER = Receiver("default/on-call", "pagerduty")
HOOK = Receiver("default/leads", "slack_webhook")
RECEIVERS = {"incidents": CHAT, "on-call": PAGER, "leads": HOOK}

RULE = Rule(
    "shop/errors",
    (),
    correlate_by=("namespace", "workload"),
    severity=SeveritySource(otherwise="medium", label="severity"),
    playbook="shop/errors",
)

LABELS = {"alertname": "HighErrorRate", "namespace": "prod", "deployment": "api", "severity": "warning"}


def receivers(roles: Sequence[str], team: str) -> tuple[Receiver, ...]:
    return tuple(RECEIVERS[role] for role in roles if role in RECEIVERS)


def command_of(step: ActionStep, params: Mapping[str, Json], target: Target) -> tuple[str, ...]:
    if not target.known:
        raise ValueError("no object to act on")
    verb = step.plugin.removeprefix("kubernetes.").replace("_", " ")
    return (f"kubectl -n {target.namespace} {verb} {target.kind.lower()}/{target.name} {dict(params)}",)


def a_brain(playbook: Playbook = PLAYBOOK, *, rules: Sequence[Rule] = (RULE,), **changes: Any) -> Brain:
    results = {step.name: RESULTS.get(step.name, Rate) for step in playbook.diagnostics}
    inputs = {name: str(told.get("type")) for action in playbook.actions for name, told in action.inputs.items()}
    made = Brain(
        playbook=playbook,
        evaluator=Evaluator(Schema(results=results, vars=playbook.vars, inputs=inputs)),
        scale=SCALE,
        receivers=receivers,
        edits=lambda receiver: receiver is not HOOK,
        pages=lambda receiver: receiver is PAGER,
        plugin_params=PARAMS.get,
        command_of=command_of,
        rule_of={rule.name: rule for rule in rules}.get,
        automation="approve",
    )
    return replace(made, **changes)


def an_alert(start: float = -30, *, annotations: Mapping[str, str] | None = None, **labels: str) -> Alert:
    merged = {k: v for k, v in {**LABELS, **labels}.items() if v}
    told = {"summary": "Errors are high"} if annotations is None else annotations
    return Alert(fingerprint(merged), AlertStatus.FIRING, merged, told, at(start), None, "http://prom/graph?g0.expr=1")


def fired(alert: Alert, *, seconds: float = 0, rule: str = RULE.name) -> Event:
    return Event(
        at(seconds),
        AlertFired(
            alert.fingerprint,
            alert.starts_at,
            alert.labels,
            alert.annotations,
            alert.generator_url,
            rule,
            "https://alertmanager.example.com/",
        ),
    )


def ended(alert: Alert, seconds: float) -> Event:
    return Event(at(seconds), AlertEnded(alert.fingerprint, at(seconds)))


def told(what: Happening, seconds: float = 0) -> Event:
    return Event(at(seconds), what)


def an_incident(alert: Alert | None = None, brain: Brain | None = None, *, rule: Rule = RULE) -> Incident:
    alert, brain = alert or an_alert(), brain or a_brain()
    key = correlation_key(rule, alert.labels, derive(alert.labels, "default"))
    return opening(Sighting(7, alert, rule, key, "default", "default", NOON), brain)


def read(name: str, round: int = 1, *, seconds: float = 1, **result: Json) -> Event:  # noqa: A002
    result = RESULTS[name](**result).model_dump(mode="json")
    reading = Reading(name, DiagnosticStatus.FOUND, result, headline=f"{name} read", evidence=(f"{name} line",))
    if name == "rate":
        reading = replace(reading, has_data=result.get("value") is not None, weight=Weight.NOTABLE)
    return Event(at(seconds), Diagnosed(name, round, reading))


def failed(name: str, round: int = 1, *, seconds: float = 1, why: str = "timed out") -> Event:  # noqa: A002
    return Event(at(seconds), Diagnosed(name, round, Reading(name, DiagnosticStatus.FAILED, error=why)))
