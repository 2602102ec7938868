"""
Whether a request comes from Slack.

Source: docs.slack.dev, "Verifying requests from Slack". The SDK's verifier raises on hostile headers and bodies; this
one answers no.
"""

import hmac
from datetime import datetime, timedelta

OLDEST = timedelta(minutes=5)
"""Between Slack's clock and ours, either way: a request that was overheard is worth nothing later."""


def is_signed(secret: str, *, stamp: str, signature: str, body: bytes, now: datetime) -> bool:
    """Say whether `signature` is Slack's over these bytes; `stamp` is in seconds."""
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 12):
        return False
    if abs(now.timestamp() - int(stamp)) > OLDEST.total_seconds():
        return False
    offered = signature.encode("utf-8", "surrogateescape")
    return hmac.compare_digest(offered, sign(secret, stamp, body).encode())


def sign(secret: str, stamp: str, body: bytes) -> str:
    """Return the signature, version 0, over the time and the bytes."""
    return "v0=" + hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, "sha256").hexdigest()
