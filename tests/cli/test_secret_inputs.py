"""A secret is read from a file, stdin or the environment, and never taken from the command line itself."""

import io
from pathlib import Path
from typing import Any

import pytest

from responder.cli.secret_inputs import with_secrets
from responder.errors import ConfigError

VALUE = "planted value"
ASKS = [{"name": "token", "type": "secret", "describe": "The token"}, {"name": "rps", "type": "int", "describe": ""}]


def action(**inputs: Any) -> dict[str, Any]:
    return {"asks": ASKS, "inputs": inputs}


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_secret_is_read_from_a_file_without_its_last_end_of_line(tmp_path: Path, end: str) -> None:
    file = tmp_path / "token"
    file.write_bytes(f"{VALUE}\n{VALUE}{end}".encode())
    read = with_secrets(action(), {"token": f"@{file}", "rps": "4"}, yes=True)
    assert read == {"token": f"{VALUE}\n{VALUE}", "rps": "4"}


def test_a_secret_is_read_from_stdin_or_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{VALUE}\n"))
    assert with_secrets(action(), {"token": "@-"}, yes=True) == {"token": VALUE}
    monkeypatch.setenv("NEW_TOKEN", VALUE)
    assert with_secrets(action(), {"token": "@env:NEW_TOKEN"}, yes=False) == {"token": VALUE}


@pytest.mark.parametrize(
    ("source", "yes", "said"),
    [
        (VALUE, True, "others can read what is written on a command line"),
        ("@-", False, "add --yes"),
        ("@env:NOT_SET", True, "there is nothing in it"),
        ("@/nowhere/token", True, "No such file"),
    ],
)
def test_what_gives_no_secret_is_refused_without_repeating_it(source: str, yes: bool, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        with_secrets(action(), {"token": source}, yes=yes)
    assert (said in str(refused.value), VALUE in str(refused.value)) == (True, False)


def test_what_is_no_text_is_refused_without_repeating_it(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_bytes(b"planted\xff")
    with pytest.raises(ConfigError, match="not a text") as refused:
        with_secrets(action(), {"token": f"@{file}"}, yes=True)
    assert refused.value.__suppress_context__


def test_nobody_is_asked_where_nobody_can_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))
    assert with_secrets(action(), {}, yes=False) == {}
