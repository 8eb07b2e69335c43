"""The functions that conditions may call, as plain Python over minor units.

Each raises where there is no right answer; the evaluation then ends in an error, which
never approves anything.
"""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import lru_cache

from service.core import money

DAYS_MAX = 3_652_500
"""The longest duration that CEL can hold, in days (cel-spec: 10,000 years)."""

AMOUNTS_MIN, AMOUNTS_MAX = 2, 6
"""How many amounts ``least`` and ``greatest`` take."""


def percent_of_whole(amount: int, share: int) -> int:
    """``share`` percent, half to even. Raises `ValueError` where it is negative."""
    if share < 0:
        raise ValueError("a share is never negative")
    return money.percent(amount, share)


def percent_of_number(amount: int, share: float) -> int:
    """``share`` percent, half to even, of the decimal that the double prints as.

    So 12.1 means 121/10 and not the binary fraction beside it. Raises `ValueError` where
    the share is negative, infinite or no number.
    """
    return money.percent(amount, _exact(share))


@lru_cache(maxsize=256)
def _exact(share: float) -> Fraction:
    exact = Fraction(repr(share))
    if exact < 0:
        raise ValueError("a share is never negative")
    return exact


def times(amount: int, factor: int) -> int:
    """The amount that many times. Raises `ValueError` where the factor is negative."""
    if factor < 0:
        raise ValueError("a factor is never negative")
    return amount * factor


def days(count: int) -> timedelta:
    """That many days of 24 hours. Raises `OverflowError` where no duration is that long."""
    if abs(count) > DAYS_MAX:
        raise OverflowError("no duration is that long")
    return timedelta(days=count)


def parse_date(text: str) -> datetime:
    """Midnight UTC of ``"2026-03-01"``. Raises `ValueError` for anything else."""
    day = date.fromisoformat(text)
    if day.isoformat() != text:
        raise ValueError(f"{text!r} is not written as year-month-day")
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
