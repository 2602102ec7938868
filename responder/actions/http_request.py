"""Calls an HTTP interface that changes something."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from responder.model.action import ActionWeight, Change, Outcome, Preview
from responder.model.answers import quote
from responder.model.duration import format_duration
from responder.model.outside import HttpAnswer
from responder.model.place import Place
from responder.model.redaction import redact, redact_json
from responder.model.resource import SERVICES
from responder.model.target import Target
from responder.model.verdict import Json
from responder.plugins.acting import ActionTools
from responder.plugins.action import Action
from responder.plugins.commands import kubectl, shell, variable
from responder.plugins.fields import SourceName
from responder.plugins.objects.service import address_of, door_of
from responder.plugins.params import Duration, Params
from responder.plugins.rights import Verb
from responder.plugins.rollout.plan import note_of

LONGEST = timedelta(minutes=2)
Url = Annotated[str, Place.URL, Field(pattern=r"^https?://[^/\s]")]
Header = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,100}$")]
HeaderValue = Annotated[str, Field(pattern=r"^[^\r\n]{0,4000}$")]

_KEY = "Idempotency-Key"
_GAVE_UP = frozenset({502, 504})
"""Answers of a gateway that passed the request on and does not know what became of it."""
_VERBS = {"POST": "create", "PUT": "update", "DELETE": "delete"}
"""The right that `services/proxy` asks for. Source: apiserver, `RequestInfoFactory`."""
_RAW = {"POST": "create", "PUT": "replace", "DELETE": "delete"}
"""kubectl's verbs that take `--raw`."""


class HttpRequestParams(Params):
    """What to send where."""

    method: Literal["POST", "PUT", "PATCH", "DELETE"] = Field("POST", description="HTTP method.")
    url: Url = Field(
        description="Address; with `via: service`, http://SERVICE.NAMESPACE.svc[:PORT]/PATH, the port where it has more"
        " than one."
    )
    headers: dict[Header, HeaderValue] = Field({}, max_length=30, description="Headers besides those of credentials.")
    body: Json = Field(None, description="Sent as JSON. Absent: no body.")
    credentials: Annotated[str, Field(pattern=r"^([A-Za-z][A-Za-z0-9_-]{0,62})?$")] = Field(
        "", description="Name of an entry of `credentials` in the settings, which is bound to its address."
    )
    expect: list[Annotated[int, Field(ge=100, le=599)]] = Field(
        [200, 201, 202, 204], description="Statuses that are good."
    )
    via: Literal["", "service"] = Field("", description="service: through the API server's proxy, from outside.")
    timeout: Duration = Field(
        "10s", validate_default=True, le=LONGEST, description="How long an answer may take, at most 2m."
    )

    @model_validator(mode="after")
    def _service(self) -> Self:
        if _KEY.lower() in (name.lower() for name in self.headers):
            raise ValueError(f"{_KEY} is ours: it names the attempt, so that the other side can know it again")
        if self.via != "service":
            return self
        if self.method == "PATCH":
            raise ValueError("`via: service` takes POST, PUT and DELETE")
        address_of(self.url)
        return self


class HttpRequest(Action[HttpRequestParams]):
    """
    Send one request with an idempotency key; another status than expected is a failure.

    The key (header `Idempotency-Key`) is the same in every try at one effect, and never used for another.

    Source: RFC 9110; `services/{name}/proxy` of the API server.

    Example:

        actions:
          restart-failed:
            http.request: {url: "https://api.example.com/api/agents/restart-failed", credentials: agents-api}
            mode: approve
    """

    name = "http.request"
    Params = HttpRequestParams
    once = "doubtful"
    by_hand = False
    deadline = LONGEST + timedelta(seconds=10)
    needs = (
        Verb("", "services", "get"),
        Verb("", "services/proxy", "create"),
        Verb("", "services/proxy", "update"),
        Verb("", "services/proxy", "delete"),
    )
    weight = "destructive"
    cost = "with DELETE, which removes what nobody here can bring back; what others do, the rules say"

    def needs_in(
        self, namespace: str, params: HttpRequestParams, target: Target, files: Mapping[str, str]
    ) -> tuple[Verb, ...]:
        """Need nothing but with `via: service`, and then the verb of the method only."""
        verb = _VERBS.get(params.method)
        wanted = [each for each in self.needs if verb is None or each.verb in (verb, "get")]
        return tuple(wanted) if params.via else ()

    def namespaces(self, params: HttpRequestParams, target: Target) -> tuple[str, ...]:
        """
        Return that of the Service or pod which the address names, else the target's.

        A name of two parts may be SERVICE.NAMESPACE: it acts in both. `https://example.com./` is a host outside.
        """
        labels = (urlsplit(params.url).hostname or "").split(".")
        inside = next((at for at in range(2, len(labels)) if labels[at] in ("svc", "pod")), 0)
        if inside:
            return (labels[inside - 1],)
        own = super().namespaces(params, target)
        return tuple(dict.fromkeys((*own, labels[1]))) if len(labels) == 2 else own

    def weight_of(self, params: HttpRequestParams, files: Mapping[str, str]) -> ActionWeight:
        """Destroy with DELETE, or with a method that is not known yet."""
        return "ordinary" if params.method in ("POST", "PUT", "PATCH") else "destructive"

    def command(self, params: HttpRequestParams, target: Target) -> tuple[str, ...]:
        """Return `curl`, or `kubectl --raw`; a variable stands for the token."""
        return (_through_proxy(params) if params.via else _curl(params),)

    async def preview(self, params: HttpRequestParams, target: Target, tools: ActionTools) -> Preview:
        """Show the request, and look whether we may send it; nothing of it can be tried."""
        refusal, basis = _not_allowed(params, tools), {}
        if params.via and not refusal:
            asked = address_of(params.url)
            door = await door_of(asked, tools.kubernetes)
            basis = door.basis
            refusal = door.refusal or await tools.kubernetes.may(
                _VERBS[params.method],
                SERVICES,
                asked.namespace,
                subresource="proxy",
                name=asked.asked(door.port),
            )
        address = redact(params.url)
        return Preview(
            f"{params.method} {address}",
            changes=tuple(Change(what, "", after) for what, after in _sent(params)),
            refusal=refusal,
            basis=basis,
            namespace=self.namespaces(params, target)[0],
            lock=f"{tools.incident.cluster}/http/{params.url.partition('?')[0]}"[:300],
            pods=None,
            warnings=("It cannot be tried beforehand, nor undone",),
        )

    async def act(self, params: HttpRequestParams, target: Target, preview: Preview, tools: ActionTools) -> Outcome:
        """Send it, once."""
        if refusal := _not_allowed(params, tools):
            return Outcome("not_done", refusal)
        if tools.retry:
            return Outcome("in_doubt", f"an earlier try may have been carried out; its {_KEY} is {tools.attempt}")
        if params.via:
            return await _through_door(params, preview, tools)
        await tools.hold()
        return _outcome(params, await _send(params, tools))


