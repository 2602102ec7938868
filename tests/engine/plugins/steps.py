"""Diagnostics that answer, hang or break as they are told."""

import asyncio
from datetime import timedelta

from pydantic import Field

from responder.errors import PermanentError
from responder.model.target import Target
from responder.plugins.diagnostic import Diagnostic, Result
from responder.plugins.params import Params
from responder.plugins.tools import Tools


class AnswerParams(Params):
    """What to answer."""

    value: float = Field(1.0, description="The value.")
    line: str = Field("", description="A line of evidence.")


class Answer(Result):
    """A value and a line."""

    value: float = Field(description="The value.")
    line: str = Field("", description="A line.")

    def headline(self) -> str:
        """Show the value."""
        return f"it is {self.value}"

    def evidence(self) -> tuple[str, ...]:
        """Show the line."""
        return (self.line,) if self.line else ()


class Answers(Diagnostic[AnswerParams]):
    """Answer."""

    name = "trial.answer"
    Params = AnswerParams
    Result = Answer

    async def diagnose(self, params: AnswerParams, target: Target, tools: Tools) -> Answer:
        """Answer."""
        return Answer(value=params.value, line=params.line)


class HowParams(Params):
    """How it goes wrong."""

    how: str = Field(description="hangs, breaks or refuses.")


class Fails(Diagnostic[HowParams]):
    """Go wrong."""

    name = "trial.fails"
    Params = HowParams
    Result = Answer
    deadline = timedelta(milliseconds=100)

    async def diagnose(self, params: HowParams, target: Target, tools: Tools) -> Answer:
        """Hang, break or refuse."""
        match params.how:
            case "hangs":
                await asyncio.Event().wait()
            case "refuses":
                raise PermanentError("forbidden: password=hunter2")
        raise ZeroDivisionError("division by zero")
