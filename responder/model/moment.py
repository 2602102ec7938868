"""Moments as Kubernetes writes them."""

from datetime import UTC, datetime

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_moment(text: object) -> datetime | None:
    """Read an RFC 3339 moment as UTC, to the microsecond; None for anything else, and for Go's zero time."""
    if not isinstance(text, str) or not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return None if aware.year == 1 else aware
