"""HTTP to the addresses of rules: bounded, and with secrets that stay where they belong."""

import gzip
import ipaddress
import json
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web
from pydantic import SecretStr

from responder.clients.http import Http, Policy
from responder.errors import CallError, NotConfigured, PermanentError, TransientError, UntrustedCertificate
from responder.model.outside import HttpAnswer
from responder.settings.sections import Endpoint, Tls
from tests.servers.certificates import Authority
from tests.servers.web import WebServers

Make = Callable[..., Http]


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    made: list[Http] = []

    def build(policy: Policy | None = None, **credentials: Endpoint) -> Http:
        made.append(Http(credentials=credentials, policy=policy))
        return made[-1]

    yield build
    for http in made:
        await http.close()


async def echo(request: web.Request) -> web.Response:
    return web.json_response(
        {
            "path": request.path,
            "method": request.method,
            "headers": {k.lower(): v for k, v in request.headers.items()},
            "body": await request.text(),
        }
    )


def headers_of(answer: HttpAnswer) -> dict[str, str]:
    return dict(json.loads(answer.body)["headers"])


async def test_any_status_is_an_answer(web_servers: WebServers, make: Make) -> None:
    async def teapot(request: web.Request) -> web.Response:
        return web.Response(status=418, text="short and stout", headers={"X-Kind": "pot"})

    answer = await make().request("GET", await web_servers.serve(teapot))
    assert (answer.status, answer.body, answer.headers["x-kind"]) == (418, b"short and stout", "pot")
    assert answer.tls_expires_at is None
    assert answer.took > timedelta(0)


async def test_method_headers_and_body_arrive(web_servers: WebServers, make: Make) -> None:
    url = await web_servers.serve(echo)
    answer = await make().request("POST", f"{url}/hook", headers={"X-Signature": "abc"}, body=b"{}")
    said = json.loads(answer.body)
    assert (said["method"], said["path"], said["body"], said["headers"]["x-signature"]) == (
        "POST",
        "/hook",
        "{}",
        "abc",
    )


async def test_a_long_body_is_cut_at_the_limit(web_servers: WebServers, make: Make) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            for _ in range(10_000):
                await response.write(b"x" * 10_000)
        except ConnectionError:
            pass
        return response

    answer = await make().request("GET", await web_servers.serve(endless), limit_bytes=5_000)
    assert answer.body == b"x" * 5_000


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
async def test_a_compressed_bomb_is_cut_at_the_limit(
    web_servers: WebServers, make: Make, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    async def bomb(request: web.Request) -> web.Response:
        return web.Response(body=pack(b"x" * 30_000_000), headers={"Content-Encoding": encoding})

    answer = await make().request("GET", await web_servers.serve(bomb), limit_bytes=1_000)
    assert answer.body == b"x" * 1_000


async def test_a_compressed_body_is_read(web_servers: WebServers, make: Make) -> None:
    async def packed(request: web.Request) -> web.Response:
        return web.Response(body=gzip.compress(b"hello"), headers={"Content-Encoding": "gzip"})

    assert (await make().request("GET", await web_servers.serve(packed))).body == b"hello"


async def test_a_silent_server_costs_the_timeout(web_servers: WebServers, make: Make) -> None:
    url = await web_servers.send(stay=True)
    with pytest.raises(TransientError, match="no answer within 50ms"):
        await make().request("GET", url, timeout=timedelta(milliseconds=50))


async def test_a_dripping_body_costs_the_timeout(web_servers: WebServers, make: Make) -> None:
    url = await web_servers.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", stay=True)
    with pytest.raises(TransientError, match="no answer within 50ms"):
        await make().request("GET", url, timeout=timedelta(milliseconds=50))


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 9999 OK\r\n\r\n",
    ],
)
async def test_a_server_that_breaks_the_protocol_is_an_error_of_ours(
    web_servers: WebServers, make: Make, said: bytes
) -> None:
    with pytest.raises(TransientError):
        await make().request("GET", await web_servers.send(said), timeout=timedelta(seconds=5))


async def test_a_closed_port_is_transient(make: Make) -> None:
    with pytest.raises(TransientError, match=r"GET http://127\.0\.0\.1:1: cannot connect"):
        await make().request("GET", "http://127.0.0.1:1/secret-path?token=hunter2")


async def test_an_unknown_host_is_transient(make: Make) -> None:
    with pytest.raises(TransientError, match="host name is not known"):
        await make().request("GET", "http://no-such-host.invalid/")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "gopher://127.0.0.1",
        "//127.0.0.1/",
        "127.0.0.1:80",
        "",
        "http://",
        "http://[::1",
    ],
)
async def test_only_http_addresses_are_asked(make: Make, url: str) -> None:
    with pytest.raises(PermanentError):
        await make().request("GET", url)


