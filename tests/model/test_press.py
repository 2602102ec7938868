"""An answer is the same as a word, a button's value and a command."""

import pytest

from responder.model.press import WORDS, Press, Word, press_of


@pytest.mark.parametrize("word", WORDS)
def test_what_a_button_carries_is_read_again_as_it_was(word: Word) -> None:
    press = Press(word, 17, 3, "1a2b3c4d5e6f7a8b")
    assert press_of(press.value) == press


@pytest.mark.parametrize(
    "value",
    [
        "",
        "approve",
        "approve:INC-17:3",
        "approve:INC-17:3:1a2b:more",
        "approve:INC-x:3:1a2b",
        "approve:INC-17:3:1A2B\n",
        "delete:INC-17:3:1a2b",
        "approve:INC-\u0661:3:1a2b",
    ],
)
def test_anything_else_is_no_answer(value: str) -> None:
    assert press_of(value) is None


@pytest.mark.parametrize(
    ("word", "command"),
    [
        ("approve", "responder approve INC-17/3 --digest 1a2b3c4d"),
        ("reject", "responder reject INC-17/3"),
        ("undo", "responder undo INC-17/3"),
        ("happened", "responder settle INC-17/3 happened"),
        ("not-happened", "responder settle INC-17/3 not-happened"),
        ("break-glass", 'responder break-glass INC-17/3 --digest 1a2b3c4d --reason "..."'),
    ],
)
def test_the_command_says_the_same(word: Word, command: str) -> None:
    assert Press(word, 17, 3, "1a2b3c4d5e6f7a8b").command == command
