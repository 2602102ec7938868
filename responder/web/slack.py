"""
The door for Slack: a person pressed a button of a message of ours, or filled in a dialog.

Slack waits 3 seconds for an answer, so it is answered before that, whatever is still to be done; what goes wrong is
told to the person alone. What comes of the answer stands in the living message.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from aiohttp import web

from responder.clients.slack.dialog import Blank, Memory, dialog
from responder.clients.slack.interactions import Pressed, Submitted, read
from responder.clients.slack.markup import escape
from responder.clients.slack.signing import is_signed
from responder.errors import CallError, RejectedDelivery
from responder.model.action import ActionState, Attempt
from responder.model.press import Press
from responder.model.redaction import redact
from responder.model.verdict import Json
from responder.model.wanted import Wanted
from responder.web.answers import Refused, answer
from responder.web.body import announced, read_body
from responder.web.deciding import SLACK, Decisions, Said, WrongInputs, attempt_of, ungiven
from responder.web.judging import judge
from responder.web.people import People, Person
from responder.web.ports import Workspace

MAX_BODY = 1024 * 1024
"""Bytes; a press carries the whole message with it."""
ANSWERED_WITHIN = 2.0
"""Seconds; Slack waits for 3."""
REASON = "why"
_PREFIX = "input."
_JSON = "application/json"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackDoor:
    """Answers POST /v1/slack/interactions. `secret` is the app's signing secret, "" when nobody has set it."""

    decisions: Decisions
    people: People
    secret: str
    workspace: Workspace | None
    deadline: Callable[[web.BaseRequest], float]
    now: Callable[[], datetime]
    _tasks: set[asyncio.Task[Mapping[str, Any]]] = field(default_factory=set)

    async def receive(self, request: web.BaseRequest, _: str) -> web.Response:
        """Take in what a person did in Slack. Raises: Refused."""
        body = await self._body(request)
        try:
            done = read(body)
        except ValueError as error:
            raise Refused(400, f"this is nothing that Slack sends: {error}") from None
        match done:
            case Pressed():
                await self._soon(self._pressed(done))
            case Submitted():
                return _shown(await self._soon(self._submitted(done)))
        return _shown({})

    async def close(self, within: timedelta) -> None:
        """Let end what has begun."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within.total_seconds())

    async def _body(self, request: web.BaseRequest) -> bytes:
        if not self.secret:
            raise Refused(403, "no press can be believed: set slack.signing_secret to the app's Signing Secret")
        try:
            announced(request, MAX_BODY)
            body = await read_body(request, limit=MAX_BODY, deadline=self.deadline(request))
        except RejectedDelivery as error:
            raise Refused(error.status, f"the body cannot be taken: at most {MAX_BODY} bytes, framed well") from None
        headers = request.headers
        stamp, signature = headers.get("X-Slack-Request-Timestamp", ""), headers.get("X-Slack-Signature", "")
        if not is_signed(self.secret, stamp=stamp, signature=signature, body=body, now=self.now()):
            raise Refused(
                401, "not signed by Slack within the last 5 minutes: check slack.signing_secret, and the clock"
            )
        return body

    async def _soon(self, work: Coroutine[Any, Any, Mapping[str, Any]]) -> Mapping[str, Any]:
        """Wait for the work as long as Slack does; it goes on after that."""
        task = asyncio.create_task(work, name="slack")
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        done, _ = await asyncio.wait({task}, timeout=ANSWERED_WITHIN)
        return task.result() if done else {}

    def _ended(self, task: asyncio.Task[Mapping[str, Any]]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("slack.press_broke", exc_info=error)

    async def _pressed(self, pressed: Pressed) -> Mapping[str, Any]:
        person = self.people.by_slack(pressed.member)
        try:
            if person is None:
                raise _unknown(pressed.member)
            view = await self._dialog(pressed, person)
            if view is None:
                await self._answer(pressed.press, person, {}, "")
                return {}
            if self.workspace is None:
                raise Refused(403, "no dialog can be shown: set slack.bot_token")
            await self.workspace.open_view(pressed.trigger, view)
        except Refused as refused:
            await self._tell(pressed.url, pressed.press, refused.message)
        except CallError as error:
            log.warning("slack.dialog_failed", attempt=pressed.press.name, why=str(error))
            await self._tell(pressed.url, pressed.press, f"the dialog could not be opened, press again: {error}")
        return {}

    async def _dialog(self, pressed: Pressed, person: Person) -> Mapping[str, Any] | None:
        """Return the dialog that the answer needs, None where it needs none. Raises: Refused."""
        press = pressed.press
        incident = await self.decisions.incident(str(press.incident))
        attempt = attempt_of(incident, press.attempt)
        blanks: list[Blank] = []
        asked = press.word == "approve" and attempt.state is ActionState.PROPOSED
        wanted = await self.decisions.wanted(incident, attempt) if asked or press.word == "break-glass" else {}
        if told := ungiven(incident, attempt, wanted):
            raise Refused(400, told)
        if asked:
            shown = {name: one for name, one in wanted.items() if not one.secret}
            blanks = [_blank(name, one, attempt.inputs.get(name)) for name, one in shown.items()]
        elif press.word == "break-glass":
            blanks = [Blank(REASON, "Why do the guards not count now?", "It stands on the timeline.", long=True)]
        if not blanks:
            return None
        judge(incident, attempt, word=press.word, by=person, digest=press.digest)
        memory = Memory(press, pressed.url)
        return dialog(memory, title=f"{press.word} {press.name}", shown=_lines(attempt), blanks=blanks)

    async def _submitted(self, done: Submitted) -> Mapping[str, Any]:
        """Take a dialog's values; answers what Slack is to show in it, nothing closes it."""
        person = self.people.by_slack(done.member)
        inputs = {name.removeprefix(_PREFIX): value for name, value in done.values.items() if name.startswith(_PREFIX)}
        try:
            if person is None:
                raise _unknown(done.member)
            await self._answer(done.press, person, inputs, redact(done.values.get(REASON, "").strip()))
        except WrongInputs as wrong:
            return _errors({f"{_PREFIX}{name}": why for name, why in wrong.problems.items()}, done)
        except Refused as refused:
            return _errors(dict.fromkeys(list(done.values)[:1], refused.message), done)
        return {}

    async def _answer(self, press: Press, person: Person, inputs: Mapping[str, Json], why: str) -> None:
        if press.word == "break-glass" and not why:
            raise Refused(400, "breaking the glass takes a written reason")
        incident = await self.decisions.incident(str(press.incident))
        said = Said(by=person, word=press.word, via=SLACK, digest=press.digest, inputs=inputs, why=why)
        await self.decisions.answer(incident, press.attempt, said)

    async def _tell(self, url: str, press: Press, why: str) -> None:
        try:
            if url and self.workspace is not None:
                await self.workspace.respond(url, f":no_entry: {press.word} {press.name}: {escape(why)}")
        except CallError as error:
            log.warning("slack.not_told", attempt=press.name, told=why, why=str(error))


