"""The API through which people act: ask for actions, answer what is asked of them, stop all automation."""

import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from responder.errors import RejectedDelivery
from responder.model.action import Attempt
from responder.model.incident import Incident
from responder.model.labels import clean
from responder.model.press import Word
from responder.model.resource import namespace_of
from responder.model.target import Target
from responder.model.timeline import ActionAsked, Answered
from responder.web.action_bodies import Approve, Ask, BreakGlass, Empty, StopBody, TargetBody, Why
from responder.web.action_documents import (
    ActionList,
    ActionsEverywhere,
    ActionView,
    AnswerTaken,
    AskTaken,
    StopView,
    action,
    stopped,
    stopping,
)
from responder.web.answers import Refused, document
from responder.web.api import Query, parse
from responder.web.body import announced, read_body
from responder.web.deciding import Decisions, Said
from responder.web.people import Person

B = TypeVar("B", bound=BaseModel)

MAX_BODY = 64 * 1024
"""Bytes; nobody says more."""
COMMAND_LINE = "responder-cli"
"""How the User-Agent of our own command line begins."""
_ACCEPTED = 202


class ResumeQuery(Query):
    """What may be said when automation goes on."""

    why: Why = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """
    Answers the routes through which people act.

    `person` recognises who asks; `deadline` says by when a body must be there; `stopped` is that of the settings.
    """

    decisions: Decisions
    person: Callable[[web.BaseRequest], Person]
    deadline: Callable[[web.BaseRequest], float]
    stopped: bool

    async def actions(self, _: web.BaseRequest, name: str) -> web.Response:
        """List the attempts of an incident with their previews."""
        incident = await self.decisions.incident(name)
        shown = [await self._shown(incident, attempt) for attempt in incident.attempts]
        return document(ActionList(incident=incident.id, actions=shown, automation=await self._automation()))

    async def everywhere(self, _: web.BaseRequest, __: str) -> web.Response:
        """List what is not over, and what stands for a while, of all incidents."""
        shown = [await self._shown(incident, attempt) for incident, attempt in await self.decisions.acting()]
        return document(ActionsEverywhere(actions=shown, automation=await self._automation()))

    async def _shown(self, incident: Incident, attempt: Attempt) -> ActionView:
        wanted = await self.decisions.wanted(incident, attempt)
        return action(attempt, incident.id, asks=wanted, own=self.decisions.approvals)

    async def _automation(self) -> StopView:
        return stopping(await self.decisions.standing(), by_settings=self.stopped)

    async def ask(self, request: web.BaseRequest, name: str) -> web.Response:
        """Take down that a person asks for an action outside the playbook."""
        by, body = self.person(request), await self._body(request, Ask)
        incident = await self.decisions.incident(name)
        asked = ActionAsked(
            by=by.name,
            plugin=body.action,
            params=body.params,
            roles=by.roles,
            reason=body.reason,
            via=_via(request),
            target=_target(incident, body.target) if body.target else None,
        )
        await self.decisions.ask(incident, asked)
        taken = AskTaken(
            incident=incident.id,
            action=asked.plugin,
            params=body.params,
            target=str(asked.target) if asked.target else "",
            by=asked.by,
            reason=asked.reason,
        )
        return document(taken, _ACCEPTED)

    def answer(self, word: Word) -> Callable[[web.BaseRequest, str], Awaitable[web.Response]]:
        """Return what takes down one kind of answer to an attempt."""

        async def taken(request: web.BaseRequest, name: str) -> web.Response:
            by = self.person(request)
            said = await self._said(request, word, by)
            incident_name, _, number = name.partition("/")
            incident = await self.decisions.incident(incident_name)
            answered = await self.decisions.answer(incident, _number(number), said)
            return document(_taken(incident, answered), _ACCEPTED)

        return taken

    async def standing(self, _: web.BaseRequest, __: str) -> web.Response:
        """Say whether automation is stopped."""
        return document(await self._automation())

    async def stop(self, request: web.BaseRequest, _: str) -> web.Response:
        """Stop all automation."""
        by, body = self.person(request), await self._body(request, StopBody)
        until = self.decisions.now() + body.lasts if body.lasts is not None else None
        stop = await self.decisions.stop(by, until=until, why=body.why, via=_via(request))
        return document(stopped(stop, asked=until, by_settings=self.stopped))

    async def resume(self, request: web.BaseRequest, _: str) -> web.Response:
        """Let automation go on."""
        by, query = self.person(request), parse(request, ResumeQuery)
        if not await self.decisions.resume(by, why=query.why, via=_via(request)):
            told = "nobody has stopped automation"
            raise Refused(409, f"{told}; automation.stopped of the settings is lifted there" if self.stopped else told)
        return document(stopping(None, by_settings=self.stopped))

    async def _said(self, request: web.BaseRequest, word: Word, by: Person) -> Said:
        via = _via(request)
        match word:
            case "approve":
                yes = await self._body(request, Approve)
                return Said(by=by, word=word, via=via, digest=yes.digest, inputs=yes.inputs, why=yes.why)
            case "break-glass":
                past = await self._body(request, BreakGlass)
                return Said(by=by, word=word, via=via, digest=past.digest, inputs=past.inputs, why=past.why)
        return Said(by=by, word=word, via=via, why=(await self._body(request, Empty)).why)

    async def _body(self, request: web.BaseRequest, shape: type[B]) -> B:
        try:
            announced(request, MAX_BODY)
            raw = await read_body(request, limit=MAX_BODY, deadline=self.deadline(request))
        except RejectedDelivery as error:
            told = f"the body has more than {MAX_BODY} bytes" if error.status == 413 else str(error)
            raise Refused(error.status, told) from None
        try:
            return shape.model_validate(_parsed(request, raw))
        except ValidationError as error:
            told = "; ".join(_explain(details, shape) for details in error.errors(include_url=False))
            raise Refused(400, told) from None


