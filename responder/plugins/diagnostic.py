"""The contract of a diagnostic: one reading step."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any, ClassVar, Generic, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict

from responder.model.finding import Weight
from responder.model.message import Chart
from responder.model.target import Target
from responder.plugins.params import Params
from responder.plugins.rights import Verb
from responder.plugins.tools import Tools


class Result(BaseModel):
    """
    What a diagnostic established: the fields that expressions read, each described with its unit.

    An int, float, bool, str, aware datetime, timedelta, a list or tuple of submodels, or a dict keyed by str. A field
    that may be unknown is Optional: an expression that reads it then is undecided.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    def headline(self) -> str:
        """Say in one line, at most 150 characters, what was seen: "3 of 5 pods ready, 2 OOM-killed"."""
        return ""

    def evidence(self) -> tuple[str, ...]:
        """Return the lines behind it, the most telling first; at most 20."""
        return ()

    def weight(self) -> Weight:
        """Say how much it matters."""
        return Weight.NORMAL

    def has_data(self) -> bool:
        """Say whether there was anything to measure."""
        return True

    def chart(self) -> Chart | None:
        """Return the figure that goes with it."""
        return None


P = TypeVar("P", bound=Params)

AnyResult: TypeAlias = Result
"""The type above, by a name that the attribute `Result` of a plugin does not hide."""


class Diagnostic(ABC, Generic[P]):
    """
    One reading step. Subclasses set `name`, `Params`, `Result`, and `needs` if they read from Kubernetes.

    `needs_with` are further rights by the parameter that takes them: they are granted only where some rule sets it. The
    class docstring is the manual, with `Source:` and a YAML `Example:` that a test loads.
    """

    name: ClassVar[str]
    Params: ClassVar[type[Params]]
    Result: ClassVar[type[AnyResult]]
    needs: ClassVar[tuple[Verb, ...]] = ()
    needs_with: ClassVar[Mapping[str, tuple[Verb, ...]]] = MappingProxyType({})
    deadline: ClassVar[timedelta] = timedelta(seconds=10)

    @abstractmethod
    async def diagnose(self, params: P, target: Target, tools: Tools) -> AnyResult:
        """
        Look, and change nothing.

        Raises: `CallError` when it could not look. "I looked and there is nothing" is a Result.
        """

    @classmethod
    def result_type(cls, params: dict[str, Any]) -> type[AnyResult]:
        """Return the Result's type for these parameters (as written in the rules), where they declare fields of it."""
        return cls.Result
