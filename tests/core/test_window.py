"""Calendar windows run from local boundary to local boundary."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.window import Calendar, Every, window_at

VIENNA = ZoneInfo("Europe/Vienna")
EVERY: list[Every] = ["day", "week", "month", "quarter", "year"]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("instant", "hours"), [("2026-03-29T12:00+02:00", 23), ("2026-10-25T12:00+01:00", 25)]
)
def test_a_day_is_as_long_as_the_clocks_make_it(instant: str, hours: int) -> None:
    """Across the two changes of the clocks a day has 23 and 25 hours."""
    window = window_at(at(instant), "day", VIENNA, Calendar())
    assert window.ends_at - window.starts_at == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("every", "starts", "ends"),
    [
        ("day", "2026-05-13T04:00+02:00", "2026-05-14T04:00+02:00"),
        ("week", "2026-05-10T04:00+02:00", "2026-05-17T04:00+02:00"),
        ("month", "2026-05-06T04:00+02:00", "2026-06-06T04:00+02:00"),
        ("quarter", "2026-04-06T04:00+02:00", "2026-07-06T04:00+02:00"),
        ("year", "2026-04-06T04:00+02:00", "2027-04-06T04:00+02:00"),
    ],
)
def test_the_calendar_moves_the_boundaries(every: Every, starts: str, ends: str) -> None:
    """A day from 4 in the morning, a week from Sunday, a year from 6 April: all are kept."""
    calendar = Calendar(day_starts=time(4), week_starts=6, year_starts=(4, 6))
    window = window_at(at("2026-05-14T03:59+02:00"), every, VIENNA, calendar)
    assert (window.starts_at, window.ends_at) == (at(starts), at(ends))


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001 — made aware below
    st.sampled_from(EVERY),
    st.sampled_from(["Europe/Vienna", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]),
    st.integers(0, 23),
    st.integers(0, 6),
    st.tuples(st.integers(1, 12), st.integers(1, 28)),
)
def test_windows_hold_their_instant_and_follow_without_gap(
    naive: datetime, every: Every, zone: str, hour: int, week: int, year: tuple[int, int]
) -> None:
    """Every instant lies in its window, and the next window begins where this one ends."""
    calendar = Calendar(day_starts=time(hour), week_starts=week, year_starts=year)
    instant = naive.replace(tzinfo=UTC)
    window = window_at(instant, every, ZoneInfo(zone), calendar)
    assert window.starts_at <= instant < window.ends_at
    following = window_at(window.ends_at, every, ZoneInfo(zone), calendar)
    assert following.starts_at == window.ends_at
