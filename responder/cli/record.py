"""`responder record`: an incident of a running server as a recording that `responder replay` plays."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console

from responder.cli.rules import count
from responder.cli.running import HERE, Server, TokenFile, address, refusal, token_of
from responder.clients.posting import Api
from responder.engine.recording import write
from responder.engine.recording_actions import Acts
from responder.errors import ConfigError, PermanentError
from responder.model.incident import number_of
from responder.web.documents import IncidentRecording, RecordedDelivery

Incident = Annotated[str, typer.Argument(help="As INC-17 or 17.", metavar="INCIDENT")]
Out = Annotated[Path | None, typer.Option(help="The new folder; inc-17 in the current one when not given.")]


def record(incident: Incident, out: Out = None, url: Server = HERE, token_file: TokenFile = None) -> None:
    """
    Write an incident of a running server, live or past, as a recording: its deliveries, findings and actions.

    The server drops deliveries once it has taken them in, so they are put together anew from the incident's timeline:
    what changed it, each at its time, without repeats and without alerts of other incidents. Secrets are redacted.
    Of actions it holds what each would have changed, what became of it, and what people said; acknowledgements and
    silences are not recorded.

    Examples:

        responder record INC-17

        responder record INC-17 --out fixtures/checkout-outage --url https://responder.example --token-file token
    """
    number = number_of(incident)
    if number is None:
        raise ConfigError(f"{incident!r} is no incident: write INC-17 or 17")
    folder = out or Path(f"inc-{number}")
    if folder.exists():
        raise ConfigError(f"{folder} exists: name a new folder with --out")
    document = asyncio.run(_fetch(number, address(url), token_of(token_file)))
    path = write(
        folder,
        about=document.about,
        start=document.start,
        deliveries=[_played(delivery) for delivery in document.deliveries],
        runs=document.diagnostics,
        acts=Acts(document.actions, document.answers, document.requests),
    )
    runs = sum(map(len, document.diagnostics.values()))
    console = Console(highlight=False, emoji=False, soft_wrap=True)
    counted = f"{count(len(document.deliveries), 'delivery', 'deliveries')}, {count(runs, 'run')} of diagnostics"
    if document.actions:
        counted += f", {count(len(document.actions), 'action')}"
    console.print(f"{document.incident} written to {path.parent}: {counted}", markup=False)
    console.print("Read it before you share it: only what looks like a secret was taken out.", markup=False)
    console.print(f"Play it: responder replay {path.parent} --rules RULES", markup=False)
    console.print(f"Keep its outcome: add --expect {path.parent / 'expected.yaml'} --update", markup=False)


async def _fetch(number: int, url: str, token: str) -> IncidentRecording:
    try:
        async with Api(url, token) as api:
            answer = await api.get(f"/v1/incidents/INC-{number}/recording")
    except ConfigError as error:
        raise refusal(error) from error
    try:
        return IncidentRecording.model_validate(answer)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise PermanentError(f"{url} answered with no recording: {where}: {first['msg']}") from error


def _played(delivery: RecordedDelivery) -> tuple[timedelta, bytes]:
    return delivery.at, json.dumps(delivery.body, ensure_ascii=False).encode()
