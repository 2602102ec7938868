"""The grammar of rule files: severities, teams, escalations, overrides, rules; every key with what it means."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from responder.model.action import ActionWeight, Mode
from responder.model.ceilings import BY_HAND
from responder.model.verdict import Json
from responder.rules.playbook_shapes import Limits, OverrideShape, PlaybookShape, SetShape, WindowShape
from responder.rules.words import GuardingShape, Response, Shape, Span, Words, told


class LevelShape(Shape):
    """One level of the scale."""

    name: str = Field(min_length=1, description="P0, SEV1, critical, ...")
    aliases: Words = Field([], description="Other words for it, in any case.")
    respond_within: Response | None = Field(None, description="immediately, 15m, 1 business day; from the opening.")
    update_every: Span | None = Field(None, description="Reminder to tell people how it goes.")
    notify: Words = Field(["incidents"], description="Roles that are told.")
    escalation: str = Field("", description="Name of an escalation.")


class TeamShape(Shape):
    """Who owns an alert, and how they are reached."""

    match: Words = Field([], description="Matchers; all must hold.")
    namespaces: Words = Field([], description="Or: namespaces, RE2, anchored.")
    packs: Words = Field([], description="Packs whose actions may act only in `namespaces`; each of one team.")
    receivers: dict[str, dict[str, Json]] = Field({}, description="Role to {NOTIFIER: parameters}.")


class EscalationShape(Shape):
    """Who is told next."""

    after: Span = Field(description="From the opening of the incident.")
    unless: Literal["acknowledged", "resolved"] = Field("acknowledged", description="What stops it.")
    when: str = Field("", description="Expression over `incident`.")
    notify: Words = Field(description="Roles that are told.")


class SeverityShape(Shape):
    """Where an incident's severity comes from."""

    label: str = Field("", description="The label that says it.")
    otherwise: str = Field("", description="When the label is missing or no level knows its word.")


def _severity(value: Any) -> Any:
    return {"otherwise": value} if isinstance(value, str) else value


class HeartbeatShape(Shape):
    """An alert that must keep coming."""

    by: Words = Field(["cluster"], description="Labels that tell one heart from another.")
    expect_every: Span = Field(description="Its absence for so long opens an incident.")
    severity: str = Field("", description="Level of that incident.")


class RuleNotifyShape(Shape):
    """Who is told besides, or instead of, the severity's receivers."""

    add: Words = Field([], description="Roles that are told too.")
    only: Words = Field([], description="Roles that are told instead.")


class RuleShape(Shape):
    """Which alerts, which incident, how severe, which playbook."""

    name: str = Field(min_length=1, description="Unique in its pack.")
    match: Words = Field(min_length=1, description="Alertmanager's matchers; all must hold.")
    correlate_by: Words = Field([], description="Labels that tell incidents apart, or `workload`, which is derived.")
    correlate_as: str = Field("", description="Rules with the same word share an incident.")
    severity: Annotated[SeverityShape, BeforeValidator(_severity, json_schema_input_type=SeverityShape | str)] = Field(
        SeverityShape(label="severity"), description="A level, or {label, otherwise}."
    )
    playbook: str = Field("", description="A playbook of this pack, or PACK/PLAYBOOK.")
    heartbeat: HeartbeatShape | None = Field(None, description="Its absence opens an incident.")
    record_only: bool = Field(False, description="true: stored and searchable, no message.")
    notify: RuleNotifyShape = Field(RuleNotifyShape(), description="Who is told besides, or instead.")


class CeilingsShape(GuardingShape):
    """How far actions may go at most, whatever the playbooks say."""

    namespaces: dict[str, Mode] = Field({}, description="By namespace, RE2, anchored; the lowest that fits counts.")
    rules: dict[str, Mode] = Field({}, description="By PACK/RULE.")


def _each_weight(value: Any) -> Any:
    return (
        value
        if isinstance(value, dict) or value is None
        else {weight: value for weight in BY_HAND if weight != "harmless"}
    )


People = Annotated[int, Field(ge=1, le=10)]
Numbers = Annotated[
    dict[ActionWeight, People],
    BeforeValidator(_each_weight, json_schema_input_type=dict[ActionWeight, People] | People),
]
Roles = Annotated[
    dict[ActionWeight, Words],
    BeforeValidator(_each_weight, json_schema_input_type=dict[ActionWeight, Words] | Words),
]


class ByHandShape(GuardingShape):
    """Who must agree to what people ask for by hand, beside the guards that the playbook puts on the same action."""

    approvals: Numbers = Field(
        {},
        description="How many people, for all but harmless ones or by weight. Absent: 1; 2 if destructive or security.",
    )
    approvers: Roles = Field(
        {}, description="Roles that may say yes, for all but harmless ones or by weight. Absent: anybody."
    )


class DeploymentGuardShape(GuardingShape):
    """Reasons why no action may run now, for all of them and beside their own."""

    never: Words = Field(
        [], description="Namespaces in which nothing is done, RE2; besides kube-system, kube-public, kube-node-lease."
    )
    open: list[Literal["kube-system", "kube-public", "kube-node-lease"]] = Field(
        [], description="Of these three those in which actions may act all the same."
    )
    by_hand: ByHandShape = Field(ByHandShape(), description="Who must agree to what people ask for by hand.")
    only_in: Words = Field([], description="Namespaces in which anything is done, RE2. Absent: all others.")
    at_most: Limits = Field(None, description="`2 per 1h` on one object, or a mapping; harmless actions do not count.")
    windows: list[WindowShape] = Field([], description="Allowed hours and freezes.")


def _overrides(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


Overrides = Annotated[
    list[OverrideShape], BeforeValidator(_overrides, json_schema_input_type=OverrideShape | list[OverrideShape])
]


class RuleFile(Shape):
    """A rule file of Responder."""

    severities: list[LevelShape] | None = Field(None, min_length=1, description="The scale, most severe first.")
    teams: dict[str, TeamShape] = Field({}, description="Teams by name; `default` takes what no other does.")
    escalations: dict[str, list[EscalationShape]] = Field({}, description="Escalations by name.")
    ceilings: CeilingsShape | None = Field(None, description="How far actions may go at most; in one file only.")
    guard: DeploymentGuardShape | None = Field(None, description="Guards of every action; in one file only.")
    override: dict[str, Overrides] = Field({}, description="Changes to playbooks of other packs, by PACK/PLAYBOOK.")
    rules: list[RuleShape] = Field([], description="The first whose matchers hold takes the alert.")
    sets: dict[str, SetShape] = Field({}, description="Named sets of steps, for `use`.")
    playbooks: dict[str, PlaybookShape] = Field({}, description="Playbooks by name.")

    @field_validator("ceilings", "guard", mode="before")
    @classmethod
    def _told(cls, value: Any) -> Any:
        return told(value)
