"""Episodes by fingerprint: what has ended long ago goes, what fires stays."""

from datetime import UTC, datetime, timedelta

from responder.model.alert import Episode
from responder.model.incident import Incident
from responder.model.target import Target
from responder.response.album import MOST_ENDED, Album
from responder.response.known import MOST_ALERTS, facts_of

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def episode(name: str, start: int, *, ended: bool = False) -> Episode:
    at = NOON + timedelta(minutes=start)
    return Episode(name, at, at + timedelta(seconds=30) if ended else None, {}, {})


def test_an_open_episode_is_changed_and_the_ended_ones_of_the_alert_are_not() -> None:
    over, other, still = episode("a", 0, ended=True), episode("b", 1), episode("a", 2)
    album = Album((over, other, still))
    changed = album.change_open("a", annotations={"summary": "new"})
    assert changed is not None
    assert album.episodes == (over, other, changed)
    assert album.find("a") == [over, changed]
    assert album.change_open("a", annotations={"summary": "new"}) is None
    assert album.change_open("c", annotations={}) is None


def test_the_oldest_that_have_ended_go_when_another_joins() -> None:
    many = tuple(episode(f"e{number}", number, ended=True) for number in range(MOST_ENDED + 2))
    album = Album((episode("first", -1), *many))
    album.add(episode("new", 999))
    kept = [one.fingerprint for one in album.episodes]
    assert kept[:2] == ["first", "e2"]
    assert kept[-1] == "new"
    assert len(kept) == MOST_ENDED + 2
    assert album.find("e0") == []
    assert album.change_open("e0", ended_at=NOON) is None


def test_expressions_see_a_bounded_number_of_alerts() -> None:
    many = tuple(episode(f"e{number:04}", number) for number in range(MOST_ALERTS + 5))
    incident = Incident(
        number=1,
        rule="r",
        key="k",
        cluster="default",
        target=Target("default"),
        severity="warning",
        title="t",
        opened_at=NOON,
        started_at=NOON,
        episodes=many,
    )
    assert facts_of(incident).alerts == many[:MOST_ALERTS]
