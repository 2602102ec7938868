"""What people send to the API about actions."""

from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from responder.model.duration import parse_duration
from responder.model.redaction import redact
from responder.model.resource import kind_of

_LONGEST_STOP = timedelta(days=30)

Reason = Annotated[str, StringConstraints(max_length=1_000, strip_whitespace=True), AfterValidator(redact)]
"""What a person says; a secret in it goes no further than the door."""
Why = Annotated[Reason, Field(description="Why; it stands on the timeline.")]


def _span(value: Any) -> Any:
    if value is None:
        return None
    span = parse_duration(value) if isinstance(value, str) else None
    if span is None or not timedelta(0) < span <= _LONGEST_STOP:
        raise ValueError("must be a duration of at most 30d, such as 2h")
    return span


class Body(BaseModel):
    """What a person sends; an unknown field is an error."""

    model_config = ConfigDict(extra="forbid")


class Empty(Body):
    """Nothing has to be said."""

    why: Why = ""


class Approve(Empty):
    """A yes to what a preview showed."""

    digest: str = Field("", max_length=64, description="Of the preview that was seen; its beginning is enough.")
    inputs: dict[str, Any] = Field(
        {}, max_length=50, repr=False, description="Inputs other than those that were shown."
    )


class BreakGlass(Body):
    """One admin's yes past the guards."""

    why: Annotated[Reason, Field(min_length=1, description="The reason, in writing.")]
    digest: str = Field("", max_length=64, description="Of the preview that was seen; its beginning is enough.")
    inputs: dict[str, Any] = Field({}, max_length=50, description="Secrets that nobody has given yet.", repr=False)


class TargetBody(Body):
    """An object to act on instead of the incident's."""

    kind: Annotated[str, AfterValidator(kind_of)] = Field(description="Such as Deployment, or as for kubectl: deploy.")
    name: str = Field(pattern=r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$")
    namespace: str = Field("", pattern=r"^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?$", description="As the incident's.")
    container: str = Field("", pattern=r"^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?$")


class Ask(Body):
    """An action that nothing calls for: a plugin, or one that the incident's playbook names."""

    action: str = Field(
        min_length=1,
        max_length=100,
        description="The plugin, or the name of an action of the playbook.",
        examples=["kubernetes.scale"],
    )
    params: dict[str, Any] = Field({}, max_length=50, description="What the plugin takes, or the action's inputs.")
    target: TargetBody | None = Field(None, description="Absent: the incident's.")
    reason: Reason = Field("", description="Why; it is shown to who approves.")


class StopBody(Body):
    """Stop all automation."""

    lasts: Annotated[timedelta | None, BeforeValidator(_span)] = Field(
        None, alias="for", description="Such as 2h; absent, until somebody lifts it.", examples=["2h"]
    )
    why: Why = ""
