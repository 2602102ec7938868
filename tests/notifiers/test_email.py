"""Mail, against a server that speaks SMTP."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from pydantic import SecretStr, ValidationError

from responder.errors import NotConfigured, PermanentError, TransientError
from responder.model.message import Value
from responder.notifiers.email import Email
from responder.plugins.notifier import Outgoing
from responder.settings.sections import MailServer
from tests.clients.messages import DIAGNOSED, OPENED, RESOLVED
from tests.notifiers.world import World
from tests.servers.mail import FakeMail

EMAIL = Email()
PARAMS = Email.Params(to=("leads@example.com", "oncall@example.com"))


@pytest_asyncio.fixture
async def world(fake_mail: FakeMail) -> AsyncIterator[World]:
    server = MailServer(host="127.0.0.1", port=fake_mail.port, tls="none", sender="responder@example.com")
    world = World(mail=server)
    yield world
    await world.close()


async def test_an_incident_is_one_conversation(fake_mail: FakeMail, world: World) -> None:
    tools = world.tools()
    for number, message in enumerate((OPENED, DIAGNOSED, RESOLVED), 1):
        await EMAIL.notify(PARAMS, Outgoing(message, f"INC-12/notify/a/message/{number}"), tools)
    opened, diagnosed, resolved = fake_mail.taken
    assert opened["Subject"] == "[P1] High error rate on ai-orchestrator-api (INC-12)"
    assert resolved["Subject"].startswith("Resolved: ")
    assert opened["To"] == "leads@example.com, oncall@example.com"
    assert len({mail["Message-ID"] for mail in fake_mail.taken}) == 3
    assert len({mail["References"] for mail in fake_mail.taken}) == 1
    text, html = (diagnosed.get_body(kind) for kind in (("plain",), ("html",)))
    assert text is not None
    assert html is not None
    assert "Likely cause" in text.get_content()
    assert "<article" in html.get_content()


async def test_a_repeated_mail_has_the_same_id(fake_mail: FakeMail, world: World) -> None:
    for retry in (False, True):
        await EMAIL.notify(PARAMS, Outgoing(OPENED, "k/message/1", retry=retry), world.tools())
    assert len({mail["Message-ID"] for mail in fake_mail.taken}) == 1


async def test_a_label_cannot_add_a_header(fake_mail: FakeMail, world: World) -> None:
    told = replace(OPENED, title=(Value("x\r\nBcc: everybody@example.com\r\n"),))
    await EMAIL.notify(PARAMS, Outgoing(told, "k/message/1"), world.tools())
    assert fake_mail.taken[0]["Bcc"] is None


@pytest.mark.parametrize(
    ("verb", "answer", "kind"),
    [
        ("RCPT", "550 no such user", PermanentError),
        ("RCPT", "450 try later", TransientError),
        ("MAIL", "552 too much", PermanentError),
        ("MAIL", "451 try later", TransientError),
    ],
)
async def test_a_refusal_says_whether_to_try_again(
    fake_mail: FakeMail, world: World, verb: str, answer: str, kind: type[Exception]
) -> None:
    fake_mail.refuse[verb] = answer
    with pytest.raises(kind):
        await EMAIL.notify(PARAMS, Outgoing(OPENED, "k/message/1"), world.tools())
    assert fake_mail.taken == []


async def test_a_server_that_is_not_there_is_transient(fake_mail: FakeMail, world: World) -> None:
    await fake_mail.stop()
    with pytest.raises(TransientError):
        await EMAIL.notify(PARAMS, Outgoing(OPENED, "k/message/1"), world.tools())


async def test_a_server_without_tls_is_refused_unless_the_settings_say_so(fake_mail: FakeMail) -> None:
    world = World(mail=MailServer(host="127.0.0.1", port=fake_mail.port))
    with pytest.raises(PermanentError, match=r"mail\.tls"):
        await EMAIL.notify(PARAMS, Outgoing(OPENED, "k/message/1"), world.tools())
    assert fake_mail.taken == []


async def test_without_a_mail_server_the_setting_is_named() -> None:
    with pytest.raises(NotConfigured, match=r"mail\.host"):
        await EMAIL.notify(PARAMS, Outgoing(OPENED, "k/message/1"), World().tools())


@pytest.mark.parametrize("address", ["nobody", "a@b\nc", "Anna <a@example.com>", "a@b,c@d"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValidationError):
        Email.Params(to=(address,))


def test_a_password_never_goes_over_a_bare_connection() -> None:
    with pytest.raises(ValidationError, match="starttls"):
        MailServer(host="mail.example.com", tls="none", username="u", password=SecretStr("p"))
