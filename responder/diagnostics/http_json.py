"""What does a JSON document say in one place?"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, create_model, field_validator

from responder.model.outside import HttpAnswer
from responder.model.place import Place
from responder.model.target import Target
from responder.plugins.diagnostic import AnyResult, Diagnostic, Result
from responder.plugins.fields import SourceName
from responder.plugins.params import Duration, Params
from responder.plugins.tools import Tools

LARGEST = 2_000_000
LONGEST_TEXT = 2_000
"""Characters of a text value that are kept."""

_TYPES: Mapping[str, Any] = {"string": str, "int": int, "double": float, "bool": bool, "timestamp": datetime}
_WAY = re.compile(r"(?:[^.\[\]]+|\[\d{1,6}\])(?:\.[^.\[\]]+|\[\d{1,6}\])*", re.ASCII)
_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)", re.ASCII)


class Look(Params):
    """The parameters of `http.json`."""

    url: Annotated[str, Place.URL] = Field(description="The http(s) address; its host stands in the rules.")
    pick: str = Field(
        "", description="The way to the value: `status.indicator`, `items[0].name`; the whole document when absent."
    )
    type: Literal["string", "int", "double", "bool", "timestamp"] = Field(
        "string", description="The type of the value; a number fits double, anything can be shown as string."
    )
    credentials: SourceName | Literal[""] = Field(
        "", description="The name of an entry in `credentials` of the settings, bound to its own host."
    )
    timeout: Duration = Field(
        timedelta(seconds=8), gt=timedelta(0), le=timedelta(seconds=60), description="When to give up."
    )

    @field_validator("pick")
    @classmethod
    def _a_way(cls, pick: str) -> str:
        _steps(pick)
        return pick


class Document(Result):
    """What `http.json` established."""

    ok: bool = Field(description="Whether a 2xx came with JSON that has a value of the declared type there.")
    value: str | None = Field(None, description="The value; unknown if it is not there, null, or of another type.")

    _why: str = PrivateAttr("")

    def headline(self) -> str:
        """Show the value, or say why there is none."""
        value: Any = self.value
        shown = value.isoformat() if isinstance(value, datetime) else json.dumps(value, ensure_ascii=False)
        return (self._why or shown.strip('"'))[:150]

    def has_data(self) -> bool:
        """Say whether there is a value."""
        return self.value is not None


class HttpJson(Diagnostic[Look]):
    """
    Read a JSON document and take one value out of it: a provider's status page, an application's own health.

    An answer that is no 2xx, no JSON, or has no such value is a result (`ok` is false and `value` unknown); no answer
    is a failure to look.

    Source: the address.

    Example:

        diagnose:
          provider: {http.json: {url: "https://status.example.com/api/v2/status.json", pick: status.indicator}}
    """

    name = "http.json"
    Params = Look
    Result = Document

    @classmethod
    def result_type(cls, params: dict[str, Any]) -> type[AnyResult]:
        """Return the type whose `value` is of the declared one."""
        return _document_type(str(params.get("type", "string")))

    async def diagnose(self, params: Look, target: Target, tools: Tools) -> AnyResult:
        """Ask once and pick."""
        answer = await tools.http.request(
            "GET",
            params.url,
            headers={"Accept": "application/json"},
            credentials=params.credentials,
            timeout=params.timeout,
            limit_bytes=LARGEST,
        )
        value, why = _picked(answer, params)
        result = _document_type(params.type)(ok=not why, value=value)
        result._why = why
        return result


@lru_cache(maxsize=16)
def _document_type(kind: str) -> type[Document]:
    if kind not in _TYPES or kind == "string":
        return Document
    value = (_TYPES[kind] | None, Field(None, description=Document.model_fields["value"].description))
    made: Any = create_model(f"Document_{kind}", __base__=Document, __doc__=Document.__doc__, value=value)
    typed: type[Document] = made
    return typed


def _picked(answer: HttpAnswer, params: Look) -> tuple[Any, str]:
    """Return the value and "", or None and why there is none."""
    if not 200 <= answer.status < 300:
        return None, f"answered {answer.status}"
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None, "the answer is not JSON" + (" (or too long)" if len(answer.body) >= LARGEST else "")
    for step in _steps(params.pick):
        named = isinstance(document, dict) and step in document
        if not named and not (isinstance(document, list) and isinstance(step, int) and step < len(document)):
            return None, f"there is no {params.pick} in the document"
        document = document[step]
    return _as(document, params.type, params.pick or "the document")


def _as(found: Any, kind: str, place: str) -> tuple[Any, str]:
    match kind, found:
        case _, None:
            return None, f"{place} is null"
        case "string", str():
            return found[:LONGEST_TEXT], ""
        case "string", _:
            return json.dumps(found, ensure_ascii=False)[:LONGEST_TEXT], ""
        case ("bool", bool()):
            return found, ""
        case ("int" | "double", bool()):
            return None, f"{place} is true or false, not a number"
        case ("int", int()) | ("double", int() | float()):
            return _TYPES[kind](found), ""
        case ("int", float()) if found.is_integer():
            return int(found), ""
        case "timestamp", str():
            return _moment(found, place)
    return None, f"{place} is not of type {kind}"


def _moment(text: str, place: str) -> tuple[datetime | None, str]:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None, f"{place} is not a timestamp"
    return at if at.tzinfo else at.replace(tzinfo=UTC), ""


def _steps(pick: str) -> list[str | int]:
    """
    Split `items[0].name` into its steps.

    Raises: ValueError for what is not a way.
    """
    if pick and not _WAY.fullmatch(pick):
        raise ValueError(f"{pick!r} is not a way into a document: write `status.indicator` or `items[0].name`")
    return [int(index) if index else name for index, name in _STEP.findall(pick)]
