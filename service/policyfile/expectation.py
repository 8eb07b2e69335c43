"""What a step of a suite expects of its decision, compared key by key."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from service.core.decision import Authority, Decision, Reading
from service.core.money import format_minor, parse_minor
from service.core.refusal import Refused
from service.core.rulebook import Rulebook
from service.policyfile.suitedocument import BalanceDocument, EntryDocument, ExpectDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A key of ``expect`` that is not as expected. ``None`` is null."""

    key: str
    expected: str | None
    got: str | None


def differences(
    rulebook: Rulebook, decision: Decision, expect: ExpectDocument
) -> tuple[Difference, ...]:
    """Every key that differs, in a fixed order. What ``expect`` does not name is not compared."""
    if expect.error is not None:
        return (_differs("error", expect.error, f"no refusal, but {decision.outcome}"),)
    entry = () if expect.entry is None else _compared_entry(rulebook, decision, expect.entry)
    return (*_compared(rulebook, decision, expect), *entry)


def refusal_differences(refused: Refused, expect: ExpectDocument) -> tuple[Difference, ...]:
    """What differs where the proposal was refused before it was decided."""
    codes = list(dict.fromkeys(fault.code for fault in refused.faults))
    if expect.error in codes:
        return ()
    got = f"refused: {', '.join(codes)}"
    if expect.error is not None:
        return (_differs("error", expect.error, got),)
    return (_differs("outcome", expect.outcome, got),)


def _compared(
    rulebook: Rulebook, decision: Decision, expect: ExpectDocument
) -> Iterator[Difference]:
    for key, field, found in _TEXTS:
        wanted, got = getattr(expect, field), found(decision)
        if field in expect.model_fields_set and wanted != got:
            yield _differs(key, wanted, got)
    yield from _compared_reasons(decision, expect)
    if expect.missing is not None and sorted(expect.missing) != sorted(decision.missing):
        yield _differs("missing", _listed(expect.missing), _listed(decision.missing))
    for key, field, amount in _AMOUNTS:
        if field in expect.model_fields_set:
            wanted, got = getattr(expect, field), _shown(rulebook, amount(decision))
            if _plain(rulebook, wanted) != got:
                yield _differs(key, _plain(rulebook, wanted), got)
    readings = {reading.budget: reading for reading in decision.readings}
    for budget, balance in expect.budgets.items():
        yield from _compared_balance(rulebook, budget, balance, readings)


def entry_of(rulebook: Rulebook, decision: Decision) -> Mapping[str, str | None]:
    """What the log's entry of a decision is found by, as suites write it."""
    first = decision.reasons[0]
    return {
        "kind": "decision",
        "outcome": decision.outcome.value,
        "rule": first.rule,
        "reason": first.code.value,
        "value": _shown(rulebook, decision.value_minor),
    }


def _compared_entry(
    rulebook: Rulebook, decision: Decision, expect: EntryDocument
) -> Iterator[Difference]:
    got = entry_of(rulebook, decision)
    for field in EntryDocument.model_fields:
        wanted = getattr(expect, field)
        if field == "value":
            wanted = _plain(rulebook, wanted)
        if field in expect.model_fields_set and wanted != got[field]:
            yield _differs(f"entry.{field}", wanted, got[field])


def _compared_reasons(decision: Decision, expect: ExpectDocument) -> Iterator[Difference]:
    """The first expected code must determine; the others must be among the reasons."""
    if not expect.reasons:
        return
    codes = list(dict.fromkeys(reason.code for reason in decision.reasons))
    if codes[:1] != expect.reasons[:1] or not set(codes).issuperset(expect.reasons):
        yield _differs("reasons", _listed(expect.reasons), _listed(codes))


def _compared_balance(
    rulebook: Rulebook, budget: str, balance: BalanceDocument, readings: Mapping[str, Reading]
) -> Iterator[Difference]:
    reading = readings.get(budget)
    for name in ("used", "remaining"):
        wanted = getattr(balance, name)
        if wanted is None:
            continue
        key = f"budgets.{budget}.{name}"
        if reading is None:
            yield _differs(key, wanted, "not read")
            continue
        used = reading.used_after
        quantity = used if name == "used" else max(0, reading.limit - used)
        got = str(quantity) if reading.counts else format_minor(quantity, rulebook.decimals)
        if (wanted if reading.counts else _plain(rulebook, wanted)) != got:
            yield _differs(key, wanted, got)


def _authority(decision: Decision) -> Authority | None:
    return decision.authority or decision.escalate_to


def _grant(decision: Decision) -> str | None:
    authority = _authority(decision)
    return None if authority is None else authority.grant


def _role(decision: Decision) -> str | None:
    authority = _authority(decision)
    return None if authority is None else authority.role


def _to(decision: Decision) -> str | None:
    return None if decision.escalate_to is None else decision.escalate_to.role


_TEXTS: Final[tuple[tuple[str, str, Callable[[Decision], str | None]], ...]] = (
    ("outcome", "outcome", lambda decision: decision.outcome),
    ("grant", "grant", _grant),
    ("role", "role", _role),
    ("to", "to", _to),
)
_AMOUNTS: Final[tuple[tuple[str, str, Callable[[Decision], int | None]], ...]] = (
    ("without_escalation_up_to", "cap", lambda it: it.without_escalation_up_to.amount_minor),
    ("counter_offer", "counter_offer", lambda it: it.counter_offer_minor),
)


def _plain(rulebook: Rulebook, amount: str | None) -> str | None:
    """An amount as decisions show it; `suitecheck` told already where it is none."""
    return None if amount is None else _shown(rulebook, parse_minor(amount, rulebook.decimals))


def _shown(rulebook: Rulebook, minor: int | None) -> str | None:
    return None if minor is None else format_minor(minor, rulebook.decimals)


def _listed(items: Sequence[str]) -> str:
    return ", ".join(items) or "nothing"


def _differs(key: str, expected: str | None, got: str | None) -> Difference:
    return Difference(key=key, expected=expected, got=got)
