"""The API for reading: incidents, and deliveries that were rejected."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from responder.engine.retelling import retell
from responder.engine.views import Rejected, Wanted
from responder.errors import StoreUnavailable
from responder.model.incident import Incident, Status, number_of
from responder.model.severity import Scale
from responder.web.answers import RETRY_AFTER, Refused, document
from responder.web.documents import (
    IncidentList,
    RejectedList,
    RejectedView,
    SeenAlertList,
    detail,
    recording,
    seen,
    summary,
)
from responder.web.ports import Reader

Q = TypeVar("Q", bound="Query")
R = TypeVar("R")


class Query(BaseModel):
    """Parameters after the question mark; an unknown one is an error."""

    model_config = ConfigDict(extra="forbid")


class Page(Query):
    """How many."""

    limit: int = Field(50, ge=1, le=200, description="At most so many.")


class IncidentQuery(Page):
    """Which incidents."""

    status: Status | None = Field(None, description="Only those that stand so.")
    severity: str | None = Field(None, description="Only those of that level, by its name or an alias.")
    rule: str | None = Field(None, description="Only those that this rule opened, as pack/rule.")
    after: str | None = Field(None, description="The `next` of the page before.", examples=["INC-42"])


class TimelineQuery(Query):
    """How much of the timeline."""

    limit: int = Field(1000, ge=1, le=10_000, description="At most so many entries of the timeline.")
    timeline_after: int = Field(0, ge=0, le=2**62, description="Only entries after the one with this id.")


class AlertQuery(Page):
    """Which alerts."""

    fingerprint: str | None = Field(None, description="Only those of this label set.")
    rule: str | None = Field(None, description="Only those that this rule took, as pack/rule.")
    after: int | None = Field(None, ge=1, le=2**62, description="The `next` of the page before.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """Answers the routes that read. `scale` is the one in use now."""

    reader: Reader
    scale: Callable[[], Scale]

    async def incidents(self, request: web.BaseRequest, _: str) -> web.Response:
        """List incidents, newest first."""
        query = parse(request, IncidentQuery)
        wanted = Wanted(
            status=query.status,
            severity=self._level(query.severity),
            rule=query.rule,
            before=_number(query.after),
            limit=query.limit + 1,
        )
        found = await reading(self.reader.incidents(wanted))
        page = found[: query.limit]
        more = page[-1].id if len(found) > query.limit else None
        return document(IncidentList(incidents=[summary(incident) for incident in page], next=more))

    async def incident(self, request: web.BaseRequest, name: str) -> web.Response:
        """Show one incident whole."""
        query = parse(request, TimelineQuery)
        incident = await self._incident(name)
        after, limit = query.timeline_after, query.limit
        events = await reading(self.reader.timeline(incident.number, after=after, limit=limit + 1))
        return document(detail(incident, events[:limit], more=len(events) > limit))

    async def alerts(self, request: web.BaseRequest, _: str) -> web.Response:
        """List stored alerts, the last stored first; also those that were only recorded."""
        query = parse(request, AlertQuery)
        found = await reading(
            self.reader.alerts(
                fingerprint=query.fingerprint, rule=query.rule, before=query.after, limit=query.limit + 1
            )
        )
        page = found[: query.limit]
        more = str(page[-1].id) if len(found) > query.limit else None
        return document(SeenAlertList(alerts=[seen(alert) for alert in page], next=more))

    async def recording(self, _: web.BaseRequest, name: str) -> web.Response:
        """Show one incident as a recording that can be played again."""
        incident = await self._incident(name)
        retold = retell(incident, await reading(self.reader.timeline(incident.number)))
        if retold is None:
            raise Refused(404, f"{incident.id} cannot be played again: no delivery of Alertmanager opened it")
        return document(recording(incident, retold))

    async def _incident(self, name: str) -> Incident:
        number = number_of(name)
        incident = await reading(self.reader.incident(number)) if number is not None else None
        if incident is None:
            raise Refused(404, f"there is no incident {name[:40]!r}; GET /v1/incidents lists them")
        return incident

    async def rejected(self, request: web.BaseRequest, _: str) -> web.Response:
        """List the rejected deliveries that are kept."""
        found, total = await reading(self.reader.rejected(parse(request, Page).limit))
        return document(RejectedList(rejected=[_rejected(one) for one in found], total=total))

    def _level(self, word: str | None) -> str | None:
        if word is None:
            return None
        level = self.scale().lookup(word)
        if level is None:
            known = ", ".join(level.name for level in self.scale().levels)
            raise Refused(400, f"severity: there is no level {word[:40]!r}; there are: {known}")
        return level.name


def parse(request: web.BaseRequest, shape: type[Q]) -> Q:
    """
    Read the parameters of a request.

    Raises: Refused with 400, naming the parameters or values that there are.
    """
    given = request.rel_url.query
    twice = next((name for name in given if len(given.getall(name)) > 1), None)
    if twice:
        raise Refused(400, f"{twice[:40]}: give it once")
    try:
        return shape.model_validate({name: value for name, value in given.items() if value})
    except ValidationError as error:
        raise Refused(400, "; ".join(_explain(details, shape) for details in error.errors())) from None


async def reading(answer: Awaitable[R]) -> R:
    """Wait for the store. Raises: Refused with 503 when it does not answer."""
    try:
        return await answer
    except StoreUnavailable as error:
        raise Refused(503, str(error), headers={"Retry-After": RETRY_AFTER}) from None


def _explain(details: Any, shape: type[Query]) -> str:
    name = str(details["loc"][0])[:40]
    if details["type"] == "extra_forbidden":
        return f"{name}: there is no such parameter; there are: {', '.join(shape.model_fields)}"
    return f"{name}: {details['msg'].replace('Input should be', 'must be')}"


def _number(after: str | None) -> int | None:
    if after is None:
        return None
    number = number_of(after)
    if number is None:
        raise Refused(400, "after: must be the `next` of the page before, such as INC-42")
    return number


def _rejected(one: Rejected) -> RejectedView:
    return RejectedView(
        id=one.id,
        received_at=one.received_at,
        status=one.status,
        reason=one.reason,
        sender=one.sender,
        size=one.size,
        times=one.times,
        body=one.body.decode("utf-8", "replace"),
    )
