"""
Telling receivers: one living message each, edited as facts arrive, and notes beside it.

While a sending is in flight no other is asked for, so that a receiver is never told twice; what changed meanwhile is
sent next. A failure delays and loses nothing: it is tried again, with growing pauses.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import get_args

from responder.model import codec
from responder.model.command import Notify
from responder.model.incident import Incident, Post, Stage, Status
from responder.model.message import Message, Purpose
from responder.model.receiver import Receiver
from responder.model.rule import Rule
from responder.model.timeline import Event, Notified, NotifyFailed
from responder.response import message, stopping
from responder.response.brain import Brain
from responder.response.diagnosis import is_settled
from responder.response.draft import Draft

BETWEEN_EDITS = timedelta(seconds=1)
"""At most one edit a second of each message."""
_MOST_WAITING = 20
_MOST_EVIDENCE = 5
_FIRST_PAUSE = timedelta(seconds=30)
_LONGEST_PAUSE = timedelta(minutes=30)
_GIVE_UP = timedelta(days=1)
"""After the incident was resolved."""
_STAGES: tuple[Stage, ...] = get_args(Stage)


def pause(failures: int) -> timedelta:
    """Return how long to wait after so many failures in a row."""
    return min(_FIRST_PAUSE * (1 << min(failures - 1, 10)), _LONGEST_PAUSE)


def is_given_up(incident: Incident, failures: int, now: datetime) -> bool:
    """Whether to stop trying: the incident is long over."""
    return bool(failures and incident.resolved_at and now - incident.resolved_at > _GIVE_UP)


def receivers(incident: Incident, brain: Brain) -> Sequence[Receiver]:
    """Return whom the severity, the rules and the playbook say to tell, each once."""
    found = {receiver.name: receiver for receiver in brain.receivers(_roles(incident, brain), incident.team)}
    return tuple(found.values())


def take_in(draft: Draft, events: Sequence[Event]) -> None:
    """Take in what became of earlier sendings; an answer that is not waited for is old."""
    for event in events:
        match event.what:
            case Notified():
                _told(draft, event.at, event.what)
            case NotifyFailed():
                _failed(draft, event.what)


def tell(draft: Draft) -> None:
    """Ask for every sending that is due."""
    known = set(draft.incident.posts)
    called = (receiver for call in draft.calls for receiver in call.to)
    for receiver in (*receivers(draft.incident, draft.brain), *called):
        if receiver.name not in draft.incident.posts and not draft.brain.pages(receiver):
            _put(draft, Post(receiver.name, edits=draft.brain.edits(receiver)))
    _queue(draft, known)
    living: Message | None = None
    for name in draft.incident.posts:
        post = draft.incident.posts[name]
        if not post.in_flight and _is_due(draft, post.retry_at, post.failures):
            living = living or message.living(draft.incident, draft.brain, draft.now)
            post = _send(draft, replace(post, retry_at=None), codec.MESSAGE.digest(living))
        if not post.replying and _is_due(draft, post.note_retry_at, post.note_failures):
            post = _send_note(draft, replace(post, note_retry_at=None))
        _put(draft, post)


# --- whom ---


def _roles(incident: Incident, brain: Brain) -> tuple[str, ...]:
    rules = [rule for rule in map(brain.rule_of, incident.rules or (incident.rule,)) if rule is not None]
    only = brain.playbook.notify_only or next((rule.notify_only for rule in rules if rule.notify_only), ())
    if only:
        return only
    level = brain.scale.lookup(incident.severity)
    return tuple(dict.fromkeys((*(level.notify if level else ()), *_added(rules))))


def _added(rules: Sequence[Rule]) -> Iterator[str]:
    for rule in rules:
        yield from rule.notify


# --- what came back ---


def _told(draft: Draft, at: datetime, notified: Notified) -> None:
    post = draft.incident.posts.get(notified.receiver)
    if post is None:
        return
    if notified.purpose is Purpose.MESSAGE:
        if post.in_flight and post.sequence == notified.sequence:
            healed = replace(post, error="", failures=0, retry_at=None, in_flight=False)
            told = {"ref": notified.ref, "digest": notified.digest, "sent_at": at}
            _put(draft, replace(healed, **told, stage=post.asked or post.stage, asked=""))
    elif post.replying and post.replies == notified.sequence:
        healed = replace(post, note_error="", note_failures=0, note_retry_at=None, replying=False)
        _put(draft, replace(healed, waiting=post.waiting[1:]))


def _failed(draft: Draft, failed: NotifyFailed) -> None:
    post = draft.incident.posts.get(failed.receiver)
    if post is None:
        return
    if failed.purpose is Purpose.MESSAGE:
        if post.in_flight and post.sequence == failed.sequence:
            failures = post.failures + 1
            broken = replace(post, error=failed.why, failures=failures, retry_at=draft.now + pause(failures))
            _put(draft, replace(broken, in_flight=False, asked=""))
    elif post.replying and post.replies == failed.sequence:
        failures = post.note_failures + 1
        again = draft.now + pause(failures)
        broken = replace(post, note_error=failed.why, note_failures=failures, note_retry_at=again)
        _put(draft, replace(broken, replying=False))


# --- what to send ---


def _queue(draft: Draft, told_before: set[str]) -> None:
    """Put notes where a message already stands, or is on its way; a message yet to come says it all itself."""
    for post in list(draft.incident.posts.values()):
        calls = tuple(_calls(draft, post, told_before))
        if calls:
            _put(draft, replace(post, waiting=_bounded((*post.waiting, *_loud(draft, calls)))))
    posts = [post for post in draft.incident.posts.values() if post.edits and post.receiver in told_before]
    gist = _gist(draft)
    wanting = {p.receiver for p in posts if gist and p.evidence != gist and p.evidences < _MOST_EVIDENCE}
    evidence = message.evidence(draft.incident, draft.brain) if wanting else None
    for post in posts:
        noted = replace(post, waiting=_bounded((*post.waiting, *_loud(draft, draft.replies))))
        if evidence is not None and post.receiver in wanting:
            waiting = _bounded((*noted.waiting, evidence))
            noted = replace(noted, waiting=waiting, evidence=gist, evidences=post.evidences + 1)
        _put(draft, noted)


def _loud(draft: Draft, notes: Sequence[Message]) -> Iterator[Message]:
    """Say on every note first that all automation is stopped, where it is."""
    for note in notes:
        yield replace(note, blocks=(*stopping.banner(draft.brain), *note.blocks))


def _calls(draft: Draft, post: Post, told_before: set[str]) -> Iterator[Message]:
    """Yield what its people have to see at once: whoever is named is called also where no message stands yet."""
    for call in draft.calls:
        named = any(receiver.name == post.receiver for receiver in call.to)
        if named or (not call.to and post.receiver in told_before):
            yield call.note


def _bounded(waiting: tuple[Message, ...]) -> tuple[Message, ...]:
    """Keep the first, which may be on its way, and the newest."""
    return waiting if len(waiting) <= _MOST_WAITING else (waiting[0], *waiting[1 - _MOST_WAITING :])


def _gist(draft: Draft) -> str:
    """Return what the long material is about, once a round has ended; "" before."""
    incident = draft.incident
    if incident.status is Status.RESOLVED or not incident.round or not is_settled(incident, draft.brain.playbook):
        return ""
    return message.gist(incident)


def _is_due(draft: Draft, retry_at: datetime | None, failures: int) -> bool:
    if retry_at and retry_at > draft.now:
        return False
    return not is_given_up(draft.incident, failures, draft.now)


def _send(draft: Draft, post: Post, digest: str) -> Post:
    if not post.edits:
        return _send_stage(draft, post, digest)
    return post if digest == post.digest else _sent(draft, post)


def _send_stage(draft: Draft, post: Post, digest: str) -> Post:
    """Tell a receiver that cannot be edited: when it opens, when all has been looked at, when it is over."""
    reached = _stage(draft)
    if _STAGES.index(reached) <= _STAGES.index(post.stage):
        return post
    return replace(post, stage=reached) if digest == post.digest else replace(_sent(draft, post), asked=reached)


def _stage(draft: Draft) -> Stage:
    if draft.incident.status is Status.RESOLVED:
        return "resolved"
    settled = draft.incident.round > 0 and is_settled(draft.incident, draft.brain.playbook)
    return "diagnosed" if settled or draft.incident.round > 1 else "opened"


def _sent(draft: Draft, post: Post) -> Post:
    command = Notify(post.receiver, Purpose.MESSAGE, post.sequence + 1)
    due_at = max(draft.now, post.sent_at + BETWEEN_EDITS) if post.sent_at else draft.now
    draft.plan(command, priority=draft.priority(), due_at=due_at)
    return replace(post, sequence=post.sequence + 1, in_flight=True)


def _send_note(draft: Draft, post: Post) -> Post:
    """Send the oldest note, once the living message stands."""
    if not post.waiting or (post.ref is None if post.edits else not post.stage):
        return post
    note = post.waiting[0]
    draft.plan(Notify(post.receiver, note.purpose, post.replies + 1, note), priority=draft.priority(1))
    return replace(post, replies=post.replies + 1, replying=True)


def _put(draft: Draft, post: Post) -> None:
    if draft.incident.posts.get(post.receiver) != post:
        draft.change(posts={**draft.incident.posts, post.receiver: post})
