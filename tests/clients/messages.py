"""Messages for tests: three stages of one incident, and random hostile ones."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from responder.model.message import (
    Block,
    Button,
    Buttons,
    Chart,
    Code,
    Field,
    Fields,
    Instant,
    Item,
    Line,
    Link,
    Listing,
    Mention,
    Message,
    Note,
    Own,
    Paragraph,
    Part,
    Point,
    Purpose,
    Text,
    Value,
)
from responder.model.press import WORDS, Press

AT = datetime(2026, 11, 21, 14, 5, tzinfo=UTC)

CHART = Chart(
    "Error rate",
    (Line("", tuple(Point(AT + timedelta(minutes=i), 0.01 + 0.12 * max(0, i - 20) / 40) for i in range(60))),),
    unit="ratio",
    marks=(("revision 42", AT + timedelta(minutes=18)),),
)
COMMAND = "kubectl --context prod-eu -n ai-orchestrator rollout undo deployment/api --to-revision=41"
LINKS = Note(
    (
        Link("Runbook", "https://example.com/runbooks/high-error-rate"),
        Own("  ·  "),
        Link("Query", "http://prometheus:9090/graph?g0.expr=rate(errors_total[5m])|0&g0.tab=1"),
        Own("  ·  "),
        Link("Silence", 'https://alertmanager.example.com/#/silences/new?filter={alertname="HighErrorRate"}'),
    )
)
FACTS = Fields(
    (
        Field("Firing since", (Instant(AT),)),
        Field("Where", (Value("ai-orchestrator/api"), Own(" in "), Value("prod-eu"))),
        Field("Alerts", (Own("1 firing"),)),
        Field("Team", (Value("platform"),)),
    )
)
OPENED = Message(
    incident="INC-12",
    title=(Own("High error rate on "), Value("ai-orchestrator-api")),
    summary="High error rate on ai-orchestrator-api",
    status="open",
    severity="P1",
    rank=1,
    blocks=(
        FACTS,
        Paragraph((Value("Error rate is 12.3% for 5 minutes"),)),
        Note((Own("Looking: 5 of 5 diagnostics still run"),)),
        LINKS,
    ),
)
DIAGNOSED = replace(
    OPENED,
    blocks=(
        FACTS,
        Paragraph((Own("Errors at 12.3 %", "bold"), Own(" of 410 requests/s"))),
        Paragraph((Own("Likely cause: deployment. ", "bold"), Own("After revision "), Value("42", code=True))),
        Listing(
            "Findings",
            (
                Item((Own("Errors at 12.3 %, as of "), Instant(AT + timedelta(minutes=2)))),
                Item((Own("3 of 5 pods ready, 2 crash looping"),)),
                Item((Own("Could not look at ", "italic"), Value("postgres"), Own(": no answer in 10 s"))),
            ),
        ),
        CHART,
        Code(("   312  authentication_failed: token expired for user=<*>", "    41  upstream timed out"), "Errors"),
        Listing("Proposed actions", (Item((Own("Roll back to revision 41", "bold"), Own(" (suggested)"))),)),
        Code((COMMAND,), value=False),
        Listing(
            "Next steps",
            (
                Item((Own("Look for error patterns in "), Link("Sentry", "https://sentry.example.com"))),
                Item((Own("Tell the customers' channel"),)),
            ),
            "numbers",
        ),
        Listing(
            "Resolved when",
            (Item((Own("error rate under 1 %"),), False), Item((Own("all pods ready"),), True)),
            "checks",
        ),
        LINKS,
    ),
    thread=(Code(tuple(f"2026-11-21T14:05:{i:02}Z ERROR authentication_failed user=u{i}" for i in range(60)), "Log"),),
)
RESOLVED = replace(
    DIAGNOSED,
    status="resolved",
    blocks=(
        Paragraph((Own("Resolved", "bold"), Own(" after 23m, at "), Instant(AT + timedelta(minutes=23)), Own("."))),
        *DIAGNOSED.blocks[:3],
        LINKS,
    ),
)

_HOSTILE = st.sampled_from(
    [
        "<!channel>",
        "<@U12345678>",
        "<!subteam^S12345678|@all>",
        "<https://evil.example|https://bank.example>",
        "```",
        "`x`",
        "*bold* _it_ ~no~",
        "&lt;!here&gt; & <",
        "\x1b[31mred\x1b[0m",
        "\u202egnp.exe",
        "a\nb\r\nc",
        "| > |",
        "password=hunter2",
        "😀" * 30,
        "[link](javascript:alert(1))",
        "<script>alert(1)</script>",
        "\ud800",
    ]
)


def _outside(most: int) -> st.SearchStrategy[str]:
    plain = st.text(max_size=40)
    repeated = st.tuples(st.one_of(_HOSTILE, plain), st.integers(1, most)).map(lambda pair: pair[0] * pair[1])
    return st.one_of(plain, _HOSTILE, repeated)


def texts(most: int = 400) -> st.SearchStrategy[Text]:
    words = _outside(most)
    ours = words.filter(lambda text: "hunter2" not in text)
    parts: list[st.SearchStrategy[Part]] = [
        st.builds(Own, ours, st.sampled_from(["plain", "bold", "italic", "code"])),
        st.builds(Value, words, st.booleans()),
        st.builds(Instant, st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))),  # noqa: DTZ001
        st.builds(Link, words, st.one_of(words, words.map(lambda w: f"https://example.com/{w}"))),
    ]
    return st.lists(st.one_of(parts), max_size=6).map(tuple)


def blocks() -> st.SearchStrategy[Block]:
    points = st.builds(Point, st.just(AT), st.one_of(st.none(), st.floats()))
    lines = st.lists(points, max_size=30).map(lambda found: (Line("", tuple(found)),))
    items = st.lists(st.builds(Item, texts(), st.sampled_from([None, True, False])), max_size=60).map(tuple)
    return st.one_of(
        st.builds(Paragraph, texts()),
        st.builds(Fields, st.lists(st.builds(Field, _outside(100), texts()), max_size=25).map(tuple)),
        st.builds(Listing, _outside(50), items, st.sampled_from(["bullets", "numbers", "checks"])),
        st.builds(Code, st.lists(_outside(400), max_size=40).map(tuple), _outside(50), st.booleans()),
        st.builds(Note, texts()),
        st.builds(Buttons, st.lists(buttons(), max_size=30).map(tuple)),
        st.builds(Chart, _outside(50), lines, st.sampled_from(["", "ratio", "bytes", "seconds", "req/s"])),
    )


def buttons() -> st.SearchStrategy[Button]:
    numbers = st.integers(1, 10**9)
    press = st.builds(Press, st.sampled_from(WORDS), numbers, numbers, st.sampled_from(["", "1a2b3c4d5e6f7a8b"]))
    return st.builds(Button, _outside(200), press, st.sampled_from(["plain", "primary", "danger"]), _outside(500))


def messages() -> st.SearchStrategy[Message]:
    return st.builds(
        Message,
        incident=st.sampled_from(["INC-1", "INC-99999999"]),
        title=texts(),
        summary=_outside(400),
        status=st.sampled_from(["open", "acknowledged", "monitoring", "resolved"]),
        severity=_outside(20),
        rank=st.integers(-1, 9),
        blocks=st.lists(blocks(), max_size=70).map(tuple),
        purpose=st.sampled_from(list(Purpose)),
    )


def with_mention(message: Message, who: Mention) -> Message:
    return replace(message, blocks=(Paragraph((who,)), *message.blocks))
