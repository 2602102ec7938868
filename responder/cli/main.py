"""The `responder` command: which commands there are, and how errors of the user are shown."""

import sys

import typer

from responder.cli.check import check
from responder.cli.demo import demo
from responder.cli.explain import explain
from responder.cli.record import record
from responder.cli.replay import replay
from responder.cli.schema import schema
from responder.cli.serve import serve
from responder.cli.settings import settings
from responder.errors import ConfigError, ResponderError, StoreLocked

WRONG_SETTINGS = 2
STORE_LOCKED = 3

EXAMPLES = """
Examples:

    responder serve --config responder.yaml

    responder check rules/

    responder explain --labels alertname=HighErrorRate,namespace=shop

Each command says more with --help.
"""

app = typer.Typer(
    name="responder",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="An Alertmanager webhook receiver and auto-responder: one enriched, living message per incident.",
    epilog=EXAMPLES,
)
app.command()(serve)
app.command()(settings)
app.command()(check)
app.command()(explain)
app.command()(schema)
app.command()(replay)
app.command()(record)
app.command()(demo)


def main() -> None:
    """Run the command line; what the user can mend is said in plain words, with an exit status of its own."""
    try:
        app()
    except StoreLocked as error:
        _end(error, STORE_LOCKED)
    except ConfigError as error:
        _end(error, WRONG_SETTINGS)
    except ResponderError as error:
        _end(error, 1)


def _end(error: ResponderError, status: int) -> None:
    typer.echo("\n".join(f"responder: {line}" for line in str(error).splitlines()), err=True)
    sys.exit(status)
