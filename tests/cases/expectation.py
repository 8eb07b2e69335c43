"""What a row expects, held against what was decided."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal

from tests.cases.lines import as_money
from tests.cases.material import Row

OUTCOMES = {"approve": "approved", "deny": "denied", "escalate": "escalated"}
"""What the rows call an outcome, and what a decision calls it."""

RATES: Mapping[str, tuple[str, Decimal]] = {"EUR": ("USD", Decimal("1.08"))}
"""The currency in which a set values the currency of a row, and what one unit is worth."""


def valued(amount: float, currency: str) -> Row:
    """The sum as a decision states it: at the rate, rounded half to even to cents."""
    own, rate = RATES.get(currency, (currency, Decimal(1)))
    worth = (Decimal(as_money(amount)) * rate).quantize(Decimal("0.01"), ROUND_HALF_EVEN)
    return {"amount": str(worth), "currency": own}


def surprises(rows: Sequence[Row], decisions: Sequence[Row]) -> list[str]:
    """A sentence for each row that came out otherwise: another outcome, or another sum."""
    told = (_surprise(row, decision) for row, decision in zip(rows, decisions, strict=True))
    return [surprise for surprise in told if surprise is not None]


def _surprise(row: Row, decision: Row) -> str | None:
    expected = OUTCOMES[row["expected"]["outcome"]]
    if decision.get("outcome") != expected:
        return f"{row['id']}: {expected} expected, not {decision}"
    if expected != "approved":
        return None
    owed = valued(_owed(row["expected"]), _currency(row))
    given = decision["value"]
    return None if given == owed else f"{row['id']}: {owed} expected, not {given}"


def _owed(expected: Row) -> float:
    owed: float = expected["amount" if "amount" in expected else "requested"]
    return owed


def _currency(row: Row) -> str:
    """What is owed in where the row says so, else what is proposed in."""
    stated: Row = row["expected"] if "currency" in row["expected"] else row["proposal"]
    currency: str = stated["currency"]
    return currency
