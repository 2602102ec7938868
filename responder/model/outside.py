"""What outside systems answered, as plain data."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, overload

from responder.model.labels import Labels


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of an instant query with its labels; NaN and infinities stay as they are."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Samples(Sequence[Sample]):
    """The answer to an instant query, in its order; `warnings` are the server's own, such as "partial response"."""

    samples: tuple[Sample, ...] = ()
    warnings: tuple[str, ...] = ()

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Sample, ...]: ...
    def __getitem__(self, index: int | slice) -> Sample | tuple[Sample, ...]:
        """Return one sample, or several."""
        return self.samples[index]

    def __len__(self) -> int:
        """Count the samples."""
        return len(self.samples)

    def __iter__(self) -> Iterator[Sample]:
        """Go through the samples."""
        return iter(self.samples)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """
    An answer of an HTTP server; the body is cut at the caller's limit.

    `headers` are looked up without regard to case. `took` spans the request to the last byte read. `tls_expires_at` is
    the end of the server's certificate, None without TLS.
    """

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


@dataclass(frozen=True, slots=True)
class AmAlert:
    """
    An alert that an Alertmanager holds.

    `receivers` are plain names (a webhook's `receiver` is not: it is escaped as a regular expression). `ends_at` is
    when it expires unless it is sent again, not an end. `state` is `active`, `suppressed` or `unprocessed`.
    """

    fingerprint: str
    labels: Labels
    annotations: Labels
    starts_at: datetime
    ends_at: datetime | None
    receivers: tuple[str, ...]
    silenced_by: tuple[str, ...] = ()
    inhibited_by: tuple[str, ...] = ()
    state: str = "active"
    generator_url: str = ""


@dataclass(frozen=True, slots=True)
class AmStatus:
    """An Alertmanager: `uptime_since` is when it started; `peers` counts its cluster with itself, 0 for none."""

    uptime_since: datetime
    version: str
    peers: int = 0


@dataclass(frozen=True, slots=True)
class AmConfiguration:
    """How an Alertmanager is set up: `written` is its file, secrets left out; `date` its time as HTTP writes it."""

    version: str
    date: str
    written: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AmSilence:
    """A silence; `matchers` as Alertmanager writes them; `state` is `active`, `pending` or `expired`."""

    id: str
    state: str
    matchers: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a receiver is and the secret that lets us in, from the settings; both are kept out of logs."""

    url: str = field(repr=False)
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail. `key` is unique to it, `thread` to all mails of an incident, so that readers see one conversation."""

    to: tuple[str, ...]
    subject: str
    text: str
    html: str
    key: str
    thread: str


@dataclass(frozen=True, slots=True)
class Executed:
    """
    What a program in a container left: its exit `code`, None when the connection ended without one.

    The outputs are bytes, `cut` at the caller's limit; they may hold secrets.
    """

    code: int | None
    stdout: bytes = field(default=b"", repr=False)
    stderr: bytes = field(default=b"", repr=False)
    cut: bool = False
