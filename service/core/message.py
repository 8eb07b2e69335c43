"""Reasons in words. Wording may improve between releases; codes and parameters do not change."""

from collections.abc import Callable
from typing import Final

from service.core.decision import Code, Parameter, Reason
from service.core.money import format_minor
from service.core.rulebook import Rulebook


def message(reason: Reason, rulebook: Rulebook) -> str:
    """One sentence for the person who asked. Holds no personal fact."""
    return _SENTENCES[reason.code](reason, rulebook)


def _parameter(reason: Reason, name: str, absent: Parameter) -> Parameter:
    return next((value for key, value in reason.parameters if key == name), absent)


def _money(reason: Reason, name: str, book: Rulebook) -> str:
    minor = _parameter(reason, name, 0)
    amount = format_minor(minor if isinstance(minor, int) else 0, book.decimals)
    return f"{amount} {book.currency}"


def _missing(reason: Reason) -> str:
    missing = _parameter(reason, "missing", ())
    return ", ".join(missing) if isinstance(missing, tuple) else str(missing)


def _prohibited(reason: Reason, book: Rulebook) -> str:
    found = (rule for rule in book.prohibitions if rule.id == reason.rule)
    return next((rule.because for rule in found), f"{reason.rule} prohibits it.")


def _over_limit(reason: Reason, book: Rulebook) -> str:
    limit, value = _money(reason, "limit", book), _money(reason, "value", book)
    return f"{reason.rule} lets {reason.role} give up to {limit}; this is worth {value}."


def _not_exact(reason: Reason, book: Rulebook) -> str:
    owed, value = _money(reason, "exactly", book), _money(reason, "value", book)
    return f"{reason.rule} gives exactly what is owed, {owed}; this is {value}."


def _budget_exhausted(reason: Reason, book: Rulebook) -> str:
    remaining, limit = _money(reason, "remaining", book), _money(reason, "limit", book)
    return f"The budget {reason.rule} has {remaining} left of {limit}."


def _count_exhausted(reason: Reason, _: Rulebook) -> str:
    limit, used = _parameter(reason, "limit", 0), _parameter(reason, "used", 0)
    return f"{reason.rule} allows {limit}, and {used} are used."


_SENTENCES: Final[dict[Code, Callable[[Reason, Rulebook], str]]] = {
    Code.WITHIN_LIMITS: lambda r, _: f"{r.rule} lets {r.role} give this.",
    Code.OVER_LIMIT: _over_limit,
    Code.NOT_EXACT: _not_exact,
    Code.BUDGET_EXHAUSTED: _budget_exhausted,
    Code.COUNT_EXHAUSTED: _count_exhausted,
    Code.CONDITION_FALSE: lambda r, _: f"The condition of {r.rule} does not hold.",
    Code.MISSING_FACT: lambda r, _: (
        f"{r.rule or 'The policy'} cannot be decided without {_missing(r)}."
    ),
    Code.MISSING_EVIDENCE: lambda r, _: f"{r.rule} needs {_missing(r)}.",
    Code.NOT_GRANTED: lambda *_: "No role from here upwards may give this resolution.",
    Code.PROHIBITED: _prohibited,
    Code.WRONG_SITE: lambda r, _: f"{r.rule} does not hold at {_parameter(r, 'site', '')}.",
    Code.WRONG_KIND_OF_AGENT: lambda r, _: (
        f"{r.rule} is not for agents of kind {_parameter(r, 'kind', '')}."
    ),
    Code.RULE_ERROR: lambda r, _: f"{r.rule} could not be computed, so it gives nothing.",
    Code.BEYOND_EVERY_REMIT: lambda *_: "Nobody from here upwards may give this.",
}
