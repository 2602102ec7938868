"""The console."""

from responder.notifiers.console import Console
from responder.plugins.notifier import Outgoing
from tests.clients.messages import DIAGNOSED, OPENED
from tests.notifiers.world import World

CONSOLE = Console()


async def test_what_an_edit_brought_is_marked() -> None:
    world = World()
    ref = await CONSOLE.notify(Console.Params(), Outgoing(OPENED, "k/1"), world.tools())
    again = await CONSOLE.notify(Console.Params(), Outgoing(DIAGNOSED, "k/2", ref), world.tools())
    first, second = world.printed
    assert "▌" not in first
    assert "updated" not in first
    assert "▌" in second
    assert "updated" in second
    assert again != ref
    await world.close()


async def test_plain_text_has_no_colours_and_the_zone_of_the_settings() -> None:
    world = World()
    await CONSOLE.notify(Console.Params(form="text"), Outgoing(OPENED, "k/1"), world.tools())
    assert "\x1b" not in world.printed[0]
    assert "15:05 CET" in world.printed[0]
    await world.close()
