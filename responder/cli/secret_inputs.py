"""Secrets that a person gives with a yes: from a file, from stdin, from the environment, or typed without an echo."""

import getpass
import os
import sys
from pathlib import Path
from typing import Any

from responder.clients.render_values import one_line
from responder.errors import ConfigError
from responder.model.secrecy import SECRET

STDIN = "@-"
_ENVIRONMENT = "@env:"
_WAYS = "NAME=@FILE, NAME=@- for stdin, or NAME=@env:VARIABLE"


def with_secrets(action: dict[str, Any], given: dict[str, Any], *, yes: bool) -> dict[str, Any]:
    """
    Read the secrets among the inputs, and ask for those that nobody has given yet where somebody can type them.

    Raises: ConfigError, which never repeats a value.
    """
    asks = [one for one in action["asks"] if one["type"] == SECRET]
    read = {one["name"]: _read(one["name"], str(given[one["name"]]), yes=yes) for one in asks if one["name"] in given}
    for one in asks:
        known = one["name"] in read or one["name"] in action["inputs"]
        if not known and not yes and sys.stdin.isatty() and (typed := _typed(one)):
            read[one["name"]] = typed
    return {**given, **read}


def _read(name: str, source: str, *, yes: bool) -> str:
    if source == STDIN:
        if not yes:
            raise ConfigError(f"--input {name}=@-: stdin cannot hold a typed yes too: add --yes")
        return _kept(name, sys.stdin.read())
    if source.startswith(_ENVIRONMENT):
        variable = source.removeprefix(_ENVIRONMENT)
        return _kept(name, os.environ.get(variable, ""))
    if not source.startswith("@"):
        raise ConfigError(
            f"--input {name}: it is a secret, and others can read what is written on a command line: give {_WAYS}"
        )
    try:
        return _kept(name, Path(source[1:]).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--input {name}={source}: {getattr(error, 'strerror', '') or 'not a text'}") from None


def _kept(name: str, text: str) -> str:
    """Take off the one end of line that editors and `echo` leave."""
    value = text.removesuffix("\n").removesuffix("\r")
    if not value:
        raise ConfigError(f"--input {name}: there is nothing in it; give {_WAYS}")
    return value


def _typed(asked: dict[str, Any]) -> str:
    return getpass.getpass(
        one_line(f"{asked['name']} ({asked['describe'] or 'a secret'}; not shown, empty for none): ")
    )