def _parsed(request: web.BaseRequest, raw: bytes) -> Any:
    if not raw.strip():
        return {}
    if request.content_type != "application/json":
        raise Refused(415, "send the body as application/json")
    try:
        parsed = json.loads(raw)
    except (ValueError, RecursionError):
        raise Refused(400, "the body is not JSON") from None
    if any(clean(text) != text for text in _texts(parsed)):
        raise Refused(400, "a text in the body holds a NUL or half a character, which nobody meant")
    return parsed


def _texts(value: Any) -> Iterator[str]:
    """Yield every text of a JSON value, keys too."""
    left = [value]
    while left:
        match left.pop():
            case str() as text:
                yield text
            case dict() as found:
                left.extend((*found, *found.values()))
            case list() as found:
                left.extend(found)


def _explain(details: Any, shape: type[BaseModel]) -> str:
    name = ".".join(str(part) for part in details["loc"])[:80] or "the body"
    if details["type"] == "extra_forbidden":
        known = [field.alias or key for key, field in shape.model_fields.items()]
        return f"{name}: there is no such field; there are: {', '.join(known)}"
    said = details["msg"].removeprefix("Value error, ")
    return f"{name}: {said.replace('Input should be', 'must be').replace('Field required', 'is missing')}"


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Refused(404, f"{text[:40]!r} is no number of an attempt: the 3 of INC-17/3")
    return int(text)


def _target(incident: Incident, body: TargetBody) -> Target:
    namespace = body.namespace or incident.target.namespace
    named = Target(incident.cluster, body.kind, namespace, body.name, body.name, body.container)
    return replace(named, namespace=namespace_of(named))


def _taken(incident: Incident, answered: Answered) -> AnswerTaken:
    return AnswerTaken(
        incident=incident.id,
        attempt=answered.attempt,
        answer=answered.answer,
        by=answered.by,
        digest=answered.digest,
        inputs=dict(answered.inputs),
        why=answered.why,
    )


def _via(request: web.BaseRequest) -> str:
    return "cli" if request.headers.get("User-Agent", "").startswith(COMMAND_LINE) else "api"
