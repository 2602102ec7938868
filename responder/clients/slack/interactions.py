"""
What Slack tells us that a person did: pressed a button of ours, or submitted a dialog of ours.

Source: docs.slack.dev, "Interaction payloads": block_actions, view_submission.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from pydantic import BaseModel, Field, ValidationError

from responder.clients.slack.blocks import ACTION
from responder.clients.slack.dialog import DIALOG, VALUE, Memory
from responder.model.press import Press, press_of

_MOST_FIELDS = 10


@dataclass(frozen=True, slots=True)
class Pressed:
    """A press of a button: `trigger` opens a dialog, within 3 seconds; `url` tells the person something."""

    member: str
    press: Press
    trigger: str
    url: str


@dataclass(frozen=True, slots=True)
class Submitted:
    """A dialog filled in: `values` by the name of the field, as they were typed."""

    member: str
    press: Press
    url: str
    values: Mapping[str, str] = field(default_factory=dict)


class _User(BaseModel):
    id: str


class _Action(BaseModel):
    action_id: str = ""
    value: str = ""


class _Value(BaseModel):
    value: str | None = None


class _State(BaseModel):
    values: dict[str, dict[str, _Value]] = {}


class _View(BaseModel):
    callback_id: str = ""
    private_metadata: str = ""
    state: _State = _State()


class _Payload(BaseModel):
    type: str
    user: _User
    trigger_id: str = ""
    response_url: str = ""
    actions: list[_Action] = Field([])
    view: _View = _View()


def read(body: bytes) -> Pressed | Submitted | None:
    """
    Read what a person did; None for what is not about a button or a dialog of ours.

    Raises: ValueError for what Slack does not send.
    """
    payload = _payload(body)
    match payload.type:
        case "block_actions":
            return _pressed(payload)
        case "view_submission":
            return _submitted(payload)
    return None


def _payload(body: bytes) -> _Payload:
    fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    if len(fields.get("payload", ())) != 1:
        raise ValueError("there is no payload")
    try:
        loaded: Any = json.loads(fields["payload"][0])
        return _Payload.model_validate(loaded)
    except RecursionError:
        raise ValueError("the payload nests too deep") from None
    except ValidationError as error:
        raise ValueError(f"the payload is not as Slack's: {error.error_count()} fields") from None


def _pressed(payload: _Payload) -> Pressed | None:
    for action in payload.actions:
        press = press_of(action.value) if action.action_id.startswith(ACTION) else None
        if press is not None:
            return Pressed(payload.user.id, press, payload.trigger_id, payload.response_url)
    return None


def _submitted(payload: _Payload) -> Submitted | None:
    memory = Memory.of(payload.view.private_metadata) if payload.view.callback_id == DIALOG else None
    if memory is None:
        return None
    values = {
        name: value
        for name, elements in payload.view.state.values.items()
        if (value := elements.get(VALUE, _Value()).value) is not None
    }
    return Submitted(payload.user.id, memory.press, memory.url, values)
