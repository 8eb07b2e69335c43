"""Lints of grants: those that decide nothing, and those that nothing bounds."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import chain

from service.core.rulebook import Budget, Grant
from service.policyfile.lintproof import ask
from service.policyfile.lintquestion import Answer, limit_of, rivals_met
from service.policyfile.lintremark import Remarks, listed
from service.policyfile.lintremit import Remit
from service.policyfile.lintvalues import Case

_RIVALS_SHOWN_MAX = 3


def lint_grants(remarks: Remarks, *, passed_over: Iterable[str]) -> None:
    """`never_passes`, `shadowed_grant` and `unbounded_grant`.

    ``passed_over`` are grants of which it was said already that they never pass.
    """
    passed_over, apart = set(passed_over), dict[str, bool]()
    for grant in remarks.rulebook.grants:
        remit = Remit(rulebook=remarks.rulebook, grant=grant, apart=apart)
        if grant.id not in passed_over and _decides(remarks, remit):
            _check_bounds(remarks, remit)


def _decides(remarks: Remarks, remit: Remit) -> bool:
    """Whether the grant may decide anything; says so where it does not."""
    complete = remit.is_complete()
    found = ask(remit.against_all(), all_of_them=complete)
    place, name = remarks.rules[remit.grant.id].child("id"), remit.grant.id
    if found.answer is Answer.NO:
        alone = ask(remit.alone(), all_of_them=complete)
        if alone.answer is Answer.NO:
            _say_never_passes(remarks, remit)
            return False
        _say_shadowed(remarks, remit)
    elif found.answer is Answer.OPEN:
        message = f"whether `{name}` is ever the least sufficient grant"
        remarks.leave_open(place, "shadowed_grant", message)
    return found.answer is not Answer.NO


def _say_never_passes(remarks: Remarks, remit: Remit) -> None:
    book, grant = remarks.rulebook, remit.grant
    rules = {rule.id for name in remit.resolutions() for rule in book.prohibitions_for(name)}
    beside = f" beside {listed(sorted(rules))}" if rules else ""
    remarks.warn(
        remarks.rules[grant.id].child("id"),
        "never_passes",
        f"`{grant.id}` passes in no case{beside}.",
        "Mend what it says, or delete it.",
    )


def _say_shadowed(remarks: Remarks, remit: Remit) -> None:
    met: dict[str, Case] = next(filter(None, map(rivals_met, remit.against_all())), {})
    shown = list(met)[:_RIVALS_SHOWN_MAX]
    example = f", as for {remarks.in_words(met[shown[0]])}" if shown else ""
    untold = replace(remit, told=False)
    always = ask(untold.against_all(), all_of_them=untold.is_complete()).answer is Answer.NO
    unless = "" if always else ", if all facts are told that are not optional"
    first = f"{listed(shown, 'or')} passes first" if shown else "a rule before it decides"
    remarks.warn(
        remarks.rules[remit.grant.id].child("id"),
        "shadowed_grant",
        f"`{remit.grant.id}` is never the least sufficient grant{unless}: wherever it passes, "
        f"{first}{example}.",
        "Delete it, let it give more, or narrow what stands before it.",
    )


def _check_bounds(remarks: Remarks, remit: Remit) -> None:
    """Warn of what the grant gives without a budget that ever stops it."""
    unbounded: list[tuple[str, Case]] = []
    for resolution in remit.resolutions():
        budgets = _bounding(remit, resolution)
        if any(budget.when is None for budget in budgets):
            continue
        found = ask(remit.unbounded(resolution, budgets), all_of_them=remit.is_complete())
        if found.answer is Answer.YES or (found.answer is Answer.OPEN and not budgets):
            unbounded.append((resolution, found.case or {}))
        elif found.answer is Answer.OPEN:
            message = f"whether a budget always bounds what `{remit.grant.id}` gives"
            remarks.leave_open(remarks.rules[remit.grant.id], "unbounded_grant", message)
    if unbounded:
        _say_unbounded(remarks, remit.grant, unbounded)


def _bounding(remit: Remit, resolution: str) -> list[Budget]:
    """The budgets that bound money: a count does so only where each approval has a limit."""
    capped = limit_of(remit.grant) is not None
    budgets = remit.rulebook.budgets_for(remit.grant.role, resolution)
    return [budget for budget in budgets if capped or budget.limit_minor is not None]


def _say_unbounded(remarks: Remarks, grant: Grant, found: list[tuple[str, Case]]) -> None:
    names = [name for name, _ in found]
    owed = any(remarks.rulebook.resolutions[name].entitlement for name in names)
    conditional = any(
        budget.when is not None
        for budget in chain.from_iterable(
            remarks.rulebook.budgets_for(grant.role, name) for name in names
        )
    )
    where = f" ({remarks.in_words(found[0][1])})" if conditional and found[0][1] else ""
    advice = "Name it under `resolutions` of a budget" if owed else "Put a budget over it"
    remarks.warn(
        remarks.rules[grant.id].child("id"),
        "unbounded_grant",
        f"No budget bounds how much of {listed(names)} `{grant.id}` gives in all{where}.",
        f"{advice}, such as `{{limit: 2000, per: [site.id], every: month}}`.",
    )
