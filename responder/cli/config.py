"""The option of every command that needs the settings, and how they are read."""

from pathlib import Path
from typing import Annotated

import typer

from responder.settings.process import Settings

DEFAULT_FILE = Path("responder.yaml")

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        envvar="RESPONDER_CONFIG",
        help="File with settings; responder.yaml of the current folder when there is one.",
    ),
]


def settings_of(config: Path | None) -> Settings:
    """Read the settings: the file given, else that of the current folder, and the environment. Raises: ConfigError."""
    return Settings.load(config or (DEFAULT_FILE if DEFAULT_FILE.exists() else None))
