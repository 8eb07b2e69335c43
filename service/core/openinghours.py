"""Opening hours: how long somebody had to answer, while the clock runs by day only.

The clock runs while the wall clock of a site shows a time within its hours. So a range
may pass midnight (22:00 to 06:00), an hour that the clocks skip is no working time, and
one that they repeat is worked twice.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Final

Hours = tuple[int, int]
"""Local minutes after midnight, from and to (exclusive, up to 1440); from may be the later."""

SPAN_MAX: Final = timedelta(days=3_660)
"""No deadline lies further away, however few hours there are."""

_DAY: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)
_STEP: Final = timedelta(hours=6)
"""How far apart offsets are compared. No zone has changed its clocks twice in that time."""


def due_at(start: datetime, within: timedelta, hours: Hours | None, zone: tzinfo) -> datetime:
    """The instant at which ``within`` of working time has passed since ``start``.

    ``start`` is aware; what is returned is UTC. Without ``hours`` the clock never stops.
    At most `SPAN_MAX` after ``start``. Where nothing is left it is ``start`` itself.
    """
    left, start = within, start.astimezone(UTC)
    if hours is None or not left:
        return start + left
    latest = start + SPAN_MAX
    for begins, ends in _openings(start, latest, hours, zone):
        if left <= ends - begins:
            return begins + left
        left -= ends - begins
    return latest


def worked(start: datetime, end: datetime, hours: Hours | None, zone: tzinfo) -> timedelta:
    """The working time from ``start`` to ``end``; nothing where that is not the later."""
    if end <= start:
        return timedelta()
    if hours is None:
        return end - start
    openings = _openings(start.astimezone(UTC), end.astimezone(UTC), hours, zone)
    return sum((ends - begins for begins, ends in openings), timedelta())


def _openings(
    start: datetime, end: datetime, hours: Hours, zone: tzinfo
) -> Iterator[tuple[datetime, datetime]]:
    """The stretches between two instants in which the clock runs, in order."""
    for since, until in _steady(start, end, zone):
        offset = since.astimezone(zone).utcoffset() or timedelta()
        for begins, ends in _local(since + offset, until + offset, hours):
            yield begins - offset, ends - offset


def _steady(start: datetime, end: datetime, zone: tzinfo) -> Iterator[tuple[datetime, datetime]]:
    """The same time in pieces during each of which the zone keeps its offset."""
    since = start
    while since < end:
        until = min(since + _STEP, end)
        changed = _change(since, until, zone)
        yield since, changed
        since = changed


def _change(since: datetime, until: datetime, zone: tzinfo) -> datetime:
    """The first instant with another offset than at ``since``, or ``until``.

    Clocks are changed at whole seconds, so no finer instant is looked at.
    """
    offset = since.astimezone(zone).utcoffset()
    if until.astimezone(zone).utcoffset() == offset:
        return until
    low, high = since.replace(microsecond=0), until.replace(microsecond=0) + _SECOND
    while high - low > _SECOND:
        middle = low + _SECOND * ((high - low) // (2 * _SECOND))
        if middle.astimezone(zone).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return min(high, until)


def _local(since: datetime, until: datetime, hours: Hours) -> Iterator[tuple[datetime, datetime]]:
    """The stretches within the hours of each day, on a clock that nobody changes."""
    begin, end = (timedelta(minutes=minutes) for minutes in hours)
    day = datetime.combine(since.date(), time(), tzinfo=UTC) - _DAY
    lasts = end - begin if end > begin else end - begin + _DAY
    while day + begin < until:
        begins, ends = max(since, day + begin), min(until, day + begin + lasts)
        if begins < ends:
            yield begins, ends
        day += _DAY
