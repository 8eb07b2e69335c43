"""Working time, reckoned by looking at the clock on the wall once a minute."""

from datetime import datetime, timedelta, tzinfo

MINUTE = timedelta(minutes=1)


def is_open(at: datetime, hours: tuple[int, int], zone: tzinfo) -> bool:
    """Whether the wall clock shows a time within the hours (minutes after midnight)."""
    local = at.astimezone(zone)
    minute, (begin, end) = local.hour * 60 + local.minute, hours
    return begin <= minute < end if begin < end else minute >= begin or minute < end


def due_at(start: datetime, minutes: int, hours: tuple[int, int], zone: tzinfo) -> datetime:
    """When so many open minutes have passed since a whole minute."""
    at = start
    while minutes:
        minutes -= is_open(at, hours, zone)
        at += MINUTE
    return at


def worked(start: datetime, end: datetime, hours: tuple[int, int], zone: tzinfo) -> int:
    """How many minutes between two whole minutes were open."""
    whole = range((end - start) // MINUTE)
    return sum(1 for number in whole if is_open(start + number * MINUTE, hours, zone))
