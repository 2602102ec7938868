"""
Actions whose world is a folder: an object in it is a file, and every effect on it leaves a line in `effects`.

Files beside it tell how the world behaves, so that tests can count effects over crashes.
"""

import asyncio
import json
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import Field

from responder.errors import PermanentError, TransientError, Unanswered
from responder.model.action import Change, Outcome, Preview, Progress
from responder.model.target import Target
from responder.model.verdict import Json
from responder.plugins.acting import ActionTools
from responder.plugins.action import Action
from responder.plugins.params import Params


class ObjectParams(Params):
    """Which object."""

    folder: Path = Field(description="Where the world is.")
    name: str = Field("api", description="The object.")
    to: int = Field(2, description="The value that it is given.")
    beside: list[str] = Field([], description="What else is touched.")

    def lock(self, cluster: str, kind: str, name: str = "") -> str:
        """Name the object, or another one."""
        return f"{cluster}/{kind}/{name or self.name}"

    def others(self, cluster: str, kind: str) -> tuple[str, ...]:
        """Name what else is touched."""
        return tuple(self.lock(cluster, kind, name) for name in self.beside)


class Switch(Action[ObjectParams]):
    """
    Give an object a value, unless it has changed since it was read.

    Files: `before` holds it up before the effect, `after` behind it, for as long as they are there. `lost` loses the
    request, `unanswered` its answer, once. `away` cannot be asked, `refuses` refuses, `breaks` breaks behind it.
    """

    name = "trial.switch"
    Params = ObjectParams
    undoable = True

    def command(self, params: ObjectParams, target: Target) -> tuple[str, ...]:
        """Name the object."""
        return (f"switch {params.name} {params.to}",)

    async def preview(self, params: ObjectParams, target: Target, tools: ActionTools) -> Preview:
        """Read it."""
        if (params.folder / "away").exists():
            raise TransientError("the world is away: password=hunter2")
        now = read(params.folder, params.name)
        refusal = "it is locked" if (params.folder / "locked").exists() else ""
        return Preview(
            f"switch {params.name} from {now['value']} to {params.to}",
            changes=(Change("value", str(now["value"]), str(params.to)),),
            refusal=refusal,
            basis={"generation": now["generation"]},
            undo={"value": now["value"]},
            namespace=target.namespace,
            lock=params.lock(target.cluster, "object"),
            beside=params.others(target.cluster, "object"),
            dry_run=True,
        )

    async def act(self, params: ObjectParams, target: Target, preview: Preview, tools: ActionTools) -> Outcome:
        """Switch it."""
        return await switch(params, params.to, preview.basis["generation"], tools)

    async def undo(self, params: ObjectParams, target: Target, before: Json, tools: ActionTools) -> Outcome:
        """Switch it back."""
        assert isinstance(before, dict)
        return await switch(params, before["value"], read(params.folder, params.name)["generation"], tools)

    async def progress(self, params: ObjectParams, target: Target, outcome: Outcome, tools: ActionTools) -> Progress:
        """Say whether it is there."""
        if (params.folder / "away").exists():
            raise TransientError("the world is away")
        return Progress(f"{params.name} is {read(params.folder, params.name)['value']}")


class Hasty(Switch):
    """Switch it in no time."""

    name = "trial.hasty"
    deadline = timedelta(milliseconds=200)


class Hush(Switch):
    """Switch it for as long as the incident lasts."""

    name = "trial.hush"
    until_resolved = True


class Press(Action[ObjectParams]):
    """Press a button: nobody can tell afterwards whether it was pressed."""

    name = "trial.press"
    Params = ObjectParams
    once = "doubtful"

    def command(self, params: ObjectParams, target: Target) -> tuple[str, ...]:
        """Name the button."""
        return (f"press {params.name}",)

    async def preview(self, params: ObjectParams, target: Target, tools: ActionTools) -> Preview:
        """Say so."""
        return Preview(
            f"press {params.name}",
            namespace=target.namespace,
            lock=params.lock(target.cluster, "button"),
            beside=params.others(target.cluster, "button"),
        )

    async def act(self, params: ObjectParams, target: Target, preview: Preview, tools: ActionTools) -> Outcome:
        """Press it."""
        await spoil(params.folder, ("before", "lost", "away", "refuses"))
        await tools.hold()
        note(params.folder, {"attempt": tools.attempt, "by": tools.by, "reason": tools.reason})
        await spoil(params.folder, ("after", "unanswered", "breaks"))
        return Outcome("done", "pressed with password=hunter2")


async def switch(params: ObjectParams, value: Any, generation: Any, tools: ActionTools) -> Outcome:
    """Compare and set: the object bears the name of who changed it last."""
    await spoil(params.folder, ("before", "lost", "away", "refuses"))
    now = read(params.folder, params.name)
    if tools.retry and now["attempt"] == tools.attempt:
        return Outcome("done", f"{params.name} was switched already")
    if now["generation"] != generation:
        return Outcome("not_done", f"generation was {generation}, is {now['generation']} now")
    changed = {"value": value, "generation": now["generation"] + 1, "attempt": tools.attempt}
    (params.folder / f"{params.name}.json").write_text(json.dumps(changed))
    note(params.folder, {"attempt": tools.attempt, "by": tools.by, "reason": tools.reason, "value": value})
    await spoil(params.folder, ("after", "unanswered", "breaks"))
    return Outcome("done", f"switched {params.name} with password=hunter2", ("token: abcdef",))


async def spoil(folder: Path, ways: Iterable[str]) -> None:
    """Behave as the files say."""
    for way in ways:
        file = folder / way
        match way:
            case "before" | "after":
                while file.exists():
                    (folder / "reached").touch()
                    await asyncio.sleep(0.005)
            case "lost" | "unanswered" if file.exists():
                file.unlink()
                raise Unanswered("no answer came")
            case "away" if file.exists():
                raise TransientError("the world is away")
            case "refuses" if file.exists():
                raise PermanentError("the world refuses")
            case "breaks" if file.exists():
                raise ZeroDivisionError("division by zero")


def read(folder: Path, name: str = "api") -> dict[str, Any]:
    """Read an object."""
    file = folder / f"{name}.json"
    return json.loads(file.read_text()) if file.exists() else {"value": 1, "generation": 7, "attempt": ""}


def note(folder: Path, line: dict[str, Any]) -> None:
    """Leave a line for an effect."""
    with (folder / "effects").open("ab", buffering=0) as file:
        file.write(json.dumps(line).encode() + b"\n")


def effects(folder: Path) -> list[dict[str, Any]]:
    """Return what happened to the world."""
    file = folder / "effects"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
