"""The door as a whole: which routes there are, and who answers them."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web
from pydantic import BaseModel, SecretStr

from responder.model.severity import Scale
from responder.settings.process import Settings
from responder.web.access import Access
from responder.web.acting import Acting
from responder.web.action_routes import action_routes
from responder.web.answers import answer
from responder.web.api import AlertQuery, Api, IncidentQuery, Page, TimelineQuery
from responder.web.body import Room
from responder.web.deciding import Decisions
from responder.web.documents import (
    IncidentDetail,
    IncidentList,
    IncidentRecording,
    Problem,
    Readiness,
    RejectedList,
    SeenAlertList,
)
from responder.web.entrance import Entrance
from responder.web.health import HealthPages
from responder.web.metrics import Metrics
from responder.web.openapi import describe
from responder.web.ports import Answers, Controls, Intake, Reader, Vault, Vitals, Workspace
from responder.web.routes import Handle, Route, Router
from responder.web.server import Listener
from responder.web.slack import SlackDoor
from responder.web.webhook import Webhook

Bodies = Mapping[int, type[BaseModel] | str]
LINE = "text/plain"
JSON = "application/json"


def _one(_: str) -> int:
    return 1


def _nothing_hidden(_: str) -> frozenset[str]:
    return frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """
    What stands behind the door. `scale` is the one in use now; `now` is the clock, aware, UTC.

    `workspace` None answers no press of a button in Slack. `hidden` names the parameters of an action that are secrets.
    """

    intake: Intake
    reader: Reader
    answers: Answers
    controls: Controls
    vault: Vault
    vitals: Vitals
    metrics: Metrics
    scale: Callable[[], Scale]
    now: Callable[[], datetime]
    version: str
    workspace: Workspace | None = None
    hidden: Callable[[str], frozenset[str]] = _nothing_hidden
    approvals: Callable[[str], int] = _one


class Door:
    """The HTTP server with all its routes."""

    def __init__(self, settings: Settings, entrance: Entrance, behind: Behind) -> None:
        webhook = settings.webhook
        self.room = Room(webhook.intake)
        self.listener = Listener(self._answer, read_timeout=webhook.read_timeout, certificate=entrance.certificate)
        self._settings = settings
        self._behind = behind
        self._gate = entrance.gate
        self._decisions = Decisions(
            reader=behind.reader,
            answers=behind.answers,
            controls=behind.controls,
            vault=behind.vault,
            hidden=behind.hidden,
            approvals=behind.approvals,
            metrics=behind.metrics,
            now=behind.now,
        )
        self._slack = self._slack_door(settings.slack.signing_secret)
        self.routes = (
            self._webhook(),
            *self._api(),
            *self._acting(),
            self._interactions(),
            *self._health(),
            self._openapi(),
        )
        self._router = Router(self.routes, entrance.gate, behind.metrics.rejected)

    async def open(self) -> None:
        """Listen. Raises: ConfigError when the address cannot be had."""
        await self.listener.start(*self._settings.address)

    def refuse(self) -> None:
        """Answer 503 from now on, also on `/readyz`."""
        self._router.closing = True

    async def close(self, within: timedelta) -> None:
        """Refuse what is new, let end what has begun."""
        self.refuse()
        await self.listener.stop(within)
        await self._slack.close(within)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        return await self._router(request)

    def _webhook(self) -> Route:
        webhook = Webhook(
            intake=self._behind.intake,
            room=self.room,
            metrics=self._behind.metrics,
            max_body=self._settings.webhook.max_body,
            deadline=self.listener.deadline,
            now=self._behind.now,
        )
        return Route(
            method="POST",
            path="/v1/webhooks/alertmanager",
            access=Access.SENDER,
            handle=webhook.receive,
            summary="Take a delivery of Alertmanager in; 200 means that it is committed.",
            answers=dict.fromkeys((200, 400, 401, 403, 413, 415, 422, 503), LINE),
            body="Alertmanager's webhook JSON, version 4.",
        )

    def _api(self) -> Iterator[Route]:
        api = Api(reader=self._behind.reader, scale=self._behind.scale)
        yield _reading("/v1/incidents", api.incidents, "List incidents, newest first.", IncidentList, IncidentQuery)
        yield _reading("/v1/incidents/{id}", api.incident, "Show it whole.", IncidentDetail, TimelineQuery)
        yield _reading("/v1/incidents/{id}/recording", api.recording, "Show it as a recording.", IncidentRecording)
        yield _reading("/v1/alerts", api.alerts, "List alerts, also only recorded ones.", SeenAlertList, AlertQuery)
        yield _reading("/v1/deliveries/rejected", api.rejected, "List rejected deliveries.", RejectedList, Page)

    def _acting(self) -> Iterator[Route]:
        acting = Acting(
            decisions=self._decisions,
            person=self._gate.person,
            deadline=self.listener.deadline,
            stopped=self._settings.automation.stopped,
        )
        yield from action_routes(acting)

    def _slack_door(self, secret: SecretStr | None) -> SlackDoor:
        return SlackDoor(
            decisions=self._decisions,
            people=self._gate.people,
            secret=secret.get_secret_value() if secret else "",
            workspace=self._behind.workspace,
            deadline=self.listener.deadline,
            now=self._behind.now,
        )

    def _interactions(self) -> Route:
        return Route(
            method="POST",
            path="/v1/slack/interactions",
            access=Access.SIGNED,
            handle=self._slack.receive,
            summary="Take in that a person pressed a button or filled in a dialog in Slack; signed by Slack.",
            answers={200: JSON, **dict.fromkeys((400, 401, 403, 413, 503), LINE)},
            body="Slack's interaction payload, form-encoded.",
        )

    def _health(self) -> Iterator[Route]:
        pages = HealthPages(
            vitals=self._behind.vitals,
            reader=self._behind.reader,
            metrics=self._behind.metrics,
            room=self.room,
            now=self._behind.now,
            closing=lambda: self._router.closing,
        )
        yield _open("/healthz", pages.healthz, "Say that the process lives.", {200: LINE})
        yield _open("/readyz", pages.readyz, "Say whether deliveries can be taken.", {200: Readiness, 503: Readiness})
        yield _open("/metrics", pages.metrics_page, "Metrics for Prometheus.", {200: "text/plain"})

    def _openapi(self) -> Route:
        async def openapi(_: web.BaseRequest, __: str) -> web.Response:
            return answer(json.dumps(self.openapi()).encode(), JSON)

        return _open("/openapi.json", openapi, "This document.", {200: JSON})

    def openapi(self) -> dict[str, Any]:
        """Write the OpenAPI document of all routes."""
        return describe(self.routes, self._behind.version)


def _open(path: str, handle: Handle, summary: str, answers: Bodies) -> Route:
    return Route(method="GET", path=path, access=Access.OPEN, handle=handle, summary=summary, answers=answers)


def _reading(
    path: str, handle: Handle, summary: str, answer: type[BaseModel], query: type[BaseModel] | None = None
) -> Route:
    wrong = (*((400,) if query else ()), *((404,) if "{" in path else ()))
    problems = dict.fromkeys((401, 403, 503, *wrong), Problem)
    return Route(
        method="GET",
        path=path,
        access=Access.READER,
        handle=handle,
        summary=summary,
        answers={200: answer, **problems},
        query=query,
    )
