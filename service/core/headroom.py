"""How much would pass without asking anybody, all else equal."""

from collections.abc import Iterator, Mapping
from typing import Final

from service.core.budget import Balance, BudgetKey
from service.core.charging import Accounts
from service.core.decision import Headroom
from service.core.money import MINOR_MAX
from service.core.rulebook import Grant
from service.core.rung import stands, try_grant
from service.core.situation import Absent, Broken, Situation
from service.core.veto import find_veto

_NO_AMOUNT: Final = (Absent, Broken)


def headroom(situation: Situation, reach: tuple[str, ...], accounts: Accounts) -> Headroom:
    """The largest value that a grant of ``reach`` would approve."""
    return _best(situation, reach, accounts)[1]


def best_grant(
    situation: Situation, reach: tuple[str, ...], balances: Mapping[BudgetKey, Balance]
) -> tuple[Grant | None, Headroom]:
    """The grant of ``reach`` that would approve the largest value, and that value."""
    return _best(situation, reach, Accounts(situation, balances))


def _best(
    situation: Situation, reach: tuple[str, ...], accounts: Accounts
) -> tuple[Grant | None, Headroom]:
    """Each grant's cap, cut to what its budgets leave (and to whole units), tried as the value.

    A grant without a cap and without a money budget is tried at the largest amount there
    is, or at the quantity that was asked for; if it passes there is no cap.
    """
    best: Grant | None = None
    most = Headroom(0, None if situation.quantity is None else 0)
    unit = _unit(situation)
    if (situation.quantity is not None and unit is None) or _vetoed(situation):
        return best, most
    for grant in _grants(situation, reach):
        cap = _cap(grant, situation)
        if isinstance(cap, _NO_AMOUNT):
            continue
        funds = accounts.funds(grant.role)
        if not funds.readable and not situation.value_read:
            continue
        offer = offer_of(cap, funds.money_left, unit)
        if _size(offer) > _size(most) and _passes(grant, cap, offer, situation, accounts):
            best, most = grant, offer
            if offer.amount_minor is None:
                break
    return best, most


def _vetoed(situation: Situation) -> bool:
    """Whether nothing passes at any value."""
    return find_veto(situation) is not None and not situation.value_read


def _grants(situation: Situation, reach: tuple[str, ...]) -> Iterator[Grant]:
    """The grants of the reach that give something, as far as that does not hang on the value."""
    resolution = situation.request.resolution
    for role in reach:
        for grant in situation.rulebook.grants_for(role, resolution):
            if stands(grant, situation) or situation.value_read:
                yield grant


def _unit(situation: Situation) -> int | None:
    """The worth of one unit; ``None`` for money, and where it cannot be computed."""
    if situation.quantity is None:
        return None
    worth = situation.rulebook.resolutions[situation.request.resolution].worth
    amount = None if worth is None else situation.amount(worth)
    return amount if isinstance(amount, int) else None


def _cap(grant: Grant, situation: Situation) -> int | Absent | Broken | None:
    limit = grant.exactly if grant.up_to is None else grant.up_to
    return None if limit is None else situation.amount(limit)


def offer_of(cap: int | None, left: int | None, unit: int | None) -> Headroom:
    """The cap cut to what the budgets leave and to whole units."""
    if left is not None and (cap is None or cap > left):
        cap = max(0, left)
    if unit is None:
        return Headroom(cap)
    if cap is None or unit == 0:
        return Headroom(None, None)
    return Headroom(cap // unit * unit, cap // unit)


def _size(offer: Headroom) -> int:
    amount = offer.amount_minor
    return MINOR_MAX if amount is None else amount


def _passes(
    grant: Grant, cap: int | None, offer: Headroom, situation: Situation, accounts: Accounts
) -> bool:
    """Whether the grant, which stands, gives what it offers; tried anew if rules read the value."""
    value = _size(offer)
    if offer.amount_minor is None and situation.quantity is not None:
        value = situation.value or 0
    if not situation.value_read:
        within = cap is None or (value <= cap if grant.exactly is None else value == cap != 0)
        return within and accounts.funds(grant.role).fits(value)
    quantity = situation.quantity if offer.quantity is None else offer.quantity
    at_offer = situation.valued(value, quantity)
    if find_veto(at_offer) is not None:
        return False
    return try_grant(grant, at_offer, accounts.at(at_offer)).passes
