"""An action that takes a secret, and may say it aloud where it must not."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr

from responder.errors import PermanentError, TransientError
from responder.model.action import Outcome, Preview
from responder.model.place import Place
from responder.model.target import Target
from responder.plugins.acting import ActionTools
from responder.plugins.action import Action
from responder.plugins.params import Params
from tests.engine.plugins.acts import note, spoil


class KeepParams(Params):
    """What to keep."""

    folder: Path = Field(description="Where the world is.")
    name: str = Field("api", description="The object.")
    value: Annotated[SecretStr, Place.SECRET] = Field(description="What is kept.")


class Keep(Action[KeepParams]):
    """
    Keep a value.

    Files: `before` and `after` as of `trial.switch`; `blabs` throws it, `quotes` refuses with it, `stumbles` is away
    with it.
    """

    name = "trial.keep"
    Params = KeepParams

    def command(self, params: KeepParams, target: Target) -> tuple[str, ...]:
        """Name the object."""
        return (f"keep {params.name}",)

    async def preview(self, params: KeepParams, target: Target, tools: ActionTools) -> Preview:
        """Note what it was tried with."""
        note(params.folder, {"tried": params.value.get_secret_value()})
        return Preview("keep it", basis={"generation": 7}, namespace=target.namespace, lock=params.name)

    async def act(self, params: KeepParams, target: Target, preview: Preview, tools: ActionTools) -> Outcome:
        """Keep it."""
        value = params.value.get_secret_value()
        if (params.folder / "blabs").exists():
            raise ValueError(f"{value} is no value")
        if (params.folder / "quotes").exists():
            raise PermanentError(f"the world refuses {value!r}")
        if (params.folder / "stumbles").exists():
            raise TransientError(f"the world is away for {value}")
        await spoil(params.folder, ("before",))
        note(params.folder, {"kept": value, "attempt": tools.attempt})
        await spoil(params.folder, ("after",))
        return Outcome("done", f"kept {value}", (f"it was {value}",), undo={"was": value})