async def test_credentials_in_a_url_are_refused_and_not_repeated(make: Make) -> None:
    with pytest.raises(PermanentError) as caught:
        await make().request("GET", "http://admin:hunter2@127.0.0.1/")
    assert "hunter2" not in str(caught.value)


async def test_a_header_cannot_carry_another_line(web_servers: WebServers, make: Make) -> None:
    url = await web_servers.serve(echo)
    with pytest.raises(PermanentError):
        await make().request("GET", url, headers={"X-A": "b\r\nX-Evil: c"})


class TestRedirects:
    async def test_are_followed_within_the_same_origin(self, web_servers: WebServers, make: Make) -> None:
        url = await web_servers.serve(redirecting({"/old": "/new?a=1"}))
        answer = await make().request("GET", f"{url}/old")
        assert (answer.status, json.loads(answer.body)["path"]) == (200, "/new")

    async def test_to_another_origin_are_the_answer(self, web_servers: WebServers, make: Make) -> None:
        other = await web_servers.serve(echo)
        url = await web_servers.serve(
            redirecting({"/": other, "/b": "http://localhost:9/", "/c": "file:///etc/passwd"})
        )
        for path in ("/", "/b", "/c"):
            assert (await make().request("GET", url + path)).status == 302

    async def test_that_never_end_are_an_error(self, web_servers: WebServers, make: Make) -> None:
        url = await web_servers.serve(redirecting({"/": "/"}))
        with pytest.raises(PermanentError, match="redirects"):
            await make().request("GET", url)

    async def test_never_turn_a_post_into_a_get(self, web_servers: WebServers, make: Make) -> None:
        url = await web_servers.serve(redirecting({"/": "/new"}))
        assert (await make().request("POST", url, body=b"x")).status == 302

    async def test_of_status_307_post_again(self, web_servers: WebServers, make: Make) -> None:
        url = await web_servers.serve(redirecting({"/": "/new"}, status=307))
        said = json.loads((await make().request("POST", url, body=b"x")).body)
        assert (said["method"], said["body"]) == ("POST", "x")

    async def test_can_be_left_to_the_caller_and_forbidden_by_the_policy(
        self, web_servers: WebServers, make: Make
    ) -> None:
        url = await web_servers.serve(redirecting({"/": "/new"}))
        assert (await make().request("GET", url, redirects=False)).status == 302
        assert (await make(Policy(redirects=False)).request("GET", url)).status == 302


def redirecting(where: dict[str, str], status: int = 302) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        if request.path in where:
            return web.Response(status=status, headers={"Location": where[request.path]})
        return await echo(request)

    return handle


class TestCredentials:
    async def test_are_sent_to_their_own_origin(self, web_servers: WebServers, make: Make) -> None:
        url = await web_servers.serve(echo)
        http = make(
            bearer=Endpoint(url=url, bearer_token=SecretStr("t0ken"), headers={"X-Scope-OrgID": SecretStr("team")}),
            basic=Endpoint(url=url, username="ann", password=SecretStr("geheim")),
        )
        sent = headers_of(await http.request("GET", f"{url}/api", credentials="bearer"))
        assert (sent["authorization"], sent["x-scope-orgid"]) == ("Bearer t0ken", "team")
        sent = headers_of(await http.request("GET", f"{url}/api", credentials="basic"))
        assert sent["authorization"] == "Basic YW5uOmdlaGVpbQ=="
        assert "authorization" not in headers_of(await http.request("GET", url))

    async def test_are_never_sent_elsewhere(self, web_servers: WebServers, make: Make) -> None:
        ours, theirs = await web_servers.serve(echo), await web_servers.serve(echo)
        http = make(ours=Endpoint(url=ours, bearer_token=SecretStr("t0ken")))
        with pytest.raises(PermanentError, match=r"credentials\.ours are for"):
            await http.request("GET", theirs, credentials="ours")
        with pytest.raises(PermanentError):
            await http.request("GET", ours.replace("127.0.0.1", "localhost"), credentials="ours")

    async def test_do_not_follow_a_redirect_to_another_origin(self, web_servers: WebServers, make: Make) -> None:
        seen: list[str] = []

        async def spy(request: web.Request) -> web.Response:
            seen.append(request.headers.get("Authorization", ""))
            return web.Response()

        theirs = await web_servers.serve(spy)
        ours = await web_servers.serve(redirecting({"/": theirs}))
        http = make(ours=Endpoint(url=ours, bearer_token=SecretStr("t0ken")))
        assert (await http.request("GET", ours, credentials="ours")).status == 302
        assert seen == []

    async def test_that_are_unknown_are_named_with_those_that_are(self, make: Make) -> None:
        http = make(a=Endpoint(url="http://127.0.0.1:1"), b=Endpoint(url="http://127.0.0.1:1"))
        with pytest.raises(NotConfigured, match=r"credentials\.c is not in the settings; there are: a, b"):
            await http.request("GET", "http://127.0.0.1:1", credentials="c")


