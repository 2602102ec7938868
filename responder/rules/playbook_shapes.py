"""The grammar of playbooks: every key with what it means."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, field_validator, model_validator

from responder.model.verdict import Json
from responder.model.window import window_of
from responder.rules.words import Blast, Edge, GuardingShape, Rate, Refresh, Shape, Span, Words, rates, told


class TargetShape(Shape):
    """An object that is named rather than derived from the labels."""

    kind: str = Field(description="Kubernetes kind, such as Deployment.")
    name: str = Field(description="Name of the object; a template.")
    namespace: str = Field("", description="Namespace; a template. Absent: the one of the labels.")
    container: str = Field("", description="Container; a template. Absent: the only one, or the workload's own.")


def _target(value: Any) -> Any:
    return None if value == "from-labels" else value


Target = Annotated[
    TargetShape | None,
    BeforeValidator(_target, json_schema_input_type=TargetShape | Literal["from-labels"]),
]


class DiagnosticShape(Shape):
    """One reading step: the name of a diagnostic with its parameters, and when to run it."""

    model_config = ConfigDict(extra="allow")

    when: str = Field("", description="Expression; may read other diagnostics. Absent: always.")
    only: Literal["", "verify"] = Field("", description="verify: run only to verify an action.")
    deadline: Span | None = Field(None, description="How long it may take. Absent: the diagnostic's own.")
    target: Target = Field(None, description="Another object than the playbook's.")


class ConclusionShape(Shape):
    """If this, say that."""

    name: str = Field("", description="For overrides and the timeline. Absent: its cause or its place in the list.")
    when: str = Field("", description="Expression; it holds only when it is true. Absent: always.")
    say: str = Field(description="The finding; a template.")
    cause: str = Field("", description="Names a likely cause; the first one that holds leads.")
    severity: str = Field("", description="Raises the severity to this level.")
    propose: Words = Field([], description="Actions to propose: alternatives in order of preference.")


class InputShape(Shape):
    """What a person is asked for when approving."""

    type: str = Field("string", description="int, double, bool, string, duration, cidr, uuid, list(...); or secret.")
    describe: str = Field("", description="What is wanted, with its unit.")
    suggest: str = Field("", description="Expression for the value to offer.")
    pattern: str = Field("", description="RE2 that the whole value must match.")
    refuse: list[str] = Field([], description="Expressions for values that are never allowed.")


class WindowShape(GuardingShape):
    """Hours or dates in which an action may run, or with `freeze` may not."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    days: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] = Field([], description="Absent: every day.")
    begin: Edge | None = Field(
        None,
        alias="from",
        description="First minute, such as 22:30; or first day: 2026-12-20, or 12-20 of every year. Absent: 00:00.",
    )
    end: Edge | None = Field(
        None,
        alias="to",
        description="The minute at which it ends, before `from` on the next day; or the last day. Absent: 24:00.",
    )
    zone: str = Field("UTC", description="Time zone, such as Europe/Berlin.")
    freeze: bool = Field(False, description="true: not then, instead of only then.")

    @model_validator(mode="after")
    def _meant(self) -> Self:
        window_of(days=tuple(self.days), begin=self.begin, end=self.end, zone=self.zone, freeze=self.freeze)
        return self


class LimitsShape(GuardingShape):
    """How often, each as `2 per 1h`."""

    target: Rate | None = Field(None, description="For one object.")
    rule: Rate | None = Field(None, description="For one rule.")
    namespace: Rate | None = Field(None, description="For one namespace.")
    overall: Rate | None = Field(None, description="For everything.")


Limits = Annotated[LimitsShape | None, BeforeValidator(rates, json_schema_input_type=LimitsShape | Rate | None)]


class GuardShape(GuardingShape):
    """Reasons why an action may not run now."""

    cooldown: Span | None = Field(None, description="Time between two runs on one object.")
    at_most: Limits = Field(None, description="`2 per 1h` on one object, or a mapping.")
    approvals: int | None = Field(
        None,
        ge=0,
        le=10,
        description="How many people must say yes; any but 0 also where `mode` is auto. Absent: as the action wants.",
    )
    approvers: Words = Field([], description="Roles that may say yes. Absent: the incident's receivers.")
    approve_within: Span | None = Field(None, description="How long a yes may take. Absent: 15m.")
    evidence: Words = Field(
        [], description="Actions that must have kept evidence, since the last alert fired and the same was last done."
    )
    when: str = Field("", description="Expression; evaluated again just before it runs.")
    blast_radius: Blast | None = Field(
        None, description="Most pods that it may disturb, of a sequence all steps together: 3 or 50%."
    )
    last_replica: bool = Field(False, description="true: it may take the last ready replica.")
    only_in: Words = Field([], description="Namespaces in which it may run, RE2.")
    never: Words = Field([], description="Namespaces in which it may not run, RE2.")
    windows: list[WindowShape] = Field([], description="Allowed hours and freezes.")


