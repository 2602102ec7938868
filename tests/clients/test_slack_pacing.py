"""The pace of requests to Slack, on a clock that the test moves."""

from responder.clients.slack.pacing import EDITS, FORGET_AFTER, ONE_MESSAGE, POSTS, Pacer


class _Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_channel_takes_a_short_burst_and_then_one_a_second() -> None:
    clock = _Clock()
    pacer = Pacer(clock)
    sent = 0
    for step in range(600):
        clock.now = 1000.0 + step / 10
        sent += pacer.take("C1", POSTS, who=f"m{step}") == 0.0
    assert sent == POSTS.burst + 59


def test_a_full_channel_delays_no_other() -> None:
    pacer = Pacer(_Clock())
    for number in range(20):
        pacer.take("C1", POSTS, who=str(number))
    assert pacer.take("C1", POSTS, who="late") > 0
    assert pacer.take("C2", POSTS, who="late") == 0.0


def test_an_urgent_post_goes_before_those_that_wait() -> None:
    pacer = Pacer(_Clock())
    for number in range(20):
        pacer.take("C1", POSTS, who=str(number))
    assert pacer.take("C1", POSTS, who="urgent", urgent=True) == 0.0


def test_those_turned_away_are_told_different_times() -> None:
    clock = _Clock()
    pacer = Pacer(clock)
    waits = [pacer.take("C1", POSTS, who=str(number)) for number in range(24)]
    told = [wait for wait in waits if wait]
    assert len(set(told)) == len(told) == 20
    last = told[-1]
    assert last <= 20 * POSTS.every
    again = [pacer.take("C1", POSTS, who=str(number)) for number in range(4, 24)]
    assert again == told


def test_who_comes_back_when_told_gets_through() -> None:
    clock = _Clock()
    pacer = Pacer(clock)
    due = {str(number): 1000.0 for number in range(30)}
    done: list[float] = []
    tries = 0
    while due:
        who = min(due, key=lambda name: due[name])
        clock.now = max(clock.now, due[who])
        tries += 1
        wait = pacer.take("C1", POSTS, who=who)
        if wait:
            due[who] = clock.now + wait
        else:
            done.append(clock.now)
            del due[who]
    assert clock.now <= 1000.0 + 27
    assert tries <= 3 * len(done)


def test_a_wait_that_slack_asked_for_holds_everybody_in_that_channel() -> None:
    clock = _Clock()
    pacer = Pacer(clock)
    pacer.hold("C1", 30.0)
    assert pacer.take("C1", POSTS, who="a", urgent=True) == 30.0
    assert pacer.take("C2", POSTS, who="a") == 0.0
    clock.now += 30.0
    assert pacer.take("C1", POSTS, who="a") == 0.0


def test_one_message_is_edited_at_most_once_a_second() -> None:
    clock = _Clock()
    pacer = Pacer(clock)
    assert pacer.take("m", ONE_MESSAGE, who="m") == 0.0
    clock.now += 0.25
    assert pacer.take("m", ONE_MESSAGE, who="m") == 0.75
    clock.now += 0.75
    assert pacer.take("m", ONE_MESSAGE, who="m") == 0.0


def test_edits_of_the_workspace_stay_within_its_tier() -> None:
    clock = _Clock()
    pacer = Pacer(clock)
    sent = 0
    for second in range(600):
        clock.now = 1000.0 + second
        sent += sum(pacer.take("edits", EDITS, who=f"{second}/{n}") == 0.0 for n in range(3))
    assert sent <= EDITS.burst + 600 / EDITS.every


def test_a_channel_known_by_name_goes_on_under_its_id() -> None:
    pacer = Pacer(_Clock())
    for number in range(POSTS.burst):
        pacer.take("#incidents", POSTS, who=str(number))
    pacer.rename("#incidents", "C1")
    assert pacer.take("C1", POSTS, who="next") > 0


def test_idle_buckets_are_forgotten() -> None:
    clock = _Clock()
    pacer = Pacer(clock)
    for number in range(1000):
        pacer.take(f"message{number}", ONE_MESSAGE, who="x")
    clock.now += 2 * FORGET_AFTER
    pacer.take("other", ONE_MESSAGE, who="x")
    assert len(pacer) == 1
