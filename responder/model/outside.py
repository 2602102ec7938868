"""What outside systems answered, as plain data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of an instant query with its labels; NaN and infinities stay as they are."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer of an HTTP server; the body is cut at the caller's limit. `tls_expires_at` None without TLS."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    took: timedelta
    tls_expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RelatedIncident:
    """Another open incident that shares something with this one."""

    incident: str
    title: str
    severity: str
    same: tuple[str, ...]
    since: datetime
