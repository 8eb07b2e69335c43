"""Calendar windows: from one local boundary to the next, whatever the clocks do."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final, Literal

Every = Literal["day", "week", "month", "quarter", "year"]

LASTS_MAX: Final[dict[Every, timedelta]] = {
    "day": timedelta(days=2),
    "week": timedelta(days=9),
    "month": timedelta(days=33),
    "quarter": timedelta(days=94),
    "year": timedelta(days=368),
}
"""Longer than any such window, whatever the clocks do in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Where the boundaries lie. ``week_starts`` is 0 for Monday … 6 for Sunday."""

    day_starts: time = time(0)
    week_starts: int = 0
    year_starts: tuple[int, int] = (1, 1)


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open stretch of time, UTC instants."""

    starts_at: datetime
    ends_at: datetime


def window_at(at: datetime, every: Every, zone: tzinfo, calendar: Calendar) -> Window:
    """The window of ``every`` that contains ``at`` (aware) in ``zone``.

    Boundaries are local: a day may have 23 or 25 hours. A boundary that the clocks skip
    or repeat is taken at its first occurrence. Months and quarters begin with the
    calendar's day of the year and on the day number of ``year_starts``.
    """
    first = _first_day(_business_day(at, zone, calendar), every, calendar)
    following = _following(first, every)
    return Window(_boundary(first, zone, calendar), _boundary(following, zone, calendar))


def _business_day(at: datetime, zone: tzinfo, calendar: Calendar) -> date:
    """The local day whose window holds ``at``; compared as instants, so DST cannot mislead."""
    day = at.astimezone(zone).date() + timedelta(days=1)
    while _boundary(day, zone, calendar) > at:
        day -= timedelta(days=1)
    return day


def _boundary(day: date, zone: tzinfo, calendar: Calendar) -> datetime:
    return datetime.combine(day, calendar.day_starts, tzinfo=zone).astimezone(UTC)


def _first_day(day: date, every: Every, calendar: Calendar) -> date:
    if every == "day":
        return day
    if every == "week":
        return day - timedelta(days=(day.weekday() - calendar.week_starts) % 7)
    start_month, start_day = calendar.year_starts
    if every == "year":
        return _on_or_before(day, months=12, month=start_month, day_of_month=start_day)
    months = 1 if every == "month" else 3
    return _on_or_before(day, months=months, month=start_month, day_of_month=start_day)


def _on_or_before(day: date, *, months: int, month: int, day_of_month: int) -> date:
    """The last boundary on or before ``day`` among those ``months`` apart, one in ``month``."""
    ordinal = day.year * 12 + day.month - 1
    ordinal -= (ordinal - (month - 1)) % months
    first = date(ordinal // 12, ordinal % 12 + 1, day_of_month)
    return first if first <= day else _add_months(first, -months)


def _add_months(day: date, months: int) -> date:
    ordinal = day.year * 12 + day.month - 1 + months
    return date(ordinal // 12, ordinal % 12 + 1, day.day)


def _following(first: date, every: Every) -> date:
    if every == "day":
        return first + timedelta(days=1)
    if every == "week":
        return first + timedelta(days=7)
    return _add_months(first, {"month": 1, "quarter": 3, "year": 12}[every])
