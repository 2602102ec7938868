"""The `responder` command."""

import typer

app = typer.Typer(name="responder", no_args_is_help=True, help="An Alertmanager webhook receiver and auto-responder.")


def main() -> None:
    """Run the command line."""
    app()
