"""Silences alerts in Alertmanager for a while."""

from typing import Annotated

from pydantic import Field

from responder.model.duration import format_duration
from responder.model.matcher import Matcher, MatchOp
from responder.model.target import Target
from responder.plugins.action import Action
from responder.plugins.commands import shell
from responder.plugins.params import Duration, Params

LabelName = Annotated[str, Field(pattern=r"^[a-zA-Z_:][a-zA-Z0-9_:]*$")]


class SilenceParams(Params):
    """What, and how long."""

    matchers: dict[LabelName, Annotated[str, Field(min_length=1)]] = Field(
        min_length=1, description="Labels and the values that they must have."
    )
    duration: Duration = Field(description="How long; it ends by itself.")
    comment: str = Field(min_length=1, max_length=1000, description="Why; the incident is named besides.")


class Silence(Action[SilenceParams]):
    """
    Create a silence with an end. It is expired when the incident resolves.

    Source: `POST /api/v2/silences`.

    Example:

        actions:
          quiet:
            alertmanager.silence:
              matchers: {alertname: "${labels.alertname}", namespace: "${labels.namespace}"}
              duration: 2h
              comment: "Known, being worked on"
            mode: approve
    """

    name = "alertmanager.silence"
    Params = SilenceParams

    def namespaces(self, params: SilenceParams, target: Target) -> tuple[str, ...]:
        """Return the one whose alerts it silences; without such a matcher it silences those of all."""
        return (params.matchers.get("namespace", ""),)

    def command(self, params: SilenceParams, target: Target) -> tuple[str, ...]:
        """Return `amtool silence add`; the variable stands for Alertmanager's address."""
        matchers = (str(Matcher(name, MatchOp.EQUAL, value)) for name, value in params.matchers.items())
        words = shell(
            "silence", "add", f"--duration={format_duration(params.duration)}", f"--comment={params.comment}", *matchers
        )
        return (f'amtool --alertmanager.url="$ALERTMANAGER_URL" {words}',)
