"""Actions on the world of a story, one for each way in which an effect is kept from happening twice."""

from typing import Any

from pydantic import Field

from responder.errors import Conflict, Exists
from responder.model.action import Change, Kept, Outcome, Preview, Progress
from responder.model.target import Target
from responder.model.verdict import Json
from responder.plugins.action import Action
from responder.plugins.params import Params

AT_ONCE, REPLICAS = 1, 3


class On(Params):
    """Which object, and what it is given."""

    object: str = Field("api", description="The object.")
    to: int = Field(2, description="Its value.")


class _Deed(Action[On]):
    """What all have in common: they are looked at alike."""

    Params = On

    def command(self, params: On, target: Target) -> tuple[str, ...]:
        """Name the object."""
        return (f"{self.name} {params.object} {params.to}",)

    async def preview(self, params: On, target: Target, tools: Any) -> Preview:
        """Read it."""
        await tools.point("preview")
        tools.world.ask()
        thing = tools.world.thing(params.object)
        return Preview(
            f"{self.name} {params.object}: {thing.value} to {params.to}",
            changes=(Change("value", str(thing.value), str(params.to)),),
            basis=self.basis(thing),
            undo={"value": thing.value},
            namespace=target.namespace,
            lock=f"{target.cluster}/{params.object}",
            pods=thing.pods,
            at_once=AT_ONCE,
            ready=thing.ready,
            replicas=REPLICAS,
        )

    def basis(self, thing: Any) -> dict[str, Json]:
        """Return what must still hold."""
        return {}

    async def progress(self, params: On, target: Target, outcome: Outcome, tools: Any) -> Progress:
        """Look; it takes a while."""
        await tools.point("progress")
        tools.world.ask()
        complete = tools.world.rng.random() < 0.7
        return Progress(f"{params.object} follows", complete=complete, ready=complete)


class Switch(_Deed):
    """Give an object a value, unless it has changed since it was read."""

    name = "sim.switch"
    undoable = True

    def basis(self, thing: Any) -> dict[str, Json]:
        """Return its generation."""
        return {"generation": thing.generation}

    async def act(self, params: On, target: Target, preview: Preview, tools: Any) -> Outcome:
        """Compare and set."""
        await tools.point("read before the effect")
        tools.world.ask()
        thing, generation = tools.world.thing(params.object), preview.basis["generation"]
        if tools.retry and thing.attempt == tools.attempt:
            return Outcome("done", "it was there already")
        if thing.generation != generation:
            moved = f"generation was {generation}, is {thing.generation} now"
            return Outcome("in_doubt" if tools.retry else "not_done", moved)
        return await self._switch(params, params.to, generation, tools)

    async def undo(self, params: On, target: Target, before: Json, tools: Any) -> Outcome:
        """Compare and set back what still bears our name."""
        await tools.point("read before the effect")
        tools.world.ask()
        thing = tools.world.thing(params.object)
        if tools.retry and thing.attempt == tools.attempt:
            return Outcome("done", "it was taken back already")
        if thing.attempt != tools.attempt.removesuffix("/undo"):
            return Outcome("in_doubt" if tools.retry else "not_done", "somebody has changed it since")
        assert isinstance(before, dict)
        return await self._switch(params, before["value"], thing.generation, tools)

    async def _switch(self, params: On, value: Any, generation: Any, tools: Any) -> Outcome:
        await tools.point("before the effect")
        tools.world.send()
        try:
            tools.world.switch(params.object, value, generation=generation, by=tools.attempt)
        except Conflict as error:
            return Outcome("in_doubt" if tools.retry else "not_done", str(error))
        tools.happened(self.name, params.object, value)
        await tools.point("after the effect")
        tools.world.answer()
        return Outcome("done", f"switched {params.object}", follow=tools.world.rng.random() < 0.3)


class Make(_Deed):
    """Create an object of a name of its own."""

    name = "sim.make"
    once = "named"
    undoable = True

    async def act(self, params: On, target: Target, preview: Preview, tools: Any) -> Outcome:
        """Create it."""
        await tools.point("before the effect")
        tools.world.send()
        try:
            tools.world.make(tools.attempt, tools.attempt)
        except Exists as error:
            return Outcome("done" if tools.retry else "failed", str(error))
        tools.happened(self.name, params.object, params.to)
        await tools.point("after the effect")
        tools.world.answer()
        return Outcome("done", "made")

    async def undo(self, params: On, target: Target, before: Json, tools: Any) -> Outcome:
        """Delete it."""
        name = tools.attempt.removesuffix("/undo")
        await tools.point("before the effect")
        tools.world.send()
        if name not in tools.world.made:
            return Outcome("done" if tools.retry else "not_done", "it is gone already")
        del tools.world.made[name]
        tools.world.gone.add(name)
        tools.happened(self.name, params.object, params.to)
        await tools.point("after the effect")
        tools.world.answer()
        return Outcome("done", "gone")


class Put(_Deed):
    """Give a setting a value, as often as one likes."""

    name = "sim.put"
    once = "repeatable"

    async def act(self, params: On, target: Target, preview: Preview, tools: Any) -> Outcome:
        """Put it."""
        await tools.point("before the effect")
        tools.world.send()
        tools.happened(self.name, params.object, params.to)
        await tools.point("after the effect")
        tools.world.answer()
        return Outcome("done", "put")


class Press(_Deed):
    """Press a button: nobody can tell afterwards whether it was pressed."""

    name = "sim.press"
    once = "doubtful"

    async def act(self, params: On, target: Target, preview: Preview, tools: Any) -> Outcome:
        """Press it, if that is still ours to do."""
        await tools.point("read before the effect")
        await tools.hold()
        await tools.point("before the effect")
        tools.world.send()
        tools.happened(self.name, params.object, params.to)
        await tools.point("after the effect")
        tools.world.answer()
        return Outcome("done", "pressed")


class Mark(Make):
    """Create an object that is to last as long as the incident."""

    name = "sim.mark"
    until_resolved = True


class Keep(_Deed):
    """Keep evidence."""

    name = "sim.keep"
    once = "repeatable"
    weight = "harmless"

    async def preview(self, params: On, target: Target, tools: Any) -> Preview:
        """Say so; nobody else is in its way."""
        await tools.point("preview")
        tools.world.ask()
        return Preview("keep", namespace=target.namespace, lock=f"{target.cluster}/evidence/{tools.attempt}")

    async def act(self, params: On, target: Target, preview: Preview, tools: Any) -> Outcome:
        """Keep it."""
        await tools.point("before the effect")
        tools.world.send()
        tools.happened(self.name, f"evidence/{tools.attempt}", 0)
        await tools.point("after the effect")
        tools.world.answer()
        return Outcome("done", "kept", kept=(Kept("log", "00", 1, "here"),))
