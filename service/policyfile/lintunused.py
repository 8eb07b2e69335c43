"""Lints of what is declared and never used."""

from collections.abc import Iterator

from service.core.expression import Expression
from service.core.rulebook import Rulebook
from service.policyfile.lintremark import Remarks
from service.policyfile.lintspace import computed
from service.policyfile.lintvalues import knows_of


def lint_unused(remarks: Remarks) -> None:
    """`unused_fact` and `unused_resolution`."""
    book = remarks.rulebook
    used = _names(book)
    for path in book.facts:
        if path not in used:
            remarks.warn(
                remarks.draft.facts[path].place,
                "unused_fact",
                f"No rule reads `{path}`, and no budget is kept per it.",
                "Delete it, so that nobody has to tell it; or use it.",
                on_key=True,
            )
    for name in book.resolutions:
        granted = any(book.grants_for(role, name) for role in book.roles)
        if not granted and not book.prohibitions_for(name):
            remarks.warn(
                remarks.draft.resolutions[name].place,
                "unused_resolution",
                f"No rule names `{name}`, so nobody may give it and nobody is told why.",
                "Grant it, prohibit it with a reason, or delete it.",
                on_key=True,
            )


def _names(book: Rulebook) -> set[str]:
    """Every name that a rule reads, asks for, or keeps balances by."""
    used = {name for budget in book.budgets for name in budget.per} | {book.subject or ""}
    for expression in _expressions(book):
        used |= expression.mentions | knows_of(expression)
    return used


def _expressions(book: Rulebook) -> Iterator[Expression]:
    for grant in book.grants:
        yield from computed((grant.up_to, grant.exactly))
    yield from computed(resolution.worth for resolution in book.resolutions.values())
    conditions = [
        *(grant.when for grant in book.grants),
        *(budget.when for budget in book.budgets),
        *(rule.when for rule in book.prohibitions),
    ]
    yield from (condition for condition in conditions if condition is not None)
