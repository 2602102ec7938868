"""Windows in a time zone, by hours, weekdays and dates: in which an action may run, or with a freeze may not."""

import re
from dataclasses import dataclass
from datetime import MAXYEAR, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|(24):(00)", re.ASCII)
_DATE = re.compile(r"(?:([1-9][0-9]{3})-)?([0-9]{2})-([0-9]{2})", re.ASCII)
_NO_LEAP_YEAR = 2001
_SOON = timedelta(days=300)
"""What ends later than that is told with its year."""


@dataclass(frozen=True, slots=True, order=True)
class Day:
    """A day of the calendar; with `year` 0 that of every year."""

    year: int
    month: int
    day: int

    def __str__(self) -> str:
        """Show as a person would say it: `20 December 2026`."""
        return f"{self.day} {_MONTHS[self.month - 1]}" + (f" {self.year}" if self.year else "")


@dataclass(frozen=True, slots=True)
class Window:
    """
    Hours on some `days`, none given for every day, on the clocks of `zone`; or whole days from `first` to `last`.

    `begin` and `end` are minutes of the day; an end at or before the begin is on the next day, and the day that counts
    is the one on which the window begins. A `freeze` forbids what other windows allow.
    """

    days: tuple[str, ...] = ()
    begin: int = 0
    end: int = 24 * 60
    zone: str = "UTC"
    freeze: bool = False
    first: Day | None = None
    last: Day | None = None

    def covers(self, moment: datetime) -> bool:
        """Whether the moment is within. Raises: ValueError or KeyError for a zone that nobody knows."""
        local = moment.astimezone(ZoneInfo(self.zone))
        minute = local.hour * 60 + local.minute
        if self.end > self.begin:
            return self._on(local) and self.begin <= minute < self.end
        return (self._on(local) and minute >= self.begin) or (self._on(local - timedelta(days=1)) and minute < self.end)

    def ends(self, moment: datetime) -> datetime | None:
        """Return when the dates that cover a moment are over, None for hours and weekdays. Raises as `covers` does."""
        if self.last is None or self.days:
            return None
        zone = ZoneInfo(self.zone)
        today = moment.astimezone(zone).date()
        gone = not self.last.year and (self.last.month, self.last.day) < (today.month, today.day)
        last = date(self.last.year or today.year + gone, self.last.month, self.last.day)
        return datetime.combine(last + timedelta(days=1), time(), zone)

    def __str__(self) -> str:
        """Show as a person would say it: `mon, tue 09:00-17:00 Europe/Berlin`."""
        days = f"{', '.join(self.days)} " if self.days else ""
        if self.first is not None:
            return f"{days}{self.first} to {self.last} {self.zone}"
        return f"{days}{_clock(self.begin)}-{_clock(self.end)} {self.zone}"

    def _on(self, local: datetime) -> bool:
        return (not self.days or DAYS[local.weekday()] in self.days) and self._within(local.date())

    def _within(self, today: date) -> bool:
        if self.first is None or self.last is None:
            return True
        year = today.year if self.first.year else 0
        day = Day(year, today.month, today.day)
        if self.first <= self.last:
            return self.first <= day <= self.last
        return day >= self.first or day <= self.last


def window_of(*, days: tuple[str, ...], begin: str | None, end: str | None, zone: str, freeze: bool) -> Window:
    """
    Type a window as written; `begin` and `end` are both hours, or both dates, the last of which counts.

    Raises: ValueError.
    """
    first, last = (_DATE.fullmatch(text) is not None if text else False for text in (begin, end))
    if not first and not last:
        return Window(days, minute_of(begin or "00:00"), minute_of(end or "24:00"), zone, freeze)
    if not first or not last:
        raise ValueError("`from` and `to` are both hours, or both dates: write from 2026-12-20 to 2027-01-03")
    opening, closing = day_of(begin or ""), day_of(end or "")
    if bool(opening.year) != bool(closing.year):
        raise ValueError("`from` and `to` both have a year, or both are of every year, as from 12-20 to 01-03")
    if opening.year and closing < opening:
        raise ValueError(f"`to` is before `from`: {opening} to {closing}")
    return Window(days, zone=zone, freeze=freeze, first=opening, last=closing)


def minute_of(text: str) -> int:
    """Read a time of day as the minutes since midnight. Raises: ValueError."""
    found = _CLOCK.fullmatch(text)
    if not found:
        raise ValueError(f"`{text}` is no time of day: write hours and minutes, such as 22:30, or a date")
    return int(found[1] or found[3]) * 60 + int(found[2] or found[4])


def day_of(text: str) -> Day:
    """Read a date, with a year or of every year. Raises: ValueError."""
    found = _DATE.fullmatch(text)
    try:
        year, month, day = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
        date(year or _NO_LEAP_YEAR, month, day)
    except ValueError as error:
        raise ValueError(f"`{text}` is no date: write it as 2026-12-20, or 12-20 for every year") from error
    if year == MAXYEAR:
        raise ValueError(f"`{text}` is for ever: leave `from` and `to` out, or write an earlier year")
    return Day(year, month, day)


def shown(moment: datetime, now: datetime) -> str:
    """Write a moment by the clocks of its own zone: `4 January 00:00 Europe/Berlin`."""
    year = f" {moment.year}" if moment - now > _SOON else ""
    return f"{moment.day} {_MONTHS[moment.month - 1]}{year} {moment:%H:%M} {moment.tzinfo}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
