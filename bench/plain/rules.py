"""The hotel's rules, written out: what each role may give, and what is never given."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

LADDER: Final = ("front_desk", "duty_manager", "general_manager")
HOTEL: Final = {"guest-stay": 2_000_00, "shift": 1_500_00, "house": 60_000_00, "repeat": 3}
"""What each budget takes, in cents; of gestures, how many within ninety days."""
ROOMY: Final = dict.fromkeys(HOTEL, 10**15)
"""For who measures: nobody is refused."""
UNIT_CENTS: Final = {"late_checkout": 2_500}
"""What one unit is worth, where that is fixed."""


class Guest(BaseModel):
    """Who is served."""

    id: str | None = None
    tier: Literal["member", "silver", "gold"] | None = None


class Stay(BaseModel):
    """What they booked."""

    id: str | None = None
    nightly_rate: Decimal | None = None
    total: Decimal | None = None


class Incident(BaseModel):
    """What went wrong."""

    severity: int | None = None


class Tonight(BaseModel):
    """How the house stands."""

    sold_out: bool | None = None


class Facts(BaseModel):
    """What the caller tells."""

    guest: Guest = Guest()
    stay: Stay = Stay()
    incident: Incident = Incident()
    tonight: Tonight = Tonight()


class Proposal(BaseModel):
    """What a caller sends."""

    model_config = ConfigDict(extra="forbid")

    site: Literal["new_york", "vienna"]
    resolution: Literal["goodwill_credit", "comp_night", "late_checkout", "spend_for_guest", "cash"]
    amount: Decimal | None = None
    quantity: int | None = None
    currency: Literal["USD"] = "USD"
    reason: str | None = None
    note: str | None = None
    channel: str | None = None
    facts: Facts = Facts()


class MissingFact(Exception):  # noqa: N818 — it names what a rule needs
    """A rule needs what nobody told."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What one role may give by itself."""

    id: str
    role: str
    up_to: Callable[[Facts], int]
    may: frozenset[str] | None = None
    when: Callable[[Facts], bool] = lambda _: True
    needs_note: bool = False


def cents(amount: Decimal | None, name: str) -> int:
    """An amount in cents. Raises `MissingFact`."""
    if amount is None:
        raise MissingFact(f"fact:{name}")
    return int((amount * 100).to_integral_value())


def is_grave(facts: Facts) -> bool:
    """A grave incident, or a guest who is worth it."""
    if facts.guest.tier == "gold" or (facts.incident.severity or 0) >= 3:
        return True
    if facts.incident.severity is None:
        raise MissingFact("fact:incident.severity")
    if facts.guest.tier is None:
        raise MissingFact("fact:guest.tier")
    return False


GRANTS: Final = (
    Grant(
        id="small-gesture",
        role="front_desk",
        may=frozenset({"goodwill_credit", "late_checkout"}),
        up_to=lambda _: 200_00,
    ),
    Grant(
        id="make-it-right",
        role="front_desk",
        may=frozenset({"goodwill_credit", "comp_night"}),
        up_to=lambda _: 500_00,
        when=is_grave,
        needs_note=True,
    ),
    Grant(
        id="two-thousand",
        role="front_desk",
        may=frozenset({"spend_for_guest"}),
        up_to=lambda _: 2_000_00,
        needs_note=True,
    ),
    Grant(
        id="recovery",
        role="duty_manager",
        up_to=lambda facts: cents(facts.stay.total, "stay.total"),
    ),
    Grant(id="last-word", role="general_manager", up_to=lambda _: 10_000_00),
)


def value_of(proposal: Proposal) -> int:
    """What a proposal is worth, in cents. Raises `MissingFact`, `ValueError`."""
    if proposal.resolution in {"comp_night", "late_checkout"}:
        if proposal.quantity is None or proposal.quantity < 1:
            raise ValueError("send a quantity of at least 1")
        rate = proposal.facts.stay.nightly_rate
        unit = UNIT_CENTS.get(proposal.resolution)
        return proposal.quantity * (cents(rate, "stay.nightly_rate") if unit is None else unit)
    if proposal.amount is None or proposal.amount <= 0:
        raise ValueError("send an amount of more than nothing")
    return cents(proposal.amount, "amount")


def is_prohibited(proposal: Proposal) -> bool:
    """What nobody gives."""
    sold_out = proposal.facts.tonight.sold_out
    return proposal.resolution == "cash" or (
        proposal.resolution == "late_checkout" and sold_out is True
    )
