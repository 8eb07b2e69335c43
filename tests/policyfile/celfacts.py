"""The facts that the tests of expressions share, and one environment over them."""

from datetime import UTC, datetime, timedelta

from service.core.expression import FactValue
from service.core.rulebook import Fact, FactType
from service.policyfile.cel import CelError, CelProblem, Environment

NOW = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)

FACTS = {
    fact.path: fact
    for fact in (
        Fact(path="guest.id", type=FactType.TEXT, personal=True, optional=True),
        Fact(path="guest.name", type=FactType.TEXT),
        Fact(
            path="guest.tier",
            type=FactType.CHOICE,
            choices=("member", "silver", "gold"),
            optional=True,
        ),
        Fact(path="guest.score", type=FactType.NUMBER),
        Fact(path="guest.tags", type=FactType.TEXTS),
        Fact(path="stay.nightly_rate", type=FactType.MONEY),
        Fact(path="stay.total", type=FactType.MONEY),
        Fact(path="stay.refund_due", type=FactType.MONEY, optional=True),
        Fact(path="stay.from", type=FactType.DATE),
        Fact(path="stay.paid_at", type=FactType.TIMESTAMP),
        Fact(path="incident.severity", type=FactType.INTEGER),
        Fact(path="incident.lasted", type=FactType.DURATION),
        Fact(path="vip", type=FactType.BOOLEAN),
    )
}

VALUES: dict[str, FactValue] = {
    "request.resolution": "goodwill_credit",
    "request.amount": 15000,
    "request.quantity": 2,
    "request.reason": "noise",
    "request.channel": "front_desk",
    "agent.id": "ana",
    "agent.kind": "human",
    "agent.roles": ["front_desk"],
    "site.id": "vienna",
    "site.timezone": "Europe/Vienna",
    "now": NOW,
    "guest.name": "Zoë 😀",
    "guest.tier": "gold",
    "guest.score": 12.5,
    "guest.tags": ["loud", "late"],
    "stay.nightly_rate": 32000,
    "stay.total": 96001,
    "stay.refund_due": 4000,
    "stay.from": datetime(2026, 2, 27, tzinfo=UTC),
    "stay.paid_at": NOW - timedelta(hours=3),
    "incident.severity": 3,
    "incident.lasted": timedelta(hours=2),
    "vip": True,
}


def environment(currency: str = "USD", decimals: int = 2) -> Environment:
    return Environment(facts=FACTS, currency=currency, decimals=decimals)


def holds(text: str, *absent: str) -> bool | None:
    """What a condition says of `VALUES` without the absent ones."""
    fresh = environment()
    condition = fresh.condition(text)
    return condition(fresh.bind(without(*absent)))


def gives(text: str) -> int | None:
    """What an amount comes to over `VALUES`."""
    fresh = environment()
    amount = fresh.amount(text)
    return amount(fresh.bind(VALUES))


def without(*names: str) -> dict[str, FactValue]:
    return {name: value for name, value in VALUES.items() if name not in names}


def problems(text: str) -> tuple[CelProblem, ...]:
    """What is wrong with a condition; nothing where it loads."""
    try:
        environment().condition(text)
    except CelError as error:
        return error.problems
    return ()


def spotted(text: str) -> list[tuple[str, str]]:
    """The problems of a condition as (code, the characters that each points at)."""
    return [
        (str(problem.code), text[problem.offset : problem.offset + problem.length])
        for problem in problems(text)
    ]
