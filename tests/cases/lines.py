"""A proposal with who makes it and when: one line of what ``remit decide`` reads."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tests.cases.material import Row


def line(at: datetime, agent: str, role: str, request: Mapping[str, Any]) -> Row:
    """The line in which ``agent``, who holds ``role``, proposes at ``at`` (aware)."""
    return {
        "at": at.isoformat(),
        "agent": {"id": agent, "kind": "human", "roles": [role]},
        "request": dict(request),
    }


def reworded(proposal: Row, **changes: object) -> Row:
    """The same line with another amount, or anything else of the request changed."""
    return {**proposal, "request": {**proposal["request"], **changes}}


def as_money(amount: float) -> str:
    """What a row writes as a JSON number, with the two decimals that USD, EUR and GBP have."""
    return f"{amount:.2f}"
