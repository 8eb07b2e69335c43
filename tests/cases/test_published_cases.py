"""EU 261, Delay Repay 15, Ofcom's automatic compensation and the 2,000 dollars per guest.

Each boundary that a law or a published policy draws, through both doors. EU 261 is proposed in
euros to a set that is kept in dollars.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tests.cases.doors import Door, decide_stream, propose_over_http
from tests.cases.expectation import surprises, valued
from tests.cases.lines import as_money, reworded
from tests.cases.material import Row, read_rows
from tests.cases.published_rows import SETS, to_lines

ROWS = read_rows("published_policies.jsonl")

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CENT = Decimal("0.01")


@pytest.fixture(params=[decide_stream, propose_over_http])
def door(request: pytest.FixtureRequest) -> Door:
    """Either way in."""
    chosen: Door = request.param
    return chosen


def _of(policy: str) -> list[Row]:
    return [row for row in ROWS if row["policy"] == policy]


def _decide(door: Door, policy: str, rows: Sequence[Row]) -> list[Row]:
    """The decision on each row itself, after whatever came before it."""
    proposals = [to_lines(row, NOON) for row in rows]
    decisions = iter(door(SETS[policy], [line for lines in proposals for line in lines]))
    return [[next(decisions) for _ in lines][-1] for lines in proposals]


@pytest.mark.parametrize("policy", SETS)
def test_every_case_is_decided_as_expected(door: Door, policy: str) -> None:
    """Approved with that amount, denied or escalated, each as the row says, none incomplete."""
    rows = _of(policy)
    decisions = _decide(door, policy, rows)
    assert surprises(rows, decisions) == []


@pytest.mark.parametrize("policy", [policy for policy in SETS if policy != "ritz_carlton"])
@pytest.mark.parametrize("by", [CENT, -CENT], ids=["above", "below"])
def test_a_cent_beside_what_is_owed_is_refused(door: Door, policy: str, by: Decimal) -> None:
    """An entitlement is an exact sum, and the refusal offers it where there is one.

    A cent of the currency that is proposed: what it is worth is a cent of the set's too.
    """
    rows = _of(policy)
    lines = [to_lines(row, NOON)[0] for row in rows]
    beside = [reworded(line, amount=str(Decimal(line["request"]["amount"]) + by)) for line in lines]
    decisions = door(SETS[policy], beside)
    said = [(decision["outcome"], decision["counter_offer"]) for decision in decisions]
    assert said == [("denied", _offered(row)) for row in rows]


def _offered(row: Row) -> Row | None:
    expected = row["expected"]
    if expected["outcome"] == "deny":
        return None
    return valued(expected["amount"], expected["currency"])


def test_what_remains_for_a_guest_is_told(door: Door) -> None:
    """The two thousand dollars less what was spent on the guest are what passes unasked."""
    rows = _of("ritz_carlton")
    decisions = _decide(door, "ritz_carlton", rows)
    told = [decision["without_escalation_up_to"] for decision in decisions]
    assert told == [
        {"amount": as_money(row["expected"]["remaining"]), "currency": "USD"} for row in rows
    ]


def test_the_cases_are_all_there() -> None:
    """A file with fewer rows would make every other test here weaker without a word."""
    assert {policy: len(_of(policy)) for policy in SETS} == {
        "eu261": 34,
        "delay_repay15": 16,
        "ofcom_auto": 6,
        "ritz_carlton": 5,
    }