class VerifyShape(GuardingShape):
    """How it is known that an action helped."""

    until: str = Field("", description="Expression that must come true.")
    hold: Span | None = Field(None, description="How long it must stay true.")
    within: Span | None = Field(None, description="How long to wait for it. Absent: 10m.")
    run: str = Field("", description="An action of this playbook that runs a Job whose success is needed too.")
    otherwise: Words = Field(["escalate"], description="What else: undo, escalate, next; one or several in order.")


class ActionShape(Shape):
    """One writing step: the name of an action with its parameters, or `do:`; and under which conditions."""

    model_config = ConfigDict(extra="allow")

    do: list[str] = Field([], description="Other actions of this playbook, in order: one decision, undone backwards.")
    mode: Literal["suggest", "approve", "auto"] = Field("suggest", description="How far it may go by itself.")
    offer: Literal["", "always"] = Field("", description="always: a button without a conclusion.")
    target: Target = Field(None, description="Another object than the playbook's.")
    temporary: Span | None = Field(None, description="Listed, reminded of, and undoing it offered at the end.")
    guard: GuardShape = Field(GuardShape(), description="Reasons why it may not run now.")
    verify: VerifyShape | None = Field(None, description="How it is known that it helped.")
    inputs: dict[str, InputShape] = Field({}, description="What a person is asked for, by name.")

    @field_validator("guard", "verify", "temporary", mode="before")
    @classmethod
    def _told(cls, value: Any) -> Any:
        return told(value)


class HumanStepShape(Shape):
    """What a person has to do."""

    say: str = Field(description="The step; a template.")
    action: str = Field("", description="An action of this playbook to start by a button.")
    template: str = Field("", description="A text to begin with by a button.")


def _human(value: Any) -> Any:
    return {"say": value} if isinstance(value, str) else value


HumanStep = Annotated[HumanStepShape, BeforeValidator(_human, json_schema_input_type=HumanStepShape | str)]


class CheckShape(Shape):
    """One line of the checklist that says when it is over."""

    name: str = Field(description="The line.")
    when: str = Field(description="Expression.")


class OnlyShape(Shape):
    """Who is told, instead of the severity's receivers."""

    only: Words = Field(description="Roles.")


class PartsShape(Shape):
    """What a playbook and a named set have in common."""

    vars: dict[str, Json] = Field({}, description="Names and thresholds that a team may want to change.")
    diagnose: dict[str, DiagnosticShape] = Field({}, description="Reading steps by name.")
    conclude: list[ConclusionShape] = Field([], description="All that hold are findings, in this order.")
    actions: dict[str, ActionShape] = Field({}, description="Writing steps by name.")
    steps: list[HumanStep] = Field([], description="What people still have to do.")
    resolved_when: list[CheckShape] = Field([], description="The checklist that says when it is over.")


class SetShape(PartsShape):
    """A named set, for `use`."""


class PlaybookShape(PartsShape):
    """Look, conclude, act, verify."""

    use: Words = Field([], description="Named sets of this pack, or PACK/SET; the playbook's own names win.")
    title: str = Field("", description="Template. Absent: the alert's summary.")
    runbook: str = Field("", description="URL of the text for people; a template. Absent: the alert's runbook_url.")
    target: Target = Field(None, description="The object that it is about. Absent: from-labels.")
    forbid: list[str] = Field([], description="Actions that must not happen during such an incident, by hand too.")
    confidential: bool = Field(False, description="true: nothing to other channels, status pages or models.")
    notify: OnlyShape | None = Field(None, description="Who is told, instead of the severity's receivers.")
    refresh: Refresh = Field("10m", validate_default=True, description="How often to look again; off for never.")


class ConclusionPatch(Shape):
    """What an override may change of a conclusion."""

    when: str = Field("", description="Expression.")
    say: str = Field("", description="Template.")
    cause: str = Field("", description="A likely cause.")
    severity: str = Field("", description="Raises the severity to this level.")
    propose: Words = Field([], description="Actions to propose.")


class MoreSteps(Shape):
    """What an override adds to the steps for people."""

    add: list[HumanStep] = Field(description="Further steps, at the end.")


class OverrideShape(Shape):
    """What a deployment changes of a playbook that it did not write; mappings are joined key by key."""

    when: Words = Field([], description="Matchers; given, it changes only the incidents that they match.")
    vars: dict[str, Json] = Field({}, description="Other values for variables of the playbook.")
    title: str = Field("", description="Another title.")
    runbook: str = Field("", description="Another runbook.")
    target: Target = Field(None, description="Another object.")
    diagnose: dict[str, DiagnosticShape] = Field({}, description="Changes to diagnostics, by name.")
    conclude: dict[str, ConclusionPatch] = Field({}, description="Changes to conclusions, by name.")
    actions: dict[str, ActionShape] = Field({}, description="Changes to actions, by name.")
    steps: MoreSteps | None = Field(None, description="Further steps for people.")
    forbid: list[str] = Field([], description="Actions forbidden besides.")
    notify: OnlyShape | None = Field(None, description="Who is told, instead of the severity's receivers.")
    refresh: Refresh = Field("10m", validate_default=True, description="How often to look again; off for never.")
