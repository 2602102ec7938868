"""Slack's blocks: every limit for any input, no markup from outside."""

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from responder.clients.slack.blocks import MAX_CHARACTERS, Rendering, render
from responder.clients.slack.markup import mrkdwn
from responder.model.message import (
    Button,
    Buttons,
    Code,
    Field,
    Fields,
    Instant,
    Item,
    Link,
    Listing,
    Mention,
    Message,
    Own,
    Paragraph,
    Purpose,
    Value,
)
from responder.model.press import Press, press_of
from tests.clients.messages import AT, COMMAND, DIAGNOSED, OPENED, RESOLVED, messages, with_mention
from tests.servers.slack_checks import error_of, pings, strings


def _payload(rendering: Rendering) -> dict[str, object]:
    return {"text": rendering.text, "blocks": rendering.blocks}


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(messages())
def test_any_message_with_buttons_that_can_be_pressed_is_taken_by_slack(message: Message) -> None:
    rendering = render(message, pressed=True)
    payload = _payload(rendering)
    assert error_of(payload, update=True) == ("", "")
    assert pings(payload) == []
    assert len(json.dumps(rendering.blocks, ensure_ascii=False, separators=(",", ":"))) <= MAX_CHARACTERS


APPROVE = Button("Approve", Press("approve", 17, 3, "1a2b3c4d5e6f7a8b"), "primary", "Restart all 5 pods of api?")
REJECT = Button("Reject", Press("reject", 17, 3, "1a2b3c4d5e6f7a8b"))


def test_buttons_carry_what_they_say_have_names_of_their_own_and_ask_before_they_act() -> None:
    message = replace(OPENED, blocks=(Buttons((APPROVE,)), Buttons((REJECT, APPROVE))))
    blocks = [block for block in render(message, pressed=True).blocks if block["type"] == "actions"]
    buttons = [button for block in blocks for button in block["elements"]]
    assert [button["action_id"] for button in buttons] == ["responder.1", "responder.2", "responder.3"]
    assert press_of(buttons[0]["value"]) == APPROVE.press
    assert buttons[0]["confirm"]["text"]["text"] == "Restart all 5 pods of api?"
    assert "confirm" not in buttons[1]


def test_where_nothing_can_be_pressed_the_command_stands_instead() -> None:
    message = replace(OPENED, blocks=(Buttons((APPROVE, REJECT)),))
    assert "Approve: `responder approve INC-17/3 --digest 1a2b3c4d`" in _shown(message)
    assert not [block for block in render(message).blocks if block["type"] == "actions"]


def _shown(message: Message) -> str:
    return "\n".join(strings(render(message).blocks))


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(messages())
def test_any_message_at_all_is_taken_by_slack_and_pings_nobody(message: Message) -> None:
    rendering = render(message)
    payload = _payload(rendering)
    assert error_of(payload, update=True) == ("", "")
    assert pings(payload) == []
    assert len(json.dumps(rendering.blocks, ensure_ascii=False, separators=(",", ":"))) <= MAX_CHARACTERS
    assert "hunter2" not in json.dumps(payload)


def test_the_age_of_a_list_stands_behind_its_title_in_the_readers_zone() -> None:
    message = replace(OPENED, blocks=(Listing("Looked at", (Item((Value("one"),)),), as_of=AT),))
    assert f"*Looked at*, as of <!date^{int(AT.timestamp())}^" in _shown(message)


def test_three_stages_of_an_incident_fit_whole() -> None:
    for message in (OPENED, DIAGNOSED, RESOLVED):
        rendering = render(message)
        assert rendering.rest == ()
        assert error_of(_payload(rendering), update=True) == ("", "")


def test_the_header_says_severity_and_title_and_the_colour_goes_green() -> None:
    assert render(OPENED).blocks[0]["text"]["text"] == "🟠 P1 · High error rate on ai-orchestrator-api"
    assert render(RESOLVED).blocks[0]["text"]["text"] == "✅ P1 · High error rate on ai-orchestrator-api"
    assert "*Resolved*" in _shown(RESOLVED)
    assert render(replace(OPENED, rank=0)).text.startswith("🔴 ")


def test_a_moment_is_shown_in_the_zone_of_the_reader() -> None:
    assert mrkdwn((Instant(AT),), 100) == "<!date^1795269900^{time}|14:05 UTC>"
    assert mrkdwn((Instant(AT, "datetime"),), 100) == (
        "<!date^1795269900^{date_short_pretty} {time}|2026-11-21 14:05 UTC>"
    )


