"""A decision as JSON: what every door answers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from service.core.decision import Decision, Headroom, Outcome, Reading, Reason
from service.core.factvalue import rfc3339
from service.core.message import message
from service.core.money import format_minor
from service.core.rulebook import Rulebook

REASONS_MAX: Final = 64
"""How many reasons an answer and an entry list; the rest are counted."""


def answer_of(  # noqa: PLR0913 — what only the door knows, all by name
    rulebook: Rulebook,
    decision: Decision,
    at: datetime,
    *,
    id: str | None = None,  # noqa: A002 — the field's name
    state: str | None = None,
    escalation: Mapping[str, Any] | None = None,
    entry: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The answer's JSON. ``id`` and ``entry`` are null where nothing was recorded."""
    authority = decision.authority
    authority = decision.authority
    return {
        "id": id,
        "outcome": decision.outcome,
        "state": state,
        "value": _value(rulebook, decision),
        "authority": None if authority is None else {"role": authority[0], "grant": authority[1]},
        "reasons": [_reason(rulebook, reason) for reason in decision.reasons[:REASONS_MAX]],
        "missing": list(decision.missing),
        "budgets": [_budget(rulebook, reading) for reading in _shown(decision)],
        "without_escalation_up_to": headroom_json(rulebook, decision.without_escalation_up_to),
        "counter_offer": money_json(rulebook, decision.counter_offer_minor),
        "escalation": escalation,
        "policy": {
            "name": rulebook.name,
            "version": rulebook.version,
            "rules": rulebook.rules,
        },
        "entry": entry,
        "decided_at": rfc3339(at),
    }


def money_json(rulebook: Rulebook, minor: int | None) -> dict[str, Any] | None:
    """An amount with its currency; ``None`` for none."""
    if minor is None:
        return None
    return {"amount": format_minor(minor, rulebook.decimals), "currency": rulebook.currency}


def headroom_json(rulebook: Rulebook, headroom: Headroom) -> dict[str, Any] | None:
    """The most that passes unasked; ``None`` says that there is no cap."""
    money = money_json(rulebook, headroom.amount_minor)
    if money is not None and headroom.quantity is not None:
        money["quantity"] = headroom.quantity
    return money


def _value(rulebook: Rulebook, decision: Decision) -> dict[str, Any] | None:
    money = money_json(rulebook, decision.value_minor)
    if money is not None and decision.quantity is not None:
        money["quantity"] = decision.quantity
    return money


def _reason(rulebook: Rulebook, reason: Reason) -> dict[str, Any]:
    return {
        "code": reason.code,
        "rule": reason.rule,
        "message": message(reason, rulebook),
    }


def _shown(decision: Decision) -> list[Reading]:
    """What an approval charged; for other outcomes, what was read."""
    if decision.outcome is Outcome.APPROVED:
        return [reading for reading in decision.readings if reading.charged]
    return list(decision.readings)


def _budget(rulebook: Rulebook, reading: Reading) -> dict[str, Any]:
    budget, (_, per, starts_at), ends_at, counts, limit, charged, _, after, _, used = reading
    left = max(0, limit - used)
    decimals = None if counts else rulebook.decimals
    return {
        "budget": budget,
        "per": dict(zip(rulebook.budget_per[budget], per, strict=True)),
        "limit": limit if decimals is None else format_minor(limit, decimals),
        "charged": charged if decimals is None else format_minor(charged, decimals),
        "used": used if decimals is None else format_minor(used, decimals),
        "remaining": left if decimals is None else format_minor(left, decimals),
        "version": after.version,
        "from": None if starts_at is None else rfc3339(starts_at),
        "until": None if ends_at is None else rfc3339(ends_at),
    }
