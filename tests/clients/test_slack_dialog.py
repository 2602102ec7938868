"""Dialogs in Slack: within every limit for any input, and what they remember is read again."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from responder.clients.slack.dialog import Blank, Memory, dialog
from responder.clients.slack.signing import is_signed, sign
from responder.model.press import Press
from tests.clients.messages import AT
from tests.servers.slack_checks import pings, view_troubles

PRESS = Press("approve", 17, 3, "1a2b3c4d5e6f7a8b")
_TEXT = st.one_of(
    st.text(max_size=50), st.sampled_from(["<!channel>", "x" * 5_000, "&<>" * 2_000, "\u202e", "😀" * 99])
)


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(_TEXT, st.lists(_TEXT, max_size=60), st.lists(st.tuples(_TEXT, _TEXT, _TEXT, st.booleans()), max_size=60))
def test_any_dialog_at_all_is_taken_by_slack_and_pings_nobody(
    title: str, shown: list[str], asked: list[tuple[str, str, str, bool]]
) -> None:
    blanks = [Blank(f"input.{n}", label, hint, value, long) for n, (label, hint, value, long) in enumerate(asked)]
    view = dialog(Memory(PRESS, "https://hooks.slack.com/x"), title=title, shown=["something", *shown], blanks=blanks)
    assert list(view_troubles(view)) == []
    assert pings({"blocks": view["blocks"]}) == []


def test_a_dialog_remembers_the_answer_and_whom_to_tell() -> None:
    memory = Memory(PRESS, "https://hooks.slack.com/actions/T0/1/x")
    assert Memory.of(memory.text) == memory
    assert Memory.of(Memory(PRESS, "https://a/" + "x" * 4_000).text) == Memory(PRESS, "")


@pytest.mark.parametrize(
    "text", ["", "{}", "[1, 2]", '["approve:INC-1:1:", 3]', '["nothing", "https://a"]', "[" * 9_999]
)
def test_what_we_did_not_write_is_not_remembered(text: str) -> None:
    assert Memory.of(text) is None


def test_the_signature_is_that_of_slacks_own_example() -> None:
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    assert sign("8f742231b10e8888abcd99yyyzzz85a5", "1531420618", body) == signature


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=20), st.text(max_size=80), st.binary(max_size=50))
def test_hostile_headers_are_never_signed_and_never_raise(stamp: str, signature: str, body: bytes) -> None:
    assert not is_signed("secret", stamp=stamp, signature=signature, body=body, now=AT)
    assert not is_signed("secret", stamp=str(int(AT.timestamp())), signature=signature, body=body, now=AT)
