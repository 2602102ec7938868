"""The episodes of an incident while a turn takes in alerts: found by fingerprint, as there can be thousands."""

from dataclasses import dataclass, field, replace
from typing import Any

from responder.model.alert import Episode

MOST_ENDED = 200
"""Ended episodes kept in an incident, the newest; all of them are in the store."""


@dataclass(slots=True)
class Album:
    """Episodes in the order in which they joined; `given` are put in order when one is first asked for."""

    given: tuple[Episode, ...] = ()
    _pages: dict[int, Episode] = field(default_factory=dict)
    _places: dict[str, list[int]] = field(default_factory=dict)
    _next: int = 0
    _ended: int = 0

    @property
    def episodes(self) -> tuple[Episode, ...]:
        """All of them, as an incident keeps them."""
        self._open()
        return tuple(self._pages.values())

    def find(self, fingerprint: str) -> list[Episode]:
        """Return those of one alert."""
        self._open()
        return [self._pages[place] for place in self._places.get(fingerprint, ())]

    def add(self, episode: Episode) -> None:
        """Add one, and let go of the oldest that have ended, where those are too many."""
        self._open()
        if self._ended > MOST_ENDED:
            self._forget()
        self._put(episode)

    def change_open(self, fingerprint: str, **fields: Any) -> Episode | None:
        """Change what still fires of one alert; returns it as it is now, None where nothing changed."""
        self._open()
        changed: Episode | None = None
        for place in self._places.get(fingerprint, ()):
            before = self._pages[place]
            after = replace(before, **fields) if before.firing else before
            if after != before:
                changed = self._pages[place] = after
                self._ended += not after.firing
        return changed

    def _open(self) -> None:
        given, self.given = self.given, ()
        for episode in given:
            self._put(episode)

    def _put(self, episode: Episode) -> None:
        self._pages[self._next] = episode
        self._places.setdefault(episode.fingerprint, []).append(self._next)
        self._next += 1
        self._ended += not episode.firing

    def _forget(self) -> None:
        ended = [place for place, episode in self._pages.items() if not episode.firing]
        for place in sorted(ended, key=lambda place: self._pages[place].started_at)[:-MOST_ENDED]:
            self._places[self._pages.pop(place).fingerprint].remove(place)
            self._ended -= 1
