"""Alerts joined to episodes: every trap that deliveries hold."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from responder.model.alert import Alert, AlertStatus
from responder.model.timeline import AlertEnded, AlertFired
from responder.response.episodes import SENDERS_DISAGREE, Join, Known, Outcome, join

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def firing(start: float, *, summary: str = "it fires") -> Alert:
    return Alert("f1", AlertStatus.FIRING, {"alertname": "A"}, {"summary": summary}, at(start), None)


def resolved(start: float, end: float) -> Alert:
    return Alert("f1", AlertStatus.RESOLVED, {"alertname": "A"}, {"summary": "it fires"}, at(start), at(end))


@dataclass
class Shelf:
    """Keeps rows as a store would."""

    rows: dict[int, Known] = field(default_factory=dict)
    happened: list[AlertFired | AlertEnded] = field(default_factory=list)

    def take(self, alert: Alert, *, look: bool = False) -> Join:
        joined = join(list(self.rows.values()), alert, at(100_000), source="look" if look else "delivery")
        for row in joined.rows:
            key = row.id or len(self.rows) + 1
            self.rows[key] = replace(row, id=key)
        if joined.also_ended:
            self.happened.append(joined.also_ended[1])
        self.happened += joined.happenings
        return joined

    @property
    def spans(self) -> list[tuple[float, float | None]]:
        seconds = [
            ((row.started_at - NOON).total_seconds(), (row.ended_at - NOON).total_seconds() if row.ended_at else None)
            for row in self.rows.values()
        ]
        return sorted(seconds, key=lambda span: span[0])

    @property
    def open(self) -> list[float]:
        return [start for start, end in self.spans if end is None]


def shelf(*alerts: Alert) -> Shelf:
    made = Shelf()
    for alert in alerts:
        made.take(alert)
    return made


def test_a_first_firing_opens_an_episode() -> None:
    joined = Shelf().take(firing(10))
    assert joined.outcome is Outcome.OPENED
    assert [type(h) for h in joined.happenings] == [AlertFired]


def test_a_repeated_delivery_changes_nothing() -> None:
    made = shelf(firing(10))
    assert made.take(firing(10)) == Join(Outcome.REPEATED)


def test_a_changed_annotation_is_told() -> None:
    made = shelf(firing(10))
    joined = made.take(firing(10, summary="it fires more"))
    assert joined.outcome is Outcome.CHANGED
    assert joined.happenings[0].annotations == {"summary": "it fires more"}  # type: ignore[union-attr]
    assert made.spans == [(10, None)]


def test_a_resolve_closes_the_open_episode_whatever_start_it_names() -> None:
    made = shelf(firing(10.276))
    assert made.take(resolved(10.082, 60)).outcome is Outcome.CLOSED
    assert made.spans == [(10.082, 60)]


def test_a_start_that_moves_backwards_stays_the_same_episode() -> None:
    made = shelf(firing(10.276))
    assert made.take(firing(10.082)).outcome is Outcome.CHANGED
    assert made.take(firing(10.276)).outcome is Outcome.REPEATED
    assert made.spans == [(10.082, None)]


def test_a_later_start_of_the_other_sender_is_no_flap() -> None:
    made = shelf(firing(10))
    assert made.take(firing(24)).outcome is Outcome.REPEATED
    assert made.spans == [(10, None)]


def test_a_resolve_repeated_later_changes_nothing() -> None:
    made = shelf(firing(10), resolved(10, 60))
    assert made.take(resolved(10, 60)) == Join(Outcome.REPEATED)


def test_a_resolve_repeated_while_it_fires_again_does_not_close_that() -> None:
    made = shelf(firing(10), resolved(10, 60), firing(300))
    assert made.take(resolved(10, 60)).outcome is Outcome.REPEATED
    assert made.open == [300]


def test_a_refire_with_a_new_start_is_a_new_episode() -> None:
    made = shelf(firing(10), resolved(10, 60))
    assert made.take(firing(120)).outcome is Outcome.OPENED
    assert made.spans == [(10, 60), (120, None)]


def test_a_stale_firing_after_the_resolve_is_ignored() -> None:
    made = shelf(firing(10), resolved(10, 60))
    assert made.take(firing(10)) == Join(Outcome.STALE)
    assert made.take(firing(60)) == Join(Outcome.STALE)
    assert made.open == []


def test_a_firing_seen_in_alertmanager_itself_is_never_stale() -> None:
    made = shelf(firing(10), resolved(10, 60))
    assert made.take(firing(10), look=True).outcome is Outcome.OPENED
    assert len(made.open) == 1
    assert made.take(firing(10)).outcome is Outcome.STALE
    assert made.take(resolved(10, 200)).outcome is Outcome.CLOSED
    assert made.open == []


def test_a_flap_between_two_deliveries_is_a_new_episode() -> None:
    made = shelf(firing(10))
    joined = made.take(firing(100))
    assert joined.outcome is Outcome.OPENED
    assert joined.also_ended is not None
    assert made.spans == [(10, 100), (100, None)]


def test_the_end_of_a_flap_told_later_corrects_the_presumed_one() -> None:
    made = shelf(firing(10), firing(100))
    assert made.take(resolved(10, 40)).outcome is Outcome.REPEATED
    assert made.spans == [(10, 40), (100, None)]


def test_a_resolve_without_firing_is_remembered_but_opens_nothing() -> None:
    made = Shelf()
    joined = made.take(resolved(10, 60))
    assert joined.outcome is Outcome.PAST
    assert not joined.happenings
    assert made.take(firing(10)).outcome is Outcome.STALE


def test_the_late_end_of_an_earlier_span_leaves_the_later_one_open() -> None:
    made = shelf(firing(200), firing(10))
    joined = made.take(resolved(10, 60))
    assert [type(h) for h in joined.happenings] == [AlertEnded, AlertFired]
    assert made.spans == [(10, 60), (200, None)]


def test_the_end_of_an_earlier_span_at_the_very_start_of_the_later_leaves_that_open() -> None:
    kept = shelf(firing(10), firing(400), resolved(10, 400))
    assert kept.spans == [(10, 400), (400, None)]
    assert isinstance(kept.take(resolved(400, 500)).happenings[0], AlertEnded)
    assert kept.open == []


def test_a_resolve_that_names_a_later_start_ends_the_flap_too() -> None:
    made = shelf(firing(10))
    joined = made.take(resolved(100, 150))
    assert joined.outcome is Outcome.CLOSED
    assert made.spans == [(10, 100), (100, 150)]
    assert made.open == []


@dataclass(frozen=True)
class Story:
    """What really happened: spans of one alert, the last of which may still fire."""

    spans: tuple[tuple[float, float | None], ...]


@st.composite
def stories(draw: st.DrawFn) -> Story:
    gaps = st.integers(min_value=60, max_value=500)
    moment, spans = 0.0, []
    for _ in range(draw(st.integers(1, 5))):
        start = moment + draw(gaps)
        moment = start + draw(gaps)
        spans.append((start, moment))
    if draw(st.booleans()):
        return Story((*spans[:-1], (spans[-1][0], None)))
    return Story(tuple(spans))


def reports(story: Story, *, jitter: float = 0) -> list[Alert]:
    told = []
    for start, end in story.spans:
        told.append(firing(start))
        if jitter:
            told.append(firing(start + jitter))
        if end is not None:
            told += [resolved(start, end), *([resolved(start + jitter, end + jitter)] if jitter else [])]
    return told


@given(st.data(), stories())
def test_deliveries_in_any_order_and_number_converge_to_what_happened(data: st.DataObject, story: Story) -> None:
    told = reports(story)
    repeated = data.draw(st.lists(st.sampled_from(told), max_size=10))
    made = shelf(*data.draw(st.permutations(told + repeated)))
    assert made.spans == list(story.spans)


@given(st.data(), stories(), st.sampled_from([0.2, 5, 25]))
def test_two_senders_that_disagree_make_no_further_episodes(data: st.DataObject, story: Story, jitter: float) -> None:
    assert timedelta(seconds=jitter) < SENDERS_DISAGREE
    made = shelf(*data.draw(st.permutations(reports(story, jitter=jitter))))
    assert len(made.spans) == len(story.spans)
    for (start, end), (seen_start, seen_end) in zip(story.spans, made.spans, strict=True):
        assert start <= seen_start <= start + jitter
        assert seen_end == (end if end is None else end + jitter)


@given(st.data(), stories())
def test_no_open_alert_is_lost_and_no_closed_one_reopened_however_deliveries_are_truncated(
    data: st.DataObject, story: Story
) -> None:
    told = reports(story)
    some = data.draw(st.lists(st.sampled_from(told), max_size=20))
    made = Shelf()
    last_end, last_start = -1.0, -1.0
    for alert in some:
        made.take(alert)
        if alert.ends_at is not None:
            last_end = max(last_end, (alert.ends_at - NOON).total_seconds())
        else:
            last_start = max(last_start, (alert.starts_at - NOON).total_seconds())
        assert len(made.open) == (1 if last_start > last_end else 0)


@given(st.data(), stories())
def test_happenings_alone_tell_an_incident_whether_the_alert_fires(data: st.DataObject, story: Story) -> None:
    told = reports(story)
    made = shelf(*data.draw(st.lists(st.sampled_from(told), max_size=20)))
    fires = False
    for happening in made.happened:
        fires = isinstance(happening, AlertFired)
    assert fires == bool(made.open)
