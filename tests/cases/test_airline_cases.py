"""Airline refunds and certificates: 115 real cases through both doors.

``certain`` and ``rule_derived`` rows must come out as expected. An ``ambiguous`` row is one
where two published answers contradict each other, or the text of the policy; it is decided
too, and by the text.
"""

from collections.abc import Sequence
from datetime import datetime

import pytest

from tests.cases import airline_rows
from tests.cases.doors import Door, decide_stream, propose_over_http
from tests.cases.expectation import surprises
from tests.cases.material import Row, read_rows

ROWS = read_rows("airline_tau.jsonl")
CERTAIN = [row for row in ROWS if row["certainty"] == "certain"]
DERIVED = [row for row in ROWS if row["certainty"] == "rule_derived"]
AMBIGUOUS = [row for row in ROWS if row["certainty"] == "ambiguous"]

AS_OF = datetime.fromisoformat("2024-05-15T15:00:00-05:00")


@pytest.fixture(params=[decide_stream, propose_over_http])
def door(request: pytest.FixtureRequest) -> Door:
    """Either way in."""
    chosen: Door = request.param
    return chosen


def _decide(door: Door, rows: Sequence[Row]) -> list[Row]:
    return door(airline_rows.SET, [airline_rows.to_line(row, AS_OF) for row in rows])


@pytest.mark.parametrize("rows", [CERTAIN, DERIVED], ids=["certain", "rule_derived"])
def test_every_case_is_decided_as_expected(door: Door, rows: list[Row]) -> None:
    """Approved with that amount, denied or escalated, each as the row says, none incomplete."""
    decisions = _decide(door, rows)
    assert surprises(rows, decisions) == []


def test_all_cases_in_one_stream_disturb_one_another_nowhere(door: Door) -> None:
    """What one customer was given never changes the answer to another."""
    rows = CERTAIN + DERIVED
    decisions = _decide(door, rows)
    assert surprises(rows, decisions) == []


def test_what_the_text_leaves_open_is_never_given(door: Door) -> None:
    """Where published answers contradict the text, nothing is approved."""
    decisions = _decide(door, AMBIGUOUS)
    approved = [
        row["id"]
        for row, decision in zip(AMBIGUOUS, decisions, strict=True)
        if decision["outcome"] == "approved"
    ]
    assert approved == []


def test_the_cases_are_all_there() -> None:
    """A file with fewer rows would make every other test here weaker without a word."""
    assert [len(CERTAIN), len(DERIVED), len(AMBIGUOUS)] == [45, 60, 10]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_a_row_agrees_with_itself(row: Row) -> None:
    """The facts derived from a row say the same as what the row derived itself."""
    booking = airline_rows.to_line(row, AS_OF)["request"]["facts"]["booking"]
    hours = (AS_OF - datetime.fromisoformat(booking["created_at"])).total_seconds() / 3600
    flown = not {"landed", "flying"}.isdisjoint(booking["segment_statuses"])
    assert (round(hours, 1), flown) == (
        row["facts"]["hours_since_booking"],
        row["facts"]["any_segment_flown"],
    )
