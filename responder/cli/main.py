"""The `responder` command: which commands there are, and how errors of the user are shown."""

import importlib
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import typer
from typer.core import TyperGroup

from responder.errors import ConfigError, ResponderError, StoreLocked, StoreUnavailable

COMMANDS = (
    *("serve", "settings", "check", "explain", "schema", "replay", "record", "demo", "rbac", "doctor"),
    *("actions", "act", "approve", "reject", "undo", "settle", "break-glass", "stop-automation", "resume-automation"),
)
"""Each is a function in a module of its name, or in the one that `MODULES` names."""
MODULES = {
    **dict.fromkeys(("approve", "reject", "undo", "settle", "break-glass"), "answering"),
    **dict.fromkeys(("stop-automation", "resume-automation"), "automation"),
}
COMMANDS_IN = "responder.cli"

WRONG_SETTINGS = 2
STORE_LOCKED = 3
STORE_UNAVAILABLE = 4

EXAMPLES = """
Examples:

    responder serve --config responder.yaml

    responder check rules/

    responder explain --labels alertname=HighErrorRate,namespace=shop

Each command says more with --help.
"""


class Commands(Mapping[str, Any]):
    """The commands by name, each loaded when it is asked for: it needs much that the others do not."""

    def __getitem__(self, name: str) -> Any:
        """Load the command of that name."""
        if name not in COMMANDS:
            raise KeyError(name)
        module = importlib.import_module(f"{COMMANDS_IN}.{MODULES.get(name, name)}")
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        alone.command(name)(getattr(module, name.replace("-", "_")))
        return typer.main.get_command(alone)

    def __iter__(self) -> Iterator[str]:
        """List the names in the order in which people meet them."""
        return iter(COMMANDS)

    def __len__(self) -> int:
        """Count them."""
        return len(COMMANDS)


class Group(TyperGroup):
    """What stands before a command."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = Commands()  # type: ignore[assignment]  # it is only read


app = typer.Typer(
    cls=Group,
    name="responder",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="An Alertmanager webhook receiver and auto-responder: one enriched, living message per incident.",
    epilog=EXAMPLES,
)


@app.callback()
def _responder() -> None:
    pass


def main() -> None:
    """Run the command line; what the user can mend is said in plain words, with an exit status of its own."""
    try:
        app()
    except StoreLocked as error:
        _end(error, STORE_LOCKED)
    except StoreUnavailable as error:
        _end(error, STORE_UNAVAILABLE)
    except ConfigError as error:
        _end(error, WRONG_SETTINGS)
    except ResponderError as error:
        _end(error, 1)


def _end(error: ResponderError, status: int) -> None:
    typer.echo("\n".join(f"responder: {line}" for line in str(error).splitlines()), err=True)
    sys.exit(status)
