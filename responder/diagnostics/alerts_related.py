"""What else is wrong now?"""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from responder.model.finding import Weight
from responder.model.target import Target
from responder.plugins.diagnostic import Diagnostic, Result
from responder.plugins.params import Params
from responder.plugins.tools import Tools


class Nothing(Params):
    """`alerts.related` takes no parameters."""


class Neighbour(BaseModel):
    """Another open incident."""

    model_config = ConfigDict(frozen=True)

    incident: str = Field(description="Its id, INC-7.")
    title: str = Field(description="Its title.")
    severity: str = Field(description="Its severity, as the deployment's scale names it.")
    same: tuple[str, ...] = Field(description="What it shares with this one: cluster, namespace, workload.")
    since: datetime = Field(description="When its first alert began.")


class Related(Result):
    """What `alerts.related` established."""

    count: int = Field(description="Number of other open incidents that share something; at most 20 are looked at.")
    items: tuple[Neighbour, ...] = Field(description="Those that share the most first.")

    def headline(self) -> str:
        """Name the closest."""
        if not self.items:
            return "no other open incident here"
        first = self.items[0]
        more = f" and {self.count - 1} more" if self.count > 1 else ""
        room = 150 - len(f"{first.incident}  (same )") - len(" and ".join(first.same)) - len(more)
        return f"{first.incident} {first.title[:room]} (same {' and '.join(first.same)}){more}"

    def weight(self) -> Weight:
        """Matter when one is close: the same cluster alone says little."""
        close = any(len(each.same) > 1 for each in self.items)
        return Weight.NOTABLE if close else Weight.NORMAL


class AlertsRelated(Diagnostic[Nothing]):
    """
    List the other open incidents of the same namespace or workload, and those about the cluster as a whole.

    It runs on every incident by default.

    Source: our own store.

    Example:

        diagnose:
          related: {alerts.related: {}}
    """

    name = "alerts.related"
    Params = Nothing
    Result = Related

    async def diagnose(self, params: Nothing, target: Target, tools: Tools) -> Related:
        """Ask what else is open."""
        found = await tools.related.related()
        items = tuple(
            Neighbour(
                incident=each.incident, title=each.title, severity=each.severity, same=each.same, since=each.since
            )
            for each in found
        )
        return Related(count=len(items), items=items)