async def _through_door(params: HttpRequestParams, preview: Preview, tools: ActionTools) -> Outcome:
    address = address_of(params.url)
    door = await door_of(address, tools.kubernetes)
    if door.refusal or door.basis != preview.basis:
        moved = f"the Service {address.name} in {address.namespace} is not the one that was approved"
        return Outcome("not_done", door.refusal or f"{moved}: nothing was sent")
    body, headers = _content(params, tools)
    await tools.hold()
    answer = await tools.kubernetes.proxy(
        params.method,
        address.namespace,
        address.asked(door.port),
        address.path,
        body=body,
        headers=headers,
        timeout=params.timeout,
    )
    note = note_of(f"{params.method} {redact(address.path)} answered {answer.status}", tools)
    await tools.kubernetes.tell(door.found, reason="Requested", note=note, key=tools.attempt)
    return _outcome(params, answer)


def _content(params: HttpRequestParams, tools: ActionTools) -> tuple[bytes | None, dict[str, str]]:
    """Return the body, and the headers with the key of the attempt."""
    body = None if params.body is None else json.dumps(params.body).encode()
    headers = {**({} if body is None else {"Content-Type": "application/json"}), **params.headers}
    return body, {**headers, _KEY: tools.attempt}


async def _send(params: HttpRequestParams, tools: ActionTools) -> HttpAnswer:
    body, headers = _content(params, tools)
    return await tools.http.request(
        params.method,
        params.url,
        headers=headers,
        body=body,
        credentials=params.credentials,
        timeout=params.timeout,
        limit_bytes=100_000,
    )


def _outcome(params: HttpRequestParams, answer: HttpAnswer) -> Outcome:
    said = f"answered {answer.status} after {format_duration(answer.took)}"
    details = tuple(filter(None, (quote(answer.body[:2000].decode(errors="replace")),)))
    if answer.status in params.expect:
        return Outcome("done", said, details)
    if answer.status in _GAVE_UP:
        return Outcome("in_doubt", f"{said}: a gateway gave up waiting, the request may have been carried out", details)
    expected = ", ".join(map(str, params.expect))
    part = "; it may have done a part of it" if answer.status >= 500 else ""
    return Outcome("failed", f"{said}, expected was {expected}{part}", details)


def _not_allowed(params: HttpRequestParams, tools: ActionTools) -> str:
    allowed = tools.allowed.methods
    return "" if params.method in allowed else f"actions.methods does not allow {params.method}: add it there"


def _sent(params: HttpRequestParams) -> tuple[tuple[str, str], ...]:
    body = () if params.body is None else (("body", json.dumps(redact_json(params.body))[:500]),)
    login = (("credentials", params.credentials),) if params.credentials else ()
    headers = ((f"header {name}", str(redact_json(value, name=name))[:200]) for name, value in params.headers.items())
    return (*body, *login, *headers)


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
    address = address_of(params.url)
    service = f"/api/v1/namespaces/{address.namespace}/services/{address.asked(address.port)}"
    path = f"{service}/proxy{address.path}"
    send = kubectl(_RAW[params.method], "--raw", path, *(() if params.method == "DELETE" else ("-f", "-")))
    if params.method == "DELETE":
        return send
    body = "" if params.body is None else json.dumps(params.body)
    return f"{shell('printf', '%s', body)} | {send}"
