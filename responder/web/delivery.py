"""What a body must be to be taken in: JSON of Alertmanager's shape. Its alerts are judged one by one, later."""

import json
from typing import Any

import orjson
from aiohttp import web

from responder.errors import RejectedDelivery


def check(request: web.BaseRequest, body: bytes) -> None:
    """
    Check that a delivery can be worked on.

    Raises: RejectedDelivery with 415 (not sent as plain JSON), 400 (is no JSON) or 422 (is not Alertmanager's).
    """
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise RejectedDelivery(415, f"Content-Encoding {encoding[:40]!r} is not taken: send the JSON as it is")
    if request.content_type != "application/json":
        raise RejectedDelivery(
            415, f"Content-Type {request.content_type[:80]!r} is not taken: send application/json, as Alertmanager does"
        )
    if not body:
        raise RejectedDelivery(400, "the body is empty: send Alertmanager's webhook JSON")
    _check_shape(_parse(body))


def _parse(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except ValueError:
        pass
    try:  # orjson refuses lone surrogates, which become U+FFFD when the alerts are read
        return json.loads(body.decode())
    except UnicodeDecodeError as error:
        raise RejectedDelivery(400, f"the body is not UTF-8 (byte {error.start}): send JSON in UTF-8") from None
    except json.JSONDecodeError as error:
        raise RejectedDelivery(
            400, f"the body is not JSON ({error.msg} at line {error.lineno}, column {error.colno}): send webhook JSON"
        ) from None
    except (RecursionError, ValueError):
        raise RejectedDelivery(400, "the body is JSON that nests too deep or has too long a number") from None


def _check_shape(delivery: Any) -> None:
    alerts = delivery.get("alerts") if isinstance(delivery, dict) else None
    if not isinstance(alerts, list):
        raise RejectedDelivery(
            422,
            "this is JSON, but not Alertmanager's webhook format (an object with a list `alerts`): "
            "point a webhook_config without `payload` here",
        )
    if not any(isinstance(alert, dict) and isinstance(alert.get("labels"), dict) for alert in alerts):
        raise RejectedDelivery(422, "no alert in `alerts` has labels: there is nothing to work on")
