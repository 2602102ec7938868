"""Calls an HTTP interface that changes something."""

import json
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from responder.model.place import Place
from responder.model.target import Target
from responder.model.verdict import Json
from responder.plugins.action import Action
from responder.plugins.commands import kubectl, shell, variable
from responder.plugins.fields import SourceName
from responder.plugins.params import Duration, Params
from responder.plugins.rights import Verb

Url = Annotated[str, Place.URL, Field(pattern=r"^https?://[^/\s]")]
Header = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,100}$")]
HeaderValue = Annotated[str, Field(pattern=r"^[^\r\n]{0,4000}$")]

_RAW = {"POST": "create", "PUT": "replace", "DELETE": "delete"}
"""kubectl's verbs that take `--raw`."""


class HttpRequestParams(Params):
    """What to send where."""

    method: Literal["POST", "PUT", "PATCH", "DELETE"] = Field("POST", description="HTTP method.")
    url: Url = Field(description="Address; with `via: service`, http://SERVICE.NAMESPACE.svc[:PORT]/PATH.")
    headers: dict[Header, HeaderValue] = Field({}, max_length=30, description="Headers besides those of credentials.")
    body: Json = Field(None, description="Sent as JSON. Absent: no body.")
    credentials: Annotated[str, Field(pattern=r"^([A-Za-z][A-Za-z0-9_-]{0,62})?$")] = Field(
        "", description="Name of an entry of `credentials` in the settings, which is bound to its address."
    )
    expect: list[Annotated[int, Field(ge=100, le=599)]] = Field(
        [200, 201, 202, 204], description="Statuses that are good."
    )
    via: Literal["", "service"] = Field("", description="service: through the API server's proxy, from outside.")
    timeout: Duration = Field("10s", validate_default=True, description="How long an answer may take.")

    @model_validator(mode="after")
    def _service(self) -> Self:
        if self.via != "service":
            return self
        if self.method == "PATCH":
            raise ValueError("`via: service` takes POST, PUT and DELETE")
        labels = (urlsplit(self.url).hostname or "").split(".")
        if len(labels) < 3 or labels[2] != "svc":
            raise ValueError("with `via: service` write http://SERVICE.NAMESPACE.svc[:PORT]/PATH")
        return self


class HttpRequest(Action[HttpRequestParams]):
    """
    Send one request with an idempotency key; another status than expected is a failure.

    Source: RFC 9110; `services/{name}/proxy` of the API server.

    Example:

        actions:
          restart-failed:
            http.request: {url: "https://api.example.com/api/agents/restart-failed", credentials: agents-api}
            mode: approve
    """

    name = "http.request"
    Params = HttpRequestParams
    needs = (
        Verb("", "services/proxy", "create"),
        Verb("", "services/proxy", "update"),
        Verb("", "services/proxy", "delete"),
    )

    def namespaces(self, params: HttpRequestParams, target: Target) -> tuple[str, ...]:
        """Return that of the Service which the address names, else the target's."""
        labels = (urlsplit(params.url).hostname or "").split(".")
        return (labels[1],) if len(labels) > 2 and labels[2] == "svc" else super().namespaces(params, target)

    def command(self, params: HttpRequestParams, target: Target) -> tuple[str, ...]:
        """Return `curl`, or `kubectl --raw`; a variable stands for the token."""
        return (_through_proxy(params) if params.via else _curl(params),)


def _curl(params: HttpRequestParams) -> str:
    words = ["--fail-with-body", "--request", params.method]
    for name, value in params.headers.items():
        words += ["--header", f"{name}: {value}"]
    if params.body is not None:
        words += ["--header", "Content-Type: application/json", "--data-raw", json.dumps(params.body)]
    token = f' --header "Authorization: Bearer {_token(params.credentials)}"' if params.credentials else ""
    return f"curl{token} {shell(*words, '--url', params.url)}"


def _token(credentials: SourceName) -> str:
    return variable(credentials).strip('"').replace("_URL", "_TOKEN")


def _through_proxy(params: HttpRequestParams) -> str:
    parts = urlsplit(params.url)
    service, namespace = (parts.hostname or "").split(".")[:2]
    port = f":{parts.port}" if parts.port else ""
    query = f"?{parts.query}" if parts.query else ""
    path = f"/api/v1/namespaces/{namespace}/services/{service}{port}/proxy{parts.path or '/'}{query}"
    send = kubectl(_RAW[params.method], "--raw", path, *(() if params.method == "DELETE" else ("-f", "-")))
    if params.method == "DELETE":
        return send
    body = "" if params.body is None else json.dumps(params.body)
    return f"{shell('printf', '%s', body)} | {send}"
