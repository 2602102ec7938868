"""What the commands about rules have in common: the plugins, the paths, the console."""

from pathlib import Path

from rich.console import Console

from responder import actions, diagnostics, notifiers
from responder.cli.config import settings_of
from responder.plugins.registry import Registry, discover

WIDE = 240
"""Characters of a line in a file or a pipe."""


def registry() -> Registry:
    """Find every plugin there is."""
    return discover([diagnostics, actions, notifiers])


def rule_paths(paths: list[Path] | None, config: Path | None) -> tuple[Path, ...]:
    """Return the paths given, else those of the settings. Raises: ConfigError."""
    return tuple(paths or settings_of(config).rules)


def console() -> Console:
    """Return a console that leaves text as it is, with room for long lines where no terminal limits them."""
    out = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    if not out.is_terminal:
        out.width = WIDE
    return out


def count(number: int, one: str, many: str = "") -> str:
    """Write a number with its noun: "1 rule", "5 rules"."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"
