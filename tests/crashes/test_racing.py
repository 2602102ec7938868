"""People and incidents that meet at the doors of different replicas at the same moment: one of them comes first."""

import asyncio

import pytest

from tests.crashes.case import Case
from tests.crashes.fleet import Fleet, Launch, until

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.parametrize("database_url", ["postgres"], indirect=True),
]


async def test_answers_that_race_at_different_doors_lead_to_one_effect_or_none(
    launch: Launch, database_url: str
) -> None:
    async with launch(database_url) as fleet, asyncio.TaskGroup() as races:
        for race in (yes_twice, yes_by_two, yes_and_no, undone_by_two, both_rules):
            races.create_task(race(fleet), name=race.__name__)


async def yes_twice(fleet: Fleet) -> None:
    """One person's yes counts once, at however many doors it is said."""
    case = Case(fleet, "yes-twice", "TooManyErrors")
    await asked(case)
    said = await asyncio.gather(*(case.says("approve", "ann", door=door) for door in (0, 1, 2)))
    at_the_door = len([status for status in said if status == 409])
    await until(lambda: refused(case, "ann", 2 - at_the_door))
    waiting = await case.attempt("proposed")
    assert [one["by"] for one in waiting["approvals"]] == ["ann"]
    await case.is_sound(effects=0)
    assert await case.says("approve", "bob", door=1) == 202
    await case.attempt("verified")
    await case.is_sound(effects=1)


async def yes_by_two(fleet: Fleet) -> None:
    """Of two people who say yes at once where one is enough, one begins it."""
    case = Case(fleet, "yes-by-two")
    await asked(case)
    await asyncio.gather(case.says("approve", "ann", door=0), case.says("approve", "bob", door=1))
    await case.attempt("verified")
    await case.is_sound(effects=1)


async def yes_and_no(fleet: Fleet) -> None:
    """Of a yes and a no at once, one holds; what the other came to is told."""
    case = Case(fleet, "yes-and-no")
    await asked(case)
    await asyncio.gather(case.says("approve", "ann", door=0), case.says("reject", "bob", door=1))

    async def ended() -> str:
        state = (await case.detail())["actions"][0]["state"]  # a yes that came after the no asks again
        return str(state) if state in ("verified", "rejected") else ""

    await case.is_sound(effects=1 if await until(ended) == "verified" else 0)


async def undone_by_two(fleet: Fleet) -> None:
    """What two people take back at once is taken back once; to take back what nobody has done counts for nothing."""
    case = Case(fleet, "undone-by-two")
    await asked(case)
    await asyncio.gather(case.says("approve", "ann", door=0), case.says("undo", "bob", door=1))
    await case.attempt("verified")
    await case.is_sound(effects=1)
    await asyncio.gather(case.says("undo", "ann", door=0), case.says("undo", "bob", door=1))
    await case.attempt("undone")
    await case.is_sound(effects=2)


async def both_rules(fleet: Fleet) -> None:
    """Of two incidents that want to change one thing at once, one does; the other says who did."""
    first, second = Case(fleet, "both-rules"), Case(fleet, "both-rules", "TooSlow")
    await asked(first)
    await asked(second)
    await asyncio.gather(first.says("approve", "ann", door=0), second.says("approve", "bob", door=1))

    async def winner() -> Case | None:
        states = {case.alert: (await case.detail())["actions"][-1]["state"] for case in (first, second)}
        return next((case for case in (first, second) if states[case.alert] == "verified"), None)

    won = await until(winner)
    (lost,) = [case for case in (first, second) if case is not won]
    other = await lost.attempt("approved", "refused", "blocked")
    assert other["why"] or other["blocks"], other
    assert fleet.platform.writes("both-rules") == 1
    assert await lost.happened() == []


async def test_a_yes_and_a_stop_at_once_begin_it_or_do_not(launch: Launch, database_url: str) -> None:
    async with launch(database_url) as fleet:
        case = Case(fleet, "stopped")
        await asked(case)
        stop = fleet.say("bob", "/v1/automation/stop", door=1, why="freeze")
        await asyncio.gather(case.says("approve", "ann", door=0), stop)
        came = await case.attempt("verified", "refused", "blocked", "failed")
        await case.is_sound(effects=1 if came["state"] == "verified" else 0)
        if came["state"] != "verified":
            assert "stopped" in f"{came['why']} {came['blocks']}"


async def test_an_approval_that_waits_for_the_second_person_outlives_every_replica(
    launch: Launch, database_url: str
) -> None:
    async with launch(database_url) as fleet:
        case = Case(fleet, "rolling", "TooManyErrors")
        await asked(case)
        assert await case.says("approve", "ann") == 202
        for name in list(fleet.replicas):
            await fleet.start()
            assert await fleet.replicas.pop(name).stop() == 0
        waiting = await case.attempt("proposed")
        assert [one["by"] for one in waiting["approvals"]] == ["ann"]
        assert await case.says("approve", "bob") == 202
        await case.attempt("verified")
        await case.is_sound(effects=1)


async def asked(case: Case) -> None:
    """Let an alert fire, and wait until people are asked."""
    await case.fires()
    await case.attempt("proposed")


async def refused(case: Case, by: str, times: int) -> bool:
    """Say whether the words of a person were refused so often."""
    told = [entry["what"] for entry in (await case.detail())["timeline"]]
    return len([one for one in told if one["kind"] == "answer.refused" and one["by"] == by]) == times
