"""Whether each Alertmanager sends us everything, and when: its receiver, the routes to it, and their times."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from responder.cli.checkup import Finding, State, Watch, timed
from responder.cli.checkup_systems import Surroundings
from responder.model.duration import format_duration, parse_duration
from responder.settings.sections import AlertmanagerEndpoint

WEBHOOK = "/v1/webhooks/alertmanager"
_HIDDEN = "<secret>"
"""What newer Alertmanagers show for the address of a webhook."""


@dataclass(frozen=True, slots=True)
class Times:
    """When a route sends: at first Alertmanager's own defaults."""

    group_wait: timedelta = timedelta(seconds=30)
    group_interval: timedelta = timedelta(minutes=5)
    repeat_interval: timedelta = timedelta(hours=4)

    def below(self, route: Mapping[str, Any]) -> "Times":
        """Return those of a route within one that has these."""
        written = {name: str(route[name]) for name in Times.__slots__ if route.get(name)}
        try:
            return replace(self, **{name: parse_duration(text) for name, text in written.items()})
        except ValueError:
            return self

    def __str__(self) -> str:
        """Write them as a file has them."""
        return ", ".join(f"{name} {format_duration(getattr(self, name))}" for name in Times.__slots__)


_LONGEST = (
    ("group_wait", timedelta(seconds=30), "5s", "the first message comes that late"),
    ("group_interval", timedelta(minutes=5), "1m", "ends and further alerts come that late"),
    ("repeat_interval", timedelta(hours=24), "4h", "what was lost on the way is sent again that late"),
)
"""The longest that is no trouble, what to set instead, and what is wrong with more."""


async def alertmanager(
    around: Surroundings, what: str, endpoint: AlertmanagerEndpoint, client: Any
) -> Sequence[Finding]:
    """Ask one how it is set up. Raises: CallError."""
    watch = Watch.start(around.now)
    found = await client.configuration()
    off = watch.off(found.date)
    wrong = list(_wrong(found.written, endpoint.receiver))
    if not wrong:
        times = next(iter(_times(found.written, endpoint.receiver)), Times())
        return (timed(Finding(what, State.OK, f"version {found.version}, receiver {endpoint.receiver}, {times}"), off),)
    told = [Finding(what, state, f"version {found.version}; {detail}", cure) for state, detail, cure in wrong]
    return [timed(told[0], off), *told[1:]]


def _wrong(written: Mapping[str, Any], name: str) -> Iterator[tuple[State, str, str]]:
    receivers = {str(one.get("name")): one for one in written.get("receivers") or ()}
    if name not in receivers:
        known = ", ".join(sorted(receivers)) or "none"
        cure = "name one of them in alertmanagers[].receiver, or add deploy/alertmanager/alertmanager.yml to its file"
        yield State.FAILED, f"it has no receiver {name}; there are: {known}", cure
        return
    hooks = receivers[name].get("webhook_configs") or []
    urls = [str(hook.get("url", _HIDDEN)) for hook in hooks]
    ours = [hook for hook, url in zip(hooks, urls, strict=True) if url == _HIDDEN or WEBHOOK in url]
    if not ours:
        cure = f"give it a webhook_configs entry with our address, which ends with {WEBHOOK}"
        yield State.FAILED, f"its receiver {name} does not send to us", cure
        return
    routed = _times(written, name)
    if not routed:
        yield State.FAILED, f"no route of it leads to the receiver {name}", f"add a route with receiver: {name}"
    if any(hook.get("send_resolved") is False for hook in ours):
        yield State.WARNING, f"its receiver {name} does not say when alerts end", "set send_resolved: true"
    if any(hook.get("max_alerts") for hook in ours):
        yield State.WARNING, f"its receiver {name} leaves alerts of large groups out", "set max_alerts: 0"
    for word, longest, better, trouble in _LONGEST:
        worst = max((getattr(times, word) for times in routed), default=longest)
        if worst > longest:
            detail = f"{word} is {format_duration(worst)} on a route to {name}: {trouble}"
            yield State.WARNING, detail, f"set {word}: {better}"


def _times(written: Mapping[str, Any], name: str) -> list[Times]:
    """Return the times of every route that leads to a receiver."""
    return [times for receiver, times in _routed(written.get("route") or {}, "", Times()) if receiver == name]


def _routed(route: Mapping[str, Any], receiver: str, above: Times) -> Iterator[tuple[str, Times]]:
    """Yield where each route leads; a route says only what differs from the one above it."""
    receiver, times = str(route.get("receiver") or receiver), above.below(route)
    yield receiver, times
    for below in route.get("routes") or ():
        yield from _routed(below, receiver, times)
