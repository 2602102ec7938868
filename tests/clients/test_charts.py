"""Charts, drawn by a real helper process."""

import asyncio
import os
import signal
import struct
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import psutil
import pytest

from responder.clients.charts import Charts
from responder.errors import NotConfigured, TransientError
from responder.model.message import Chart, Line, Point

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
pytest.importorskip("matplotlib")


@pytest.fixture
async def start() -> AsyncIterator[Callable[..., Charts]]:
    made: list[Charts] = []

    def build(**options: timedelta) -> Charts:
        made.append(Charts(**options))
        return made[-1]

    yield build
    for charts in made:
        await charts.close()


def line(*values: float | None, name: str = "") -> Line:
    return Line(name, tuple(Point(NOON + timedelta(minutes=n), value) for n, value in enumerate(values)))


def size(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


async def test_a_chart_is_a_png_of_the_size_that_was_promised(start: Callable[..., Charts]) -> None:
    chart = Chart("Errors", (line(0.01, None, 0.5),), "ratio", (("alert", NOON),))
    assert size(await start().draw(chart)) == (1200, 480)


STRANGE = (
    Chart("", ()),
    Chart("no points", (line(),)),
    Chart("only gaps", (line(None, None),)),
    Chart("one point", (line(7.0),), "bytes"),
    Chart("flat", (line(0.0, 0.0),), "seconds"),
    Chart("negative", (line(-5.0, -3.0),)),
    Chart("huge and tiny", (line(1e300, 1e-300),), "bytes"),
    Chart("many", tuple(line(float(n), 1.0, name=f'{{pod="{n}"}}') for n in range(40)), "x" * 500),
    Chart("mark far away", (line(1.0, 2.0),), "", (("deploy", NOON - timedelta(days=400)), ("", NOON))),
    Chart(
        r"$\frac{ \undefined ^^ $ % & _ {",
        (line(1.0, name=r"$\frac{"), line(2.0, name="_x")),
        r"$\{",
        ((r"$x^", NOON),),
    ),
    Chart("\x00\x1b[31m \u202e \U0001f525 中文\n\n", (line(1.0, name="\x00"), line(2.0, name="")), "\x00"),
)


async def test_any_chart_can_be_drawn(start: Callable[..., Charts]) -> None:
    charts = start()
    for chart in STRANGE:
        assert size(await charts.draw(chart)) == (1200, 480), chart.title


async def test_one_helper_draws_all_charts(start: Callable[..., Charts]) -> None:
    charts = start()
    assert charts.pid is None
    await asyncio.gather(*(charts.draw(Chart(str(n), (line(1.0),))) for n in range(3)))
    helper = charts.pid
    await charts.draw(Chart("again", (line(1.0),)))
    assert charts.pid == helper


async def test_the_helper_gets_none_of_our_environment(
    start: Callable[..., Charts], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESPONDER_SLACK__BOT_TOKEN", "xoxb-secret")
    charts = start()
    await charts.draw(Chart("x", (line(1.0),)))
    assert set(psutil.Process(charts.pid).environ()) <= {"MPLCONFIGDIR", "PYTHONPATH", "LC_CTYPE"}


async def test_the_helper_ends_when_no_chart_is_asked_for(start: Callable[..., Charts]) -> None:
    charts = start(idle=timedelta(0))
    await charts.draw(Chart("x", (line(1.0),)))
    helper = psutil.Process(charts.pid) if charts.pid else None
    for _ in range(1000):
        if charts.pid is None and (helper is None or not helper.is_running()):
            break
        await asyncio.sleep(0.01)
    assert charts.pid is None
    assert helper is None or not helper.is_running()
    assert size(await charts.draw(Chart("y", (line(1.0),)))) == (1200, 480)


async def test_a_helper_that_hangs_costs_the_deadline_and_is_replaced(start: Callable[..., Charts]) -> None:
    charts = start()
    await charts.draw(Chart("x", (line(1.0),)))
    assert charts.pid is not None
    os.kill(charts.pid, signal.SIGSTOP)
    charts.deadline = timedelta(milliseconds=50)
    with pytest.raises(TransientError, match="took too long"):
        await charts.draw(Chart("x", (line(1.0),)))
    assert charts.pid is None


async def test_a_helper_that_was_killed_is_replaced(start: Callable[..., Charts]) -> None:
    charts = start()
    await charts.draw(Chart("x", (line(1.0),)))
    assert charts.pid is not None
    os.kill(charts.pid, signal.SIGSTOP)
    drawing = asyncio.ensure_future(charts.draw(Chart("y", (line(1.0),))))
    await asyncio.sleep(0)
    os.kill(charts.pid, signal.SIGKILL)
    with pytest.raises(TransientError, match="ended"):
        await drawing
    assert size(await charts.draw(Chart("z", (line(1.0),)))) == (1200, 480)


async def test_giving_up_one_chart_does_not_mix_it_up_with_the_next(start: Callable[..., Charts]) -> None:
    charts = start()
    small = await charts.draw(Chart("x", ()))
    giving_up = asyncio.ensure_future(charts.draw(Chart("other", (line(1.0, 2.0),))))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    giving_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await giving_up
    assert await charts.draw(Chart("x", ())) == small


async def test_without_matplotlib_charts_are_not_configured(
    start: Callable[..., Charts], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("responder.clients.charts.find_spec", lambda name: None)
    with pytest.raises(NotConfigured, match=r"\[charts\]"):
        await start().draw(Chart("x", ()))
