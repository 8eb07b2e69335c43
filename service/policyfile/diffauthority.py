"""Which role may now give how much more or less, for what, to whom and where."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from service.core.rulebook import Grant, Prohibition, Rulebook
from service.policyfile.diffchange import Authority, Change, Unsure
from service.policyfile.diffcomparison import Comparison
from service.policyfile.difflikeness import Likeness
from service.policyfile.diffrule import BOTH, Books, Met, case_of, rules_met

Rule = TypeVar("Rule", Grant, Prohibition)


def compare_authority(old: Rulebook, new: Rulebook, alike: Likeness | None = None) -> Authority:
    """What every role may give otherwise under ``new``.

    Only what a differing rule can touch is looked at. Exact over the finite cells that the
    conditions make; computed limits are compared as texts, and where those differ at samples,
    among them every boundary.
    """
    books = Books(old, new, alike=Likeness() if alike is None else alike)
    changes: list[Change] = []
    unsure: list[Unsure] = []
    known: dict[object, tuple[list[Change], list[Unsure]]] = {}
    for role, resolution in affected(books):
        met = rules_met(books, role, resolution)
        if all(rule.sides == BOTH for rule in met):
            continue
        # Roles further up often have the same rules and no others: then all is said already.
        same = (resolution, tuple((rule.ids, rule.sides) for rule in met))
        found = known.get(same)
        if found is None or any("agent.roles" in it.space.places for it in found[0]):
            found = known[same] = _compared(books, role, resolution, met)
        own = any(rule.is_own for rule in met if rule.sides != BOTH)
        changes.extend(replace(it, role=role, is_own=own) for it in found[0])
        unsure.extend(replace(it, role=role) for it in found[1])
    return Authority(tuple(changes), tuple(unsure))


def _compared(
    books: Books, role: str, resolution: str, met: Sequence[Met]
) -> tuple[list[Change], list[Unsure]]:
    comparison = Comparison(books, case_of(books, role, resolution, met))
    return comparison.changes(), comparison.unsure


def affected(books: Books) -> Iterator[tuple[str, str]]:
    """Every role and resolution that a difference between the sets can reach."""
    roles = list(dict.fromkeys((*_by_rank(books.new), *_by_rank(books.old))))
    resolutions = list(dict.fromkeys((*books.new.resolutions, *books.old.resolutions)))
    reached = None if _frames_differ(books) else _reached(books)
    for role in roles:
        for resolution in resolutions:
            if reached is None or (role, resolution) in reached:
                yield role, resolution


def _by_rank(book: Rulebook) -> list[str]:
    return sorted(book.roles, key=lambda role: book.roles[role].rank)


def _frames_differ(books: Books) -> bool:
    """Whether something differs that any rule may hang on: roles, sites, facts, resolutions."""
    return any(_frame(book) != _frame(books.old) for _, book in books.sides())


def _frame(book: Rulebook) -> tuple[object, ...]:
    return (
        book.currency,
        {role: it.reports_to for role, it in book.roles.items()},
        None if book.sites is None else frozenset(book.sites),
        book.facts,
        {it.id: (it.unit, _shown(it.worth), it.entitlement) for it in book.resolutions.values()},
    )


def _reached(books: Books) -> set[tuple[str, str]]:
    """What the grants and prohibitions reach that differ. The frames are the same."""
    found: set[tuple[str, str]] = set()
    for grant in _differing(books, books.old.grants, books.new.grants):
        holders = [role for role in books.new.roles if grant.role in _reach(books.new, role)]
        found |= {(role, it) for it in _resolutions(books.new, grant) for role in holders}
    for veto in _differing(books, books.old.prohibitions, books.new.prohibitions):
        concerned = veto.roles or frozenset(books.new.roles)
        found |= {(role, it) for it in veto.may_not for role in concerned}
    return found


def _differing(books: Books, old: Sequence[Rule], new: Sequence[Rule]) -> Iterator[Rule]:
    """Rules that one side lacks or has otherwise, by their names; cells are blind to those."""
    before, after = {it.id: it for it in old}, {it.id: it for it in new}
    for name in before.keys() | after.keys():
        one, other = before.get(name), after.get(name)
        if one is None or other is None or not books.alike(one, other):
            yield from (rule for rule in (one, other) if rule is not None)


def _reach(book: Rulebook, role: str) -> tuple[str, ...]:
    return book.ladder((role,)).reach


def _resolutions(book: Rulebook, grant: Grant) -> Iterable[str]:
    if grant.may is not None:
        return grant.may
    return (it.id for it in book.resolutions.values() if not it.entitlement)


def _shown(limit: object) -> object:
    return getattr(limit, "text", limit)
