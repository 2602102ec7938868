"""Waits until Prometheus says so, between two steps of a sequence."""

from typing import Annotated

from pydantic import Field

from responder.model.place import Place
from responder.model.target import Target
from responder.plugins.action import Action
from responder.plugins.commands import shell
from responder.plugins.params import Duration, Params


class WaitParams(Params):
    """For what, and how long."""

    query: Annotated[str, Place.PROMQL] = Field(
        min_length=1, description="PromQL; it is over when the query has a result, as with an alert."
    )
    hold: Duration = Field("0s", validate_default=True, description="How long it must stay so.")
    within: Duration = Field("10m", validate_default=True, description="How long to wait; then it has failed.")


class Wait(Action[WaitParams]):
    """
    Wait for a condition in Prometheus before the next action of a `do` sequence. It changes nothing.

    Source: `GET /api/v1/query`.

    Example:

        actions:
          drained: {prometheus.wait: {query: 'sum(queue_depth{namespace="${labels.namespace}"}) < 10', within: 5m}}
    """

    name = "prometheus.wait"
    Params = WaitParams

    def command(self, params: WaitParams, target: Target) -> tuple[str, ...]:
        """Return `promtool`; the variable stands for Prometheus' address."""
        return (f'promtool query instant "$PROMETHEUS_URL" {shell(params.query)}',)
