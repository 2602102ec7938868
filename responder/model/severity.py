"""A deployment's own ordered scale of severities."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class BusinessDays:
    """A response time counted in working days of the calendar in the settings."""

    days: int


@dataclass(frozen=True, slots=True)
class Level:
    """
    One level of the scale.

    `respond_within` counts from the opening of the incident, zero means at once, None means nobody promised.
    `notify` names roles, which the incident's team resolves to receivers. `update_every` is None for no reminders.
    """

    name: str
    aliases: tuple[str, ...] = ()
    respond_within: timedelta | BusinessDays | None = None
    update_every: timedelta | None = None
    notify: tuple[str, ...] = ("incidents",)
    escalation: str = ""


@dataclass(frozen=True, slots=True)
class Scale:
    """The levels, most severe first; never empty."""

    levels: tuple[Level, ...]

    def lookup(self, word: str) -> Level | None:
        """Find the level of that name or alias, in any case; None when no level knows the word."""
        wanted = word.strip().casefold()
        for level in self.levels:
            if wanted == level.name.casefold() or wanted in (alias.casefold() for alias in level.aliases):
                return level
        return None

    def rank(self, name: str) -> int:
        """Return the place of a level, 0 for the most severe; a name that no level has ranks last."""
        level = self.lookup(name)
        return self.levels.index(level) if level else len(self.levels)

    def severest(self, *names: str) -> str:
        """Return the most severe of the names."""
        return min(names, key=self.rank)


DEFAULT_SCALE = Scale(
    (
        Level(
            "critical",
            aliases=("P0", "P1", "page", "emergency", "error", "high"),
            respond_within=timedelta(minutes=15),
            notify=("incidents", "on-call"),
        ),
        Level("warning", aliases=("P2", "medium"), respond_within=timedelta(hours=1)),
        Level("info", aliases=("P3", "P4", "low", "none"), respond_within=None),
    )
)
"""What a deployment without `severities` gets: the three words that kube-prometheus-stack uses."""
