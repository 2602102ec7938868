"""Slack's errors as ours: which may pass by themselves, and for the others what a person has to do."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError

from responder.errors import CallError, MessageGone, NotLetIn, PermanentError, TransientError

PASSING = frozenset(
    {
        "ratelimited",
        "rate_limited",
        "message_limit_exceeded",
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
        "team_added_to_org",
        "accesslimited",
    }
)
"""Error codes that may be gone on the next try."""

GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "is_inactive", "block_mismatch"})
"""Error codes of chat.update after which this message will never be edited again."""

_BAD_TOKEN = ("invalid_auth", "token_revoked", "token_expired", "account_inactive", "no_permission")
NOT_LET_IN = frozenset({*_BAD_TOKEN, "not_authed", "not_allowed_token_type"})
"""Error codes that concern the token, whatever was asked."""

_TOKEN = "slack.bot_token is not accepted ({error}): copy the Bot User OAuth Token from the app's page again"  # noqa: S105
_BUG = "Slack does not take the message ({error}: {detail}); this is a defect of Responder, please report it"
_LOCKED = "posting in {channel} is restricted ({error}): let the app post there, or name another channel in the rules"
_CURES = {
    "not_in_channel": "the bot is not in {channel}: invite it there with /invite @responder",
    "channel_not_found": "there is no channel {channel} that the bot can see: correct the name in the rules,"
    " or if it is private invite the bot there with /invite @responder",
    "is_archived": "{channel} is archived: unarchive it, or name another channel in the rules",
    "missing_scope": "the Slack app lacks the scope {needed}: add it under OAuth & Permissions and reinstall the app",
    "not_authed": "slack.bot_token is empty: set it, or slack.bot_token_file",
    "not_allowed_token_type": "slack.bot_token must be a bot token, which begins with xoxb-",
    "message_not_found": "the message in {channel} is gone: somebody deleted it",
    "cant_update_message": "the message in {channel} was posted by another app or bot, so it cannot be edited",
    "edit_window_closed": "the workspace does not allow edits of messages that old",
    "user_not_found": "there is no user {channel}",
    "storage_limit_reached": "the workspace has no room for files: delete some, or change its plan",
    "file_uploads_disabled": "the workspace does not allow files: an administrator can",
    **dict.fromkeys(_BAD_TOKEN, _TOKEN),
    **dict.fromkeys(
        ("msg_too_long", "msg_blocks_too_long", "invalid_blocks", "invalid_blocks_format", "no_text"), _BUG
    ),
    **dict.fromkeys(
        (
            "restricted_action",
            "restricted_action_read_only_channel",
            "restricted_action_thread_only_channel",
            "restricted_action_non_threadable_channel",
            "team_access_not_granted",
        ),
        _LOCKED,
    ),
}
_SERVER_ERROR = 500
_TOO_MANY = 429
_DEFAULT_WAIT = 1.0


def explain(error: Exception, *, method: str, channel: str = "") -> CallError:
    """Turn what the SDK raised into one of our errors; `channel` is what the rules call it. No secret is in either."""
    if not isinstance(error, SlackApiError):
        return _no_answer(error, method)
    status, data, headers = _answer(error)
    code = str(data.get("error", ""))
    if status == _TOO_MANY or code in {"ratelimited", "rate_limited"}:
        return TransientError(f"Slack asks to wait ({method})", delay=timedelta(seconds=_wait(headers)))
    if status >= _SERVER_ERROR or code in PASSING or not code:
        return TransientError(f"Slack is out of order ({method}: {code or f'HTTP {status}'})")
    detail = "; ".join(str(line) for line in (data.get("response_metadata") or {}).get("messages", []))[:300]
    cure = _CURES.get(code, "Slack refuses {method}: {error}").format(
        error=code, method=method, channel=channel or "the channel", needed=data.get("needed", "?"), detail=detail
    )
    if code in NOT_LET_IN:
        return NotLetIn(cure)
    return MessageGone(cure) if code in GONE and method == "chat.update" else PermanentError(cure)


def code_of(error: CallError) -> str:
    """Return Slack's own error code behind one of our errors, "" when there is none."""
    cause = error.__cause__
    return str(_answer(cause)[1].get("error", "")) if isinstance(cause, SlackApiError) else ""


def _no_answer(error: Exception, method: str) -> CallError:
    if isinstance(error, TimeoutError):
        return TransientError(f"Slack did not answer in time ({method})")
    if isinstance(error, aiohttp.InvalidURL):
        return PermanentError("slack.base_url is not a URL")
    if isinstance(error, aiohttp.ClientError | OSError):
        return TransientError(f"Slack cannot be reached ({method}: {type(error).__name__})")
    return TransientError(f"Slack's answer could not be read ({method}: {type(error).__name__})")


def _answer(error: SlackApiError) -> tuple[int, Mapping[str, Any], Mapping[str, str]]:
    """Take apart the answer; where the SDK could not read the body it is the bare response of aiohttp."""
    response = error.response
    status = getattr(response, "status_code", 0) or getattr(response, "status", 0) or 0
    data = getattr(response, "data", None)
    return int(status), data if isinstance(data, dict) else {}, getattr(response, "headers", None) or {}


def _wait(headers: Mapping[str, str]) -> float:
    """Read Retry-After: seconds."""
    text = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    return float(text) if text.isascii() and text.isdigit() else _DEFAULT_WAIT


SDK_ERRORS = (SlackClientError, aiohttp.ClientError, OSError, ValueError, AttributeError)
"""All that a call of the SDK can raise; the last two when an answer is not the JSON that it expects."""
