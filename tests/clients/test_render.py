"""Text, Markdown, HTML and the terminal: readable, and harmless for any input."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from markdown_it import MarkdownIt

from responder.clients.render import FORMS, render, renderer
from responder.clients.render_markdown import inline
from responder.errors import PermanentError
from responder.model.message import (
    Button,
    Buttons,
    Chart,
    Code,
    Instant,
    Item,
    Link,
    Listing,
    Message,
    Own,
    Paragraph,
    Purpose,
    Value,
)
from responder.model.press import Press
from tests.clients.messages import AT, CHART, COMMAND, DIAGNOSED, OPENED, RESOLVED, messages

_ANSI = re.compile(r"\x1b\[[0-9;]*m|\x1b\]8;[^\x1b]*\x1b\\")
_TAGS = {
    *("article", "h2", "span", "p", "strong", "em", "code", "pre", "a", "time", "ul", "ol", "li", "dl", "dt", "dd"),
    *("div", "br", "figure", "figcaption", "svg", "path", "line", "text", "details", "summary"),
}
UTC = ZoneInfo("UTC")


class _Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def _with(text: str) -> Message:
    return replace(
        OPENED,
        title=(Value(text),),
        severity=text,
        blocks=(Paragraph((Value(text), Own(" "), Value(text, code=True))), Code((text,), text)),
    )


@pytest.mark.parametrize("form", FORMS)
def test_every_form_tells_the_whole_story(form: str) -> None:
    shown = render(DIAGNOSED, form)
    for word in ("High error rate", "P1", "INC-12", "Likely cause", "revision 41", "Sentry", "error rate under"):
        assert word in shown
    assert "Resolved" in render(RESOLVED, form)


@pytest.mark.parametrize("form", FORMS)
def test_where_nothing_can_be_pressed_the_command_to_type_stands(form: str) -> None:
    button = Button("Approve the restart", Press("approve", 17, 3, "1a2b3c4d5e6f7a8b"))
    shown = _ANSI.sub("", render(replace(OPENED, blocks=(Buttons((button,)),)), form))
    assert "Approve the restart" in shown
    assert "responder approve INC-17/3 --digest 1a2b3c4d" in shown


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(message=messages())
def test_any_message_at_all_can_be_rendered_and_no_secret_leaves(form: str, message: Message) -> None:
    shown = render(message, form)
    assert "hunter2" not in shown
    assert "\u202e" not in shown
    assert "\x1b" not in _ANSI.sub("", shown)


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(messages())
def test_html_has_only_tags_of_ours_and_links_to_the_web(message: Message) -> None:
    for tag, attributes in _Tags(render(message, "html")).found:
        assert tag in _TAGS
        assert not any(name.startswith("on") for name in attributes)
        assert (attributes.get("href") or "https://").startswith(("https://", "http://"))


def test_a_moment_is_told_in_the_zone_of_the_settings() -> None:
    message = replace(OPENED, blocks=(Paragraph((Instant(AT), Own(", "), Instant(AT, "datetime"))),))
    assert "15:05 CET, 2026-11-21 15:05 CET" in render(message, "text", "Europe/Berlin")
    assert "14:05 UTC" in render(message, "markdown")
    assert '<time datetime="2026-11-21T14:05:00Z">15:05 CET</time>' in render(message, "html", "Europe/Berlin")


def test_markdown_means_what_the_text_says() -> None:
    hostile = "# no\n* heading *it* _it_ [x](https://evil.example) <b> `code` @team 1. | ~~x~~"
    page = MarkdownIt("gfm-like", {"linkify": False}).render(render(_with(hostile), "markdown"))
    tags = {tag for tag, _ in _Tags(page).found}
    assert tags <= {"h2", "p", "strong", "code", "pre", "br"}
    assert "@team" not in render(_with("@team"), "markdown").replace("`@team`", "").split("```")[0]


def test_a_fence_is_longer_than_any_run_of_backticks_within() -> None:
    shown = render(
        replace(
            OPENED,
            blocks=(
                Code(
                    ("````", "text"),
                ),
            ),
        ),
        "markdown",
    )
    assert shown.count("`````") == 2


def test_a_number_at_the_start_stays_a_number() -> None:
    assert inline((Value("12.7 % of (all)"),), UTC) == "12.7 % of (all)"
    assert inline((Value("3. not a list"),), UTC) == "3\\. not a list"
    assert inline((Link("a]b", "https://e.example/(x)"),), UTC) == "[a\\]b](https://e.example/%28x%29)"


def test_the_card_fits_its_width_and_marks_what_is_new() -> None:
    plain = _ANSI.sub("", render(DIAGNOSED, "ansi", previous=OPENED))
    lines = plain.rstrip().split("\n")
    assert lines[0].startswith("╭─ 🟠 P1 · High error rate on ai-orchestrator-api")
    assert lines[-1].endswith("↻ updated · Open · INC-12 ─╯")
    fresh = [line for line in lines if "▌" in line]
    assert any("Likely cause" in line for line in fresh)
    assert not any("Firing since" in line for line in fresh)
    for width in (40, 80, 92):
        narrow = _ANSI.sub("", render(DIAGNOSED, "ansi", width=width)).rstrip().split("\n")
        assert max(len(line) for line in narrow) <= width


def test_the_card_abbreviates_evidence() -> None:
    assert "… 54 more lines" in _ANSI.sub("", render(DIAGNOSED, "ansi"))
    beside = replace(DIAGNOSED, purpose=Purpose.EVIDENCE, blocks=DIAGNOSED.thread, thread=())
    assert "… 54 more lines" in _ANSI.sub("", render(beside, "ansi"))


def test_a_chart_is_drawn_with_its_highest_value_and_marks() -> None:
    plain = _ANSI.sub("", render(replace(OPENED, blocks=(CHART,)), "ansi"))
    assert "12.7 %" in plain
    assert "▲ revision 42" in plain
    assert "█" in plain
    empty = replace(OPENED, blocks=(Chart("Nothing", ()),))
    for form in FORMS:
        assert "o data" in render(empty, form)


def test_a_command_can_be_copied_from_text_markdown_and_html() -> None:
    for form in ("text", "markdown", "html"):
        assert COMMAND in render(DIAGNOSED, form)


def test_without_a_terminal_there_are_no_colours() -> None:
    assert "\x1b" in renderer("UTC", terminal=True)(OPENED, "ansi")
    assert "\x1b" not in renderer("UTC", terminal=False)(OPENED, "ansi")


def test_an_unknown_form_is_answered_with_those_there_are() -> None:
    with pytest.raises(PermanentError, match="markdown"):
        render(OPENED, "pdf")


@pytest.mark.parametrize("form", FORMS)
def test_a_list_tells_the_age_of_what_stands_in_it_once(form: str) -> None:
    items = (Item((Value("one"),)), Item((Value("two"),)))
    listing = Listing("Looked at", items, as_of=AT)
    shown = _plain(render(replace(OPENED, blocks=(listing,)), form))
    assert shown.count("as of") == 1
    assert shown.index("Looked at") < shown.index("as of") < shown.index("one")
    assert "as of" not in _plain(render(replace(OPENED, blocks=(replace(listing, as_of=None),)), form))


def _plain(shown: str) -> str:
    return re.sub(r"<[^>]*>", "", _ANSI.sub("", shown))
