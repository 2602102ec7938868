"""http.check and http.json, against servers that behave and others."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr, ValidationError

from responder.clients.http import Http
from responder.diagnostics.http_check import HttpCheck
from responder.diagnostics.http_json import HttpJson
from responder.errors import NotConfigured, PermanentError, TransientError
from responder.model.finding import Weight
from responder.model.place import Place
from responder.settings.sections import Endpoint, Tls
from tests.diagnostics.toolbox import diagnose
from tests.servers.certificates import Authority
from tests.servers.web import Handler, WebServers

Given = dict[str, Http]


@pytest.fixture
async def given() -> AsyncIterator[Given]:
    http = Http()
    yield {"http": http}
    await http.close()


def answering(status: int = 200, text: str = "", **headers: str) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(status=status, text=text, headers=headers)

    return handle


class TestCheck:
    async def test_a_2xx_is_well(self, web_servers: WebServers, given: Given) -> None:
        result = await diagnose(HttpCheck(), given, url=await web_servers.serve(answering(204)))
        assert (result.ok, result.status, result.tls_expires_in) == (True, 204, None)
        assert result.latency > timedelta(0)
        assert result.headline().startswith("204 in ")
        assert result.weight() is Weight.NORMAL

    @pytest.mark.parametrize(
        ("status", "expect", "ok"), [(503, (), False), (404, (200, 404), True), (200, (201,), False)]
    )
    async def test_the_status_is_compared_with_what_is_expected(
        self, web_servers: WebServers, given: Given, status: int, expect: tuple[int, ...], ok: bool
    ) -> None:
        result = await diagnose(HttpCheck(), given, url=await web_servers.serve(answering(status)), expect=expect)
        assert (result.ok, result.status) == (ok, status)
        assert result.weight() is (Weight.NORMAL if ok else Weight.TROUBLE)

    async def test_the_body_is_searched(self, web_servers: WebServers, given: Given) -> None:
        url = await web_servers.serve(answering(text='{"status": "degraded"}'))
        assert (await diagnose(HttpCheck(), given, url=url, body='"status": ?"deg')).ok
        result = await diagnose(HttpCheck(), given, url=url, body='"status": ?"ok"')
        assert not result.ok
        assert result.headline().endswith("the body is not as expected")

    async def test_no_answer_is_a_result(self, web_servers: WebServers, given: Given) -> None:
        result = await diagnose(HttpCheck(), given, url="http://127.0.0.1:1/health?token=hunter2")
        assert (result.ok, result.status, result.latency, result.weight()) == (False, None, None, Weight.TROUBLE)
        assert "cannot connect" in result.headline()
        assert "hunter2" not in result.headline()
        silent = await web_servers.send(stay=True)
        result = await diagnose(HttpCheck(), given, url=silent, timeout="50ms")
        assert "no answer within 50ms" in result.headline()

    async def test_a_redirect_to_elsewhere_is_not_followed(self, web_servers: WebServers, given: Given) -> None:
        url = await web_servers.serve(answering(302, Location="http://localhost:1/"))
        result = await diagnose(HttpCheck(), given, url=url)
        assert (result.ok, result.status) == (False, 302)
        assert "a redirect that is not followed" in result.headline()

    async def test_redirects_can_be_what_is_checked(self, web_servers: WebServers, given: Given) -> None:
        url = await web_servers.serve(answering(301, Location="/elsewhere"))
        assert (await diagnose(HttpCheck(), given, url=url, redirects="none", expect=[301])).ok

    async def test_the_certificate_is_measured(self, web_servers: WebServers, authority: Authority) -> None:
        ends = authority.issue("server", ends_in=timedelta(days=5))
        url = await web_servers.serve(answering(), tls=authority.server_context(ends))
        http = Http(credentials={"ours": Endpoint(url=url, tls=Tls(ca=authority.file))})
        now = datetime.now(UTC)
        result = await diagnose(HttpCheck(), {"http": http}, now, url=url, credentials="ours")
        calm = await diagnose(
            HttpCheck(), {"http": http}, now, url=url, credentials="ours", certificate_ends_within="1d"
        )
        await http.close()
        assert result.tls_expires_in == ends.expires_at - now
        assert result.headline().endswith("its certificate ends in 5 d")
        assert (result.weight(), calm.weight()) == (Weight.NOTABLE, Weight.NORMAL)

    async def test_a_bad_certificate_is_a_result(
        self, web_servers: WebServers, given: Given, authority: Authority
    ) -> None:
        ended = authority.issue("server", ends_in=timedelta(days=-1))
        url = await web_servers.serve(answering(), tls=authority.server_context(ended))
        result = await diagnose(HttpCheck(), given, url=url)
        assert (result.ok, result.status) == (False, None)
        assert "the TLS certificate is not valid" in result.headline()

    async def test_what_may_not_be_asked_is_a_failure_to_look(self, given: Given) -> None:
        with pytest.raises(PermanentError, match=r"http\.refuse"):
            await diagnose(HttpCheck(), given, url="http://169.254.169.254/latest/meta-data/")
        with pytest.raises(NotConfigured):
            await diagnose(HttpCheck(), given, url="http://127.0.0.1:1/", credentials="nobody")

    @pytest.mark.parametrize(
        "wrong",
        [{"body": "("}, {"body": "(?=x)"}, {"method": "DELETE"}, {"expect": [99]}, {"timeout": "5m"}, {"extra": 1}],
    )
    def test_what_cannot_work_is_refused_at_load(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            HttpCheck.Params(url="http://x/", **wrong)

    def test_the_address_is_a_place_for_urls(self) -> None:
        assert Place.URL in HttpCheck.Params.model_fields["url"].metadata
        assert Place.URL in HttpJson.Params.model_fields["url"].metadata


DOCUMENT = """{"status": {"indicator": "major", "since": "2026-01-02T03:04:05Z", "ok": false, "none": null},
               "items": [{"name": "a", "n": 3}, {"name": "b", "n": 2.5}], "total": 7, "a.b": 1, "whole": 4.0}"""


class TestJson:
    @pytest.mark.parametrize(
        ("pick", "kind", "value"),
        [
            ("status.indicator", "string", "major"),
            ("items[1].name", "string", "b"),
            ("total", "int", 7),
            ("total", "double", 7.0),
            ("total", "string", "7"),
            ("whole", "int", 4),
            ("items[1].n", "double", 2.5),
            ("status.ok", "bool", False),
            ("status.ok", "string", "false"),
            ("status.since", "timestamp", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
            ("items[0]", "string", '{"name": "a", "n": 3}'),
        ],
    )
    async def test_one_value_is_picked_with_its_declared_type(
        self, web_servers: WebServers, given: Given, pick: str, kind: str, value: object
    ) -> None:
        url = await web_servers.serve(answering(text=DOCUMENT))
        result = await diagnose(HttpJson(), given, url=url, pick=pick, type=kind)
        assert (result.ok, result.value, result.has_data()) == (True, value, True)
        assert type(result.value) is type(value)

    @pytest.mark.parametrize(
        ("pick", "kind"),
        [
            ("status.other", "string"),
            ("items[2].name", "string"),
            ("items.name", "string"),
            ("total.more", "string"),
            ("status.none", "string"),
            ("status.indicator", "int"),
            ("items[1].n", "int"),
            ("status.ok", "int"),
            ("total", "bool"),
            ("status.indicator", "timestamp"),
        ],
    )
    async def test_what_is_not_there_or_of_another_type_is_unknown(
        self, web_servers: WebServers, given: Given, pick: str, kind: str
    ) -> None:
        url = await web_servers.serve(answering(text=DOCUMENT))
        result = await diagnose(HttpJson(), given, url=url, pick=pick, type=kind)
        assert (result.ok, result.value, result.has_data()) == (False, None, False)
        assert result.headline()

    @pytest.mark.parametrize(
        ("status", "text", "words"),
        [
            (503, "{}", "answered 503"),
            (200, "<html>", "not JSON"),
            (200, "[" * 100_000, "not JSON"),
            (200, "", "not JSON"),
        ],
    )
    async def test_a_bad_answer_is_a_result(
        self, web_servers: WebServers, given: Given, status: int, text: str, words: str
    ) -> None:
        result = await diagnose(HttpJson(), given, url=await web_servers.serve(answering(status, text)), pick="a")
        assert (result.ok, result.value) == (False, None)
        assert words in result.headline()

    async def test_no_answer_is_a_failure_to_look(self, given: Given) -> None:
        with pytest.raises(TransientError):
            await diagnose(HttpJson(), given, url="http://127.0.0.1:1/", pick="a")

    async def test_a_long_text_is_cut(self, web_servers: WebServers, given: Given) -> None:
        url = await web_servers.serve(answering(text=f'{{"a": "{"x" * 90_000}"}}'))
        result = await diagnose(HttpJson(), given, url=url, pick="a")
        assert len(result.value) == 2_000

    async def test_the_login_goes_along(self, web_servers: WebServers) -> None:
        async def closed(request: web.Request) -> web.Response:
            known = request.headers.get("Authorization") == "Bearer t0ken"
            return web.json_response({"total": 3}, status=200 if known else 401)

        url = await web_servers.serve(closed)
        http = Http(credentials={"agents": Endpoint(url=url, bearer_token=SecretStr("t0ken"))})
        result = await diagnose(
            HttpJson(), {"http": http}, url=f"{url}/api", pick="total", type="int", credentials="agents"
        )
        await http.close()
        assert result.value == 3

    @pytest.mark.parametrize("pick", [".a", "a..b", "a[x]", "a[", "[]", "a]b", "a.[0]."])
    def test_a_way_that_is_none_is_refused_at_load(self, pick: str) -> None:
        with pytest.raises(ValidationError, match="not a way into a document"):
            HttpJson.Params(url="http://x/", pick=pick)

    def test_the_type_of_the_value_is_known_before_the_answer(self) -> None:
        assert HttpJson.result_type({"type": "int"}).model_fields["value"].annotation == int | None
        assert HttpJson.result_type({}) is HttpJson.Result
        assert HttpJson.result_type({"type": "int"}) is HttpJson.result_type({"type": "int", "pick": "a"})