class TestAddresses:
    @pytest.mark.parametrize(
        "host",
        [
            "169.254.169.254",
            "[fe80::1]",
            "[::ffff:169.254.169.254]",
            "[::ffff:a9fe:a9fe]",
            "[64:ff9b::a9fe:a9fe]",
            "[2002:a9fe:a9fe::1]",
            "[fe80::1%25lo]",
        ],
    )
    async def test_of_the_clouds_metadata_are_refused(self, make: Make, host: str) -> None:
        with pytest.raises(PermanentError, match=r"http\.refuse"):
            await make().request("GET", f"http://{host}/latest/meta-data/")

    async def test_are_looked_at_after_the_name_is_resolved(self, web_servers: WebServers, make: Make) -> None:
        url = await web_servers.serve(echo, host="localhost")
        refusing = Policy(refuse=[ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")])
        with pytest.raises(PermanentError, match=r"http\.refuse"):
            await make(refusing).request("GET", url)
        assert (await make().request("GET", url)).status == 200


class TestTls:
    async def test_the_end_of_the_certificate_is_told(
        self, web_servers: WebServers, make: Make, authority: Authority
    ) -> None:
        certificate = authority.issue("server", ends_in=timedelta(days=12))
        url = await web_servers.serve(echo, tls=authority.server_context(certificate))
        http = make(ours=Endpoint(url=url, tls=Tls(ca=authority.file)))
        for _ in range(2):
            assert (await http.request("GET", url, credentials="ours")).tls_expires_at == certificate.expires_at

    async def test_an_unknown_authority_is_not_trusted(
        self, web_servers: WebServers, make: Make, authority: Authority
    ) -> None:
        url = await web_servers.serve(echo, tls=authority.server_context(authority.issue("server")))
        with pytest.raises(UntrustedCertificate, match="the TLS certificate is not valid: self-signed"):
            await make().request("GET", url)

    async def test_an_ended_certificate_is_named_as_such(
        self, web_servers: WebServers, make: Make, authority: Authority
    ) -> None:
        ended = authority.issue("server", ends_in=timedelta(days=-2))
        url = await web_servers.serve(echo, tls=authority.server_context(ended))
        with pytest.raises(UntrustedCertificate, match="expired"):
            await make(ours=Endpoint(url=url, tls=Tls(ca=authority.file))).request("GET", url, credentials="ours")

    async def test_any_certificate_is_taken_where_the_settings_say_so(
        self, web_servers: WebServers, make: Make, authority: Authority
    ) -> None:
        url = await web_servers.serve(echo, tls=authority.server_context(authority.issue("server")))
        lax = Endpoint(url=url, tls=Tls(insecure_skip_verify=True))
        assert (await make(lax=lax).request("GET", url, credentials="lax")).status == 200

    async def test_our_certificate_lets_us_in(self, web_servers: WebServers, make: Make, authority: Authority) -> None:
        server, client = authority.issue("server"), authority.issue("client")
        url = await web_servers.serve(echo, tls=authority.server_context(server, ask_clients=True))
        known = Tls(ca=authority.file, certificate=client.certificate, key=client.key)
        http = make(known=Endpoint(url=url, tls=known), unknown=Endpoint(url=url, tls=Tls(ca=authority.file)))
        assert (await http.request("GET", url, credentials="known")).status == 200
        with pytest.raises(CallError):
            await http.request("GET", url, credentials="unknown")

    async def test_a_renewed_file_is_read_again(
        self, web_servers: WebServers, make: Make, authority: Authority, tmp_path: Path
    ) -> None:
        url = await web_servers.serve(echo, tls=authority.server_context(authority.issue("server")))
        trusted = tmp_path / "trusted.pem"
        trusted.write_bytes(Authority(tmp_path, "another").file.read_bytes())
        http = make(ours=Endpoint(url=url, tls=Tls(ca=trusted)))
        with pytest.raises(UntrustedCertificate):
            await http.request("GET", url, credentials="ours")
        trusted.write_bytes(authority.file.read_bytes())
        assert (await http.request("GET", url, credentials="ours")).status == 200

    async def test_a_missing_file_is_named(self, make: Make) -> None:
        endpoint = Endpoint(url="https://127.0.0.1:1", tls=Tls(ca=Path("no-such-file.pem")))
        with pytest.raises(PermanentError, match=r"no-such-file\.pem"):
            await make(ours=endpoint).request("GET", "https://127.0.0.1:1", credentials="ours")
