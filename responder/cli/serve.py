"""`responder serve`: the server, until it is told to stop."""

import asyncio
import gc
import signal
from typing import Annotated

import typer
import uvloop

from responder.cli import logs
from responder.cli.config import Config, settings_of
from responder.settings.process import Settings
from responder.wiring import start

log = logs.logger()


DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Decide, preview and guard every action as ever, and change nothing outside."),
]


def serve(config: Config = None, dry_run: DryRun = False) -> None:
    """
    Take deliveries of Alertmanager in and work on them, until SIGTERM or SIGINT.

    Settings come from the file and from RESPONDER_* variables; `responder settings` lists them. With --dry-run, or the
    setting automation.dry_run, actions are decided, previewed, guarded and tried as dry runs of the API server; only
    messages are written outside, and they say DRY RUN.

    Examples:

        responder serve --config responder.yaml

        responder serve --config responder.yaml --dry-run

        RESPONDER_WEBHOOK__BEARER_TOKENS_FILE=/run/secrets/token responder serve

    Ends with 0 after a stop; 2 when the settings or rules are wrong, the address is taken, or the database is not of
    ours; 3 when another process uses the SQLite file; 4 when the store does not answer at the start; 1 after anything
    else.
    """
    settings = settings_of(config)
    if dry_run:
        automation = settings.automation.model_copy(update={"dry_run": True})
        settings = settings.model_copy(update={"automation": automation})
    logs.configure(settings)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    stop = _signals()
    server = await start(settings)
    gc.freeze()  # what is loaded stays: a full collection need not walk half a million objects between two deliveries
    try:
        dry_run = settings.automation.dry_run
        log.info("serving", addresses=list(server.addresses), rules=server.rules_version, dry_run=dry_run)
        await stop.wait()
        log.info("stopping", within=settings.stop_within.total_seconds())
    finally:
        await server.stop()
    log.info("stopped")


def _signals() -> asyncio.Event:
    """Return what SIGTERM and SIGINT set; a second one ends the process at once, which loses nothing either."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def asked() -> None:
        stop.set()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked)
    return stop
