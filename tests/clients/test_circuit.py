"""A system that keeps failing is left alone for a while, and then tried again."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from responder.clients.circuit import STAYS_OPEN, Circuit, watched
from responder.clients.sharing import Sharing
from responder.errors import NoRoom, NotLetIn, PermanentError, TransientError, UntrustedCertificate, WrongSettings


class Server:
    """Something outside, which can be broken."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.calls = 0

    async def ask(self, question: str) -> str:
        self.calls += 1
        if self.error:
            raise self.error
        return f"answer to {question}"

    def describe(self) -> str:
        return "a server"

    async def close(self) -> None:
        self.calls = -1


class Clock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.at = datetime(2026, 3, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server() -> Server:
    return Server()


async def fail(client: Server, times: int) -> None:
    for _ in range(times):
        with pytest.raises(TransientError):
            await client.ask("x")


async def test_answers_go_through(server: Server, clock: Clock) -> None:
    circuit = Circuit("prometheus", clock)
    client = watched(server, circuit)
    assert circuit.state == (True, "not asked yet")
    assert await client.ask("x") == "answer to x"
    assert client.describe() == "a server"
    assert circuit.state == (True, "answers")


async def test_after_three_failures_in_a_row_it_is_not_asked_and_says_why(server: Server, clock: Clock) -> None:
    circuit = Circuit("prometheus", clock)
    client = watched(server, circuit)
    server.error = TransientError("no answer within 8 s")
    await fail(client, 3)
    with pytest.raises(TransientError, match="prometheus is left alone after 3 failures: no answer within 8 s"):
        await client.ask("x")
    assert server.calls == 3
    assert circuit.state[0] is False


async def test_after_a_while_one_call_tries_and_an_answer_closes_the_circuit(server: Server, clock: Clock) -> None:
    client = watched(server, Circuit("prometheus", clock))
    server.error = TransientError("no answer")
    await fail(client, 3)
    clock.at += STAYS_OPEN
    server.error = None
    assert await client.ask("x") == "answer to x"
    assert await client.ask("y") == "answer to y"


async def test_a_trial_that_fails_opens_it_again(server: Server, clock: Clock) -> None:
    client = watched(server, Circuit("prometheus", clock))
    server.error = TransientError("no answer")
    await fail(client, 3)
    clock.at += STAYS_OPEN + timedelta(seconds=1)
    await fail(client, 2)
    assert server.calls == 4


async def test_a_refusal_is_an_answer(server: Server, clock: Clock) -> None:
    client = watched(server, Circuit("prometheus", clock))
    server.error = TransientError("no answer")
    await fail(client, 2)
    server.error = PermanentError("bad query")
    with pytest.raises(PermanentError):
        await client.ask("x")
    server.error = TransientError("no answer")
    await fail(client, 2)
    assert server.calls == 5


@pytest.mark.parametrize("kind", [NotLetIn, UntrustedCertificate, WrongSettings])
async def test_that_we_cannot_get_in_shows_until_a_call_is_answered(
    server: Server, clock: Clock, kind: type[PermanentError]
) -> None:
    circuit = Circuit("slack", clock)
    client = watched(server, circuit)
    server.error = kind("slack.bot_token is not accepted")
    for _ in range(4):
        with pytest.raises(kind):
            await client.ask("x")
    assert circuit.state == (False, "slack.bot_token is not accepted")
    assert server.calls == 4
    server.error = PermanentError("bad query")
    with pytest.raises(PermanentError):
        await client.ask("x")
    assert circuit.state == (True, "answers")


async def test_one_that_says_it_has_no_room_is_asked_again(server: Server, clock: Clock) -> None:
    client = watched(server, Circuit("postgres", clock))
    server.error = NoRoom("sorry, too many clients already")
    for _ in range(5):
        with pytest.raises(NoRoom):
            await client.ask("x")
    assert server.calls == 5


async def test_identical_questions_at_once_are_asked_once(server: Server, clock: Clock) -> None:
    sharing: Sharing[object] = Sharing(timedelta(seconds=3))
    client = watched(server, Circuit("prometheus", clock), sharing)
    answers = await asyncio.gather(*(client.ask(question) for question in ("x", "x", "y", "x")))
    assert answers == ["answer to x", "answer to x", "answer to y", "answer to x"]
    assert server.calls == 2
    await sharing.close()


async def test_a_question_that_cannot_be_compared_is_asked_each_time(server: Server, clock: Clock) -> None:
    sharing: Sharing[object] = Sharing(timedelta(seconds=3))
    client = watched(server, Circuit("postgres", clock), sharing)
    await asyncio.gather(*(client.ask({"x": 1}) for _ in range(2)))  # type: ignore[arg-type]
    assert server.calls == 2


async def test_who_is_not_waited_for_any_more_has_failed(clock: Clock) -> None:
    class Hanging:
        async def ask(self) -> None:
            await asyncio.Event().wait()

    circuit = Circuit("prometheus", clock)
    client = watched(Hanging(), circuit)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await client.ask()
    assert circuit.state == (False, "failing after 1 failures in a row: it did not answer in time")


async def test_closing_is_not_watched(server: Server, clock: Clock) -> None:
    server.error = TransientError("no answer")
    client = watched(server, Circuit("prometheus", clock))
    await fail(client, 3)
    await client.close()
    assert server.calls == -1
