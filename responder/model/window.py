"""Hours of the day in a time zone: in which an action may run, or with a freeze may not."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Window:
    """
    Hours on some `days`, none given for every day, on the clocks of `zone`.

    `begin` and `end` are minutes of the day; an end at or before the begin is on the next day, and the day that counts
    is the one on which the window begins. A `freeze` forbids what other windows allow.
    """

    days: tuple[str, ...] = ()
    begin: int = 0
    end: int = 24 * 60
    zone: str = "UTC"
    freeze: bool = False

    def covers(self, moment: datetime) -> bool:
        """Whether the moment is within. Raises: ValueError or KeyError for a zone that nobody knows."""
        local = moment.astimezone(ZoneInfo(self.zone))
        minute = local.hour * 60 + local.minute
        if self.end > self.begin:
            return self._on(local) and self.begin <= minute < self.end
        return (self._on(local) and minute >= self.begin) or (self._on(local - timedelta(days=1)) and minute < self.end)

    def __str__(self) -> str:
        """Show as a person would say it: `mon, tue 09:00-17:00 Europe/Berlin`."""
        days = f"{', '.join(self.days)} " if self.days else ""
        return f"{days}{_clock(self.begin)}-{_clock(self.end)} {self.zone}"

    def _on(self, local: datetime) -> bool:
        return not self.days or DAYS[local.weekday()] in self.days


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