def _unknown(member: str) -> Refused:
    return Refused(
        403,
        f"nothing was done, because Responder does not know who you are: have `people.NAME.slack: {member[:40]}` "
        "and your roles added to its settings",
    )


def _blank(name: str, wanted: Wanted, value: Json) -> Blank:
    shape = f"{wanted.type}, matching {wanted.pattern}" if wanted.pattern else wanted.type
    return Blank(f"{_PREFIX}{name}", wanted.describe or name, f"{name}: {shape}", _typed(value))


def _typed(value: Json) -> str:
    """Write a value as a person would type it."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case list() | tuple():
            return ", ".join(str(item) for item in value)
    return str(value)


def _lines(attempt: Attempt) -> list[str]:
    """Say what the attempt would do."""
    lines: list[str] = []
    for step in attempt.steps:
        if step.preview is not None:
            lines.append(f"{step.plugin} on {step.target}: {step.preview.summary}")
            lines.extend(f"• {c.what}: {c.before or '–'} → {c.after or '–'}" for c in step.preview.changes[:10])
    return lines[:30]


def _errors(errors: Mapping[str, str], done: Submitted) -> Mapping[str, Any]:
    """Show what is wrong beside the fields; what is about none of them stands beside the first."""
    known = {name: why for name, why in errors.items() if name in done.values}
    if not known:
        known = dict.fromkeys(list(done.values)[:1], "; ".join(errors.values()))
    return {"response_action": "errors", "errors": known}


def _shown(content: Mapping[str, Any]) -> web.Response:
    """Answer Slack; an empty body closes a dialog."""
    return answer(json.dumps(content).encode() if content else b"", _JSON)
