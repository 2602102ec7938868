"""A mark stands for a secret among the inputs, and nothing else is taken for one."""

from datetime import UTC, datetime

import pytest

from responder.model.secrecy import Held, held_of, holding, plain, reference, references, secrets_in
from responder.model.verdict import Json
from responder.model.wanted import Wanted, secret_of, typed

HELD = Held("abc", "host/1/f00", datetime(2026, 11, 21, 12, tzinfo=UTC))


def test_a_mark_is_read_back_and_told_from_other_inputs() -> None:
    inputs: dict[str, Json] = {"token": HELD.mark, "rps": 4}
    assert (held_of(HELD.mark), secrets_in(inputs)) == (HELD, {"token": HELD})
    assert (plain(inputs), holding(inputs)) == ({"rps": 4}, ("host/1/f00", {"token": "abc"}))
    assert holding({"rps": 4}) == ("", {})


@pytest.mark.parametrize(
    "value",
    [
        None,
        "secret",
        {},
        {**HELD.mark, "secret": "true"},
        {**HELD.mark, "ticket": 5},
        {**HELD.mark, "until": "soon"},
        {**HELD.mark, "until": "2026-11-21T12:00:00"},
    ],
)
def test_nothing_else_is_a_mark(value: Json) -> None:
    assert held_of(value) is None


def test_only_a_whole_text_refers_to_an_input() -> None:
    assert (reference("${inputs.token}"), reference("${ inputs.token }")) == ("token", "token")
    for text in ("", "token", "x${inputs.token}", "${inputs.token}\n", "${inputs.token | exact}", "${labels.token}"):
        assert reference(text) == ""
    assert list(references({"a": ["${inputs.x}", 5], "b": "${inputs.y}!"})) == ["x"]


def test_a_secret_is_checked_without_being_repeated() -> None:
    wanted = Wanted("secret", pattern="ab+")
    assert secret_of(wanted, "abb") == "abb"
    for value in ("hunter2", "", 5, None, "a\0b", "a" * 20_000):
        with pytest.raises(ValueError, match=r"wanted|match|taken") as refused:
            secret_of(wanted, value)
        assert "hunter2" not in str(refused.value)
    with pytest.raises(ValueError, match="no value among others"):
        typed(wanted, "abb")