@pytest.mark.parametrize("hostile", ["<!channel>", "<@U1234>", "<!here|x>", "<!subteam^S1>", "<http://a|b>"])
def test_what_a_label_says_is_shown_and_pings_nobody(hostile: str) -> None:
    message = replace(
        OPENED,
        title=(Value(hostile),),
        summary=hostile,
        severity=hostile,
        blocks=(
            Paragraph((Value(hostile), Own(" "), Value(hostile, code=True))),
            Fields((Field(hostile, (Value(hostile),)),)),
            Listing(hostile, (Item((Link(hostile, "https://example.com"),)), Item((Link("a", hostile),)))),
            Code((hostile,), hostile),
        ),
    )
    rendering = render(message)
    assert pings(_payload(rendering)) == []
    assert hostile not in json.dumps(_payload(rendering))
    assert _shown(message).count(hostile.replace("<", "&lt;").replace(">", "&gt;").split("|")[0]) >= 8


def test_a_mention_of_ours_pings() -> None:
    for who, ping in (
        (Mention("channel"), "!channel"),
        (Mention("here"), "!here"),
        (Mention("user", "U12345678"), "@U12345678"),
        (Mention("group", "S12345678"), "!subteam^S12345678"),
    ):
        assert pings(_payload(render(with_mention(OPENED, who)))) == [ping]


def test_an_id_that_is_none_is_only_text() -> None:
    assert pings(_payload(render(with_mention(OPENED, Mention("user", "U1><!channel"))))) == []


def test_a_code_block_cannot_be_left() -> None:
    shown = _shown(replace(OPENED, blocks=(Code(("a", "``` *b* ````", "c"), "Log"),)))
    assert shown.count("```") == 2


def test_a_command_can_be_copied() -> None:
    assert COMMAND in _shown(DIAGNOSED)
    quoted = "echo `date` 'it'\\''s' \"$x\""
    assert quoted in _shown(replace(OPENED, blocks=(Code((quoted,), value=False),)))


def test_only_web_addresses_become_links() -> None:
    assert mrkdwn((Link("Query", "http://p/graph?a=b|c>d&e"),), 200) == "<http://p/graph?a=b%7Cc%3Ed&amp;e|Query>"
    assert mrkdwn((Link("x", "javascript:alert(1)"),), 200) == "x (javascript:alert(1))"
    assert mrkdwn((Link("a|b", "https://e.example"),), 200) == "<https://e.example|a∣b>"
    assert mrkdwn((Link("x", "https://u:secret@e.example/"),), 200) == "<https://u:[redacted]@e.example/|x>"


def test_a_value_with_marks_of_style_is_shown_as_it_is() -> None:
    assert mrkdwn((Value("kube_pod_status"),), 100) == "kube_pod_status"
    assert mrkdwn((Value("*/5 * * * *"),), 100) == "`*/5 * * * *`"
    assert mrkdwn((Own("  loud ", "bold"),), 100) == "  *loud* "


def test_secrets_and_control_characters_do_not_leave() -> None:
    message = replace(
        OPENED,
        blocks=(
            Paragraph((Value("db password=hunter2 \x1b[31mx\u202ey"),)),
            Code(("Authorization: Bearer abcdefghijklmnop",), value=False),
        ),
    )
    shown = _shown(message)
    assert "hunter2" not in shown
    assert "abcdefghijklmnop" not in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_what_does_not_fit_is_said_to_be_in_the_thread_and_returned() -> None:
    long = Code(tuple(f"line {i}" for i in range(2000)), "Log")
    last = Paragraph((Own("the end"),))
    one = render(replace(OPENED, blocks=(long, last)))
    assert one.rest == (long,)
    assert "more lines in the thread" in "\n".join(strings(one.blocks))
    assert "the end" in "\n".join(strings(one.blocks))
    many = render(replace(OPENED, blocks=(long,) * 6))
    assert len(many.rest) == 6
    assert "more parts are in the thread" in "\n".join(strings(many.blocks))
    flood = render(replace(OPENED, blocks=(last,) * 100))
    assert len(flood.blocks) <= 50
    assert len(flood.rest) > 50


def test_text_is_cut_between_escapes_never_within() -> None:
    for room in range(1, 60):
        cut = mrkdwn((Value("&" * 30), Own("<>" * 9, "bold")), room)
        assert len(cut) <= room
        for escape in ("&amp;", "&lt;", "&gt;"):
            cut = cut.replace(escape, "")
        assert set(cut) <= {"…", "*"}


def test_a_reply_has_no_header_but_its_title() -> None:
    reply = replace(OPENED, purpose=Purpose.REPLY, blocks=())
    assert [block["type"] for block in render(reply).blocks] == ["section"]
    assert "High error rate" in _shown(reply)
