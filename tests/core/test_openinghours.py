"""The clock of an answer runs while the site's wall clock shows a time within its hours."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.core.openinghours import SPAN_MAX, Hours, due_at, worked
from tests.oracle import wallclock

NEW_YORK, VIENNA, LORD_HOWE = (
    ZoneInfo(name) for name in ("America/New_York", "Europe/Vienna", "Australia/Lord_Howe")
)
DAY: Hours = (7 * 60, 23 * 60)
NIGHT: Hours = (22 * 60, 6 * 60)
MINUTE = timedelta(minutes=1)

CHANGES = (
    datetime(2026, 3, 8, tzinfo=UTC),  # New York goes forward at 07:00
    datetime(2026, 11, 1, tzinfo=UTC),  # and back at 06:00
    datetime(2026, 3, 29, tzinfo=UTC),  # Vienna, at 01:00
    datetime(2026, 10, 25, tzinfo=UTC),
    datetime(2026, 4, 4, tzinfo=UTC),  # Lord Howe Island goes back by half an hour
    datetime(2026, 10, 3, tzinfo=UTC),
    datetime(2026, 6, 1, tzinfo=UTC),  # nobody changes anything
)


def naive_due(start: datetime, within: timedelta, hours: Hours, zone: ZoneInfo) -> datetime:
    return wallclock.due_at(start, within // MINUTE, hours, zone)


ZONES = st.sampled_from([NEW_YORK, VIENNA, LORD_HOWE])
HOURS = st.tuples(st.integers(0, 1439), st.integers(1, 1440)).filter(lambda h: h[0] != h[1])
STARTS = st.builds(
    lambda day, minutes: day + timedelta(minutes=minutes),
    st.sampled_from(CHANGES),
    st.integers(-2_000, 2_000),
)


@given(start=STARTS, minutes=st.integers(0, 1_000), hours=HOURS, zone=ZONES)
@example(start=CHANGES[0], minutes=60, hours=(2 * 60 + 30, 3 * 60 + 30), zone=NEW_YORK)
@example(start=CHANGES[1], minutes=60, hours=(60, 90), zone=NEW_YORK)
@example(start=CHANGES[4], minutes=30, hours=(90, 120), zone=LORD_HOWE)
def test_a_deadline_is_where_counting_minutes_ends(
    start: datetime, minutes: int, hours: Hours, zone: ZoneInfo
) -> None:
    """Whatever the clocks do: an hour that is skipped is no working time, one twice is two."""
    within = timedelta(minutes=min(minutes, 3 * ((hours[1] - hours[0]) % 1440 or 1440)))
    assert due_at(start, within, hours, zone) == naive_due(start, within, hours, zone)


@given(start=STARTS, lasts=st.integers(0, 4_000), hours=HOURS, zone=ZONES)
def test_working_time_is_the_minutes_that_were_open(
    start: datetime, lasts: int, hours: Hours, zone: ZoneInfo
) -> None:
    """Between any two instants."""
    end = start + timedelta(minutes=lasts)
    assert worked(start, end, hours, zone) == wallclock.worked(start, end, hours, zone) * MINUTE


@given(
    start=STARTS,
    fraction=st.timedeltas(timedelta(), MINUTE),
    within=st.timedeltas(timedelta(microseconds=1), timedelta(days=3)),
    hours=st.sampled_from([DAY, NIGHT, (0, 1440), (150, 149)]),
    zone=ZONES,
)
def test_the_working_time_until_a_deadline_is_the_time_that_was_given(
    start: datetime, fraction: timedelta, within: timedelta, hours: Hours, zone: ZoneInfo
) -> None:
    """To the microsecond: so a clock that was stopped goes on with exactly what was left."""
    start += fraction
    due = due_at(start, within, hours, zone)
    assert worked(start, due, hours, zone) == within
    assert worked(start, due - timedelta(microseconds=1), hours, zone) < within


@given(
    start=STARTS,
    at=st.timedeltas(timedelta(), timedelta(days=2)),
    within=st.timedeltas(timedelta(hours=1), timedelta(days=3)),
    pause=st.timedeltas(timedelta(), timedelta(days=2)),
)
def test_a_pause_costs_no_working_time(
    start: datetime, at: timedelta, within: timedelta, pause: timedelta
) -> None:
    """What was worked before and after it adds up to what was given."""
    due = due_at(start, within, DAY, NEW_YORK)
    stopped = min(start + at, due)
    left = worked(stopped, due, DAY, NEW_YORK)
    again = stopped + pause
    later = due_at(again, left, DAY, NEW_YORK)
    before = worked(start, stopped, DAY, NEW_YORK)
    assert before + worked(again, later, DAY, NEW_YORK) == within


@pytest.mark.parametrize(
    ("start", "within", "hours", "due"),
    [
        ("2026-06-01T12:00:00-04:00", 15, DAY, "2026-06-01T12:15:00-04:00"),
        ("2026-06-01T22:50:00-04:00", 15, DAY, "2026-06-02T07:05:00-04:00"),
        ("2026-06-01T22:45:00-04:00", 15, DAY, "2026-06-01T23:00:00-04:00"),
        ("2026-06-01T23:00:00-04:00", 15, DAY, "2026-06-02T07:15:00-04:00"),
        ("2026-06-01T03:00:00-04:00", 15, DAY, "2026-06-01T07:15:00-04:00"),
        ("2026-06-01T21:50:00-04:00", 15, NIGHT, "2026-06-01T22:15:00-04:00"),
        ("2026-06-01T05:55:00-04:00", 15, NIGHT, "2026-06-01T22:10:00-04:00"),
        ("2026-03-07T22:50:00-05:00", 15, DAY, "2026-03-08T07:05:00-04:00"),
        ("2026-03-08T01:50:00-05:00", 20, NIGHT, "2026-03-08T03:10:00-04:00"),
        ("2026-11-01T01:50:00-04:00", 20, NIGHT, "2026-11-01T01:10:00-05:00"),
    ],
)
def test_a_quarter_of_an_hour_at_night(start: str, within: int, hours: Hours, due: str) -> None:
    """Means the morning by day, and goes on through midnight where the hours do."""
    found = due_at(datetime.fromisoformat(start), timedelta(minutes=within), hours, NEW_YORK)
    assert found == datetime.fromisoformat(due)


def test_without_hours_the_clock_never_stops() -> None:
    """Day and night, in a zone or out of it."""
    start = datetime(2026, 3, 7, 12, tzinfo=NEW_YORK)
    assert due_at(start, timedelta(days=2), None, NEW_YORK) - start == timedelta(days=2)
    assert worked(start, start + timedelta(days=2), None, NEW_YORK) == timedelta(days=2)
    assert worked(start, start - MINUTE, None, NEW_YORK) == timedelta()


def test_no_deadline_is_further_than_ten_years() -> None:
    """However little of a day is open."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert due_at(start, timedelta(days=3_660), (0, 1), VIENNA) == start + SPAN_MAX
