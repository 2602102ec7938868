"""What the alerts say of themselves, as part of the living message."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from responder.model.alert import Episode
from responder.model.incident import Incident
from responder.model.labels import common
from responder.model.message import Block, Instant, Item, Listing, Own, Paragraph, Part
from responder.response.wording import listed, outside

_MOST_ALERTS = 8
_SAID = ("summary", "message", "description")
"""Annotations that people write for people, the shortest first."""


def alerts(incident: Incident) -> Iterator[Block]:
    """Tell a single alert in its own words, several apart by their labels."""
    shown = incident.firing or incident.episodes[-_MOST_ALERTS:]
    if len(shown) == 1:
        yield from _alone(shown[0], incident.title)
        return
    shared = incident.labels if incident.firing else common(episode.labels for episode in shown)
    items = [_alert(episode, shared) for episode in shown[:_MOST_ALERTS]]
    if len(shown) > _MOST_ALERTS:
        items.append(Item((Own(f"and {len(shown) - _MOST_ALERTS} more"),)))
    if items:
        yield Listing("Firing" if incident.firing else "Alerts", tuple(items))


def _alone(episode: Episode, title: str) -> Iterator[Block]:
    said = [text for name in _SAID if (text := episode.annotations.get(name, "").strip()) and text != title]
    name = episode.labels.get("alertname", "")
    if said:
        heading = (outside(name, code=True), Own(": ")) if name else ()
        yield Paragraph((*heading, *listed((outside(text) for text in dict.fromkeys(said)), "\n")))
    elif name and name != title:
        yield Paragraph((outside(name, code=True), Own(" fires") if episode.firing else Own(" has ended")))


def _alert(episode: Episode, shared: Mapping[str, str]) -> Item:
    name = episode.labels.get("alertname", "alert")
    text: list[Part] = [outside(name, code=True)]
    differing = {k: v for k, v in episode.labels.items() if k not in shared and k != "alertname"}
    if differing:
        pairs = (outside(f"{k}={v}", code=True, limit=80) for k, v in sorted(differing.items())[:4])
        text += [Own(" "), *listed(pairs, " ")]
    if summary := next((episode.annotations[k] for k in _SAID if episode.annotations.get(k, "").strip()), ""):
        text += [Own(" "), outside(summary, limit=200)]
    text += [Own(" since ") if episode.firing else Own(" until "), Instant(_moment(episode))]
    if episode.silenced_by:
        text.append(Own(" (silenced)", "italic"))
    return Item(tuple(text))


def _moment(episode: Episode) -> datetime:
    return episode.ended_at or episode.started_at
