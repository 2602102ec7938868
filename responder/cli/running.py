"""What the commands that speak to a running server have in common: its address, and who we are."""

import os
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from responder.errors import ConfigError

VARIABLE = "RESPONDER_TOKEN"
HERE = "http://127.0.0.1:8080"

Server = Annotated[str, typer.Option("--server", "--url", envvar="RESPONDER_SERVER", help="Address of the server.")]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        help=f"File with a token that the server takes (webhook.bearer_tokens); else what {VARIABLE} holds.",
    ),
]
PersonTokenFile = Annotated[
    Path | None,
    typer.Option("--token-file", help=f"File with your own token (people.NAME.token); else what {VARIABLE} holds."),
]


def token_of(file: Path | None) -> str:
    """Return the token of the file, else of the environment; "" for none. Raises: ConfigError."""
    if file is None:
        return os.environ.get(VARIABLE, "").strip()
    try:
        token = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: {getattr(error, 'strerror', '') or 'not a text'}") from error
    if not token:
        raise ConfigError(f"{file} is empty: it must hold a token that the server takes")
    return token


def address(url: str) -> str:
    """Return the server's address without a slash at its end. Raises: ConfigError when it is none."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ConfigError(f"{url!r} is no address of a server: write it as {HERE}")
    return url.rstrip("/")


def refusal(error: ConfigError) -> ConfigError:
    """Say beside the server's refusal how credentials are given."""
    return ConfigError(f"{error}\ngive the token with --token-file or {VARIABLE}")
