"""Reading steps that read nothing."""

from typing import Annotated, Any

from pydantic import BaseModel, Field, create_model

from responder.model.place import Place
from responder.model.target import Target
from responder.plugins.diagnostic import Diagnostic, Result
from responder.plugins.params import Duration, Params
from responder.plugins.tools import Tools


class RateParams(Params):
    """What to measure."""

    query: Annotated[str, Place.PROMQL] = Field(description="PromQL.")
    window: Duration = Field("5m", validate_default=True, description="Span to look at.")
    limit: int = Field(10, ge=1, description="Most series.")
    sql: Annotated[str, Place.FIXED] = Field("", description="Fixed text.")


class RateResult(Result):
    """A number."""

    value: float = Field(description="Ratio.")
    count: int = Field(0, description="Series.")


class Rate(Diagnostic[RateParams]):
    """
    Measure.

    Source: none.

    Example:

        diagnose:
          rate: {test.rate: {query: up}}
    """

    name = "test.rate"
    Params = RateParams
    Result = RateResult

    async def diagnose(self, params: RateParams, target: Target, tools: Tools) -> Result:
        """Answer nothing."""
        return RateResult(value=0.0)


class NoParams(Params):
    """None."""


class PodsResult(Result):
    """Pods."""

    total: int = Field(description="Pods.")
    ready: int = Field(description="Ready pods.")
    name: str = Field("", description="The worst pod.")


class Pods(Diagnostic[NoParams]):
    """Count pods."""

    name = "test.pods"
    Params = NoParams
    Result = PodsResult

    async def diagnose(self, params: NoParams, target: Target, tools: Tools) -> Result:
        """Answer nothing."""
        return PodsResult(total=0, ready=0)


class TableParams(Params):
    """Declares its columns."""

    columns: dict[str, str] = Field(description="Names to types.")


class Table(Diagnostic[TableParams]):
    """Rows whose columns the rules declare."""

    name = "test.table"
    Params = TableParams
    Result = Result

    @classmethod
    def result_type(cls, params: dict[str, Any]) -> type[Result]:
        """Make a type of the declared columns."""
        types = {"int": int, "string": str}
        fields: dict[str, Any] = {name: (types[kind], ...) for name, kind in params["columns"].items()}
        first: type[BaseModel] = create_model("First", **fields)
        return create_model("TableResult", __base__=Result, first=(first, ...))

    async def diagnose(self, params: TableParams, target: Target, tools: Tools) -> Result:
        """Answer nothing."""
        return Result()


class Related(Diagnostic[NoParams]):
    """Other incidents."""

    name = "alerts.related"
    Params = NoParams
    Result = RateResult

    async def diagnose(self, params: NoParams, target: Target, tools: Tools) -> Result:
        """Answer nothing."""
        return RateResult(value=0.0)
