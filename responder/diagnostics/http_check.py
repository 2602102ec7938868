"""Does an address answer as it should?"""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import re2
from pydantic import Field, PrivateAttr, field_validator

from responder.errors import TransientError, UntrustedCertificate
from responder.model.finding import Weight
from responder.model.outside import HttpAnswer
from responder.model.place import Place
from responder.model.target import Target
from responder.model.unit import in_unit
from responder.plugins.diagnostic import Diagnostic, Result
from responder.plugins.fields import SourceName
from responder.plugins.params import Duration, Params
from responder.plugins.tools import Tools

LARGEST = 256_000
"""Bytes of the body in which `body` is looked for."""


class Check(Params):
    """The parameters of `http.check`."""

    url: Annotated[str, Place.URL] = Field(description="The http(s) address; its host stands in the rules.")
    method: Literal["GET", "HEAD"] = Field("GET", description="How to ask.")
    expect: tuple[Annotated[int, Field(ge=100, le=599)], ...] = Field(
        (), description="The statuses that are well; any 2xx when absent."
    )
    body: Annotated[str, Place.REGEX] = Field(
        "", max_length=1000, description="RE2 that must be found in the first 256 kB of the body."
    )
    credentials: SourceName | Literal[""] = Field(
        "", description="The name of an entry in `credentials` of the settings, bound to its own host."
    )
    redirects: Literal["same-host", "none"] = Field("same-host", description="Which redirects to follow.")
    timeout: Duration = Field(
        timedelta(seconds=8), gt=timedelta(0), le=timedelta(seconds=60), description="When no answer is a bad answer."
    )
    certificate_ends_within: Duration = Field(
        timedelta(days=14), description="A TLS certificate that ends so soon is worth mentioning."
    )

    @field_validator("body")
    @classmethod
    def _compiles(cls, body: str) -> str:
        _pattern(body)
        return body


class Checked(Result):
    """What `http.check` established."""

    ok: bool = Field(description="Whether it answered with an expected status and body.")
    status: int | None = Field(None, description="The status; unknown without an answer.")
    latency: timedelta | None = Field(None, description="From asking to the last byte; unknown without an answer.")
    tls_expires_in: timedelta | None = Field(
        None, description="How long its certificate is still valid; unknown without TLS or an answer."
    )

    _why: str = PrivateAttr("")
    _soon: bool = PrivateAttr(False)

    def headline(self) -> str:
        """Say what came back, and how fast."""
        if self.status is None or self.latency is None:
            return self._why[:150]
        answered = f"{self.status} in {in_unit(self.latency.total_seconds(), 'seconds')}"
        trouble = f", {self._why}" if self._why else ""
        return f"{answered}{trouble}{self._certificate()}"[:150]

    def weight(self) -> Weight:
        """Matter when it does not answer as it should."""
        if not self.ok:
            return Weight.TROUBLE
        return Weight.NOTABLE if self._soon else Weight.NORMAL

    def _certificate(self) -> str:
        if not self._soon or self.tls_expires_in is None:
            return ""
        return f", its certificate ends in {in_unit(self.tls_expires_in.total_seconds(), 'seconds')}"


class HttpCheck(Diagnostic[Check]):
    """
    Ask an address and say whether it answers as it should.

    No answer, a bad certificate, or an unexpected status or body are results (`ok` is false), not failures to look.
    Redirects are followed within the same host only; one to elsewhere is the answer. Addresses in `http.refuse` of the
    settings are never asked.

    Source: the address.

    Example:

        diagnose:
          health: {http.check: {url: "https://api.example.com/health", expect: [200], body: '"status": ?"ok"'}}
    """

    name = "http.check"
    Params = Check
    Result = Checked

    async def diagnose(self, params: Check, target: Target, tools: Tools) -> Checked:
        """Ask once."""
        try:
            answer = await tools.http.request(
                params.method,
                params.url,
                credentials=params.credentials,
                timeout=params.timeout,
                limit_bytes=LARGEST,
                redirects=params.redirects == "same-host",
            )
        except (TransientError, UntrustedCertificate) as error:
            unanswered = Checked(ok=False)
            unanswered._why = str(error)
            return unanswered
        return _judged(answer, params, tools.now())


def _judged(answer: HttpAnswer, params: Check, now: datetime) -> Checked:
    expected = answer.status in params.expect if params.expect else 200 <= answer.status < 300
    found = not params.body or _pattern(params.body).search(answer.body.decode(errors="replace")) is not None
    left = answer.tls_expires_at - now if answer.tls_expires_at else None
    result = Checked(ok=expected and found, status=answer.status, latency=answer.took, tls_expires_in=left)
    result._soon = left is not None and left < params.certificate_ends_within
    if not expected:
        result._why = f"not {_listed(params.expect)}"
        if 300 <= answer.status < 400:
            result._why += ", a redirect that is not followed"
    elif not found:
        result._why = "the body is not as expected"
    return result


def _listed(expect: tuple[int, ...]) -> str:
    return " or ".join(map(str, expect)) if expect else "2xx"


def _pattern(source: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(source, options)
    except re2.error as error:
        words = (
            error.args[0].decode(errors="replace") if error.args and isinstance(error.args[0], bytes) else str(error)
        )
        raise ValueError(f"not a regular expression (RE2): {words}") from None
